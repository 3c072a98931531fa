"""Usage is collected exactly once per hour, whatever happens on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from railway_saas.config import RetryPolicy
from railway_saas.domain.prices import total_usd
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.errors import (
    ConfigurationError,
    RailwayConnectionError,
    RailwayResponseError,
    RepositoryError,
)
from railway_saas.instances._async.usage import AsyncUsageCollector, AsyncUsageStatements
from railway_saas.instances.metering import HOUR, UsageWindow
from railway_saas.repositories import AsyncMemoryDatabase
from tests.support.instance_rows import OWNER, START, instance, instance_id, store_async
from tests.support.railway import client_async, ok, script
from tests.support.together import all_async
from tests.support.usage_world import UsageWorld, Used

if TYPE_CHECKING:
    from railway_saas import AsyncRailwayClient
    from railway_saas.domain.usage import UsageMetric
    from railway_saas.emulator import Emulator
    from railway_saas.instances.metering import UsageReport

OURS = {"p-acme": "acme", "p-beta": "beta", "p-gone": "gone"}
MEASURES = ("CPU_USAGE", "NETWORK_TX_GB")
Rows = dict[tuple[Any, str, datetime], Decimal]


class Clock:
    """What time it is."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class AsyncFragileDatabase:
    """A database whose next commits may be the last thing a process does."""

    def __init__(self) -> None:
        self.inner = AsyncMemoryDatabase()
        self.dies: list[str] = []
        """`before` or `after` for each commit that comes; empty: it lives."""

    def unit_of_work(self) -> Any:
        work = self.inner.unit_of_work()
        commit = work.commit

        async def fragile() -> None:
            fate = self.dies.pop(0) if self.dies else ""
            if fate == "before":
                raise RepositoryError("died")
            await commit()
            if fate == "after":
                raise RepositoryError("died")

        work.commit = fragile  # type: ignore[method-assign]
        return work


async def database_of_three() -> AsyncFragileDatabase:
    database = AsyncFragileDatabase()
    deleted = instance("gone", status=InstanceStatus.DELETED, project_id="p-gone")
    await store_async(
        database, instance("acme", project_id="p-acme"), instance("beta", project_id="p-beta"), deleted
    )
    return database


def collector(
    world: UsageWorld, database: Any, clock: Clock, **options: Any
) -> tuple[AsyncRailwayClient, AsyncUsageCollector]:
    railway = client_async(script(world), retry=RetryPolicy(max_attempts=1))
    options = {"page_size": 2, "max_windows": 100, **options}
    return railway, AsyncUsageCollector(railway, database, workspace_id="w1", now=clock, **options)


async def rows_of(database: Any) -> Rows:
    rows: Rows = {}
    async with database.unit_of_work() as work:
        for name in OURS.values():
            page = await work.usage.list_page(
                instance_id(name), start=START - timedelta(days=200), end=START + timedelta(days=400)
            )
            for row in page:
                rows[row.instance_id, row.metric_type, row.recorded_at] = row.value
    return {key: value for key, value in rows.items() if value}


def expected(used: list[Used]) -> Rows:
    rows: Rows = {}
    for one in used:
        if one.project in OURS and one.value:
            key = (instance_id(OURS[one.project]), one.measure, one.hour)
            rows[key] = rows.get(key, Decimal(0)) + one.value
    return rows


def use(project: str, hour: int, value: str, *, late_min: int = 0, service: str = "web") -> Used:
    begin = START + hour * HOUR
    told_from = begin + HOUR + timedelta(minutes=late_min)
    return Used(project, service, "CPU_USAGE", begin, Decimal(value), told_from)


# In order -----------------------------------------------------------------------------------------------------------


