"""Deploying: what is accepted and what is not, and how an accepted instance comes to run."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from railway_saas.domain.instances import ServiceLimits
from railway_saas.domain.plans import Limits, Plan, Plans
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.emulator import FaultKind
from railway_saas.errors import (
    InstanceError,
    InstanceInputError,
    InstanceNotFoundError,
    LimitExceededError,
    NameTakenError,
    ProvisioningError,
    TemplateError,
)
from railway_saas.templates import Template

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance

APP = "app-with-postgres-and-redis"
EMAIL = {"App.ADMIN_EMAIL": "owner@example.com"}
BOTH_WAYS = pytest.mark.parametrize("known", [True, False], ids=["by_template", "from_calls"])


@pytest.fixture
async def shop(new_stage: Any) -> Any:
    """A stage with a template in the catalogue and a manager that deploys it."""
    stage = new_stage(APP)
    stage.owner = uuid4()
    stage.chosen = stage.manager()
    stage.entry = await stage.published(stage.chosen)
    return stage


async def deploy(stage: Any, **options: Any) -> Instance:
    given = {"user_id": stage.owner, "template_id": stage.entry.id, "name": "blog", "inputs": EMAIL}
    return await stage.chosen.deploy(**{**given, **options})


async def refused(stage: Any, kind: type[Exception], **options: Any) -> Any:
    """The error of a deploy of which nothing may be left."""
    before = stage.snapshot()
    with pytest.raises(kind) as caught:
        await deploy(stage, **options)
    assert type(caught.value) is kind
    assert stage.snapshot() == before
    assert stage.railway.requests.count == 0
    return caught.value


# Coming to run ----------------------------------------------------------------------------------------------------


@BOTH_WAYS
async def test_a_deploy_that_waits_returns_when_everything_runs(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    instance = await stage.running()
    assert instance.status is InstanceStatus.RUNNING
    assert instance.observed.built_from_calls is False
    services = stage.railway.services_of(instance.observed.project_id)
    assert {name: one.latest_deployment.status for name, one in services.items()} == {
        "App": "SUCCESS",
        "Postgres": "SUCCESS",
        "Redis": "SUCCESS",
    }
    assert instance.observed.domain in {one.domain for one in services["App"].service_domains}


@BOTH_WAYS
async def test_a_worker_brings_an_accepted_one_to_run(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    accepted = await stage.accepted()
    assert accepted.status is InstanceStatus.ACCEPTED
    assert stage.sent("projectCreate") == 0
    await stage.drive()
    assert (await stage.get(accepted.id)).status is InstanceStatus.RUNNING


async def test_both_ways_leave_the_same(new_stage: Any) -> None:
    shapes = []
    for known in (True, False):
        stage = new_stage(APP, known=known)
        instance = await stage.running(limits=ServiceLimits(vcpus=Decimal(2), memory_gb=Decimal(1)))
        services = stage.railway.services_of(instance.observed.project_id)
        shapes.append(
            {
                name: (
                    one.latest_deployment.settings,
                    sorted(one.latest_deployment.variables),
                    [domain.target_port for domain in one.service_domains],
                    [volume_of(volume) for volume in one.volume_instances],
                )
                for name, one in services.items()
            }
        )
        assert stage.railway.world.projects[instance.observed.project_id].volumes.keys() == {
            volume.volume_id for one in services.values() for volume in one.volume_instances
        }
        async with stage.database.unit_of_work() as work:
            rows = await work.services.list_for(instance.id)
        assert {row.template_key for row in rows} == {one.key for one in stage.document.services}
    assert shapes[0] == shapes[1]


def volume_of(volume: Any) -> tuple[object, ...]:
    """Everything about a volume that somebody can choose."""
    kinds = [schedule.kind for schedule in volume.schedules]
    return (volume.mount_path, volume.size_mb, volume.region, volume.volume.name, kinds)


async def test_services_that_railway_made_from_calls_say_which_template_they_are_of(new_stage: Any) -> None:
    stage = new_stage(APP, known=True)
    stage.railway.faults.add(FaultKind.TEMPLATE_DEPLOY_REFUSED)
    instance = await stage.running()
    assert instance.observed.built_from_calls
    services = stage.railway.services_of(instance.observed.project_id)
    keys = {one.name: one.key for one in stage.document.services}
    assert {name: one.service.template_service_id for name, one in services.items()} == keys


@BOTH_WAYS
async def test_limits_hold_from_the_first_container(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    instance = await stage.running(limits=ServiceLimits(vcpus=Decimal(2), memory_gb=Decimal("1.5")))
    for service in stage.railway.services_of(instance.observed.project_id).values():
        (only,) = service.deployments
        assert only.settings.limit_override == {"containers": {"cpu": 2, "memoryBytes": 1_500_000_000}}


@BOTH_WAYS
async def test_volumes_are_as_large_and_backed_up_as_the_document_says(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    instance = await stage.running()
    services = stage.railway.services_of(instance.observed.project_id)
    [postgres] = services["Postgres"].volume_instances
    [redis] = services["Redis"].volume_instances
    assert (postgres.size_mb, redis.size_mb) == (5000, 1000)
    assert [one.kind for one in postgres.schedules] == ["DAILY", "WEEKLY"]
    assert redis.schedules == []
    assert services["Postgres"].settings.required_mount_path == "/var/lib/postgresql/data"


@BOTH_WAYS
async def test_a_volume_is_no_larger_than_railways_plan_allows(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known, railway={"plan": "HOBBY"})
    document = deepcopy(stage.document.serialize())
    postgres = next(one for one in document["services"].values() if one["name"] == "Postgres")
    next(iter(postgres["volumeMounts"].values()))["sizeMB"] = 60_000
    template = await stage.published(document=Template.parse(document))
    instance = await stage.running(template_id=template.id)
    services = stage.railway.services_of(instance.observed.project_id)
    assert services["Postgres"].volume_instances[0].size_mb == 5000


@pytest.mark.parametrize("applied", [True, False], ids=["answer lost", "never arrived"])
@pytest.mark.parametrize("operation", ["volumeCreate", "environmentPatchCommitStaged"])
async def test_volumes_are_made_once_whatever_becomes_of_the_answer(
    new_stage: Any, operation: str, applied: bool
) -> None:
    stage = new_stage(APP, railway={"plan": "HOBBY"})
    stage.railway.faults.add(FaultKind.DROP, operation, applied=applied)
    instance = await stage.running()
    project = stage.railway.world.projects[instance.observed.project_id]
    services = stage.railway.services_of(project.id)
    there = [volume for one in services.values() for volume in one.volume_instances]
    assert sorted(volume_of(volume)[:2] for volume in there) == [
        ("/data", 1000),
        ("/var/lib/postgresql/data", 5000),
    ]
    assert len(project.volumes) == 2


async def test_settings_that_railway_cannot_apply_end_the_deploy(new_stage: Any) -> None:
    stage = new_stage(APP)
    stage.railway.faults.add(FaultKind.PATCH_REFUSED, message="Error in tcpProxies - Invalid input")
    with pytest.raises(ProvisioningError, match="Error in tcpProxies"):
        await stage.running()
    assert stage.sent("serviceInstanceDeployV2") == 0
    assert stage.railway.living == []


async def test_nothing_starts_before_railway_has_applied_the_settings(new_stage: Any) -> None:
    stage = new_stage(APP)
    stage.railway.faults.add(FaultKind.PATCH_APPLYING, seconds=40)
    began = stage.clock.now()
    instance = await stage.running()
    services = stage.railway.services_of(instance.observed.project_id)
    first = min(one.deployments[0].created_at for one in services.values())
    assert (first - began).total_seconds() >= 40


@BOTH_WAYS
async def test_events_tell_the_whole_story_in_order(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    stored = await manager.events(instance.id)
    assert [one.id for one in stored] == [one.id for one in stage.events]
    assert [one.at for one in stored] == sorted(one.at for one in stored)
    assert [one.step for one in stored][:2] == ["accepted", "project"]
    assert all(one.message.strip() == one.message != "" for one in stored)
    assert [one.done for one in stored] == sorted(one.done for one in stored)
    assert {one.total for one in stored} == {3}
    last = stored[-1]
    assert (last.step, last.status, last.done) == ("status", InstanceStatus.RUNNING, 3)


async def test_events_come_page_by_page(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    whole = await manager.events(instance.id)
    first = await manager.events(instance.id, limit=2)
    rest = await manager.events(instance.id, after=str(first[-1].id))
    assert [*first, *rest] == list(whole)


async def test_a_listener_that_fails_keeps_nothing_from_happening(
    new_stage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def fail(event: Any) -> None:
        told.append(event.message)
        raise ZeroDivisionError("a fault of somebody else's")

    stage = new_stage(APP, manager={"on_event": fail})
    manager = stage.manager()
    instance = await stage.accepted(manager)
    assert told == ["accepted"]
    assert await stage.drive(manager) < 20
    assert (await stage.get(instance.id)).status is InstanceStatus.RUNNING
    assert told == [event.message for event in await manager.events(instance.id)]
    assert caplog.text.count("on_event failed") == len(told)


async def test_following_yields_what_happens_until_it_runs(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.accepted(manager)
    followed = [event async for event in manager.follow(instance.id)]
    assert [one.id for one in followed] == [one.id for one in stage.events]
    assert followed[-1].status is InstanceStatus.RUNNING


async def test_following_ends_when_time_is_up_and_a_worker_goes_on(new_stage: Any) -> None:
    stage = new_stage()
    stage.railway.faults.add(FaultKind.QUEUED, service="web", seconds=100)
    manager = stage.manager()
    instance = await stage.accepted(manager)
    with pytest.raises(InstanceError, match="was not done after 20 s"):
        await manager.wait(instance.id, timeout_s=20)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).status is InstanceStatus.RUNNING


@BOTH_WAYS
async def test_what_does_not_come_up_is_undone_and_its_slot_is_free(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    stage.railway.faults.add(FaultKind.HEALTHCHECK_FAILS, service="App")
    with pytest.raises(ProvisioningError, match="App failed") as caught:
        await stage.running()
    assert caught.value.project_id
    assert stage.railway.living == []
    instance = await stage.get(stage.events[0].instance_id)
    assert (instance.status, instance.holds_slot) == (InstanceStatus.FAILED, False)
    async with stage.database.unit_of_work() as work:
        kept = (await work.deployments.list_page(instance.id)).items
    assert [one.service for one in kept if one.logs] == ["App"]


async def test_the_name_of_one_that_failed_can_be_used_again(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    entry = await stage.published(manager)
    stage.railway.faults.add(FaultKind.BUILD_FAILS, service="web")
    with pytest.raises(ProvisioningError):
        await stage.running(manager, template_id=entry.id)
    again = await stage.running(manager, template_id=entry.id)
    assert again.status is InstanceStatus.RUNNING


# What is refused --------------------------------------------------------------------------------------------------


async def test_an_unknown_template_is_refused(shop: Any) -> None:
    unknown = uuid4()
    error = await refused(shop, InstanceNotFoundError, template_id=unknown)
    assert str(unknown) in str(error)


async def test_a_template_that_is_not_offered_any_more_is_refused(shop: Any) -> None:
    from dataclasses import replace

    async with shop.database.unit_of_work() as work:
        await work.templates.save(replace(shop.entry, is_active=False))
        await work.commit()
    error = await refused(shop, InstanceNotFoundError)
    assert "not offered any more" in str(error)


async def test_an_unknown_revision_is_refused(shop: Any) -> None:
    unknown = uuid4()
    error = await refused(shop, InstanceNotFoundError, revision_id=unknown)
    assert f"there is no revision {unknown}" in str(error)


async def test_a_revision_of_another_template_is_refused(shop: Any, new_stage: Any) -> None:
    other = await shop.published(shop.chosen, new_stage("web-app").document, name="other")
    error = await refused(shop, InstanceNotFoundError, revision_id=await shop.revision(other.id, 1))
    assert str(shop.entry.id) in str(error)


async def test_an_input_that_would_grow_beyond_bounds_is_refused_before_anything_is_made(shop: Any) -> None:
    error = await refused(shop, TemplateError, inputs={"ADMIN_EMAIL": "${{secret(32000)}}" * 1600})
    assert "calls 1600 functions; at most 100 are accepted" in str(error)


async def test_inputs_that_no_request_could_take_are_refused(shop: Any) -> None:
    names = [f"V{number}" for number in range(40)]
    raw = shop.document.serialize()
    next(iter(raw["services"].values()))["variables"] = {name: {"isOptional": True} for name in names}
    shop.entry = await shop.published(shop.chosen, Template.parse(raw), name="many inputs")
    error = await refused(shop, InstanceInputError, inputs=dict.fromkeys(names, "x" * 32_000))
    assert error.argument == "inputs"
    assert "bytes long together; at most 1048576 are accepted" in str(error)
    assert await deploy(shop, inputs=dict.fromkeys(names, "x" * 25_000))


async def test_a_template_that_no_request_could_take_is_not_offered(shop: Any) -> None:
    raw = shop.document.serialize()
    next(iter(raw["services"].values()))["variables"]["BIG"] = {"defaultValue": "x" * 1_100_000}
    with pytest.raises(TemplateError, match="bytes long together; at most 1048576 are accepted"):
        await shop.published(shop.chosen, Template.parse(raw), name="big")


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({}, "App.ADMIN_EMAIL"),
        ({"App.ADMIN_EMAIL": ""}, "App.ADMIN_EMAIL"),
        ({**EMAIL, "App.COLOUR": "blue"}, "App.COLOUR"),
        ({**EMAIL, "App.SMTP_URL": "x" * 40_000}, "App.SMTP_URL"),
        ({**EMAIL, "App.SMTP_URL": "smtp://\0"}, "App.SMTP_URL"),
        ({**EMAIL, "App.SMTP_URL": "smtp://\ud800"}, "App.SMTP_URL"),
    ],
    ids=["missing", "blank", "unknown", "too long", "NUL", "half of a character"],
)
async def test_inputs_that_cannot_be_used_are_named(shop: Any, inputs: dict[str, str], told: str) -> None:
    error = await refused(shop, TemplateError, inputs=inputs)
    assert [told in str(problem) for problem in error.problems] == [True]
    assert "x" * 100 not in str(error)


@pytest.mark.parametrize(
    "name",
    ["", "  ", "x" * 65, "a\nb", "a\0b", "a\u202eb"],
    ids=["empty", "blank", "long", "line", "NUL", "RTL"],
)
async def test_names_that_cannot_be_used_are_refused(shop: Any, name: str) -> None:
    error = await refused(shop, InstanceInputError, name=name)
    assert error.argument == "name"


@pytest.mark.parametrize("name", ["blog", "BLOG", " Blog "])
async def test_an_owner_uses_a_name_once_whatever_its_case(shop: Any, name: str) -> None:
    await deploy(shop)
    error = await refused(shop, NameTakenError, name=name)
    assert error.argument == "name"


async def test_another_owner_may_use_the_same_name(shop: Any) -> None:
    first = await deploy(shop)
    second = await deploy(shop, user_id=uuid4())
    assert first.name == second.name
    assert first.id != second.id


@pytest.mark.parametrize("amount", [Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
async def test_limits_are_above_zero(shop: Any, amount: Decimal) -> None:
    error = await refused(shop, InstanceInputError, limits=ServiceLimits(memory_gb=amount))
    assert error.argument == "memory_gb"


# What the plan has room for ------------------------------------------------------------------------------------------


async def crowded(stage: Any, allowed: dict[str, Any], larger: dict[str, Any]) -> None:
    """One instance runs already, and the plans allow so much."""
    await deploy(stage, name="first", limits=ServiceLimits(vcpus=Decimal(1), memory_gb=Decimal(2)))
    plans = Plans([Plan(name="small", limits=Limits(**allowed)), Plan(name="large", limits=Limits(**larger))])
    stage.chosen = stage.manager(plans=plans)


@pytest.mark.parametrize(
    ("limit", "allowed", "larger", "used", "wanted"),
    [
        ("instances", 1, 5, "1", "1"),
        ("services", 5, 6, "3", "3"),
        ("vcpus", Decimal(5), Decimal(6), "3", "3"),
        ("memory_gb", Decimal(11), Decimal(12), "6", "6"),
        ("volume_gb", Decimal(11), Decimal(12), "6", "6"),
    ],
)
async def test_a_limit_in_the_way_is_named_with_what_is_used_and_the_plan_that_would_do(
    shop: Any, *, limit: str, allowed: Any, larger: Any, used: str, wanted: str
) -> None:
    await crowded(shop, {limit: allowed}, {limit: larger})
    limits = ServiceLimits(vcpus=Decimal(1), memory_gb=Decimal(2))
    error = await refused(shop, LimitExceededError, limits=limits)
    found = (error.limit, error.plan, error.allowed, error.next_plan, error.next_plan_allows)
    assert found == (limit, "small", str(allowed), "large", str(larger))
    assert (Decimal(error.used), Decimal(error.wanted)) == (Decimal(used), Decimal(wanted))


async def test_a_limit_that_is_just_kept_is_no_limit_in_the_way(shop: Any) -> None:
    await crowded(shop, {"services": 6, "volume_gb": Decimal(12)}, {})
    assert (await deploy(shop)).resources.services == 3


async def test_no_plan_is_named_where_none_would_do(shop: Any) -> None:
    await crowded(shop, {"services": 4}, {"services": 5})
    error = await refused(shop, LimitExceededError)
    assert error.next_plan is None
    assert "ask the operator" in str(error)


async def test_a_template_of_a_tier_that_the_plan_has_not_is_refused(shop: Any) -> None:
    plans = Plans(
        [
            Plan(name="small", limits=Limits(tiers=frozenset({"basic"}))),
            Plan(name="large", limits=Limits(tiers=frozenset({"basic", "premium"}))),
        ]
    )
    shop.entry = await shop.published(shop.chosen, name="dear", price_tier="premium")
    shop.chosen = shop.manager(plans=plans)
    error = await refused(shop, LimitExceededError)
    assert (error.limit, error.allowed, error.wanted, error.next_plan) == (
        "tiers",
        "basic",
        "premium",
        "large",
    )


NARROW = Plans(
    [
        Plan(name="small", limits=Limits(vcpus=Decimal(3), memory_gb=Decimal(6))),
        Plan(name="large", limits=Limits(instances=5)),
    ]
)
THREE = ServiceLimits(vcpus=Decimal(1), memory_gb=Decimal(2))
"""Three services of these fill the plan `small`."""


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (None, "vcpus"),
        (ServiceLimits(), "vcpus"),
        (ServiceLimits(memory_gb=Decimal(1)), "vcpus"),
        (ServiceLimits(vcpus=Decimal(1)), "memory_gb"),
    ],
)
async def test_services_without_a_limit_do_not_fit_into_a_plan_that_has_one(
    shop: Any, limits: ServiceLimits | None, limit: str
) -> None:
    shop.chosen = shop.manager(plans=NARROW)
    error = await refused(shop, LimitExceededError, limits=limits)
    assert (error.limit, error.wanted, error.next_plan) == (limit, "unlimited", "large")
    assert f"publish the template with resources=ServiceLimits({limit}=...)" in str(error)


async def test_what_limits_leave_open_is_as_in_the_template(shop: Any) -> None:
    shop.entry = await shop.published(shop.chosen, name="limited", resources=THREE)
    shop.chosen = shop.manager(plans=NARROW)
    for limits in (None, ServiceLimits(), ServiceLimits(vcpus=Decimal(1))):
        made = await deploy(shop, limits=limits)
        assert made.desired.config.limits == THREE
        assert (made.resources.vcpus, made.resources.memory_gb) == (3, 6)
        await shop.chosen.delete(made.id)
        await shop.drive(shop.chosen)
    small = await deploy(shop, limits=ServiceLimits(memory_gb=Decimal(1)))
    assert (small.resources.vcpus, small.resources.memory_gb) == (3, 3)
    error = await refused(shop, LimitExceededError, name="second", limits=ServiceLimits())
    assert (error.limit, error.used, error.wanted) == ("vcpus", "3", "3")


async def test_owners_may_have_more_than_the_template_says_where_the_plan_has_room(shop: Any) -> None:
    shop.entry = await shop.published(shop.chosen, name="limited", resources=ServiceLimits(vcpus=Decimal(1)))
    shop.chosen = shop.manager(plans=Plans([Plan(name="only", limits=Limits(vcpus=Decimal(6)))]))
    await refused(shop, LimitExceededError, limits=ServiceLimits(vcpus=Decimal("2.1")))
    assert (await deploy(shop, limits=ServiceLimits(vcpus=Decimal(2)))).resources.vcpus == 6


async def test_what_runs_without_limits_leaves_nothing_of_a_plan_that_has_them(shop: Any) -> None:
    before = await deploy(shop, name="before the plan")
    shop.chosen = shop.manager(plans=NARROW)
    error = await refused(
        shop, LimitExceededError, limits=ServiceLimits(vcpus=Decimal("0.1"), memory_gb=Decimal(1))
    )
    assert (error.limit, error.used) == ("vcpus", "unlimited")
    await shop.chosen.set_limits(before.id, ServiceLimits(vcpus=Decimal("0.5"), memory_gb=Decimal(1)))
    room = ServiceLimits(vcpus=Decimal("0.5"), memory_gb=Decimal(1))
    assert (await deploy(shop, limits=room)).resources.vcpus == Decimal("1.5")


async def test_what_is_deleted_gives_its_slot_back(new_stage: Any) -> None:
    stage = new_stage(manager={"plans": Plans([Plan(name="only", limits=Limits(instances=1))])})
    manager = stage.manager()
    first = await stage.running(manager)
    with pytest.raises(LimitExceededError):
        await stage.accepted(manager, template_id=first.template_id, name="second")
    await manager.delete(first.id)
    await manager.wait(first.id)
    second = await stage.accepted(manager, template_id=first.template_id, name="second")
    assert second.holds_slot


# The same request twice ----------------------------------------------------------------------------------------------


async def test_the_same_key_gives_the_same_instance(shop: Any) -> None:
    first = await deploy(shop, idempotency_key="order-1")
    before = shop.snapshot()
    second = await deploy(shop, idempotency_key="order-1")
    assert second.id == first.id
    assert shop.snapshot() == before


async def test_the_same_key_for_another_request_is_a_mistake(shop: Any) -> None:
    await deploy(shop, idempotency_key="order-1")
    error = await refused(shop, InstanceInputError, idempotency_key="order-1", name="shop")
    assert error.argument == "idempotency_key"


async def test_keys_are_the_owners_own(shop: Any) -> None:
    first = await deploy(shop, idempotency_key="order-1")
    second = await deploy(shop, idempotency_key="order-1", user_id=uuid4())
    assert first.id != second.id


async def test_a_key_is_forgotten_after_a_day(shop: Any) -> None:
    first = await deploy(shop, idempotency_key="order-1")
    shop.clock.advance(86_401)
    second = await deploy(shop, idempotency_key="order-1", name="another")
    assert first.id != second.id


@pytest.mark.parametrize("key", ["", " ", "k" * 256])
async def test_keys_have_1_to_255_characters(shop: Any, key: str) -> None:
    error = await refused(shop, InstanceInputError, idempotency_key=key)
    assert error.argument == "idempotency_key"


async def test_a_refused_request_leaves_its_key_free(shop: Any) -> None:
    await refused(shop, TemplateError, idempotency_key="order-1", inputs={})
    assert (await deploy(shop, idempotency_key="order-1")).status is InstanceStatus.ACCEPTED


# The catalogue -----------------------------------------------------------------------------------------------------


async def test_the_same_content_is_the_same_revision(shop: Any) -> None:
    first = await shop.revision(shop.entry.id, 1)
    before = shop.snapshot()
    again = await shop.chosen.publish_revision(shop.entry.id, shop.document)
    assert again.id == first
    assert shop.snapshot() == before


async def test_a_railway_template_is_in_the_catalogue_once(shop: Any) -> None:
    await shop.published(shop.chosen, railway_template_id="abc")
    before = shop.snapshot()
    with pytest.raises(NameTakenError) as caught:
        await shop.published(shop.chosen, railway_template_id="abc")
    assert caught.value.argument == "railway_template_id"
    assert shop.snapshot() == before


async def test_a_document_with_faults_is_not_published(shop: Any) -> None:
    before = shop.snapshot()
    with pytest.raises(TemplateError):
        await shop.chosen.publish_template({"services": {"a": {"name": "a"}}}, name="broken")
    with pytest.raises(TemplateError):
        await shop.chosen.publish_revision(shop.entry.id, {"services": {"a": {"name": "a"}}})
    assert shop.snapshot() == before


async def test_instances_stay_on_their_revision(shop: Any) -> None:
    instance = await deploy(shop)
    raw = shop.document.serialize()
    newer = {**raw, "services": dict(list(raw["services"].items())[:2])}
    await shop.chosen.publish_revision(shop.entry.id, Template.parse(newer))
    assert (await shop.get(instance.id)).desired.revision_id == await shop.revision(shop.entry.id, 1)
