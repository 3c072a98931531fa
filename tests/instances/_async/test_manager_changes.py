"""Changing what runs: variables, limits, domains, revisions, backups; and what happens when a change does not come up."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.instances import DomainState, ServiceLimits
from railway_saas.domain.plans import Limits, Plan, Plans
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.errors import (
    InstanceInputError,
    InstanceNotFoundError,
    InstanceStateError,
    LimitExceededError,
    NameTakenError,
    NeedsAttentionError,
    TemplateError,
)
from railway_saas.instances import inputs
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Callable

APP = "app-with-postgres-and-redis"
CACHE = "c0ffee00-0000-4000-8000-000000000001"
BOTH_WAYS = pytest.mark.parametrize("known", [True, False], ids=["by_template", "from_calls"])
LIMITS = ServiceLimits(vcpus=Decimal(2), memory_gb=Decimal(4))
SET = {"cpu": 2, "memoryBytes": 4_000_000_000}


async def services(stage: Any, instance: Any) -> dict[str, Any]:
    return stage.railway.services_of((await stage.get(instance.id)).observed.project_id)


async def deployed(stage: Any, instance: Any) -> dict[str, int]:
    """How many deployments each service has had."""
    return {name: len(one.deployments) for name, one in (await services(stage, instance)).items()}


async def value(stage: Any, instance: Any, service: str, name: str) -> str | None:
    """A variable as what runs has it."""
    found = (await services(stage, instance))[service].latest_deployment.variables.get(name)
    return found.value if found else None


async def nothing_written(stage: Any, kind: type[Exception], asking: Callable[[], Any]) -> Any:
    before, writes = stage.snapshot(), stage.railway.writes.copy()
    with pytest.raises(kind) as caught:
        await asking()
    assert type(caught.value) is kind
    assert stage.snapshot() == before
    assert stage.railway.writes == writes
    return caught.value


# Variables --------------------------------------------------------------------------------------------------------


@BOTH_WAYS
async def test_variables_reach_what_runs_and_deploy_only_what_they_concern(
    new_stage: Any, known: bool
) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_variables(instance.id, {"App": {"COLOUR": "blue", "SIZE": "9"}})
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    assert await value(stage, instance, "App", "COLOUR") == "blue"
    assert await deployed(stage, instance) == {"App": 2, "Postgres": 1, "Redis": 1}


async def test_a_worker_brings_them_as_fast_as_waiting_does(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    began = stage.clock.now()
    await manager.set_variables(instance.id, {"App": {"COLOUR": "blue"}})
    await stage.drive(manager)
    assert await value(stage, instance, "App", "COLOUR") == "blue"
    assert (stage.clock.now() - began).total_seconds() < 60


async def test_none_takes_a_variable_away(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_variables(instance.id, {"web": {"COLOUR": "blue", "SIZE": "9"}})
    await manager.wait(instance.id)
    await manager.set_variables(instance.id, {"web": {"COLOUR": None}})
    await manager.wait(instance.id)
    assert await value(stage, instance, "web", "COLOUR") is None
    assert await value(stage, instance, "web", "SIZE") == "9"


async def test_services_are_deployed_in_the_order_in_which_they_refer_to_each_other(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_variables(instance.id, {"App": {"A": "1"}, "Postgres": {"A": "1"}})
    await manager.wait(instance.id)
    found = await services(stage, instance)
    app, postgres = found["App"].latest_deployment, found["Postgres"].latest_deployment
    assert app.created_at >= postgres.succeeded_at


async def test_the_same_values_again_deploy_nothing(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    for _ in range(2):
        await manager.set_variables(instance.id, {"web": {"COLOUR": "blue"}})
        await manager.wait(instance.id)
    assert await deployed(stage, instance) == {"web": 2}


async def test_variables_that_are_set_while_it_is_built_come_with_it(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.accepted(manager)
    await manager.set_variables(instance.id, {"web": {"COLOUR": "blue"}})
    await manager.wait(instance.id)
    assert await value(stage, instance, "web", "COLOUR") == "blue"


async def test_variables_that_are_set_while_it_is_stopped_come_when_it_starts(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.stop(instance.id)
    await manager.wait(instance.id)
    await manager.set_variables(instance.id, {"web": {"COLOUR": "blue"}})
    await manager.wait(instance.id)
    assert (await stage.get(instance.id)).status is InstanceStatus.STOPPED
    await manager.start(instance.id)
    await manager.wait(instance.id)
    assert await value(stage, instance, "web", "COLOUR") == "blue"


async def test_a_change_that_does_not_come_up_leaves_the_deployment_before_in_service(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add("healthcheck_fails", service="web")
    await manager.set_variables(instance.id, {"web": {"COLOUR": "blue"}})
    after = await manager.wait(instance.id)
    assert after.status is InstanceStatus.RUNNING
    assert "web failed" in (after.observed.error or "")
    await manager.set_variables(instance.id, {"web": {"COLOUR": "red"}})
    assert (await manager.wait(instance.id)).observed.error is None
    assert await value(stage, instance, "web", "COLOUR") == "red"


async def test_a_failure_is_told_until_that_service_comes_up_whatever_else_does(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add("healthcheck_fails", service="App")
    await manager.redeploy(instance.id)
    after = await manager.wait(instance.id)
    assert await deployed(stage, instance) == {"App": 2, "Postgres": 2, "Redis": 2}
    assert "App failed" in (after.observed.error or "")
    await manager.set_variables(instance.id, {"Redis": {"A": "1"}})
    assert "App failed" in ((await manager.wait(instance.id)).observed.error or "")
    await manager.redeploy(instance.id, service="App")
    assert (await manager.wait(instance.id)).observed.error is None


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "empty"),
        ({"web": {}}, "empty"),
        ({"Mongo": {"A": "1"}}, "there is no service 'Mongo'; there are web"),
        ({"web": {"": "1"}}, "web"),
        ({"web": {"A=B": "1"}}, "equals sign"),
        ({"web": {"A": "\ud800"}}, "half of a character"),
        ({"web": {"A": "x" * 40_000}}, "40000 bytes"),
        ({"web": {"A": "\0"}}, "NUL"),
    ],
    ids=["nothing", "no names", "service", "blank name", "equals sign", "half", "too long", "NUL"],
)
async def test_variables_that_cannot_be_used_are_refused(
    new_stage: Any, variables: dict[str, dict[str, str]], told: str
) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.accepted(manager)
    error = await nothing_written(
        stage, InstanceInputError, partial(manager.set_variables, instance.id, variables)
    )
    assert error.argument == "variables"
    assert told in str(error)
    assert "x" * 100 not in str(error)


@BOTH_WAYS
async def test_as_much_as_is_accepted_reaches_what_runs(new_stage: Any, known: bool) -> None:
    stage = new_stage(known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_variables(instance.id, {"web": {f"V{n}": "\u2603" * 10_000 for n in range(34)}})
    assert (await manager.wait(instance.id)).observed.error is None
    assert await value(stage, instance, "web", "V33") == "\u2603" * 10_000


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({f"V{n}": "x" * 32_000 for n in range(400)}, "bytes long together; at most 1048576 are accepted"),
        ({f"V{n}": "\1" * 6_000 for n in range(30)}, "bytes long together; at most 1048576 are accepted"),
        ({f"V{n}": "x" for n in range(1001)}, "1001 would be set by now; at most 1000 are accepted"),
        ({f"V{n}": None for n in range(1001)}, "1001 would be set by now; at most 1000 are accepted"),
    ],
    ids=["long", "long once escaped", "many", "many taken away"],
)
async def test_variables_that_no_request_could_take_are_refused(
    new_stage: Any, values: dict[str, str | None], told: str
) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.accepted(manager)
    error = await nothing_written(
        stage, InstanceInputError, partial(manager.set_variables, instance.id, {"web": values})
    )
    assert error.argument == "variables"
    assert told in str(error)


async def test_variables_add_up_with_what_was_set_before_and_may_always_get_shorter(
    new_stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.accepted(manager)
    half = {f"V{n}": "x" * 32_000 for n in range(20)}
    await manager.set_variables(instance.id, {"web": half})
    more = {f"W{n}": text for n, text in enumerate(half.values())}
    await nothing_written(
        stage, InstanceInputError, partial(manager.set_variables, instance.id, {"web": more})
    )
    monkeypatch.setattr(inputs, "MAX_VARIABLES_BYTES", 100_000)  # as if there had been another limit before
    await manager.set_variables(instance.id, {"web": {"V1": None}})
    await manager.set_variables(instance.id, {"web": dict.fromkeys(half, "")})
    await nothing_written(
        stage, InstanceInputError, partial(manager.set_variables, instance.id, {"web": half})
    )


# Limits -----------------------------------------------------------------------------------------------------------


@BOTH_WAYS
async def test_limits_hold_for_every_service_once_it_is_deployed_anew(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_limits(instance.id, LIMITS)
    await manager.wait(instance.id)
    for one in (await services(stage, instance)).values():
        assert one.latest_deployment.settings.limit_override == {"containers": SET}
    await manager.set_limits(instance.id, ServiceLimits())
    after = await manager.wait(instance.id)
    assert after.resources.vcpus == 0
    for one in (await services(stage, instance)).values():
        assert one.latest_deployment.settings.limit_override is None


@BOTH_WAYS
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_limits_that_change_while_it_is_built_hold_in_the_end(
    new_stage: Any, known: bool, turns: int
) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.accepted(manager)
    for _ in range(turns):
        await manager.run_due()
        stage.clock.advance(5)
    await manager.set_limits(instance.id, LIMITS)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).status is InstanceStatus.RUNNING
    for one in (await services(stage, instance)).values():
        assert one.latest_deployment.settings.limit_override == {"containers": SET}


async def test_limits_are_counted_against_the_plan_as_a_difference(new_stage: Any) -> None:
    plans = Plans([Plan(name="only", limits=Limits(vcpus=Decimal(4)))])
    stage = new_stage(manager={"plans": plans})
    manager = stage.manager()
    instance = await stage.accepted(manager, limits=ServiceLimits(vcpus=Decimal(3)))
    assert (await manager.set_limits(instance.id, ServiceLimits(vcpus=Decimal(4)))).resources.vcpus == 4
    error = await nothing_written(
        stage,
        LimitExceededError,
        partial(manager.set_limits, instance.id, ServiceLimits(vcpus=Decimal("4.5"))),
    )
    assert (error.limit, Decimal(error.used), Decimal(error.wanted)) == ("vcpus", 4, Decimal("0.5"))
    assert (await manager.set_limits(instance.id, ServiceLimits(vcpus=Decimal(1)))).resources.vcpus == 1


@pytest.mark.parametrize("owner", [True, False], ids=["owner", "operator"])
async def test_nobody_gets_rid_of_a_limit_by_not_naming_it(new_stage: Any, owner: bool) -> None:
    plans = Plans([Plan(name="only", limits=Limits(vcpus=Decimal(3)))])
    stage = new_stage(manager={"plans": plans})
    manager = stage.manager()
    instance = await stage.accepted(manager, limits=ServiceLimits(vcpus=Decimal(3)))
    who = {"user_id": instance.user_id} if owner else {}
    for limits in (ServiceLimits(), ServiceLimits(memory_gb=Decimal(1))):
        error = await nothing_written(
            stage, LimitExceededError, partial(manager.set_limits, instance.id, limits, **who)
        )
        assert (error.limit, error.wanted) == ("vcpus", "unlimited")
    assert (await manager.slots_of(instance.user_id)).resources.vcpus == 3


async def test_limits_that_are_left_open_go_back_to_those_of_the_template(new_stage: Any) -> None:
    stage = new_stage(manager={"plans": Plans([Plan(name="only", limits=Limits(vcpus=Decimal(3)))])})
    manager = stage.manager()
    template = await stage.published(manager, resources=ServiceLimits(vcpus=Decimal(2)))
    instance = await stage.accepted(
        manager, template_id=template.id, limits=ServiceLimits(vcpus=Decimal(1), memory_gb=Decimal(1))
    )
    changed = await manager.set_limits(instance.id, ServiceLimits())
    assert changed.desired.config.limits == ServiceLimits(vcpus=Decimal(2))
    assert changed.resources.vcpus == 2


async def test_what_ran_without_limits_before_the_plan_runs_on_and_gets_no_more_services(
    new_stage: Any,
) -> None:
    stage = new_stage()
    instance = await stage.running()
    manager = stage.manager(plans=Plans([Plan(name="only", limits=Limits(vcpus=Decimal(3)))]))
    await manager.set_limits(instance.id, ServiceLimits(memory_gb=Decimal(1)))
    await manager.wait(instance.id)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2"))
    await manager.upgrade(instance.id)
    await manager.wait(instance.id)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="3", cache=True))
    error = await nothing_written(stage, LimitExceededError, partial(manager.upgrade, instance.id))
    assert (error.limit, error.wanted) == ("vcpus", "unlimited")
    await manager.set_limits(instance.id, ServiceLimits(vcpus=Decimal(1)))
    await manager.wait(instance.id)
    assert (await manager.upgrade(instance.id)).resources.vcpus == 2


# Custom domains ---------------------------------------------------------------------------------------------------


@BOTH_WAYS
async def test_a_custom_domain_is_attached_tells_its_records_and_is_verified(
    new_stage: Any, known: bool
) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    row = await manager.attach_domain(instance.id, "App.Example.com.", target_port=3000)
    assert (row.domain, row.service, row.state) == ("app.example.com", "App", DomainState.ATTACHING)
    await manager.wait(instance.id)
    (attached,) = await manager.domains(instance.id)
    assert attached.state is DomainState.ATTACHED
    assert [record.record_type for record in attached.dns_records][:1] == ["CNAME"]
    assert not attached.verified
    assert (await stage.get(instance.id)).observed.domain == instance.observed.domain  # it leads nowhere yet
    stage.railway.dns.propagate("app.example.com")
    stage.clock.advance(60)
    await stage.drive(manager)
    stage.clock.advance(900)
    await stage.drive(manager)
    (verified,) = await manager.domains(instance.id)
    assert verified.verified
    assert (await stage.get(instance.id)).observed.domain == "app.example.com"


async def test_a_removed_domain_is_free_for_somebody_else(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    first = await stage.running(manager)
    second = await stage.running(manager, template_id=first.template_id, name="second")
    await manager.attach_domain(first.id, "app.example.com")
    await manager.wait(first.id)
    await manager.remove_domain(first.id, "app.example.com")
    await manager.wait(first.id)
    assert list(await manager.domains(first.id)) == []
    await manager.attach_domain(second.id, "app.example.com")
    await manager.wait(second.id)
    (attached,) = await manager.domains(second.id)
    assert attached.state is DomainState.ATTACHED


async def test_a_domain_that_is_being_removed_is_told_as_such_to_its_owner_only(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    first = await stage.running(manager)
    second = await stage.running(manager, template_id=first.template_id, name="second")
    await manager.attach_domain(first.id, "app.example.com")
    await manager.wait(first.id)
    await manager.remove_domain(first.id, "app.example.com")
    for instance, state in ((first, "is being removed; ask again once it is gone"), (second, "is in use")):
        error = await nothing_written(
            stage, NameTakenError, partial(manager.attach_domain, instance.id, "app.example.com")
        )
        assert str(error) == f"domain='app.example.com': {state}"


async def test_a_domain_that_railway_refuses_says_why_and_can_be_asked_for_again(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add(
        "graphql_error", "customDomainCreate", message="app.example.com is not a valid domain"
    )
    await manager.attach_domain(instance.id, "app.example.com")
    after = await manager.wait(instance.id)
    (refused,) = await manager.domains(instance.id)
    assert (refused.state, after.observed.error) == (DomainState.REFUSED, None)
    assert "not a valid domain" in (refused.error or "")
    await manager.attach_domain(instance.id, "app.example.com")
    await manager.wait(instance.id)
    (attached,) = await manager.domains(instance.id)
    assert attached.state is DomainState.ATTACHED


async def test_domains_of_a_deleted_instance_are_free(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    first = await stage.running(manager)
    await manager.attach_domain(first.id, "app.example.com")
    await manager.wait(first.id)
    await manager.delete(first.id)
    await manager.wait(first.id)
    second = await stage.running(manager, template_id=first.template_id, name="second")
    assert (await manager.attach_domain(second.id, "app.example.com")).instance_id == second.id


@pytest.mark.parametrize(
    ("options", "argument", "told"),
    [
        ({"domain": ""}, "domain", "must be a host name"),
        ({"domain": "localhost"}, "domain", "must be a host name"),
        ({"domain": "http://a.example.com"}, "domain", "must be a host name"),
        ({"domain": "x.up.railway.app"}, "domain", "one of Railway's own"),
        ({"domain": "a.example.com", "target_port": 0}, "target_port", "from 1 to 65535"),
        ({"domain": "a.example.com", "target_port": 65_536}, "target_port", "from 1 to 65535"),
        ({"domain": "a.example.com", "service": "Mongo"}, "service", "there are web"),
    ],
)
async def test_domains_that_cannot_be_used_are_refused(
    new_stage: Any, options: dict[str, Any], argument: str, told: str
) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.accepted(manager)
    error = await nothing_written(
        stage, InstanceInputError, partial(manager.attach_domain, instance.id, **options)
    )
    assert error.argument == argument
    assert told in str(error)


async def test_a_domain_is_used_once(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    first = await stage.accepted(manager)
    second = await stage.accepted(manager, template_id=first.template_id, name="second")
    await manager.attach_domain(first.id, "app.example.com")
    for instance in (first, second):
        error = await nothing_written(
            stage, NameTakenError, partial(manager.attach_domain, instance.id, "APP.example.com")
        )
        assert error.argument == "domain"


async def test_domains_are_counted_against_the_plan(new_stage: Any) -> None:
    plans = Plans(
        [Plan(name="small", limits=Limits(domains=1)), Plan(name="large", limits=Limits(domains=9))]
    )
    stage = new_stage(manager={"plans": plans})
    manager = stage.manager()
    instance = await stage.accepted(manager)
    await manager.attach_domain(instance.id, "a.example.com")
    error = await nothing_written(
        stage, LimitExceededError, partial(manager.attach_domain, instance.id, "b.example.com")
    )
    found = (error.limit, error.used, error.wanted, error.allowed, error.next_plan_allows)
    assert found == ("domains", "1", "1", "1", "9")


async def test_only_its_own_domains_can_be_removed(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    first = await stage.accepted(manager)
    second = await stage.accepted(manager, template_id=first.template_id, name="second")
    await manager.attach_domain(first.id, "app.example.com")
    for domain in ("app.example.com", "other.example.com"):
        await nothing_written(stage, InstanceNotFoundError, partial(manager.remove_domain, second.id, domain))


# Revisions --------------------------------------------------------------------------------------------------------


def changed(document: Template, *, tag: str, cache: bool = False, without: str = "", **app: Any) -> Template:
    """The document with another image of its first service, and perhaps a service more or less."""
    raw = deepcopy(document.serialize())
    first = next(iter(raw["services"].values()))
    first["source"]["image"] = f"ghcr.io/acme/app:{tag}"
    first["variables"].update({name: {"defaultValue": text} for name, text in app.items()})
    if cache:
        raw["services"][CACHE] = {
            "name": "Cache",
            "source": {"image": "valkey/valkey:8"},
            "deploy": {"startCommand": "valkey-server"},
            "variables": {"PASSWORD": {"defaultValue": "${{secret(16)}}"}},
            "networking": {"serviceDomains": {"<hasDomain>:6379": {"port": 6379}}},
            "volumeMounts": {CACHE: {"mountPath": "/data", "sizeMB": 2000, "backupSchedules": ["DAILY"]}},
        }
    raw["services"] = {key: one for key, one in raw["services"].items() if one["name"] != without}
    return Template.parse(raw)


@BOTH_WAYS
async def test_an_upgrade_changes_what_differs_and_deploys_only_that(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    secret = await value(stage, instance, "App", "APP_SECRET")
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", EDITION="two"))
    preview = await manager.preview_upgrade(instance.id)
    assert (preview.deploys, preview.removes) == (("App",), ())
    assert preview.staged_changes == 1
    await manager.upgrade(instance.id)
    after = await manager.wait(instance.id)
    assert after.status is InstanceStatus.RUNNING
    app = (await services(stage, instance))["App"].latest_deployment
    assert app.settings.image == "ghcr.io/acme/app:2"
    assert await value(stage, instance, "App", "EDITION") == "two"
    assert await value(stage, instance, "App", "APP_SECRET") == secret
    assert await deployed(stage, instance) == {"App": 2, "Postgres": 1, "Redis": 1}
    assert after.observed.applied is not None
    assert after.observed.applied.revision_id == after.desired.revision_id


@BOTH_WAYS
async def test_an_upgrade_brings_new_services_with_everything_they_need(new_stage: Any, known: bool) -> None:
    stage = new_stage(known=known)
    manager = stage.manager()
    instance = await stage.running(manager, limits=LIMITS)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", cache=True))
    await manager.upgrade(instance.id)
    after = await manager.wait(instance.id)
    assert (after.status, after.resources.services) == (InstanceStatus.RUNNING, 2)
    cache = (await services(stage, instance))["Cache"]
    assert cache.latest_deployment.status == "SUCCESS"
    assert cache.latest_deployment.settings.start_command == "valkey-server"
    assert cache.latest_deployment.settings.limit_override == {"containers": SET}
    assert len((await value(stage, instance, "Cache", "PASSWORD")) or "") == 16
    assert [domain.target_port for domain in cache.service_domains] == [6379]
    [volume] = cache.volume_instances
    assert (volume.mount_path, volume.size_mb) == ("/data", 2000)
    assert [schedule.kind for schedule in volume.schedules] == ["DAILY"]


async def test_a_service_that_the_revision_has_not_is_deleted_once_it_runs(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, without_redis(stage.document))
    error = await nothing_written(stage, InstanceInputError, partial(manager.upgrade, instance.id))
    assert (error.argument, "Redis" in str(error)) == ("allow_removals", True)
    assert (await manager.preview_upgrade(instance.id)).removes == ("Redis",)
    await manager.upgrade(instance.id, allow_removals=True)
    after = await manager.wait(instance.id)
    assert set(await services(stage, instance)) == {"App", "Postgres"}
    assert after.resources.services == 2
    assert await volumes(stage, instance) == [("Postgres", "/var/lib/postgresql/data")]


async def test_a_removal_that_fails_removes_nothing(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, without_redis(stage.document))
    stage.railway.faults.add("healthcheck_fails", service="App")
    await manager.upgrade(instance.id, allow_removals=True)
    assert "rolled back" in ((await manager.wait(instance.id)).observed.error or "")
    assert set(await services(stage, instance)) == {"App", "Postgres", "Redis"}
    assert await volumes(stage, instance) == DATA


def without_redis(document: Template) -> Template:
    """The application without its cache."""
    raw = deepcopy(changed(document, tag="2", without="Redis").serialize())
    del next(iter(raw["services"].values()))["variables"]["REDIS_URL"]
    return Template.parse(raw)


@BOTH_WAYS
async def test_an_upgrade_that_does_not_come_up_is_rolled_back(new_stage: Any, known: bool) -> None:
    stage = new_stage(known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    image = (await services(stage, instance))["web"].settings.image
    await manager.publish_revision(
        instance.template_id, changed(stage.document, tag="2", cache=True, EDITION="two")
    )
    stage.railway.faults.add("healthcheck_fails", service="web")
    await manager.upgrade(instance.id)
    after = await manager.wait(instance.id)
    assert after.status is InstanceStatus.RUNNING
    assert "the upgrade was rolled back: web failed" in (after.observed.error or "")
    assert after.desired.revision_id == instance.desired.revision_id
    assert after.resources == instance.resources
    found = await services(stage, instance)
    assert set(found) == {"web"}
    assert found["web"].latest_deployment.settings.image == image
    assert await value(stage, instance, "web", "EDITION") is None
    assert await volumes(stage, instance) == []


async def volumes(stage: Any, instance: Any) -> list[tuple[str | None, str]]:
    """Where volumes are mounted; those that are being deleted do not count."""
    project = stage.railway.world.projects[(await stage.get(instance.id)).observed.project_id]
    (environment,) = project.environments.values()
    living = [one for one in environment.volume_instances.values() if one.deleted_at is None]
    bare = [one for one in project.volumes.values() if one.id not in environment.volume_instances]
    mounted = [(one.service.name if one.service else None, one.mount_path) for one in living]
    return sorted(mounted, key=str) + [(None, one.name) for one in bare]


DATA = [("Postgres", "/var/lib/postgresql/data"), ("Redis", "/data")]


@BOTH_WAYS
async def test_volumes_that_held_data_before_outlive_an_upgrade_that_fails(
    new_stage: Any, known: bool
) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", cache=True))
    stage.railway.faults.add("healthcheck_fails", service="App")
    await manager.upgrade(instance.id)
    assert "rolled back" in ((await manager.wait(instance.id)).observed.error or "")
    assert await volumes(stage, instance) == DATA
    assert stage.sent("volumeDelete") == 1


async def test_a_volume_of_an_upgrade_that_runs_outlives_the_next_one_that_fails(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", cache=True))
    await manager.upgrade(instance.id)
    await manager.wait(instance.id)
    stage.railway.faults.add("healthcheck_fails", service="App")
    await manager.upgrade(instance.id, inputs={"ADMIN_EMAIL": "new@example.com"})
    assert "rolled back" in ((await manager.wait(instance.id)).observed.error or "")
    assert await volumes(stage, instance) == [("Cache", "/data"), *DATA]
    assert stage.sent("volumeDelete") == 0


def with_volume(document: Template) -> Template:
    """A volume for a service that had none."""
    raw = deepcopy(document.serialize())
    next(iter(raw["services"].values()))["volumeMounts"] = {"store": {"mountPath": "/store"}}
    return Template.parse(raw)


async def test_a_service_that_stays_gives_the_volume_of_a_failed_upgrade_up(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(
        instance.template_id, with_volume(changed(stage.document, tag="2", EDITION="two"))
    )
    stage.railway.faults.add("healthcheck_fails", service="web")
    await manager.upgrade(instance.id)
    after = await manager.wait(instance.id)
    assert (after.status, "rolled back" in (after.observed.error or "")) == (InstanceStatus.RUNNING, True)
    assert await volumes(stage, instance) == []


async def test_a_service_that_stays_is_deployed_with_the_volume_that_it_gets(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, with_volume(stage.document))
    assert (await manager.preview_upgrade(instance.id)).deploys == ("web",)
    await manager.upgrade(instance.id)
    after = await manager.wait(instance.id)
    assert (after.status, after.observed.error) == (InstanceStatus.RUNNING, None)
    assert await volumes(stage, instance) == [("web", "/store")]
    assert await deployed(stage, instance) == {"web": 2}


async def test_a_patch_that_is_sent_twice_deploys_a_service_with_its_new_volume(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, with_volume(stage.document))
    stage.railway.faults.add("drop", "environmentPatchCommitStaged", applied=True)
    await manager.upgrade(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    assert await volumes(stage, instance) == [("web", "/store")]
    assert await deployed(stage, instance) == {"web": 2}


@pytest.mark.parametrize("applied", [True, False], ids=["answer lost", "never arrived"])
@pytest.mark.parametrize("fails", [True, False], ids=["fails", "runs"])
async def test_a_volume_whose_answer_was_lost_is_told_from_those_that_were_there(
    new_stage: Any, applied: bool, fails: bool
) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    project = stage.railway.world.projects[instance.observed.project_id]
    async with stage.railway.async_client() as railway:
        theirs = await railway.volumes.create(project_id=project.id, mount_path="/x", environment_id=None)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", cache=True))
    stage.railway.faults.add("drop", "volumeCreate", applied=applied)
    if fails:
        stage.railway.faults.add("healthcheck_fails", service="App")
    await manager.upgrade(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    there = await volumes(stage, instance)
    assert there == [*([] if fails else [("Cache", "/data")]), *DATA, (None, theirs.name)]


async def test_a_revision_may_change_when_volumes_are_backed_up(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    raw = deepcopy(stage.document.serialize())
    for service in raw["services"].values():
        for volume in service.get("volumeMounts", {}).values():
            volume["backupSchedules"] = ["MONTHLY"]
    await manager.publish_revision(instance.template_id, Template.parse(raw))
    await manager.upgrade(instance.id)
    await manager.wait(instance.id)
    for service in ("Postgres", "Redis"):
        [volume] = (await services(stage, instance))[service].volume_instances
        assert [schedule.kind for schedule in volume.schedules] == ["MONTHLY"]
    assert await deployed(stage, instance) == {"App": 1, "Postgres": 1, "Redis": 1}


async def test_the_volume_of_an_upgrade_that_is_refused_is_deleted(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", cache=True))
    stage.railway.faults.add("graphql_error", "environmentStageChanges", message="Invalid input")
    await manager.upgrade(instance.id)
    after = await manager.wait(instance.id)
    assert after.desired.revision_id == instance.desired.revision_id
    assert set(await services(stage, instance)) == {"web"}
    assert await volumes(stage, instance) == []


async def failed_upgrade(stage: Any, manager: Any, **fault: Any) -> Any:
    """An instance whose upgrade has failed and left a volume that something is wrong with."""
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", cache=True))
    stage.railway.faults.add("healthcheck_fails", service="web")
    stage.railway.faults.add(**{"operation": "volumeDelete", **fault})
    await manager.upgrade(instance.id)
    return instance


REFUSED = {"kind": "graphql_error", "message": "Error in volumeId - Invalid input"}


async def test_a_volume_that_railway_does_not_delete_needs_an_operator(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await failed_upgrade(stage, manager, **REFUSED)
    with pytest.raises(NeedsAttentionError, match="refuses to delete it: volumeDelete: Error in volumeId"):
        await manager.wait(instance.id)
    [(_, mount)] = await volumes(stage, instance)
    assert mount == "/data"
    await manager.retry(instance.id, actor="operator:eve")
    after = await manager.wait(instance.id)
    assert (after.status, after.observed.attention) == (InstanceStatus.RUNNING, None)
    assert await volumes(stage, instance) == []


async def test_a_volume_that_an_operator_has_deleted_is_no_trouble_any_more(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await failed_upgrade(stage, manager, **REFUSED)
    with pytest.raises(NeedsAttentionError):
        await manager.wait(instance.id)
    project = stage.railway.world.projects[(await stage.get(instance.id)).observed.project_id]
    async with stage.railway.async_client() as railway:
        await railway.volumes.delete(next(iter(project.volumes)))
    before = stage.sent("volumeDelete")
    await manager.retry(instance.id, actor="operator:eve")
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    assert stage.sent("volumeDelete") == before
    assert not [one for one in await stage.operations(instance.id) if one.state in {"sent", "intended"}]


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        ({"kind": "gateway_error", "status": 504, "applied": True}, 1),
        ({"kind": "drop", "applied": False}, 2),
        ({"kind": "problem_processing"}, 2),
        ({"kind": "not_authorized"}, 2),
    ],
    ids=["answer lost", "never arrived", "refused for now", "not yet allowed"],
)
async def test_a_volume_is_deleted_whatever_becomes_of_the_answer(
    new_stage: Any, fault: dict[str, Any], times: int
) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await failed_upgrade(stage, manager, **fault)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    assert await volumes(stage, instance) == []
    assert stage.sent("volumeDelete") == times


async def test_an_upgrade_that_railway_refuses_never_begins(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2"))
    stage.railway.faults.add(
        "graphql_error", "environmentStageChanges", message="Invalid input: unrecognized_keys"
    )
    await manager.upgrade(instance.id)
    after = await manager.wait(instance.id)
    assert (after.status, after.desired.revision_id) == (
        InstanceStatus.RUNNING,
        instance.desired.revision_id,
    )
    assert "unrecognized_keys" in (after.observed.error or "")
    assert await deployed(stage, instance) == {"web": 1}


async def test_an_upgrade_whose_way_back_fails_needs_an_operator_and_can_be_retried(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2"))
    stage.railway.faults.add("healthcheck_fails", service="web", times=2)
    await manager.upgrade(instance.id)
    with pytest.raises(NeedsAttentionError, match="and the way back, too"):
        await manager.wait(instance.id)
    await manager.retry(instance.id, actor="operator:ann")
    after = await manager.wait(instance.id)
    assert after.status is InstanceStatus.RUNNING
    web = (await services(stage, instance))["web"]
    assert web.latest_deployment.status == "SUCCESS"
    assert web.latest_deployment.settings.image == "traefik/whoami:v1.11.0"


async def test_variables_of_the_owner_survive_an_upgrade(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_variables(instance.id, {"web": {"WHOAMI_NAME": "mine"}})
    await manager.wait(instance.id)
    await manager.publish_revision(
        instance.template_id, changed(stage.document, tag="2", WHOAMI_NAME="theirs")
    )
    await manager.upgrade(instance.id)
    await manager.wait(instance.id)
    assert await value(stage, instance, "web", "WHOAMI_NAME") == "mine"


async def test_variables_for_a_service_that_the_upgrade_brings_come_after_it(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", cache=True))
    await manager.upgrade(instance.id)
    await manager.set_variables(instance.id, {"Cache": {"MAXMEMORY": "64mb"}})
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    assert await value(stage, instance, "Cache", "MAXMEMORY") == "64mb"


async def test_limits_hold_for_a_service_that_an_upgrade_brings_at_the_same_time(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", cache=True))
    await manager.upgrade(instance.id)
    await manager.set_limits(instance.id, LIMITS)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    for one in (await services(stage, instance)).values():
        assert one.latest_deployment.settings.limit_override == {"containers": SET}


async def test_variables_of_a_service_that_the_upgrade_takes_away_are_no_trouble(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_variables(instance.id, {"Redis": {"A": "1"}})
    await manager.publish_revision(instance.template_id, without_redis(stage.document))
    await manager.upgrade(instance.id, allow_removals=True)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    assert set(await services(stage, instance)) == {"App", "Postgres"}


async def test_an_upgrade_waits_while_it_is_stopped(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", cache=True))
    await manager.upgrade(instance.id)
    await manager.stop(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.STOPPED
    assert set(await services(stage, instance)) == {"web"}
    await manager.start(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    assert set(await services(stage, instance)) == {"web", "Cache"}


async def test_one_upgrade_at_a_time(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2"))
    await manager.upgrade(instance.id)
    error = await nothing_written(stage, InstanceStateError, partial(manager.upgrade, instance.id))
    assert "still coming up" in str(error)


async def test_an_upgrade_needs_values_for_inputs_that_are_new(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    raw = deepcopy(stage.document.serialize())
    next(iter(raw["services"].values()))["variables"]["LICENCE"] = {"isOptional": False}
    await manager.publish_revision(instance.template_id, Template.parse(raw))
    for asking in (manager.upgrade, manager.preview_upgrade):
        error = await nothing_written(stage, TemplateError, partial(asking, instance.id))
        assert "web.LICENCE" in str(error)
    await manager.upgrade(instance.id, inputs={"web.LICENCE": "abc"})
    await manager.wait(instance.id)
    assert await value(stage, instance, "web", "LICENCE") == "abc"


MAIL = "App.ADMIN_EMAIL"


@BOTH_WAYS
@pytest.mark.parametrize("newer", [True, False], ids=["newer revision", "same revision"])
async def test_an_input_that_gets_another_value_reaches_what_runs(
    new_stage: Any, known: bool, newer: bool
) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    secret = await value(stage, instance, "App", "APP_SECRET")
    if newer:
        await manager.publish_revision(instance.template_id, changed(stage.document, tag="2"))
    await manager.upgrade(instance.id, inputs={MAIL: "new@example.com"})
    assert (await stage.get(instance.id)).is_changing
    after = await manager.wait(instance.id)
    assert (after.status, after.observed.error) == (InstanceStatus.RUNNING, None)
    assert await value(stage, instance, "App", "ADMIN_EMAIL") == "new@example.com"
    assert await value(stage, instance, "App", "APP_SECRET") == secret
    assert await deployed(stage, instance) == {"App": 2, "Postgres": 1, "Redis": 1}
    assert not after.is_changing


@pytest.mark.parametrize("newer", [True, False], ids=["newer revision", "same revision"])
async def test_the_preview_names_variables_that_change_and_never_their_values(
    new_stage: Any, newer: bool
) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    if newer:
        await manager.publish_revision(
            instance.template_id, changed(stage.document, tag="2", EDITION="${{randomInt(1, 9)}}")
        )
    given = {MAIL: "new@example.com", "App.SMTP_URL": "smtp://mail.example.com"}
    preview = await manager.preview_upgrade(instance.id, inputs=given)
    new = ("EDITION",) if newer else ()
    assert preview.variables == {"App": ("ADMIN_EMAIL", *new, "SMTP_URL")}
    assert (preview.deploys, preview.staged_changes) == (("App",), 1)
    assert preview.diff.is_empty is not newer
    told = f"{preview} {preview.diff.to_dict()} {asdict(preview)['variables']}"
    assert not [text for text in (*given.values(), "owner@example.com") if text in told]


async def test_variables_that_the_owner_has_set_are_not_in_the_preview(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_variables(instance.id, {"App": {"ADMIN_EMAIL": "mine@example.com"}})
    await manager.wait(instance.id)
    preview = await manager.preview_upgrade(instance.id, inputs={MAIL: "new@example.com"})
    assert (preview.variables, preview.deploys) == ({}, ())
    await manager.upgrade(instance.id, inputs={MAIL: "new@example.com"})
    await manager.wait(instance.id)
    assert await value(stage, instance, "App", "ADMIN_EMAIL") == "mine@example.com"


@BOTH_WAYS
@pytest.mark.parametrize("newer", [True, False], ids=["newer revision", "same revision"])
async def test_an_input_comes_back_with_the_upgrade_that_did_not_come_up(
    new_stage: Any, known: bool, newer: bool
) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    if newer:
        await manager.publish_revision(instance.template_id, changed(stage.document, tag="2"))
    stage.railway.faults.add("healthcheck_fails", service="App")
    given = {MAIL: "new@example.com", "App.SMTP_URL": "smtp://mail.example.com"}
    await manager.upgrade(instance.id, inputs=given)
    after = await manager.wait(instance.id)
    assert "the upgrade was rolled back: App failed" in (after.observed.error or "")
    assert after.desired.config == instance.desired.config
    assert await value(stage, instance, "App", "ADMIN_EMAIL") == "owner@example.com"
    assert await value(stage, instance, "App", "SMTP_URL") is None
    assert await deployed(stage, instance) == {"App": 3, "Postgres": 1, "Redis": 1}


@BOTH_WAYS
@pytest.mark.parametrize("fault", [None, "lost answer"])
async def test_what_was_generated_once_comes_back_with_an_upgrade_that_fails(
    new_stage: Any, known: bool, fault: str | None
) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    before = {
        (service, name): await value(stage, instance, service, name)
        for service, name in (("App", "APP_SECRET"), ("Postgres", "POSTGRES_PASSWORD"))
    }
    raw = deepcopy(stage.document.serialize())
    postgres = next(one for one in raw["services"].values() if one["name"] == "Postgres")
    postgres["variables"]["POSTGRES_PASSWORD"]["defaultValue"] = "${{secret(64)}}"
    await manager.publish_revision(instance.template_id, Template.parse(raw))
    if fault:
        stage.railway.faults.add("drop", "environmentPatchCommitStaged", applied=True)
    stage.railway.faults.add("healthcheck_fails", service="App")
    await manager.upgrade(instance.id, inputs={"App.APP_SECRET": "mine"})
    after = await manager.wait(instance.id)
    assert "the upgrade was rolled back: App failed" in (after.observed.error or "")
    for (service, name), text in before.items():
        assert await value(stage, instance, service, name) == text
    stored = str([one.request for one in await stage.operations(instance.id)])
    assert after.observed.applied is not None
    assert after.observed.applied.previous_values == {}
    assert not [text for text in before.values() if str(text) in stored]


async def test_inputs_of_an_upgrade_that_railway_refuses_are_forgotten(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add("graphql_error", "environmentStageChanges", message="Invalid input")
    await manager.upgrade(instance.id, inputs={MAIL: "new@example.com"})
    after = await manager.wait(instance.id)
    assert after.desired.config == instance.desired.config
    assert not after.is_coming_up
    assert await value(stage, instance, "App", "ADMIN_EMAIL") == "owner@example.com"


async def test_variables_and_limits_that_are_set_meanwhile_outlive_the_way_back(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add("healthcheck_fails", service="App", after=1)
    await manager.upgrade(instance.id, inputs={MAIL: "new@example.com"})
    await manager.set_variables(instance.id, {"App": {"COLOUR": "blue"}})
    after = await manager.wait(instance.id)
    assert "the upgrade was rolled back" in (after.observed.error or "")
    assert await value(stage, instance, "App", "ADMIN_EMAIL") == "owner@example.com"
    assert await value(stage, instance, "App", "COLOUR") == "blue"


async def test_a_second_upgrade_knows_the_inputs_of_the_first(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    for mail in ("second@example.com", "third@example.com"):
        await manager.upgrade(instance.id, inputs={"ADMIN_EMAIL": mail})
        await manager.wait(instance.id)
        assert await value(stage, instance, "App", "ADMIN_EMAIL") == mail
    await manager.upgrade(instance.id)
    await manager.wait(instance.id)
    assert await deployed(stage, instance) == {"App": 3, "Postgres": 1, "Redis": 1}


async def test_an_upgrade_knows_no_inputs_but_those_of_its_revision(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    for asking in (manager.upgrade, manager.preview_upgrade):
        error = await nothing_written(
            stage, TemplateError, partial(asking, instance.id, inputs={"App.ADMIN_MAIL": "a@example.com"})
        )
        assert "App.ADMIN_EMAIL" in str(error)


async def test_no_upgrade_begins_while_a_change_is_still_to_be_deployed(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add("too_quickly", "serviceInstanceDeployV2", times=None)
    await manager.set_variables(instance.id, {"App": {"A": "1"}})
    await manager.reconcile(instance.id)
    rollout = (await stage.get(instance.id)).observed.rollout
    assert (len(rollout.pending), rollout.watching) == (1, ())
    error = await nothing_written(
        stage, InstanceStateError, partial(manager.upgrade, instance.id, inputs={MAIL: "new@example.com"})
    )
    assert "still coming up" in str(error)


async def test_an_upgrade_cannot_bring_more_than_a_request_takes(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_variables(instance.id, {"web": {f"V{n}": "x" * 32_000 for n in range(20)}})
    await manager.wait(instance.id)
    brought = {f"W{n}": "x" * 32_000 for n in range(20)}
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", **brought))
    error = await nothing_written(stage, InstanceInputError, partial(manager.upgrade, instance.id))
    assert error.argument == "inputs"


async def test_an_upgrade_needs_room_in_the_plan(new_stage: Any) -> None:
    stage = new_stage(manager={"plans": Plans([Plan(name="only", limits=Limits(services=1))])})
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, changed(stage.document, tag="2", cache=True))
    error = await nothing_written(stage, LimitExceededError, partial(manager.upgrade, instance.id))
    assert error.limit == "services"


# Backups ----------------------------------------------------------------------------------------------------------


async def test_every_volume_is_backed_up_and_a_backup_is_put_in_its_place(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.back_up(instance.id)
    await manager.wait(instance.id)
    backups = await manager.backups(instance.id)
    assert {name: len(found) for name, found in backups.items()} == {"Postgres": 1, "Redis": 1}
    before = (await services(stage, instance))["Postgres"].volume_instances[0].id
    await manager.restore(instance.id, backups["Postgres"][0].id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    postgres = (await services(stage, instance))["Postgres"]
    assert postgres.volume_instances[0].id != before
    assert postgres.latest_deployment.status == "SUCCESS"


async def test_a_backup_whose_answer_was_lost_is_found_and_not_made_twice(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add("gateway_error", "volumeInstanceBackupCreate", status=504, applied=True)
    await manager.back_up(instance.id, service="Redis")
    await manager.wait(instance.id)
    assert {name: len(found) for name, found in (await manager.backups(instance.id)).items()} == {
        "Postgres": 0,
        "Redis": 1,
    }


async def test_what_has_no_volume_cannot_be_backed_up(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    error = await nothing_written(stage, InstanceInputError, partial(manager.back_up, instance.id))
    assert error.argument == "service"


async def test_an_unknown_backup_is_not_found(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await nothing_written(stage, InstanceNotFoundError, partial(manager.restore, instance.id, "unknown"))