async def test_services_are_added_up_per_instance_and_hour() -> None:
    clock, database = Clock(), await database_of_three()
    used = [
        use("p-acme", 0, "1.5"),
        use("p-acme", 0, "0.25", service="db"),
        use("p-beta", 0, "7"),
        use("p-gone", 0, "3"),
        use("p-other", 0, "100"),
    ]
    world = UsageWorld(clock, [*OURS, "p-other", "p-idle"], used)
    railway, collecting = collector(world, database, clock)
    async with railway:
        assert (await collecting.collect()).windows == ()
        clock.now += timedelta(minutes=70)
        report = await collecting.collect()
    assert [window.start for window in report.windows] == [START]
    assert (report.pages, report.rows, report.foreign_projects) == (3, 3, 1)
    assert (report.waiting, report.lost_hours, report.ahead, report.overtaken) == (0, 0, False, False)
    assert await rows_of(database) == expected(used)
    assert {request["includeDeleted"] for request in world.requests} == {True}


async def test_each_hour_is_read_twice_and_no_more() -> None:
    clock, database = Clock(), await database_of_three()
    world = UsageWorld(clock, list(OURS), [use("p-acme", hour, "1") for hour in range(30)])
    railway, collecting = collector(world, database, clock, page_size=50)
    async with railway:
        await collecting.collect()
        for _ in range(24 * 4):
            clock.now += timedelta(minutes=15)
            await collecting.collect()
    assert 2 * 22 <= len(world.requests) <= 2 * 24
    assert len(await rows_of(database)) == 23


async def test_ten_thousand_instances_cost_four_hundred_requests_per_hour() -> None:
    clock, database = Clock(), AsyncMemoryDatabase()
    world = UsageWorld(clock, [f"p{number}" for number in range(10_000)], [])
    railway, collecting = collector(world, database, clock, page_size=50)
    async with railway:
        await collecting.collect()
        clock.now += timedelta(hours=3, minutes=15)
        await collecting.collect()
        world.requests.clear()
        clock.now += HOUR
        await collecting.collect()
    assert len(world.requests) == 400


async def test_what_railway_counts_late_is_in_after_the_second_reading() -> None:
    clock, database = Clock(), await database_of_three()
    used = [use("p-acme", 0, "1"), use("p-acme", 0, "2", late_min=100, service="db")]
    world = UsageWorld(clock, list(OURS), used)
    railway, collecting = collector(world, database, clock)
    async with railway:
        await collecting.collect()
        clock.now += timedelta(minutes=70)
        await collecting.collect()
        assert await rows_of(database) == expected(used[:1])
        clock.now += timedelta(minutes=110)
        await collecting.collect()
    assert await rows_of(database) == expected(used)


async def test_what_railway_takes_back_is_gone_after_the_second_reading() -> None:
    clock, database = Clock(), await database_of_three()
    world = UsageWorld(clock, list(OURS), [use("p-acme", 0, "1"), use("p-beta", 0, "2")])
    railway, collecting = collector(world, database, clock)
    async with railway:
        await collecting.collect()
        clock.now += timedelta(minutes=70)
        await collecting.collect()
        world.used = [Used("p-acme", "web", "NETWORK_TX_GB", START, Decimal(5), START), world.used[1]]
        clock.now += timedelta(minutes=110)
        report = await collecting.collect()
    assert await rows_of(database) == expected(world.used)
    assert report.rows == 2  # one is new, one is 0 now; what stayed the same was not written again


async def test_a_service_that_is_cut_off_by_a_page_is_not_lost() -> None:
    clock, database = Clock(), await database_of_three()

    def page(value: int, service: str, cursor: str | None) -> Any:
        tags = {"projectId": "p-acme", "serviceId": service}
        usage = [{"measurement": "CPU_USAGE", "value": value, "tags": tags}]
        info = {"hasNextPage": cursor is not None, "endCursor": cursor}
        return ok(projectServiceUsage={"usage": usage, "pageInfo": info})

    railway = client_async(script(page(1, "web", "a"), page(2, "db", "b"), page(4, "jobs", None)))
    async with railway:
        collecting = AsyncUsageCollector(
            railway, database, workspace_id="w1", now=clock, since=START - timedelta(hours=2, minutes=30)
        )
        clock.now = START - timedelta(hours=1, minutes=40)
        await collecting.collect()
    ((_, value),) = (await rows_of(database)).items()
    assert value == 7


