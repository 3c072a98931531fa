"""Deployments change as they were seen to on the live platform."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator
    from tests.emulator.conftest import House

VERB = "mutation($id: String!) {{ {0}(id: $id) }}"
EVENTS = """query($id: String!) { deploymentEvents(id: $id) {
              edges { node { step completedAt payload { error durationMs } } } } }"""


def verb(house: House, name: str, deployment_id: str) -> Any:
    return house.run(VERB.format(name), id=deployment_id)[name]


def refusal(house: House, name: str, deployment_id: str) -> str:
    return house.refused(VERB.format(name), id=deployment_id)


def latest(house: House, service_id: str, environment_id: str) -> dict[str, Any]:
    return house.run(
        """query($s: String!, $e: String!) { serviceInstance(serviceId: $s, environmentId: $e) {
             latestDeployment { id status } activeDeployments { id } nextCronRunAt } }""",
        s=service_id,
        e=environment_id,
    )["serviceInstance"]


def steps(house: House, deployment_id: str) -> list[str]:
    edges = house.run(EVENTS, id=deployment_id)["deploymentEvents"]["edges"]
    return [edge["node"]["step"] for edge in edges]


@pytest.mark.parametrize("trace_number", [0, 1])
def test_a_first_image_deploy_goes_through_the_recorded_states(
    house: House, recorded: dict[str, Any], trace_number: int
) -> None:
    project_id, environment_id = house.project()
    deployment_id = house.deploy(house.service(project_id), environment_id)
    begun = house.emulator.clock.now()
    *on_the_way, success = recorded["lifecycles"][trace_number]["states"]
    for state in on_the_way:
        house.emulator.clock.advance_to(begun + timedelta(milliseconds=state["afterMs"]))
        now = house.deployment(deployment_id)
        assert now["status"] == state["status"], state
        assert now["deploymentStopped"] == state["deploymentStopped"], state
        assert (now["statusUpdatedAt"] is None) == (state["statusUpdatedAt"] is None)
        assert [one["status"] for one in now["instances"]] == state["instances"]
    house.emulator.clock.advance_to(begun + timedelta(seconds=10))
    now = house.deployment(deployment_id)
    assert (now["status"], now["deploymentStopped"]) == (success["status"], success["deploymentStopped"])
    assert [one["status"] for one in now["instances"]] == success["instances"]


def test_success_comes_between_six_and_nine_seconds(house: House) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id)
    for _ in range(10):
        deployment_id = house.deploy(service_id, environment_id)
        house.emulator.clock.advance(6.2)
        assert house.status(deployment_id) == "DEPLOYING"
        house.emulator.clock.advance(2.8)
        assert house.status(deployment_id) == "SUCCESS"


def test_a_repository_is_built_first(house: House) -> None:
    project_id, environment_id = house.project()
    deployment_id = house.deploy(house.service(project_id, repo="acme/shop"), environment_id)
    house.emulator.clock.advance(1)
    assert house.status(deployment_id) == "BUILDING"
    house.emulator.clock.advance(70)
    assert house.status(deployment_id) == "SUCCESS"
    assert steps(house, deployment_id) == [
        "SNAPSHOT_CODE",
        "BUILD_IMAGE",
        "PUBLISH_IMAGE",
        "CREATE_CONTAINER",
        "CONFIGURE_NETWORK",
    ]


def test_a_healthcheck_and_a_pre_deploy_command_are_steps_of_their_own(house: House) -> None:
    _, _, deployment_id = house.running(healthcheckPath="/healthz", preDeployCommand=["migrate"])
    assert steps(house, deployment_id) == [
        "PRE_DEPLOY_COMMAND",
        "CREATE_CONTAINER",
        "HEALTHCHECK",
        "CONFIGURE_NETWORK",
    ]


def test_stop_leaves_the_status_alone_and_can_be_repeated(house: House) -> None:
    _, _, deployment_id = house.running()
    before = house.deployment(deployment_id)
    assert verb(house, "deploymentStop", deployment_id) is True
    assert house.deployment(deployment_id)["deploymentStopped"] is False
    house.emulator.clock.advance(3.4)
    now = house.deployment(deployment_id)
    assert (now["status"], now["deploymentStopped"]) == ("SUCCESS", True)
    assert now["statusUpdatedAt"] == before["statusUpdatedAt"]
    assert [one["status"] for one in now["instances"]] == ["EXITED"]
    assert verb(house, "deploymentStop", deployment_id) is True


def test_restart_keeps_deployment_and_instance_and_moves_status_updated_at(house: House) -> None:
    _, _, deployment_id = house.running()
    before = house.deployment(deployment_id)
    verb(house, "deploymentStop", deployment_id)
    house.emulator.clock.advance(10)
    assert verb(house, "deploymentRestart", deployment_id) is True
    house.emulator.clock.advance(0.341)
    now = house.deployment(deployment_id)
    assert (now["status"], now["deploymentStopped"]) == ("SUCCESS", False)
    assert now["instances"] == before["instances"]
    assert now["statusUpdatedAt"] > before["statusUpdatedAt"]


def test_a_second_deploy_replaces_the_first_within_2_to_15_seconds(house: House) -> None:
    service_id, environment_id, first = house.running()
    second = house.deploy(service_id, environment_id)
    while house.status(second) != "SUCCESS":
        assert house.status(first) == "SUCCESS"
        house.emulator.clock.advance(0.1)
    house.emulator.clock.advance(0.6)
    assert house.status(first) == "REMOVING"
    house.emulator.clock.advance(15)
    assert house.status(first) == "REMOVED"


def test_of_two_deploys_at_the_same_moment_the_later_one_stays(house: House) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id)
    first, second = (house.deploy(service_id, environment_id) for _ in range(2))
    listed = house.run(
        "query($s: String!) { deployments(input: {serviceId: $s}) { edges { node { id } } } }", s=service_id
    )
    assert [edge["node"]["id"] for edge in listed["deployments"]["edges"]] == [second, first]
    house.emulator.clock.advance(60)
    assert (house.status(first), house.status(second)) == ("REMOVED", "SUCCESS")


def test_overlap_and_draining_keep_the_old_one_longer(house: House) -> None:
    service_id, environment_id, first = house.running(overlapSeconds=60, drainingSeconds=30)
    second = house.deploy(service_id, environment_id)
    house.emulator.clock.advance(50)
    assert (house.status(second), house.status(first)) == ("SUCCESS", "SUCCESS")
    house.emulator.clock.advance(30)
    assert house.status(first) == "REMOVING"
    house.emulator.clock.advance(30)
    assert house.status(first) == "REMOVED"


def test_redeploy_makes_a_new_deployment_of_the_same_settings(house: House) -> None:
    service_id, environment_id, first = house.running()
    house.configure(service_id, environment_id, startCommand="changed")
    made = house.run("mutation($id: String!) { deploymentRedeploy(id: $id) { id status meta } }", id=first)
    new = made["deploymentRedeploy"]
    assert new["id"] != first
    assert new["status"] == "INITIALIZING"
    assert new["meta"]["reason"] == "redeploy"
    assert new["meta"]["serviceManifest"]["deploy"]["startCommand"] is None


def test_rollback_brings_the_old_settings_and_variables_back(house: House) -> None:
    service_id, environment_id, first = house.running(startCommand="one")
    house.configure(service_id, environment_id, startCommand="two")
    house.deploy(service_id, environment_id)
    house.emulator.clock.advance(30)
    assert house.deployment(first)["canRollback"] is True
    assert verb(house, "deploymentRollback", first) is True
    newest = latest(house, service_id, environment_id)["latestDeployment"]["id"]
    rolled = house.run("query($id: String!) { deployment(id: $id) { meta } }", id=newest)["deployment"][
        "meta"
    ]
    assert rolled["serviceManifest"]["deploy"]["startCommand"] == "one"
    assert rolled["reason"] == "rollback"


def test_rollback_needs_an_image_that_is_still_kept(house: House) -> None:
    service_id, environment_id, first = house.running()
    assert refusal(house, "deploymentRollback", first) == "Deployment is not rollbackable"
    house.deploy(service_id, environment_id)
    house.emulator.clock.advance(30)
    assert house.deployment(first)["canRollback"] is True
    house.emulator.clock.advance(121 * 3600)
    assert house.deployment(first)["canRollback"] is False


def test_cancel_aborts_a_build(house: House) -> None:
    project_id, environment_id = house.project()
    deployment_id = house.deploy(house.service(project_id, repo="acme/shop"), environment_id)
    house.emulator.clock.advance(5)
    assert verb(house, "deploymentCancel", deployment_id) is True
    house.emulator.clock.advance(120)
    assert house.status(deployment_id) == "REMOVED"
    assert refusal(house, "deploymentCancel", deployment_id) == "Deployment is not cancellable"


def test_remove_moves_to_history(house: House) -> None:
    _, _, deployment_id = house.running()
    assert verb(house, "deploymentRemove", deployment_id) is True
    house.emulator.clock.advance(0.6)
    assert house.status(deployment_id) == "REMOVING"
    house.emulator.clock.advance(15)
    assert house.status(deployment_id) == "REMOVED"
    assert verb(house, "deploymentRemove", deployment_id) is True


def test_a_sleeping_deployment_is_neither_stoppable_nor_restartable_and_wakes_on_a_request(
    house: House,
) -> None:
    _, _, deployment_id = house.running(sleepApplication=True)
    house.emulator.clock.advance(8.2 * 60)
    now = house.deployment(deployment_id)
    assert (now["status"], now["deploymentStopped"]) == ("SLEEPING", True)
    assert [one["status"] for one in now["instances"]] == ["RUNNING"]
    assert refusal(house, "deploymentStop", deployment_id) == "Deployment is not stoppable"
    assert refusal(house, "deploymentRestart", deployment_id) == "Deployment is not restartable"


def test_an_application_does_not_fall_asleep_before_six_minutes(house: House) -> None:
    _, _, deployment_id = house.running(sleepApplication=True)
    house.emulator.clock.advance(6 * 60)
    assert house.status(deployment_id) == "SUCCESS"


def test_a_crash_is_restarted_by_policy_and_then_final_until_restarted(house: House) -> None:
    house.emulator.faults.add("crash", seconds=5)
    _, _, deployment_id = house.running(restartPolicyMaxRetries=3)
    assert house.status(deployment_id) == "SUCCESS"
    house.emulator.clock.advance(60)
    now = house.deployment(deployment_id)
    assert (now["status"], now["deploymentStopped"]) == ("CRASHED", True)
    verb(house, "deploymentRestart", deployment_id)
    house.emulator.clock.advance(1)
    assert house.status(deployment_id) == "SUCCESS"


def test_a_crash_without_retries_is_final_at_once(house: House) -> None:
    house.emulator.faults.add("crash", seconds=1)
    _, _, deployment_id = house.running(restartPolicyType="NEVER")
    assert house.status(deployment_id) == "CRASHED"


def test_exit_code_0_leaves_success_and_stopped(house: House) -> None:
    house.emulator.faults.add("completes", seconds=1)
    _, _, deployment_id = house.running()
    now = house.deployment(deployment_id)
    assert (now["status"], now["deploymentStopped"]) == ("SUCCESS", True)


@pytest.mark.parametrize(
    ("kind", "settings", "wait_s"),
    [
        ("build_fails", {}, 60),
        ("pre_deploy_fails", {"preDeployCommand": ["x"]}, 60),
        ("healthcheck_fails", {"healthcheckPath": "/"}, 320),
    ],
)
def test_a_failed_deployment_leaves_the_previous_one_in_service(
    house: House, kind: str, settings: dict[str, Any], wait_s: float
) -> None:
    service_id, environment_id, first = house.running(**settings)
    house.emulator.faults.add(kind, service="web")
    second = house.deploy(service_id, environment_id)
    house.emulator.clock.advance(wait_s)
    assert house.status(second) == "FAILED"
    assert house.deployment(first)["status"] == "SUCCESS"
    assert house.deployment(first)["deploymentStopped"] is False
    assert house.deployment(second)["canRedeploy"] is True


def test_a_healthcheck_waits_for_its_own_timeout(house: House) -> None:
    house.emulator.faults.add("healthcheck_fails")
    _, _, deployment_id = house.running(healthcheckPath="/", healthcheckTimeout=60)
    house.emulator.clock.advance(40)
    assert house.status(deployment_id) == "DEPLOYING"
    house.emulator.clock.advance(10)
    assert house.status(deployment_id) == "FAILED"


def test_a_deployment_may_never_leave_deploying(house: House) -> None:
    house.emulator.faults.add("never_leaves_deploying")
    _, _, deployment_id = house.running()
    house.emulator.clock.advance(86400)
    assert house.status(deployment_id) == "DEPLOYING"


def test_needs_approval_waits_for_it(house: House) -> None:
    house.emulator.faults.add("needs_approval")
    _, _, deployment_id = house.running()
    assert house.status(deployment_id) == "NEEDS_APPROVAL"
    assert verb(house, "deploymentApprove", deployment_id) is True
    house.emulator.clock.advance(15)
    assert house.status(deployment_id) == "SUCCESS"
    assert refusal(house, "deploymentApprove", deployment_id) == "Deployment is not approvable"


def test_queued_goes_on_and_skipped_does_not(house: House) -> None:
    house.emulator.faults.add("queued", seconds=30)
    _, _, deployment_id = house.running()
    assert house.status(deployment_id) == "QUEUED"
    house.emulator.clock.advance(30)
    assert house.status(deployment_id) == "SUCCESS"
    house.emulator.faults.add("skipped", seconds=10)
    service_id = house.emulator.world.deployments[deployment_id].service_id
    environment_id = house.emulator.world.deployments[deployment_id].environment_id
    skipped = house.deploy(service_id, environment_id)
    house.emulator.clock.advance(2)
    assert house.status(skipped) == "WAITING"
    house.emulator.clock.advance(10)
    assert house.status(skipped) == "SKIPPED"


def test_a_cron_service_stays_success_and_its_runs_are_executions(house: House) -> None:
    service_id, environment_id, deployment_id = house.running(cronSchedule="*/5 * * * *")
    assert house.status(deployment_id) == "SUCCESS"
    assert latest(house, service_id, environment_id)["nextCronRunAt"] == "2026-11-02T09:05:00.000Z"
    house.emulator.clock.advance(16 * 60)
    runs = house.run(
        """query($input: DeploymentInstanceExecutionListInput!) { deploymentInstanceExecutions(input: $input) {
             edges { node { status createdAt completedAt deploymentId } } } }""",
        input={"serviceId": service_id, "environmentId": environment_id},
    )["deploymentInstanceExecutions"]["edges"]
    assert [edge["node"]["createdAt"] for edge in runs] == [
        "2026-11-02T09:15:00.000Z",
        "2026-11-02T09:10:00.000Z",
        "2026-11-02T09:05:00.000Z",
    ]
    assert {edge["node"]["status"] for edge in runs} == {"EXITED"}


def test_a_batch_deploy_waits_for_what_it_depends_on(emulator: Emulator, house: House) -> None:
    from railway_saas.emulator.lifecycle import deploy_service_instance

    project_id, environment_id = house.project()
    environment = emulator.world.environments[environment_id]
    database = environment.instances[house.service(project_id, "db", image="postgres:17")]
    web = environment.instances[house.service(project_id, "web")]
    first = deploy_service_instance(emulator.world, database)
    second = deploy_service_instance(emulator.world, web, wait_for=[first])
    emulator.clock.advance(6)
    assert (first.status, second.status) == ("DEPLOYING", "INITIALIZING")
    assert [event.step for event in second.events] == ["WAIT_FOR_DEPENDENCIES"]
    emulator.clock.advance(15)
    assert (first.status, second.status) == ("SUCCESS", "SUCCESS")


def test_deployments_are_listed_newest_first_and_filtered_by_status(house: House) -> None:
    service_id, environment_id, first = house.running()
    second = house.deploy(service_id, environment_id)
    document = """query($input: DeploymentListInput!) { deployments(input: $input, first: 10) {
                    edges { node { id status } } pageInfo { hasNextPage } } }"""

    def listed(**status: list[str]) -> list[str]:
        found = house.run(document, input={"serviceId": service_id, "status": status})
        return [edge["node"]["id"] for edge in found["deployments"]["edges"]]

    assert listed() == [second, first]
    assert listed(**{"in": ["SUCCESS"]}) == [first]
    assert listed(notIn=["SUCCESS"]) == [second]


def test_the_subscription_pushes_status_changes_and_nothing_else(house: House) -> None:
    service_id, environment_id, deployment_id = house.running()
    seen: list[Any] = []
    stop = house.emulator.subscribe(
        {
            "query": "subscription($id: String!) { deployment(id: $id) { status deploymentStopped } }",
            "variables": {"id": deployment_id},
        },
        {"authorization": f"Bearer {house.emulator.api_token}"},
        lambda payload: seen.append(payload["data"]["deployment"]["status"]),
    )
    assert stop is not None
    verb(house, "deploymentStop", deployment_id)
    house.emulator.clock.advance(10)
    assert seen == []
    house.deploy(service_id, environment_id)
    house.emulator.clock.advance(30)
    assert seen == ["REMOVING", "REMOVED"]
    stop()


def test_a_cron_service_can_be_run_by_hand_watched_and_stopped(house: House) -> None:
    service_id, environment_id, deployment_id = house.running(cronSchedule="0 3 * * *")
    instance = house.emulator.world.environments[environment_id].instances[service_id]
    seen: list[str] = []
    stop = house.emulator.subscribe(
        {
            "query": """subscription($id: String!) {
                deploymentInstanceExecutions(input: {deploymentId: $id}) { status deploymentId deploymentMeta } }""",
            "variables": {"id": deployment_id},
        },
        {"authorization": f"Bearer {house.emulator.api_token}"},
        lambda payload: seen.append(payload["data"]["deploymentInstanceExecutions"]["status"]),
    )
    assert stop is not None
    document = """mutation($id: String!) {
        deploymentInstanceExecutionCreate(input: {serviceInstanceId: $id}) }"""
    house.run(document, id=instance.id)
    assert house.deployment(deployment_id)["deploymentStopped"] is False
    verb(house, "deploymentStop", deployment_id)
    house.emulator.clock.advance(5)
    assert seen == ["RUNNING", "EXITED"]
    assert house.deployment(deployment_id)["deploymentStopped"] is True
    assert house.refused(document, id="unknown") == "Not Authorized"
    verb(house, "deploymentRemove", deployment_id)
    house.emulator.clock.advance(20)
    assert house.refused(document, id=instance.id) == "Problem processing request"


def test_a_volume_is_handed_over_and_given_back_when_the_new_one_fails(house: House) -> None:
    from railway_saas.emulator.world import Volume, VolumeInstance

    service_id, environment_id, first = house.running(healthcheckPath="/")
    world = house.emulator.world
    instance = world.environments[environment_id].instances[service_id]
    now = house.emulator.clock.now()
    volume = Volume("v", "data", instance.project, now)
    mounted = VolumeInstance("vi", volume, instance.environment, instance.service, "/data", 500, now)
    instance.environment.volume_instances["v"] = mounted
    house.emulator.faults.add("healthcheck_fails")
    second = house.deploy(service_id, environment_id)
    house.emulator.clock.advance(20)
    assert [one["status"] for one in house.deployment(first)["instances"]] == ["STOPPED"]
    house.emulator.clock.advance(300)
    assert house.status(second) == "FAILED"
    assert [one["status"] for one in house.deployment(first)["instances"]] == ["RUNNING"]
