"""Templates come to run, by Railway's own deploy or from single calls, whatever happens on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from railway_saas.emulator import Emulator, FaultKind
from railway_saas.emulator.environment_patches import Patches
from railway_saas.errors import ProvisioningError, RailwayInputError, TemplateError
from railway_saas.instances import AsyncStackDeployer, Stack, StackEvent
from railway_saas.templates import Template

OWN = Path(__file__).resolve().parent.parent.parent / "examples" / "templates"
APP = OWN / "app-with-postgres-and-redis.json"
ALL_OWN = sorted(OWN.glob("*.json"))


def filled(path: Path) -> Template:
    template = Template.parse(path.read_bytes())
    return template.fill({item.key: "owner@example.com" for item in template.inputs() if item.required})


def shape(stack: Stack) -> list[tuple[str, str | None, int]]:
    return [(service.name, service.source, len(service.hosts)) for service in stack.services]


def marketplace(folder: Path) -> Emulator:
    return Emulator(seed=7, templates=folder)


def code_of(path: Path) -> str:
    return path.stem.removeprefix("template-")


async def deploy_known(emulator: Emulator, path: Path, events: list[StackEvent] | None = None) -> Stack:
    async with emulator.async_client() as railway:
        published = await railway.templates.by_code(code_of(path))
        deployer = AsyncStackDeployer(railway, on_event=(events if events is not None else []).append)
        return await deployer.deploy(
            filled(path), project_name="acme", workspace_id=emulator.workspace_id, template_id=published.id
        )


async def deploy_unknown(emulator: Emulator, path: Path, events: list[StackEvent] | None = None) -> Stack:
    async with emulator.async_client() as railway:
        deployer = AsyncStackDeployer(railway, on_event=(events if events is not None else []).append)
        return await deployer.deploy(filled(path), project_name="acme", workspace_id=emulator.workspace_id)


async def test_a_listener_that_fails_keeps_nothing_from_happening(caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: StackEvent) -> None:
        raise ZeroDivisionError(event.message)

    emulator = Emulator(seed=7)
    async with emulator.async_client() as railway:
        deployer = AsyncStackDeployer(railway, on_event=fail)
        stack = await deployer.deploy(filled(APP), project_name="acme", workspace_id=emulator.workspace_id)
    assert stack.is_running
    assert "on_event failed" in caplog.text


@pytest.mark.parametrize("path", ALL_OWN, ids=code_of)
async def test_both_ways_give_the_same_running_services(path: Path) -> None:
    known = await deploy_known(marketplace(OWN), path)
    unknown = await deploy_unknown(marketplace(OWN), path)
    assert known.is_running
    assert shape(known) == shape(unknown)
    assert {service.key for service in known.services} == {service.key for service in unknown.services}


async def test_the_genuine_documents_run_both_ways(reference_data: Path) -> None:
    folder = reference_data / "railway" / "examples"
    for path in sorted(folder.glob("template-*.json")):
        known = await deploy_known(marketplace(folder), path)
        unknown = await deploy_unknown(marketplace(folder), path)
        assert known.is_running, path.name
        assert shape(known) == shape(unknown), path.name


async def test_a_stack_of_three_services_takes_at_most_twelve_requests() -> None:
    emulator = marketplace(OWN)
    await deploy_known(emulator, APP)
    assert emulator.requests.count <= 12 + 1  # and one to read the template


async def test_from_single_calls_it_takes_at_most_twelve_as_well() -> None:
    emulator = marketplace(OWN)
    await deploy_unknown(emulator, APP)
    assert emulator.requests.count <= 12


async def test_both_ways_resolve_the_same_variables() -> None:
    names = []
    for deploy in (deploy_known, deploy_unknown):
        emulator = marketplace(OWN)
        stack = await deploy(emulator, APP)
        async with emulator.async_client() as railway:
            app = next(service for service in stack.services if service.hosts)
            variables = await railway.variables.rendered(
                project_id=stack.project_id, environment_id=stack.environment_id, service_id=app.service_id
            )
        assert not [name for name, value in variables.items() if "${{" in value]
        names.append(sorted(variables))
    assert names[0] == names[1]


async def test_both_ways_leave_the_same_volumes_and_settings() -> None:
    left = []
    for deploy in (deploy_known, deploy_unknown):
        emulator = marketplace(OWN)
        stack = await deploy(emulator, APP)
        project = emulator.world.projects[stack.project_id]
        (environment,) = project.environments.values()
        volumes = {
            volume.volume.name: (
                volume.service and volume.service.name,
                volume.mount_path,
                volume.size_mb,
                volume.region,
                [schedule.kind for schedule in volume.schedules],
            )
            for volume in environment.volume_instances.values()
        }
        settings = {one.service.name: one.settings for one in environment.instances.values()}
        left.append((volumes, settings))
        assert len(project.volumes) == len(volumes)
        async with emulator.async_client() as railway:
            assert (await railway.environments.staged_changes(stack.environment_id)).is_empty
    assert left[0] == left[1]
    assert left[1][0]["postgres-volume"] == (
        "Postgres",
        "/var/lib/postgresql/data",
        5000,
        "us-west2",
        ["DAILY", "WEEKLY"],
    )


async def test_what_waits_in_the_environment_is_not_put_into_force_with_it() -> None:
    emulator = marketplace(OWN)

    def stage_something(event: StackEvent) -> None:
        if event.step != "services":
            return
        (project,) = emulator.world.projects.values()
        (environment,) = project.environments.values()
        left = {
            one.service.id: {"deploy": {"startCommand": "sleep 1"}} for one in environment.instances.values()
        }
        emulator.world.part(Patches).stage(environment, {"services": left}, merge=False)

    async with emulator.async_client() as railway:
        deployer = AsyncStackDeployer(railway, on_event=stage_something)
        stack = await deployer.deploy(filled(APP), project_name="acme", workspace_id=emulator.workspace_id)
    (environment,) = emulator.world.projects[stack.project_id].environments.values()
    commands = {one.settings.start_command for one in environment.instances.values()}
    assert "sleep 1" not in commands
    assert emulator.world.part(Patches).staged(environment).document == {}


async def test_settings_that_railway_cannot_apply_end_the_build_before_anything_starts() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.PATCH_REFUSED, message="Error in tcpProxies - Invalid input")
    with pytest.raises(
        ProvisioningError, match="could not apply the settings: Error in tcpProxies"
    ) as caught:
        await deploy_unknown(emulator, APP)
    assert (caught.value.step, caught.value.maybe_applied) == ("settings", False)
    assert caught.value.project_id in emulator.world.projects
    assert emulator.requests.operations["serviceInstanceDeployV2"] == 0


async def test_nothing_starts_before_railway_has_applied_the_settings() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.PATCH_APPLYING, seconds=30)
    events: list[StackEvent] = []
    assert (await deploy_unknown(emulator, APP, events)).is_running
    times = {event.step: event.elapsed_s for event in events if event.step in {"settings", "deploy"}}
    assert times["deploy"] >= times["settings"] >= 30


async def test_settings_that_railway_never_applies_are_an_error_once_time_is_up() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.PATCH_APPLYING, seconds=3600)
    async with emulator.async_client() as railway:
        with pytest.raises(ProvisioningError, match="has not applied the settings after 60 s") as caught:
            await AsyncStackDeployer(railway).deploy(
                filled(APP), project_name="acme", workspace_id=emulator.workspace_id, timeout_s=60
            )
    assert (caught.value.step, caught.value.maybe_applied) == ("settings", True)


async def test_every_step_is_told_with_the_count_of_running_services() -> None:
    events: list[StackEvent] = []
    await deploy_unknown(marketplace(OWN), APP, events)
    assert [event.step for event in events][:2] == ["project", "services"]
    assert events[-1].done == events[-1].total == 3
    assert [event.elapsed_s for event in events] == sorted(event.elapsed_s for event in events)


async def test_services_start_after_those_they_refer_to() -> None:
    events: list[StackEvent] = []
    await deploy_unknown(marketplace(OWN), APP, events)
    running = [event.service for event in events if event.status == "SUCCESS"]
    assert running[-1] == "App"


async def test_where_railway_refuses_the_template_it_is_built_from_single_calls() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.TEMPLATE_DEPLOY_REFUSED)
    events: list[StackEvent] = []
    stack = await deploy_known(emulator, APP, events)
    assert stack.is_running
    assert any("single calls" in event.message for event in events)


async def test_a_deploy_whose_answer_was_lost_is_found_and_not_repeated() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.GATEWAY_ERROR, operation="templateDeployV2", status=504, applied=True)
    stack = await deploy_known(emulator, APP)
    assert stack.is_running
    assert len(stack.services) == 3
    assert emulator.requests.operations["templateDeployV2"] == 1


async def test_a_deploy_that_never_arrived_is_an_error_that_names_the_project() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.DROP, operation="templateDeployV2", applied=False)
    with pytest.raises(ProvisioningError) as caught:
        await deploy_known(emulator, APP)
    assert caught.value.step == "template"
    assert caught.value.project_id
    assert caught.value.maybe_applied


@pytest.mark.parametrize(
    "kind", [FaultKind.WORKFLOW_ID_NULL, FaultKind.WORKFLOW_NOT_FOUND, FaultKind.PERMISSION_LAG]
)
async def test_lag_after_the_deploy_is_waited_out(kind: FaultKind) -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(kind)
    assert (await deploy_known(emulator, APP)).is_running


async def test_a_workflow_that_fails_is_an_error_with_its_text() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.WORKFLOW_ERROR, message="no capacity in this region")
    with pytest.raises(ProvisioningError, match="no capacity in this region"):
        await deploy_known(emulator, APP)


async def test_a_service_that_does_not_come_up_is_named_with_its_state() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.HEALTHCHECK_FAILS, service="App")
    with pytest.raises(ProvisioningError) as caught:
        await deploy_known(emulator, APP)
    assert caught.value.services == {"App": "FAILED"}
    assert caught.value.step == "status"


async def test_a_service_that_others_wait_for_ends_the_build_when_it_fails() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.NEVER_LEAVES_DEPLOYING, service="Redis")
    async with emulator.async_client() as railway:
        with pytest.raises(ProvisioningError) as caught:
            await AsyncStackDeployer(railway).deploy(
                filled(APP), project_name="acme", workspace_id=emulator.workspace_id, timeout_s=60
            )
    assert caught.value.services == {"App": None, "Redis": "DEPLOYING"}


async def test_waiting_ends_when_time_is_up() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.NEVER_LEAVES_DEPLOYING, service="App")
    async with emulator.async_client() as railway:
        with pytest.raises(ProvisioningError, match="not everything runs after"):
            await AsyncStackDeployer(railway).deploy(
                filled(APP), project_name="acme", workspace_id=emulator.workspace_id, timeout_s=60
            )


async def test_without_waiting_the_stack_comes_back_as_it_stands() -> None:
    emulator = marketplace(OWN)
    async with emulator.async_client() as railway:
        stack = await AsyncStackDeployer(railway).deploy(
            filled(APP), project_name="acme", workspace_id=emulator.workspace_id, wait=False
        )
        assert not stack.is_running
        assert len(stack.services) == 3
        later = await AsyncStackDeployer(railway).wait(stack.project_id, stack.environment_id)
    assert later.is_running


async def test_a_missing_input_is_refused_before_anything_is_sent() -> None:
    emulator = marketplace(OWN)
    async with emulator.async_client() as railway:
        with pytest.raises(TemplateError) as caught:
            await AsyncStackDeployer(railway).deploy(Template.parse(APP.read_bytes()), project_name="acme")
    assert "ADMIN_EMAIL" in str(caught.value)
    assert emulator.requests.count == 0


async def test_a_blank_template_id_is_refused_before_anything_is_sent() -> None:
    emulator = marketplace(OWN)
    async with emulator.async_client() as railway:
        with pytest.raises(RailwayInputError, match="template_id"):
            await AsyncStackDeployer(railway).deploy(filled(APP), template_id=" ")
    assert emulator.requests.count == 0


async def test_a_faulty_document_is_refused_with_every_fault_before_anything_is_sent() -> None:
    emulator = marketplace(OWN)
    template = Template.parse(
        {"services": {"a": {"name": "a"}, "b": {"name": "a", "source": {"image": "x:1"}}}}
    )
    async with emulator.async_client() as railway:
        with pytest.raises(TemplateError) as caught:
            await AsyncStackDeployer(railway).deploy(template)
    assert len(caught.value.problems) >= 2
    assert emulator.requests.count == 0


async def test_a_project_that_cannot_be_made_is_a_failed_first_step() -> None:
    emulator = marketplace(OWN)
    emulator.faults.add(FaultKind.GATEWAY_ERROR, operation="projectCreate", status=502, applied=False)
    with pytest.raises(ProvisioningError) as caught:
        await deploy_unknown(emulator, APP)
    assert caught.value.step == "project"
    assert caught.value.maybe_applied
    assert not isinstance(caught.value.__cause__, RailwayInputError)