async def test_pages_that_never_end_are_given_up() -> None:
    clock, database = Clock(), await database_of_three()
    info = {"hasNextPage": True, "endCursor": "again"}
    pages = script(ok(projectServiceUsage={"usage": [], "pageInfo": info}))
    railway = client_async(pages)
    async with railway:
        collecting = AsyncUsageCollector(
            railway, database, workspace_id="w1", now=clock, since=START - 2 * HOUR
        )
        with pytest.raises(RailwayResponseError, match="do not end"):
            await collecting.collect()
    assert len(pages.requests) == 2


async def test_many_projects_without_usage_are_no_endless_list() -> None:
    clock, database = Clock(), await database_of_three()
    projects = [f"p{number:03}" for number in range(100)]
    world = UsageWorld(clock, projects, [])
    railway, collecting = collector(world, database, clock, page_size=1, since=START - 2 * HOUR)
    async with railway:
        report = await collecting.collect()
    assert report.pages == 100


# When to begin, and after a pause -------------------------------------------------------------------------------------


async def test_the_first_call_begins_at_the_current_hour_and_remembers_it() -> None:
    clock, database = Clock(START + timedelta(minutes=59)), await database_of_three()
    used = [use("p-acme", hour, "1") for hour in range(-3, 5)]
    world = UsageWorld(clock, list(OURS), used)
    railway, collecting = collector(world, database, clock)
    async with railway:
        await collecting.collect()
        clock.now = START + timedelta(hours=4, minutes=15)
        _, another = collector(world, database, clock)
        await another.collect()
    assert await rows_of(database) == expected(used[3:7])


async def test_an_old_installation_says_since_when_and_says_it_once() -> None:
    clock, database = Clock(START + timedelta(minutes=20)), await database_of_three()
    used = [use("p-acme", hour, "1") for hour in range(-5, 1)]
    world = UsageWorld(clock, list(OURS), used)
    railway, collecting = collector(world, database, clock, since=START - timedelta(hours=2, minutes=10))
    async with railway:
        report = await collecting.collect()
        assert len(report.windows) == 3
        asked = len(world.requests)
        _, another = collector(world, database, clock, since=START - timedelta(days=5))
        assert (await another.collect()).windows == ()
    assert len(world.requests) == asked
    assert await rows_of(database) == expected(used[2:5])


async def test_a_long_pause_is_caught_up_bit_by_bit_oldest_first() -> None:
    clock, database = Clock(), await database_of_three()
    used = [use("p-acme", hour, "1") for hour in range(40)]
    world = UsageWorld(clock, list(OURS), used)
    railway, collecting = collector(world, database, clock, max_windows=15)
    async with railway:
        await collecting.collect()
        clock.now += timedelta(hours=40, minutes=15)
        waiting = []
        while True:
            report = await collecting.collect()
            waiting.append(report.waiting)
            if not report.waiting:
                break
    assert waiting == [25, 10, 0]
    assert await rows_of(database) == expected(used)


async def test_what_railway_has_forgotten_is_reported_as_lost() -> None:
    clock, database = Clock(), await database_of_three()
    world = UsageWorld(clock, list(OURS), [])
    railway, collecting = collector(world, database, clock, max_windows=1)
    async with railway:
        await collecting.collect()
        clock.now += timedelta(days=90, hours=7)
        report = await collecting.collect()
    assert report.lost_hours == 7
    assert report.waiting == 90 * 24 - 2  # one was read, and the last one has not settled
    assert report.windows[0].start == START + 7 * HOUR


async def test_a_clock_that_goes_back_stops_reading_until_it_has_caught_up() -> None:
    clock, database = Clock(), await database_of_three()
    used = [use("p-acme", hour, "1") for hour in range(8)]
    world = UsageWorld(clock, list(OURS), used)
    railway, collecting = collector(world, database, clock)
    async with railway:
        await collecting.collect()
        clock.now += timedelta(hours=4, minutes=15)
        await collecting.collect()
        clock.now -= timedelta(hours=2)
        asked = len(world.requests)
        report = await collecting.collect()
        assert (report.windows, report.ahead, len(world.requests)) == ((), True, asked)
        clock.now += timedelta(hours=4)
        report = await collecting.collect()
    assert not report.ahead
    assert await rows_of(database) == expected(used[:6])


