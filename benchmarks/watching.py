"""A simulated day of many instances: watched by sweeps, woken by webhooks, metered by the hour.

    python -m benchmarks.watching 10000 24 300 20    # instances, hours, events, waiting domains: one run, as JSON

Railway is `QuietRailway`, as the emulator would take hours for a day of 10,000 instances. `cross_check` lives the same
hours with both, in small.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.databases import DATABASES, Meter, MeteredDatabase
from benchmarks.figures import Goal, Report, Spread
from benchmarks.fleet import CODE, INPUTS, INTERVAL_S, START, TEMPLATES, Mix, fill, instance_id
from benchmarks.quiet_railway import ENDPOINT, SHAPES, QuietRailway, id_of
from railway_saas import RailwayClient
from railway_saas.domain.ids import owner_id
from railway_saas.emulator import Emulator
from railway_saas.emulator.clients import ClientClock
from railway_saas.emulator.clock import EmulatorClock
from railway_saas.instances import InstanceManager, UsageCollector, WebhookIntake
from railway_saas.instances.metering import floor_hour
from railway_saas.railway._http import HttpClient
from railway_saas.repositories import MemoryDatabase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain.instances import InstanceEvent
    from railway_saas.repositories import Database

TOKEN = "5e7e0000-made-up-for-the-benchmark"
WORKSPACE = "5e7e0000-0000-4000-8000-00000000abcd"
SECRET = "s3cret-of-the-benchmark"
WORKER_EVERY_S = 5.0
"""How often the worker asks whether something is due."""
COLLECT_EVERY_S = 600.0
CLAIM = 100
WEBHOOK_AFTER_S = 1.0
LOST_SHARE = 0.1
KINDS = {"crashed": "Deployment.crashed", "redeployed": "Deployment.redeployed", "slept": "Deployment.slept"}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that Railway does to an instance."""

    at: datetime
    number: int
    kind: str
    webhook_arrives: bool

    def webhook(self) -> bytes:
        """What Railway sends about it."""
        resource = {
            "project": {"id": id_of("project", self.number)},
            "environment": {"id": id_of("environment", self.number)},
            "service": {"id": id_of("service", self.number * len(SHAPES))},
            "deployment": {"id": id_of("deployment", self.number * len(SHAPES))},
        }
        event = {"type": KINDS[self.kind], "details": {}, "resource": resource, "severity": "INFO"}
        return json.dumps({**event, "timestamp": self.at.isoformat()}).encode()


def happenings(mix: Mix, hours: float, count: int) -> list[Happening]:
    """So many, spread over the time by chance, each to another instance; every tenth webhook is lost."""
    luck = random.Random(11)
    numbers = luck.sample([one for one in range(mix.instances) if one not in mix.waiting], count)
    # The last interval is left alone, so that everything has been noticed when the time is over.
    latest = hours * 3600 - INTERVAL_S - 60
    kinds = list(KINDS)
    found = [
        Happening(
            START + timedelta(seconds=INTERVAL_S + luck.uniform(0, latest)),
            number,
            kinds[place % len(kinds)],
            webhook_arrives=luck.random() >= LOST_SHARE,
        )
        for place, number in enumerate(numbers)
    ]
    return sorted(found, key=lambda one: one.at)


@dataclass(slots=True)
class Day:
    """What a simulated time came to."""

    hours: float
    claimed: int = 0
    sweep_requests: int = 0
    metering_requests: int = 0
    refused: int = 0
    run_wall_s: float = 0.0
    run_cpu_s: float = 0.0
    collect_cpu_s: float = 0.0
    stale_with_webhook_s: list[float] = field(default_factory=list[float])
    stale_without_s: list[float] = field(default_factory=list[float])
    unnoticed: int = 0
    failures: int = 0


