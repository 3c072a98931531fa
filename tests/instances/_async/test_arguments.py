"""Arguments of callers without types: each is refused by its name, before anything is written, and never repeated at length."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from railway_saas.domain.instances import ServiceLimits
from railway_saas.errors import ConfigurationError, InstanceInputError, NameTakenError, TemplateError
from railway_saas.instances import (
    AsyncInventory,
    AsyncUsageCollector,
    AsyncWebhookIntake,
    AsyncWebhookSetup,
    ManagerSettings,
    ProjectPerInstance,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HUGE = "x" * 100_000
HALF = "half of \ud800"
ODD_IDS = ["ann", None, 5, str(uuid4()), b"x", [], HUGE]
LONGEST_ERROR = 600


def each(argument: str, values: list[Any]) -> pytest.MarkDecorator:
    """A test for each value; ids are numbers, as some values are huge."""
    return pytest.mark.parametrize(argument, values, ids=[str(number) for number in range(len(values))])


@pytest.fixture
async def shop(new_stage: Any) -> Any:
    """A stage with an instance that was accepted."""
    stage = new_stage()
    stage.chosen = stage.manager()
    stage.instance = await stage.accepted(stage.chosen)
    return stage


async def refused(stage: Any, argument: str, asking: Callable[[], Any]) -> str:
    """The words of a refusal that names the argument, and of which nothing may be left."""
    before = stage.snapshot()
    with pytest.raises(InstanceInputError) as caught:
        await asking()
    assert caught.value.argument == argument
    assert argument in str(caught.value)
    assert len(str(caught.value)) < LONGEST_ERROR
    assert stage.snapshot() == before
    assert stage.railway.requests.count == 0
    return str(caught.value)


def deploy(stage: Any, **options: Any) -> Callable[[], Any]:
    given = {
        "user_id": stage.instance.user_id,
        "template_id": stage.instance.template_id,
        "name": "another",
        "inputs": None,
    }
    return partial(stage.chosen.deploy, **{**given, **options})


# Ids --------------------------------------------------------------------------------------------------------------

OF_AN_INSTANCE: dict[str, dict[str, Any]] = {
    "get": {},
    "events": {},
    "services": {},
    "domains": {},
    "deployments": {},
    "set_variables": {"variables": {"web": {"A": "1"}}},
    "set_limits": {"limits": ServiceLimits()},
    "attach_domain": {"domain": "shop.example.com"},
    "remove_domain": {"domain": "shop.example.com"},
    "restart": {},
    "redeploy": {},
    "rollback": {"railway_deployment_id": "x"},
    "stop": {},
    "start": {},
    "delete": {},
    "cancel_deletion": {},
    "upgrade": {},
    "preview_upgrade": {},
    "back_up": {},
    "backups": {},
    "restore": {"backup_id": "x"},
    "wait": {},
}
FOR_OPERATORS: dict[str, dict[str, Any]] = {
    "suspend": {},
    "resume": {},
    "retry": {"actor": "eve"},
    "abandon": {"actor": "eve"},
    "adopt": {"project_id": "x", "actor": "eve"},
    "reconcile": {},
}


@pytest.mark.parametrize("verb", [*OF_AN_INSTANCE, *FOR_OPERATORS])
async def test_what_is_no_id_of_an_instance_is_refused_by_every_verb(shop: Any, verb: str) -> None:
    options = {**OF_AN_INSTANCE, **FOR_OPERATORS}[verb]
    for odd in ODD_IDS:
        said = await refused(shop, "instance_id", partial(getattr(shop.chosen, verb), odd, **options))
        assert "must be a uuid.UUID" in said


@pytest.mark.parametrize("verb", OF_AN_INSTANCE)
async def test_what_is_no_owner_is_refused_by_every_verb(shop: Any, verb: str) -> None:
    ask = partial(getattr(shop.chosen, verb), shop.instance.id, **OF_AN_INSTANCE[verb])
    for odd in ODD_IDS:
        if odd is not None:  # the operator
            assert "owner_id(key) makes one" in await refused(shop, "user_id", partial(ask, user_id=odd))


@each("odd", ODD_IDS)
async def test_what_is_no_id_is_refused_wherever_one_is_needed(shop: Any, odd: Any) -> None:
    manager = shop.chosen
    await refused(shop, "user_id", deploy(shop, user_id=odd))
    await refused(shop, "template_id", deploy(shop, template_id=odd))
    await refused(shop, "user_id", partial(manager.plan_of, odd))
    await refused(shop, "user_id", partial(manager.slots_of, odd))
    await refused(shop, "template_id", partial(manager.latest_revision, odd))
    await refused(shop, "template_id", partial(manager.publish_revision, odd, shop.document))
    if odd is None:
        return
    await refused(shop, "revision_id", deploy(shop, revision_id=odd))
    await refused(shop, "user_id", partial(manager.list_page, user_id=odd))
    await refused(shop, "template_id", partial(manager.list_page, template_id=odd))
    await refused(shop, "instance_id", partial(manager.operations, instance_id=odd))


# Deploying and publishing -----------------------------------------------------------------------------------------


@each("key", ["", " ", "a\0b", HALF, 5, b"key", "x" * 256, HUGE])
async def test_keys_that_cannot_be_kept_are_refused(shop: Any, key: Any) -> None:
    await refused(shop, "idempotency_key", deploy(shop, idempotency_key=key))


@each("inputs", [[], ["A"], "A=1", 5, {"A", "B"}])
async def test_inputs_are_a_mapping(shop: Any, inputs: Any) -> None:
    await refused(shop, "inputs", deploy(shop, inputs=inputs, idempotency_key="k"))


@each("inputs", [{"A": object()}, {5: "1"}, {"A": HALF}, {None: {}}, {HUGE: "1"}, {"A": Decimal(1)}])
async def test_whatever_is_in_inputs_is_told_with_or_without_a_key(shop: Any, inputs: Any) -> None:
    before = shop.snapshot()
    for key in (None, "k"):
        with pytest.raises(TemplateError, match="values") as caught:
            await deploy(shop, inputs=inputs, idempotency_key=key)()
        assert len(str(caught.value)) < LONGEST_ERROR
    assert shop.snapshot() == before


@each("limits", [{}, {"vcpus": 1}, 5, "1"])
async def test_limits_are_limits(shop: Any, limits: Any) -> None:
    await refused(shop, "limits", deploy(shop, limits=limits))
    await refused(shop, "limits", partial(shop.chosen.set_limits, shop.instance.id, limits))
    await refused(shop, "resources", partial(shop.published, shop.chosen, resources=limits))


async def test_no_limits_at_all_are_said_as_such(shop: Any) -> None:
    await refused(shop, "limits", partial(shop.chosen.set_limits, shop.instance.id, None))


@each("amount", [2, 1.5, "2", 0.1, "0.25", Decimal("1e-9")])
async def test_a_number_is_taken_for_what_it_says_exactly(shop: Any, amount: Any) -> None:
    limits = ServiceLimits(vcpus=amount, memory_gb=amount)
    made = await deploy(shop, limits=limits)()
    expected = ServiceLimits(vcpus=Decimal(str(amount)), memory_gb=Decimal(str(amount)))
    assert made.desired.config.limits == expected
    assert made.resources.vcpus == Decimal(str(amount))
    assert (await shop.published(shop.chosen, name="x", resources=limits)).resources == expected


@each("amount", ["two", True, float("nan"), float("inf"), 1e30, 1e-30, "1e30", -1, [], b"1", HUGE, 10**5000])
async def test_what_is_no_amount_is_refused(shop: Any, amount: Any) -> None:
    for field in ("vcpus", "memory_gb"):
        limits = ServiceLimits(**{field: amount})
        await refused(shop, field, deploy(shop, limits=limits))
        await refused(shop, field, partial(shop.chosen.set_limits, shop.instance.id, limits))
        await refused(shop, field, partial(shop.published, shop.chosen, resources=limits))


@pytest.mark.parametrize("field", ["description", "category", "price_tier", "railway_template_id"])
@each("value", ["a\0b", HALF, 5])
async def test_texts_of_a_template_can_be_kept(shop: Any, field: str, value: Any) -> None:
    await refused(shop, field, partial(shop.published, shop.chosen, **{field: value}))


async def test_short_texts_of_a_template_are_short(shop: Any) -> None:
    for field in ("category", "price_tier", "railway_template_id"):
        await refused(shop, field, partial(shop.published, shop.chosen, **{field: HUGE}))


async def test_notes_of_a_revision_can_be_kept(shop: Any) -> None:
    publish = partial(shop.chosen.publish_revision, shop.instance.template_id)
    newer = shop.document.fill({}).serialize()
    next(iter(newer["services"].values()))["source"]["image"] = "nginx:2"
    await refused(shop, "notes", partial(publish, newer, notes="a\0b"))


@each("actor", ["x" * 256, "a\0b", HALF, 5, " "])
async def test_who_does_it_can_be_kept(shop: Any, actor: Any) -> None:
    manager, instance_id = shop.chosen, shop.instance.id
    await refused(shop, "actor", deploy(shop, actor=actor))
    await refused(shop, "actor", partial(manager.set_limits, instance_id, ServiceLimits(), actor=actor))
    await refused(shop, "actor", partial(manager.delete, instance_id, actor=actor))
    await refused(shop, "actor", partial(shop.published, manager, name="x", actor=actor))


async def test_two_spellings_of_a_letter_make_one_name(shop: Any) -> None:
    first = await deploy(shop, name="Caf\u00e9")()
    assert first.name == "Caf\u00e9"
    for name in ("Cafe\u0301", "CAFE\u0301"):
        with pytest.raises(NameTakenError):
            await deploy(shop, name=name)()
    assert (await deploy(shop, name="Cre\u0300me")()).name == "Cr\u00e8me"


# Changing ---------------------------------------------------------------------------------------------------------


@each("variables", [{"web": "x"}, {"web": None}, {"web": ["A"]}, [], "web", None, {HUGE: {"A": "1"}}])
async def test_variables_are_a_mapping_of_mappings(shop: Any, variables: Any) -> None:
    await refused(shop, "variables", partial(shop.chosen.set_variables, shop.instance.id, variables))


@each("name", [HUGE + "=", HUGE + "\0"])
async def test_names_of_variables_are_not_repeated_at_length(shop: Any, name: str) -> None:
    variables = {"web": {name: "1"}}
    await refused(shop, "variables", partial(shop.chosen.set_variables, shop.instance.id, variables))


@each("port", ["80", 80.5, True, 0, 65_536, 10**30, []])
async def test_a_port_is_a_whole_number(shop: Any, port: Any) -> None:
    attach = partial(shop.chosen.attach_domain, shop.instance.id, "shop.example.com", target_port=port)
    await refused(shop, "target_port", attach)


async def test_long_names_are_not_repeated(shop: Any) -> None:
    manager, instance_id = shop.chosen, shop.instance.id
    await refused(shop, "domain", partial(manager.attach_domain, instance_id, HUGE))
    await refused(
        shop, "service", partial(manager.attach_domain, instance_id, "shop.example.com", service=HUGE)
    )


@each("after", [7, "7", timedelta.max, timedelta(0), timedelta(days=3651), datetime.now(UTC)])
async def test_a_grace_is_a_sensible_time(shop: Any, after: Any) -> None:
    await refused(shop, "after", partial(shop.chosen.delete, shop.instance.id, after=after))


@each("deployment", ["\0", 5, None, "", HALF, HUGE])
async def test_a_deployment_has_a_name(shop: Any, deployment: Any) -> None:
    asking = partial(shop.chosen.rollback, shop.instance.id, deployment)
    await refused(shop, "railway_deployment_id", asking)


@each("backup", ["\0", 5, None, "", HALF, HUGE])
async def test_a_backup_has_a_name(shop: Any, backup: Any) -> None:
    await refused(shop, "backup_id", partial(shop.chosen.restore, shop.instance.id, backup))


@pytest.mark.parametrize("verb", ["back_up", "restart"])
async def test_long_names_of_services_are_not_repeated(new_stage: Any, verb: str) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    with pytest.raises(InstanceInputError) as caught:
        await getattr(manager, verb)(instance.id, service=HUGE)
    assert caught.value.argument == "service"
    assert len(str(caught.value)) < LONGEST_ERROR


# Reading and waiting ----------------------------------------------------------------------------------------------


@each("seconds", [None, "5", -1, float("nan"), True])
async def test_a_time_to_wait_is_a_number(shop: Any, seconds: Any) -> None:
    await refused(shop, "timeout_s", partial(shop.chosen.wait, shop.instance.id, timeout_s=seconds))
    await refused(shop, "timeout_s", deploy(shop, timeout_s=seconds))


PAGES: dict[str, bool] = {
    "list_page": False,
    "events": True,
    "deployments": True,
    "operations": False,
    "templates": False,
}
"""Lists, and whether they are of an instance."""


def listing(stage: Any, name: str, **options: Any) -> Callable[[], Any]:
    of = [stage.instance.id] if PAGES[name] else []
    return partial(getattr(stage.chosen, name), *of, **options)


@pytest.mark.parametrize("name", PAGES)
@each("limit", ["5", None, 1.5, 10**30, 0, -1, True, 1001])
async def test_a_page_has_a_length(shop: Any, name: str, limit: Any) -> None:
    assert "from 1 to 1000" in await refused(shop, "limit", listing(shop, name, limit=limit))


@pytest.mark.parametrize("name", PAGES)
@each("after", ["garbage", 5, "", HUGE, uuid4()])
async def test_a_page_goes_on_after_a_cursor(shop: Any, name: str, after: Any) -> None:
    await refused(shop, "after", listing(shop, name, after=after))


@each("limit", ["5", None, 1.5, 10**30, 0])
async def test_a_worker_takes_a_number_of_instances(shop: Any, limit: Any) -> None:
    await refused(shop, "limit", partial(shop.chosen.run_due, limit=limit))


@each("status", ["nope", 5, [], HUGE])
async def test_a_status_is_one_that_there_is(shop: Any, status: Any) -> None:
    assert "running" in await refused(shop, "status", partial(shop.chosen.list_page, status=status))
    assert "sent" in await refused(shop, "state", partial(shop.chosen.operations, state=status))


async def test_a_status_may_be_said_as_text(shop: Any) -> None:
    assert len(await shop.chosen.list_page(status="accepted")) == 1
    assert len(await shop.chosen.operations(state="intended")) == 1


# Options of what an application is made of ------------------------------------------------------------------------


@each("workspace", ["", "  ", None, 5])
async def test_a_workspace_has_a_name(shop: Any, workspace: Any) -> None:
    client, database = shop.railway.async_client(), shop.database
    makers: list[Callable[[], object]] = [
        partial(AsyncUsageCollector, client, database, workspace_id=workspace),
        partial(AsyncInventory, client, database, workspace_id=workspace, placement=ProjectPerInstance()),
        partial(AsyncWebhookSetup, client, workspace_id=workspace),
        partial(shop.manager, workspace_id=workspace),
    ]
    for make in makers:
        with pytest.raises(ConfigurationError, match="workspace_id="):
            make()


@each("since", [timedelta(seconds=1), timedelta(days=400)])
async def test_usage_is_not_collected_from_the_future_on(shop: Any, since: timedelta) -> None:
    collector = partial(
        AsyncUsageCollector,
        shop.railway.async_client(),
        shop.database,
        workspace_id=shop.railway.workspace_id,
        now=shop.clock.now,
    )
    with pytest.raises(ConfigurationError, match=r"since=.*: must not be in the future"):
        collector(since=shop.clock.now() + since)
    for odd in ("2026-01-01", datetime(2026, 1, 1), 5):  # noqa: DTZ001 - without a zone
        with pytest.raises(ConfigurationError, match=r"since=.*: must be a datetime with a time zone"):
            collector(since=odd)
    assert (await collector(since=shop.clock.now()).collect()).windows == ()


@each(
    "secrets",
    [["pässword"], [b"secret"], [5], ["a\nb"], [" a"], ["a\0"], ["\ud800"], b"secret", "secret", [""], []],
)
async def test_a_secret_is_what_a_header_can_carry(shop: Any, secrets: Any) -> None:
    with pytest.raises(ConfigurationError, match="secrets: must be") as caught:
        AsyncWebhookIntake(shop.database, secrets=secrets)
    assert "pässword" not in str(caught.value)


@pytest.mark.parametrize("name", [one for one in ManagerSettings.__slots__ if one != "failed_deploy"])
@each("value", [None, "5", True, float("nan"), 0])
async def test_patience_is_a_number(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"ManagerSettings\({name}="):
        ManagerSettings(**{name: value})