# When things go wrong -------------------------------------------------------------------------------------------------


async def test_an_hour_that_could_not_be_read_to_the_end_is_read_again_from_its_beginning() -> None:
    clock, database = Clock(), await database_of_three()
    used = [use(project, hour, "1") for project in OURS for hour in range(3)]
    world = UsageWorld(clock, list(OURS), used, fails_at={4})
    railway, collecting = collector(world, database, clock)
    async with railway:
        await collecting.collect()
        clock.now += timedelta(hours=3, minutes=15)
        with pytest.raises(RailwayConnectionError):
            await collecting.collect()
        report = await collecting.collect()
    assert [window.start for window in report.windows] == [START + HOUR, START + 2 * HOUR]
    assert await rows_of(database) == expected(used)


async def test_two_collectors_at_once_harm_nothing() -> None:
    clock, database = Clock(), await database_of_three()
    used = [use(project, hour, "1.25") for project in OURS for hour in range(6)]
    world = UsageWorld(clock, list(OURS), used)
    (railway, one), (other_railway, other) = (collector(world, database, clock) for _ in range(2))
    async with railway, other_railway:
        await one.collect()
        clock.now += timedelta(hours=6, minutes=15)
        reports = await all_async([one.collect, other.collect, one.collect])
        assert not [report for report in reports if isinstance(report, BaseException)]
        assert (await one.collect()).windows == ()
    assert await rows_of(database) == expected(used)


async def test_a_collector_that_slept_does_not_bring_old_values_back() -> None:
    clock, database = Clock(), await database_of_three()
    used = [use("p-acme", 0, "1"), use("p-acme", 0, "2", late_min=60, service="db")]
    world = UsageWorld(clock, list(OURS), used)
    railway, quick = collector(world, database, clock, page_size=50)
    old_world = UsageWorld(clock, list(OURS), used[:1])
    other_railway, slow = collector(old_world, database, clock, page_size=50)
    async with railway, other_railway:
        await quick.collect()
        clock.now += timedelta(hours=3, minutes=10)
        await quick.collect()
        reading = await slow._read(UsageWindow(START, is_first=True, is_final=False))
    assert reading.overtaken
    assert await rows_of(database) == expected(used)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Used], list[tuple[int, int | None, list[str]]], int, float]:
    """What was used, and calls: minutes before each, the request that fails, and how its commits end."""
    used = [
        Used(
            project,
            service,
            measure,
            START + hour * HOUR,
            Decimal(draw(st.integers(0, 4_000))) / 8,
            START + (hour + 1) * HOUR + timedelta(minutes=draw(st.sampled_from([-30, 0, 5, 45, 119]))),
        )
        for project in (*OURS, "p-other")
        for service in ("web", "db")
        for measure in MEASURES
        for hour in draw(st.sets(st.integers(0, 4), max_size=2))
    ]
    fates = st.lists(st.sampled_from(["", "", "before", "after"]), max_size=6)
    call = st.tuples(st.integers(0, 100), st.none() | st.integers(1, 6), fates)
    return (
        used,
        draw(st.lists(call, max_size=8)),
        draw(st.integers(0, 1_000)),
        draw(st.sampled_from([0.0, 0.3])),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories())
async def test_any_order_repetition_lateness_and_death_ends_in_the_same_rows(history: Any) -> None:
    used, calls, seed, repeats = history
    clock, database = Clock(), await database_of_three()
    world = UsageWorld(clock, [*OURS, "p-other", "p-idle"], used, seed=seed, repeats=repeats)
    railway, collecting = collector(world, database, clock, max_windows=4)
    async with railway:
        await collecting.collect()
        for minutes, fails_after, fates in calls:
            clock.now += timedelta(minutes=minutes)
            world.fails_at = set() if fails_after is None else {len(world.requests) + fails_after}
            database.dies = list(fates)
            try:
                await collecting.collect()
            except (RailwayConnectionError, RepositoryError):
                railway, collecting = collector(world, database, clock, max_windows=4)  # a new process
        world.fails_at, database.dies = set(), []
        clock.now = max(clock.now, START + timedelta(hours=7, minutes=5))
        while (await collecting.collect()).waiting:
            pass
    assert await rows_of(database) == expected(used)