class Watch:
    """One worker, one collector and the intake of webhooks, on one simulated clock."""

    def __init__(
        self,
        client: RailwayClient,
        database: Database,
        clock: EmulatorClock,
        workspace_id: str,
        happen: Callable[[Happening], None] | None = None,
    ) -> None:
        self.client = client
        self.clock = clock
        self.manager = InstanceManager(
            client, database, workspace_id=workspace_id, now=clock.now, on_event=self._noticed
        )
        self._collector = UsageCollector(client, database, workspace_id=workspace_id, now=clock.now)
        self._intake = WebhookIntake(database, secrets=[SECRET], now=clock.now)
        self._happen = happen
        self._waiting: dict[UUID, Happening] = {}

    def live(self, hours: float, coming: list[Happening]) -> Day:
        """Let time pass."""
        day = Day(hours)
        start = self.clock.now()
        end = start + timedelta(hours=hours)
        self._day = day
        agenda: list[tuple[datetime, int, Happening]] = [(one.at, 0, one) for one in coming]
        agenda += [
            (one.at + timedelta(seconds=WEBHOOK_AFTER_S), 1, one) for one in coming if one.webhook_arrives
        ]
        agenda.sort(key=lambda entry: entry[:2], reverse=True)
        collect_at = start
        while self.clock.now() < end:
            now = self.clock.now()
            while agenda and agenda[-1][0] <= now:
                self._take(*agenda.pop()[1:])
            if collect_at <= now:
                self._collect(day)
                collect_at += timedelta(seconds=COLLECT_EVERY_S)
            due_at = self.run_due(day)
            moments = [due_at, collect_at, end, *(entry[0] for entry in agenda[-1:])]
            self._pause_until(min(moment for moment in moments if moment is not None), start)
        day.unnoticed = len(self._waiting)
        day.refused = self.client.stats.rate_limited
        return day

    def _pause_until(self, moment: datetime, start: datetime) -> None:
        """The worker's next round that is not before a moment."""
        rounds = -((start - max(moment, self.clock.now())).total_seconds() // WORKER_EVERY_S)
        at = start + timedelta(seconds=rounds * WORKER_EVERY_S)
        self.clock.advance_to(max(at, self.clock.now() + timedelta(milliseconds=1)))

    def _take(self, step: int, one: Happening) -> None:
        if step == 0:
            assert self._happen is not None
            self._happen(one)
            self._waiting[instance_id(one.number)] = one
        else:
            self._intake.receive({"X-Webhook-Secret": SECRET}, one.webhook())

    def _noticed(self, event: InstanceEvent) -> None:
        one = self._waiting.pop(event.instance_id, None)
        if one is not None:
            stale = self._day.stale_with_webhook_s if one.webhook_arrives else self._day.stale_without_s
            stale.append((event.at - one.at).total_seconds())

    def _collect(self, day: Day) -> None:
        before, cpu = self.client.stats.requests, time.process_time()
        self._collector.collect()
        day.collect_cpu_s += time.process_time() - cpu
        day.metering_requests += self.client.stats.requests - before

    def run_due(self, day: Day) -> datetime | None:
        """One round of the worker; when the next one is due."""
        before, wall, cpu = self.client.stats.requests, time.perf_counter(), time.process_time()
        while True:
            report = self.manager.run_due(limit=CLAIM)
            day.claimed += report.claimed
            day.failures += len(report.failures)
            if report.claimed < CLAIM:
                break
        day.run_wall_s += time.perf_counter() - wall
        day.run_cpu_s += time.process_time() - cpu
        day.sweep_requests += self.client.stats.requests - before
        return report.next_due_at


def happen_at(railway: QuietRailway) -> Callable[[Happening], None]:
    """How the quiet Railway does what happens."""
    ways = {"crashed": railway.crash, "redeployed": railway.redeploy, "slept": railway.sleep}
    return lambda one: ways[one.kind](one.number)


def quiet_watch(
    mix: Mix, database: Database, answers: list[tuple[str, object]] | None = None
) -> tuple[Watch, QuietRailway]:
    """A fleet that runs, in an empty database, and its worker; answers are kept where a list is given."""
    clock = EmulatorClock(start=START)
    railway = mix.railway(clock.now)
    fill(database, mix, railway)
    with (
        database.unit_of_work() as work
    ):  # metering is under way: one hour is to be read, one to be read again
        work.usage.set_watermark(f"usage:{WORKSPACE}", floor_hour(START))
        work.usage.set_watermark(f"usage-final:{WORKSPACE}", floor_hour(START) - timedelta(hours=2))
        work.commit()
    transport = railway.transport()
    client = RailwayClient(
        TOKEN,
        endpoint=ENDPOINT,
        http_client=HttpClient(transport=transport if answers is None else _Tapped(transport, answers)),
        clock=ClientClock(clock),
    )
    return Watch(client, database, clock, WORKSPACE, happen_at(railway)), railway


def resident_mib() -> float:
    """Memory of this process now."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # the most it ever was
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure_day(mix: Mix, hours: float, happening: int) -> dict[str, Any]:
    """A time with everything, in memory; meant for a process of its own."""
    empty = resident_mib()
    watch, railway = quiet_watch(mix, MemoryDatabase())
    filled = resident_mib()
    begun = time.perf_counter()
    watch.live(INTERVAL_S / 3600, [])  # after one interval checks have gathered
    day = watch.live(hours, happenings(mix, hours, happening))
    return {
        "instances": mix.instances,
        "hours": hours,
        "happenings": happening,
        "lost": len(day.stale_without_s),
        "sweep_requests_per_hour": day.sweep_requests / hours,
        "metering_requests_per_hour": day.metering_requests / hours,
        "refused": day.refused,
        "looks": railway.looks,
        "cpu_s_per_sweep": day.run_cpu_s / (hours * 3600 / INTERVAL_S),
        "wall_s_per_sweep": day.run_wall_s / (hours * 3600 / INTERVAL_S),
        "cpu_s_metering_per_hour": day.collect_cpu_s / hours,
        "stale_with_webhook_s": sorted(day.stale_with_webhook_s),
        "stale_without_s": sorted(day.stale_without_s),
        "unnoticed": day.unnoticed,
        "failures": day.failures,
        "rss_mib": resident_mib(),
        "rss_filled_mib": filled,
        "rss_empty_mib": empty,
        "took_s": time.perf_counter() - begun,
    }


# One sweep per database -------------------------------------------------------------------------------------------------


def measure_sweeps(instances: int, sweeps: int) -> Iterator[dict[str, Any]]:
    """All instances, sweep by sweep, in each database that is there."""
    for name, opened in DATABASES.items():
        meter = Meter()
        try:
            with opened(meter) as database:
                watch, _ = quiet_watch(Mix(instances), MeteredDatabase(database, meter))
                for number in range(1 + sweeps):
                    watch.clock.advance(INTERVAL_S)
                    if number == 0:
                        watch.run_due(Day(0))  # statements are compiled, the template is read
                        continue
                    meter.reset()
                    day = Day(0)
                    watch.run_due(day)
                    assert day.claimed == instances, day
                    yield {
                        "database": name,
                        "instances": instances,
                        "wall_ms": day.run_wall_s / instances * 1e3,
                        "cpu_ms": day.run_cpu_s / instances * 1e3,
                        "database_wall_ms": meter.wall_s / instances * 1e3,
                        "statements": meter.statements.total() / instances,
                    }
        except LookupError:
            yield {"database": name, "instances": 0}


# The quiet Railway against the emulator -----------------------------------------------------------------------------------


def cross_check(instances: int = 12, hours: float = 2.0) -> dict[str, Any]:
    """The same few instances and hours with the emulator: requests, looks, and the shape of what is answered."""
    emulator = Emulator(templates=TEMPLATES, limits=False, start=START)
    asked: list[tuple[str, object]] = []
    real = MemoryDatabase()
    with emulator.client(http_client=HttpClient(transport=_Tapped(emulator.transport(), asked))) as client:
        watch = Watch(client, real, emulator.clock, emulator.workspace_id)
        published = client.templates.by_code(CODE)
        entry = watch.manager.publish_template(
            published.serialized_config, name="App", railway_template_id=published.id
        )
        for number in range(instances):
            watch.manager.deploy(
                user_id=owner_id(number),
                template_id=entry.id,
                name=f"shop-{number}",
                inputs=INPUTS,
                wait=True,
            )
        theirs = _live_together(watch, real, hours)
    answers: list[tuple[str, object]] = []
    standing = MemoryDatabase()
    ours = _live_together(
        quiet_watch(Mix(instances, custom_domain_each=0), standing, answers)[0], standing, hours
    )
    return {
        "instances": instances,
        "hours": hours,
        "looks": {"emulator": theirs.claimed, "quiet": ours.claimed},
        "sweep_requests": {"emulator": theirs.sweep_requests, "quiet": ours.sweep_requests},
        "metering_requests": {"emulator": theirs.metering_requests, "quiet": ours.metering_requests},
        "same_shapes": _shapes(asked, {"environment", "projectServiceUsage"})
        == _shapes(answers, {"environment", "projectServiceUsage"}),
    }


def _live_together(watch: Watch, database: Database, hours: float) -> Day:
    """Everything is due at once first, and the first hour is read."""
    with database.unit_of_work() as work:
        for instance in work.instances.list_page().items:
            work.instances.wake(instance.id, at=watch.clock.now())
        work.commit()
    watch.live(3.0, [])  # from then on one hour is read and one read again
    return watch.live(hours, [])


class _Tapped(httpx.BaseTransport):
    """A transport whose answers are kept."""

    has_sockets = False

    def __init__(self, inner: httpx.BaseTransport, answers: list[tuple[str, object]]) -> None:
        self._inner = inner
        self._answers = answers

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.read()
        asked = json.loads(request.content)
        names = dict(_aliases(asked["query"]))
        for alias, value in (response.json().get("data") or {}).items():
            self._answers.append((names.get(alias, alias), value))
        return response


def _aliases(query: str) -> Iterator[tuple[str, str]]:
    from benchmarks.quiet_railway import _ROOT_FIELDS  # noqa: PLC0415

    for index, name in _ROOT_FIELDS.findall(query):
        yield f"op{index}", name


def _shapes(answers: list[tuple[str, object]], wanted: set[str]) -> dict[str, set[str]]:
    """Every path that answers of a kind have, with the kind of value: the last answers, when everything runs."""
    found: dict[str, set[str]] = {}
    for name, value in answers[-60:]:
        if name in wanted:
            found.setdefault(name, set()).update(_paths(value, ""))
    return found


def _paths(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, f"{path}[]")
    else:
        kind = (
            "number"
            if isinstance(value, int | float) and not isinstance(value, bool)
            else type(value).__name__
        )
        yield f"{path}: {kind}"


# The report -----------------------------------------------------------------------------------------------------------------

GOAL_REQUESTS = 1_200
FULL = os.environ.get("RAILWAY_SAAS_BENCH") == "full"
"""A whole day of 10,000 instances, and 500 deploys with throttles: an hour and more."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    fleet: tuple[int, float, int]
    """Instances, hours, events: for requests, memory and processor time."""
    day: tuple[int, float, int]
    """The same for staleness, which depends on the hours and not on the instances."""
    sweep: tuple[int, int]
    """Instances in each database, and sweeps over them."""


SIZES = {
    "quick": Size(fleet=(1_000, 1.0, 10), day=(100, 6.0, 40), sweep=(100, 2)),
    "default": Size(fleet=(10_000, 1.0, 20), day=(200, 24.0, 150), sweep=(300, 5)),
    "full": Size(fleet=(10_000, 24.0, 300), day=(2_000, 24.0, 600), sweep=(10_000, 3)),
}
WAITING_SHARE = 500
"""One instance in so many has a custom domain whose owner has not set its DNS."""


def run(quick: bool) -> Report:
    """A fleet for requests, memory and time; a day for staleness; a sweep in each database."""
    size = SIZES["quick" if quick else "full" if FULL else "default"]
    report = Report(
        "6. Instances at rest: watched every 15 minutes, woken by webhooks, metered hourly", ("", "measured")
    )
    _add_fleet(report, _in_its_own_process(*size.fleet))
    _add_staleness(report, _in_its_own_process(*size.day))
    _add_sweeps(report, list(measure_sweeps(*size.sweep)))
    _add_check(report, cross_check())
    report.notes += [
        (
            "a mix: three services each, 10 per owner, 1 in 10 with a custom domain, 1 in 500 with one that waits for DNS; "
            "events by chance (a crash, a redeploy, falling asleep), 1 webhook in 10 lost; the worker comes every 5 s"
        ),
        "Railway is a stand-in in the same process that answers at once; its own work is in the times",
        "staleness: from the moment at Railway until the database says so; a webhook takes 1 s",
    ]
    return report


def _in_its_own_process(instances: int, hours: float, events: int) -> dict[str, Any]:
    """Its memory is its own."""
    arguments = [str(one) for one in (instances, hours, events, instances // WAITING_SHARE)]
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.watching", *arguments], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(output.stdout)
    if found["failures"] or found["unnoticed"]:
        raise AssertionError(f"turns that broke off, or events that nobody noticed: {found}")
    return found


def _add_fleet(report: Report, found: dict[str, Any]) -> None:
    count = found["instances"]
    name = f"{count:,} instances, {found['hours']:g} h"
    sweep, metering = found["sweep_requests_per_hour"], found["metering_requests_per_hour"]
    own = (found["rss_filled_mib"] - found["rss_empty_mib"]) * 1024 / count
    hourly = (found["rss_mib"] - found["rss_filled_mib"]) * 1024 / count / found["hours"]
    report.rows += [
        (f"[{name}, memory database]", ""),
        ("  requests per hour: sweeps, webhooks, actions", f"{sweep:.0f}"),
        ("  requests per hour: metering", f"{metering:.0f}"),
        ("  answers with status 429", str(found["refused"])),
        ("  CPU per sweep", f"{found['cpu_s_per_sweep']:.1f} s"),
        ("  wall time per sweep", f"{found['wall_s_per_sweep']:.1f} s"),
        ("  CPU per hour of metering", f"{found['cpu_s_metering_per_hour']:.1f} s"),
        ("  memory of the process", f"{found['rss_mib']:.0f} MiB"),
        (
            "  memory per instance",
            f"{own:.1f} KiB, and {hourly:.1f} KiB for each hour of metering and history",
        ),
    ]
    report.figures.append(found)
    total = sweep + metering
    report.goals.append(
        Goal(
            f"requests per hour, {name}",
            f"<= {GOAL_REQUESTS}",
            f"{total:.0f}, {found['refused']} x 429",
            total <= GOAL_REQUESTS,
        )
    )


def _add_staleness(report: Report, found: dict[str, Any]) -> None:
    told, lost = found["stale_with_webhook_s"], found["stale_without_s"]
    report.rows += [
        (
            f"[staleness: {found['happenings']} events of {found['instances']} instances, {found['hours']:g} h]",
            "",
        ),
        ("  with its webhook, median and worst", f"{statistics.median(told):.1f} s, {max(told):.1f} s"),
        (
            f"  webhook lost ({len(lost)}), median and worst",
            f"{statistics.median(lost):.0f} s, {max(lost):.0f} s",
        ),
    ]
    report.figures.append(found)
    bound = INTERVAL_S + WORKER_EVERY_S
    report.goals.append(
        Goal(
            "staleness after a lost webhook",
            f"<= {bound:.0f} s",
            f"{max(lost):.0f} s at worst",
            max(lost) <= bound,
        )
    )


def _add_sweeps(report: Report, found: list[dict[str, Any]]) -> None:
    report.rows.append(("[one sweep, per instance: wall, CPU, of which database (wall); statements]", ""))
    for name in DATABASES:
        mine = [one for one in found if one["database"] == name]
        if not mine[0]["instances"]:
            report.rows.append((f"  {name}", "there is none"))
            continue
        wall, cpu, inside = (
            Spread.of([one[key] for one in mine]) for key in ("wall_ms", "cpu_ms", "database_wall_ms")
        )
        statements = f"; {mine[0]['statements']:.1f}" if mine[0]["statements"] else ""
        report.rows.append(
            (
                f"  {name} ({mine[0]['instances']:,} instances)",
                f"{wall.text(1)} ms, {cpu.text(1)} ms, {inside.median:.1f} ms{statements}",
            )
        )
    report.figures += found


def _add_check(report: Report, found: dict[str, Any]) -> None:
    pairs = [found[name] for name in ("looks", "sweep_requests", "metering_requests")]
    same = found["same_shapes"] and all(pair["emulator"] == pair["quiet"] for pair in pairs)
    report.notes.append(
        f"the stand-in against the emulator, {found['instances']} instances, {found['hours']:g} h: requests, looks and "
        f"shapes of answers are {'the same' if same else 'NOT THE SAME'}"
    )
    report.figures.append(found)
    report.goals.append(
        Goal("stand-in like the emulator", "the same", "the same" if same else f"{found}", same)
    )


def main() -> None:
    """Measure what the arguments say, and print it as JSON."""
    instances, hours, happening, waiting = sys.argv[1:5]
    mix = Mix(int(instances), waiting_domains=int(waiting))
    print(json.dumps(measure_day(mix, float(hours), int(happening))))


if __name__ == "__main__":
    main()
