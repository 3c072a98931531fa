"""Instances: written, found, listed; the desired half and the observed half apart."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from railway_saas.domain.instances import (
    Applied,
    Desired,
    InstanceConfig,
    Observed,
    Power,
    Rollout,
    ServiceLimits,
    Wish,
)
from railway_saas.domain.plans import Resources
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus
from railway_saas.errors import ConflictError, LeaseLostError, NotFoundError
from tests.support.nouns import HOUR, NOW, Stock, added_async, next_id

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase

EVERYTHING_DESIRED = {
    "status": DesiredStatus.SUSPENDED,
    "config": InstanceConfig(
        inputs={"web.NAME": "Ärger"},
        variables={"web": {"A": "1", "GONE": None}},
        limits=ServiceLimits(vcpus=Decimal("0.1"), memory_gb=Decimal("0.123456789")),
    ),
    "delete_at": NOW + 24 * HOUR,
    "generation": 7,
    "wishes": (Wish(number=5, verb="start", replaced=True), Wish(number=7, verb="suspend")),
}


def everything_observed(stock: Stock) -> Observed:
    return Observed(
        status=InstanceStatus.SLEEPING,
        status_since=NOW + HOUR,
        project_id="project-1",
        environment_id="environment-1",
        primary_service_id="service-1",
        domain="shop.up.railway.app",
        built_from_calls=True,
        applied=Applied(
            revision_id=stock.revision.id,
            inputs={"web.NAME": "Ärger"},
            previous_inputs={"web.NAME": "Straße"},
            previous_values={"web": {"KEY": "Füße"}},
            new_volumes={"web:/data": "volume-1"},
            unneeded_volumes=("volume-2", "volume-3"),
            variables={"web": {"A": "1", "B": None}},
            limits=ServiceLimits(vcpus=Decimal("1.5"), memory_gb=Decimal(3)),
        ),
        power=Power.STOPPED,
        switches=3,
        rollout=Rollout(
            number=4,
            pending=("web", "db"),
            watching=("worker",),
            started_at=NOW,
            previous_revision_id=stock.revision.id,
            rolling_back=True,
        ),
        recoveries=2,
        error="it went wrong",
        attention="look at it",
        seen_at=NOW,
        undoing=True,
    )


def left_at_their_defaults(row: object, path: str) -> list[str]:
    """Fields that a test of every field forgets."""
    found: list[str] = []
    for field in fields(row):  # type: ignore[arg-type]
        value, name = getattr(row, field.name), f"{path}.{field.name}"
        if is_dataclass(value):
            found += left_at_their_defaults(value, name)
        elif value == field.default or (
            field.default_factory is not MISSING and value == field.default_factory()
        ):
            found.append(name)
    return found


async def test_an_instance_comes_back_as_it_was(database: AsyncDatabase, stock: Stock) -> None:
    plain = stock.instance()
    full = replace(
        stock.instance(),
        desired=Desired(revision_id=stock.revision.id, **EVERYTHING_DESIRED),
        observed=everything_observed(stock),
        resources=Resources(
            services=3, vcpus=Decimal("1.25"), memory_gb=Decimal("0.5"), volume_gb=Decimal(10)
        ),
        holds_slot=False,
        next_check_at=NOW,
        wakes=5,
        lease_owner="worker-1",
        lease_until=NOW + HOUR,
    )
    assert left_at_their_defaults(full, "Instance") == []
    await added_async(database, plain, full)
    async with database.unit_of_work() as work:
        assert await work.instances.get(plain.id) == plain
        assert await work.instances.get(full.id) == full
        assert await work.instances.lock(full.id) == full
        assert str((await work.instances.get(full.id)).resources.vcpus) == "1.25"
        assert str((await work.instances.get(full.id)).resources.volume_gb) == "10"


async def test_what_does_not_exist(database: AsyncDatabase, stock: Stock) -> None:
    nobody = next_id()
    async with database.unit_of_work() as work:
        for call in (work.instances.get, work.instances.lock):
            with pytest.raises(NotFoundError):
                await call(nobody)
        with pytest.raises(NotFoundError):
            await work.instances.save_desired(stock.instance())
        with pytest.raises(NotFoundError):
            await work.instances.wake(nobody, at=NOW)
        with pytest.raises(NotFoundError):
            await work.instances.claim(nobody, worker="w", now=NOW, lease_until=NOW + HOUR)
        with pytest.raises(LeaseLostError):
            await work.instances.save_observed(stock.instance(), worker="w", lease_until=NOW + HOUR)
        await work.instances.release(stock.instance(), worker="w", next_check_at=None)
        assert await work.instances.find_by_project("none") is None
        assert await work.instances.find_owned(nobody, nobody) is None


async def test_it_refers_to_what_exists(database: AsyncDatabase, stock: Stock) -> None:
    async with database.unit_of_work() as work:
        with pytest.raises(NotFoundError):
            await work.instances.add(stock.instance(template_id=next_id()))
        with pytest.raises(NotFoundError):
            await work.instances.add(stock.instance(desired=Desired(revision_id=next_id())))
        instance = stock.instance()
        await work.instances.add(instance)
        with pytest.raises(NotFoundError):
            await work.instances.save_desired(replace(instance, desired=Desired(revision_id=next_id())))


async def test_an_owner_s_live_instances_differ_in_name_whatever_the_case(
    database: AsyncDatabase, stock: Stock
) -> None:
    owner = uuid4()
    other = stock.instance(owner, name="Other")
    await added_async(database, stock.instance(owner, name="Über-Straße"), other)
    async with database.unit_of_work() as work:
        for taken in ("Über-Straße", "über-strasse", "ÜBER-STRASSE", "U\u0308ber-straße"):
            with pytest.raises(ConflictError):
                await work.instances.add(stock.instance(owner, name=taken))
            with pytest.raises(ConflictError):
                await work.instances.save_desired(replace(other, name=taken))
        await work.instances.add(stock.instance(uuid4(), name="Über-Straße"))
        await work.instances.save_desired(replace(other, name="OTHER"))


async def test_what_is_gone_leaves_its_name(database: AsyncDatabase, stock: Stock) -> None:
    for status in InstanceStatus:
        owner = uuid4()
        await added_async(database, stock.instance(owner, name="shop", status=status))
        async with database.unit_of_work() as work:
            if status in {InstanceStatus.FAILED, InstanceStatus.DELETED}:
                await work.instances.add(stock.instance(owner, name="Shop"))
            else:
                with pytest.raises(ConflictError):
                    await work.instances.add(stock.instance(owner, name="Shop"))


async def test_ids_and_railway_s_ids_are_unique(database: AsyncDatabase, stock: Stock) -> None:
    first = stock.instance(project_id="p", primary_service_id="s")
    await added_async(database, first)
    async with database.unit_of_work() as work:
        for taken in ({"id": first.id}, {"project_id": "p"}, {"primary_service_id": "s"}):
            with pytest.raises(ConflictError):
                await work.instances.add(stock.instance(**taken))
        second = stock.instance(lease_owner="w", lease_until=NOW)
        await work.instances.add(second)
        with pytest.raises(ConflictError):
            await work.instances.save_observed(
                replace(second, observed=first.observed), worker="w", lease_until=NOW
            )
        await work.commit()


async def test_the_owner_finds_its_own_only(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        assert await work.instances.find_owned(instance.id, instance.user_id) == instance
        assert await work.instances.find_owned(instance.id, uuid4()) is None


async def test_several_are_found_at_once(database: AsyncDatabase, stock: Stock) -> None:
    first, second = stock.instance(project_id="p1"), stock.instance(project_id="p2")
    await added_async(database, first, second, stock.instance())
    async with database.unit_of_work() as work:
        assert await work.instances.find_many([first.id, second.id, next_id(), first.id]) == {
            first.id: first,
            second.id: second,
        }
        assert await work.instances.find_many_by_project({"p1", "p2", "p3"}) == {"p1": first, "p2": second}
        assert await work.instances.find_by_project("p2") == second
        assert await work.instances.find_many([]) == {}
        assert await work.instances.find_many_by_project([]) == {}


async def test_more_are_found_at_once_than_a_statement_has_parameters(
    database: AsyncDatabase, stock: Stock
) -> None:
    instance = stock.instance(project_id="p")
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        ids = [next_id() for _ in range(66_000)]
        assert await work.instances.find_many([*ids, instance.id]) == {instance.id: instance}
        projects = [str(one) for one in ids]
        assert await work.instances.find_many_by_project([*projects, "p"]) == {"p": instance}


async def test_the_list_is_filtered(database: AsyncDatabase, stock: Stock) -> None:
    owner = uuid4()
    running = stock.instance(owner, status=InstanceStatus.RUNNING)
    stuck = stock.instance(owner, status=InstanceStatus.DEPLOYING, attention="")
    foreign = stock.instance(status=InstanceStatus.RUNNING, attention="why")
    await added_async(database, running, stuck, foreign)
    async with database.unit_of_work() as work:

        async def found(**filters: object) -> list[object]:
            return [row.id for row in await work.instances.list_page(**filters)]

        assert await found() == [running.id, stuck.id, foreign.id]
        assert await found(user_id=owner) == [running.id, stuck.id]
        assert await found(status=InstanceStatus.RUNNING) == [running.id, foreign.id]
        assert await found(user_id=owner, status=InstanceStatus.RUNNING) == [running.id]
        assert await found(needs_attention=True) == [stuck.id, foreign.id]
        assert await found(needs_attention=True, user_id=owner) == [stuck.id]
        assert await found(template_id=stock.template.id) == [running.id, stuck.id, foreign.id]
        assert await found(template_id=next_id()) == []
        assert await found(template_id=stock.template.id, status=InstanceStatus.DELETED) == []


async def test_verbs_write_the_desired_half_only(database: AsyncDatabase, stock: Stock) -> None:
    before = stock.instance(lease_owner="w", lease_until=NOW, next_check_at=NOW, wakes=2)
    await added_async(database, before)
    changed = replace(
        before,
        name="Renamed",
        desired=Desired(revision_id=stock.revision.id, **EVERYTHING_DESIRED),
        resources=Resources(services=1, vcpus=Decimal(2)),
        updated_at=NOW + HOUR,
    )
    async with database.unit_of_work() as work:
        await work.instances.save_desired(
            replace(
                changed,
                observed=everything_observed(stock),
                holds_slot=False,
                wakes=9,
                next_check_at=None,
                lease_owner=None,
            )
        )
        assert await work.instances.get(before.id) == changed


async def test_the_loop_writes_the_observed_half_only(database: AsyncDatabase, stock: Stock) -> None:
    before = stock.instance(lease_owner="w", lease_until=NOW, next_check_at=NOW, wakes=2)
    await added_async(database, before)
    changed = replace(
        before,
        observed=everything_observed(stock),
        holds_slot=False,
        updated_at=NOW + HOUR,
        lease_until=NOW + 2 * HOUR,
    )
    async with database.unit_of_work() as work:
        await work.instances.save_observed(
            replace(
                changed,
                name="Renamed",
                desired=Desired(revision_id=next_id(), **EVERYTHING_DESIRED),
                resources=Resources(services=1),
                wakes=9,
                next_check_at=None,
            ),
            worker="w",
            lease_until=NOW + 2 * HOUR,
        )
        assert await work.instances.get(before.id) == changed


async def test_both_halves_change_at_once_without_losing_either(
    database: AsyncDatabase, stock: Stock
) -> None:
    before = stock.instance(lease_owner="w", lease_until=NOW)
    await added_async(database, before)
    async with database.unit_of_work() as work:
        await work.instances.save_desired(replace(before, name="Renamed"))
        await work.commit()
    async with database.unit_of_work() as work:
        await work.instances.save_observed(
            replace(before, observed=everything_observed(stock)), worker="w", lease_until=NOW
        )
        await work.commit()
    async with database.unit_of_work() as work:
        after = await work.instances.get(before.id)
    assert (after.name, after.observed) == ("Renamed", everything_observed(stock))


async def test_they_are_counted_by_status(database: AsyncDatabase, stock: Stock) -> None:
    async with database.unit_of_work() as work:
        assert await work.instances.count_by_status() == {}
    running, failed = InstanceStatus.RUNNING, InstanceStatus.FAILED
    await added_async(database, *(stock.instance(status=status) for status in (running, running, failed)))
    async with database.unit_of_work() as work:
        assert await work.instances.count_by_status() == {running: 2, failed: 1}


async def test_what_a_reader_changes_is_not_what_is_stored(database: AsyncDatabase, stock: Stock) -> None:
    variables = {"web": {"A": "1"}}
    instance = stock.instance(
        desired=Desired(revision_id=stock.revision.id, config=InstanceConfig(variables=variables))
    )
    await added_async(database, instance)
    variables["web"]["A"] = "changed by the writer"
    async with database.unit_of_work() as work:
        found = await work.instances.get(instance.id)
        found.desired.config.variables["web"]["A"] = "changed by the reader"  # type: ignore[index]
        assert (await work.instances.get(instance.id)).desired.config.variables == {"web": {"A": "1"}}