# Settings -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("page_size", 0),
        ("page_size", 51),
        ("settle", timedelta(minutes=-1)),
        ("reread", timedelta(minutes=5)),
        ("max_windows", 0),
        ("since", datetime(2026, 1, 1)),  # noqa: DTZ001 - without a zone on purpose
    ],
)
def test_settings_that_cannot_be_are_refused(option: str, value: Any) -> None:
    railway = client_async(script(ok()))
    with pytest.raises(ConfigurationError, match=option):
        AsyncUsageCollector(
            railway,
            AsyncMemoryDatabase(),
            workspace_id="w1",
            now=lambda: datetime.now(UTC),
            **{option: value},
        )


# On the local Railway -------------------------------------------------------------------------------------------------


async def deployed(railway: AsyncRailwayClient, emulator: Emulator, name: str) -> str:
    """The id of a project with two services that are coming up."""
    project = await railway.projects.create(name=name, workspace_id=emulator.workspace_id)
    environment_id = project.environments[0].id
    for service_name in ("web", "db"):
        service = await railway.services.create(
            project.id, name=service_name, image="nginx:alpine", environment_id=environment_id
        )
        await railway.service_instances.deploy(service_id=service.id, environment_id=environment_id)
    return project.id


async def test_what_is_collected_is_what_railway_bills(railway_emulator: Emulator) -> None:
    emulator, database = railway_emulator, AsyncMemoryDatabase()
    async with emulator.async_client() as railway:
        ids = {name: await deployed(railway, emulator, name) for name in ("acme", "beta", "other")}
        await store_async(
            database,
            instance("acme", project_id=ids["acme"]),
            instance("beta", project_id=ids["beta"]),
        )
        collecting = AsyncUsageCollector(
            railway, database, workspace_id=emulator.workspace_id, now=emulator.clock.now, page_size=2
        )
        await collecting.collect()
        emulator.clock.advance(5_400)
        await railway.projects.delete(ids["beta"])
        for _ in range(16):
            emulator.clock.advance(900)
            await collecting.collect()
        end = START + 5 * HOUR
        statement = await AsyncUsageStatements(database).of_owner(OWNER, start=START, end=end)
        for name in ("acme", "beta"):
            billed = await railway.usage.get(
                project_id=ids[name], start_date=START, end_date=end, include_deleted=True
            )
            kept = statement.of(instance_id(name)).amounts
            assert {str(one.measurement) for one in billed} == set(kept)
            for one in billed:
                assert abs(kept[str(one.measurement)] - one.value) < Decimal("0.00001")
    assert statement.cost_usd > 0
    assert statement.cost_usd == total_usd(part.cost_usd for part in statement.instances)
    (alone,) = (
        await AsyncUsageStatements(database).of_instance(instance_id("beta"), start=START, end=end)
    ).instances
    assert alone == statement.of(instance_id("beta"))


async def kept_by(database: AsyncMemoryDatabase, name: str) -> list[UsageMetric]:
    async with database.unit_of_work() as work:
        return list(await work.usage.list_page(instance_id(name), start=START, end=START + 9 * HOUR))


async def test_an_answer_that_is_lost_costs_nothing_but_a_call(railway_emulator: Emulator) -> None:
    emulator, database = railway_emulator, AsyncMemoryDatabase()
    async with emulator.async_client(retry=RetryPolicy(max_attempts=1)) as railway:
        project_id = await deployed(railway, emulator, "acme")
        await store_async(database, instance("acme", project_id=project_id))
        collecting = AsyncUsageCollector(
            railway, database, workspace_id=emulator.workspace_id, now=emulator.clock.now
        )
        await collecting.collect()
        emulator.clock.advance(4_500)
        emulator.faults.add("drop", "projectServiceUsage")
        with pytest.raises(RailwayConnectionError):
            await collecting.collect()
        report: UsageReport = await collecting.collect()
    assert len(report.windows) == 1
    assert {row.recorded_at for row in await kept_by(database, "acme")} == {START}
