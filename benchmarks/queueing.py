"""Many deploys at once under Railway's limits, and what a click waits while a sweep runs.

The deploys run on the emulator, which counts and refuses as Railway does; the clicks on `QuietRailway`. Time is that of a
virtual loop, and every answer takes a quarter of a second of it.

    python -m benchmarks.queueing 500 throttled    # one run of that size, as JSON; or: free, slow
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks import virtual_time
from benchmarks.figures import Goal, Report
from benchmarks.fleet import CODE, INPUTS, START, TEMPLATES, Mix, fill, instance_id
from benchmarks.quiet_railway import ENDPOINT
from benchmarks.watching import CLAIM, FULL, TOKEN, WORKSPACE
from railway_saas import AsyncRailwayClient, RateLimit
from railway_saas.domain.ids import owner_id
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.emulator import Emulator, LimitRules, Quota, Throttle
from railway_saas.emulator.clock import EmulatorClock
from railway_saas.instances import AsyncInstanceManager, OutcomeKind
from railway_saas.railway._http import AsyncHttpClient
from railway_saas.repositories import AsyncMemoryDatabase, MemoryDatabase

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain.instances import InstanceEvent

LIMIT = RateLimit(per_hour=10_000, per_second=50)
THROTTLES = {"project": Throttle(1), "environment": Throttle(1), "volume": Throttle(10)}
"""One project per 30 s is what people report; Railway documents none of it."""
SLOW_PER_SECOND = 10
"""Hobby's rate per second, so that there is more work than budget: with Pro's, deploys mostly wait for Railway to build."""
OWNERS = 50
WORKERS = 16
WORKER_CLAIMS = 10
ANSWER_S = 0.25
IDLE_S = 1.0
BUSY_PAUSE_S = 2.0
"""What `manager.follow` waits when another worker has the instance."""


class SlowAnswers(httpx.AsyncBaseTransport):
    """A transport whose answers take a while."""

    has_sockets = False

    def __init__(self, inner: httpx.AsyncBaseTransport, answer_s: float) -> None:
        self._inner = inner
        self._answer_s = answer_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self._answer_s / 2)
        response = await self._inner.handle_async_request(request)
        await asyncio.sleep(self._answer_s / 2)
        return response


# Deploys ------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Queue:
    """What became of deploys that were all wanted at once."""

    deploys: int
    per_second: int = 50
    requests: int = 0
    refused: int = 0
    """Answers with status 429."""
    throttled: int = 0
    """Project creations that were refused as too quick."""
    makespan_s: float = 0.0
    failed: int = 0
    by_operation: dict[str, int] = field(default_factory=dict[str, int])
    finished_s: dict[int, list[float]] = field(default_factory=dict[int, list[float]])
    """By owner."""

    @property
    def share_of_rate(self) -> float:
        """Part of the requests that the limits let through in that time: of the second's, or of the hour's."""
        allowed = min(self.per_second * self.makespan_s, 10_000 * max(1.0, self.makespan_s / 3600))
        return self.requests / allowed

    def as_json(self) -> dict[str, Any]:
        """Everything as numbers."""
        middles = [statistics.median(times) for times in self.finished_s.values()]
        lasts = [max(times) for times in self.finished_s.values()]
        return {
            "deploys": self.deploys,
            "requests": self.requests,
            "requests_per_deploy": self.requests / self.deploys,
            "refused": self.refused,
            "throttled": self.throttled,
            "failed": self.failed,
            "makespan_s": self.makespan_s,
            "share_of_rate": self.share_of_rate,
            "owner_median_s": [min(middles), statistics.median(middles), max(middles)],
            "owner_last_s": [min(lasts), statistics.median(lasts), max(lasts)],
            "by_operation": self.by_operation,
        }


def deploy_all(deploys: int, *, throttled: bool, per_second: int = 50) -> Queue:
    """So many deploys, of fifty owners, accepted at one moment."""
    quota = Quota(per_hour=10_000, per_second=per_second)
    rules = LimitRules(quota=quota, per_second=True, throttles=THROTTLES if throttled else {})
    emulator = Emulator(templates=TEMPLATES, limits=rules, start=START)
    queue = Queue(deploys, per_second)
    virtual_time.run(_deploy_all(emulator, queue), emulator.clock.advance)
    return queue


async def _deploy_all(emulator: Emulator, queue: Queue) -> None:
    transport = SlowAnswers(emulator.async_transport(), ANSWER_S)
    client = emulator.async_client(
        http_client=AsyncHttpClient(transport=transport),
        rate_limit=RateLimit(per_hour=10_000, per_second=queue.per_second),
        clock=virtual_time.LoopClock(),
    )
    database = AsyncMemoryDatabase()
    done = asyncio.Event()
    owners: dict[UUID, int] = {}
    waiting: set[UUID] = set()
    began = emulator.clock.now()

    def noticed(event: InstanceEvent) -> None:
        if event.instance_id in waiting and event.status in {InstanceStatus.RUNNING, InstanceStatus.FAILED}:
            waiting.discard(event.instance_id)
            queue.failed += event.status is InstanceStatus.FAILED
            finished_s = (emulator.clock.now() - began).total_seconds()
            queue.finished_s.setdefault(owners[event.instance_id], []).append(finished_s)
            if not waiting:
                done.set()

    def manager() -> AsyncInstanceManager:
        return AsyncInstanceManager(
            client, database, workspace_id=emulator.workspace_id, now=emulator.clock.now, on_event=noticed
        )

    published = await client.templates.by_code(CODE)
    accepting = manager()
    entry = await accepting.publish_template(
        published.serialized_config, name="App", railway_template_id=published.id
    )
    before, throttled = client.stats.requests, emulator.requests.operations["projectCreate"]
    for number in range(queue.deploys):
        instance = await accepting.deploy(
            user_id=owner_id(number % OWNERS), template_id=entry.id, name=f"shop-{number}", inputs=INPUTS
        )
        owners[instance.id] = number % OWNERS
        waiting.add(instance.id)
    workers = [asyncio.ensure_future(_work(manager(), WORKER_CLAIMS)) for _ in range(WORKERS)]
    await done.wait()
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    queue.makespan_s = (emulator.clock.now() - began).total_seconds()
    queue.requests = client.stats.requests - before
    queue.refused = client.stats.rate_limited
    queue.by_operation = dict(client.stats.by_operation)
    queue.throttled = emulator.requests.operations["projectCreate"] - throttled - queue.deploys
    await client.aclose()


async def _work(manager: AsyncInstanceManager, claims: int) -> None:
    while True:
        report = await manager.run_due(limit=claims)
        await asyncio.sleep(0 if report.claimed else IDLE_S)


# Clicks -------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Clicks:
    """What owners waited, from the click until Railway had done what it asks for."""

    waits_s: list[float] = field(default_factory=list[float])
    swept: int = 0
    sweep_s: float = 0.0
    refused: int = 0

    def percentile(self, share: float) -> float:
        """The wait that such a share did not exceed."""
        ordered = sorted(self.waits_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def as_json(self) -> dict[str, Any]:
        """Everything as numbers."""
        return {
            "clicks": len(self.waits_s),
            "p50_s": self.percentile(0.50),
            "p99_s": self.percentile(0.99),
            "max_s": max(self.waits_s),
            "swept": self.swept,
            "sweep_s": self.sweep_s,
            "refused": self.refused,
        }


def click(instances: int, *, workers: int, clicks: int, real: bool = False) -> Clicks:
    """Restarts and changed variables, one every quarter of a second, while so many workers sweep everything."""
    clock = EmulatorClock(start=START, speed=1 if real else None)
    work = _click(instances, workers, clicks, clock)
    return asyncio.run(work) if real else virtual_time.run(work, clock.advance)


async def _click(instances: int, workers: int, clicks: int, clock: EmulatorClock) -> Clicks:
    found = Clicks()

    def now() -> datetime:
        clock.tick()
        return clock.now()

    mix = Mix(instances, custom_domain_each=10)
    railway = mix.railway(now)
    filled = MemoryDatabase()
    fill(filled, mix, railway, due_at=START)
    database = AsyncMemoryDatabase()
    database._tables = filled._tables  # noqa: SLF001 - filled by the same code as everywhere
    client = AsyncRailwayClient(
        TOKEN,
        endpoint=ENDPOINT,
        http_client=AsyncHttpClient(transport=railway.async_transport(ANSWER_S)),
        rate_limit=LIMIT,
        clock=virtual_time.LoopClock(),
    )
    done: dict[UUID, asyncio.Event] = {}

    def noticed(event: InstanceEvent) -> None:
        if event.instance_id in done and event.step in {"deploy", "variables"}:
            done[event.instance_id].set()

    manager = AsyncInstanceManager(client, database, workspace_id=WORKSPACE, now=now, on_event=noticed)
    clock_s = asyncio.get_running_loop().time
    sweeps = [asyncio.ensure_future(_sweep(manager, found)) for _ in range(workers)]
    luck = random.Random(5)
    clicking: list[asyncio.Future[None]] = []
    for number in luck.sample(range(instances), clicks):
        clicking.append(asyncio.ensure_future(_one_click(manager, number, done, found, clock_s)))
        await asyncio.sleep(ANSWER_S)
    await asyncio.gather(*clicking)
    for sweep in sweeps:
        sweep.cancel()
    await asyncio.gather(*sweeps, return_exceptions=True)
    found.refused = client.stats.rate_limited
    await client.aclose()
    return found


async def _sweep(manager: AsyncInstanceManager, found: Clicks) -> None:
    """Over everything once, then whatever is due."""
    begun = asyncio.get_running_loop().time()
    while True:
        report = await manager.run_due(limit=CLAIM)
        found.swept += report.claimed
        if report.claimed:
            found.sweep_s = asyncio.get_running_loop().time() - begun
        else:
            await asyncio.sleep(IDLE_S)


async def _one_click(
    manager: AsyncInstanceManager,
    number: int,
    done: dict[UUID, asyncio.Event],
    found: Clicks,
    clock_s: Callable[[], float],
) -> None:
    chosen = instance_id(number)
    happened = done[chosen] = asyncio.Event()
    begun = clock_s()
    wish: Awaitable[object] = (
        manager.restart(chosen, service="App")
        if number % 2
        else manager.set_variables(chosen, {"App": {"LOG_LEVEL": "debug"}})
    )
    await wish
    while not happened.is_set():
        outcome = await manager.reconcile(chosen)
        if outcome.kind is OutcomeKind.BUSY and not happened.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(happened.wait(), BUSY_PAUSE_S)
    found.waits_s.append(clock_s() - begun)


# The report -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    deploys: int
    throttled: int
    swept: int
    clicks: int
    really_swept: int


SIZES = {
    "quick": Size(deploys=20, throttled=5, swept=500, clicks=20, really_swept=500),
    "default": Size(deploys=100, throttled=20, swept=10_000, clicks=100, really_swept=2_000),
    "full": Size(deploys=500, throttled=500, swept=10_000, clicks=100, really_swept=10_000),
}


def run(quick: bool) -> Report:
    """Deploys without and with Railway's throttles; clicks without and with a sweep."""
    size = SIZES["quick" if quick else "full" if FULL else "default"]
    report = Report(
        "7. Many deploys at once, and clicks during a sweep, under Railway's limits", ("", "measured")
    )
    _add_queue(
        report, "no throttles on creating things", deploy_all(size.deploys, throttled=False), goal=True
    )
    slow = deploy_all(size.deploys, throttled=False, per_second=SLOW_PER_SECOND)
    _add_queue(report, f"{SLOW_PER_SECOND} requests per second", slow, goal=False)
    _add_queue(report, "one project per 30 s", deploy_all(size.throttled, throttled=True), goal=False)
    idle = click(size.really_swept, workers=0, clicks=size.clicks)
    swept = click(size.swept, workers=1, clicks=size.clicks)
    real = click(size.really_swept, workers=1, clicks=max(20, size.really_swept // 100), real=True)
    report.rows.append(("[a click until Railway has it: median, 99 %, longest]", ""))
    _add_clicks(report, "nothing else going on", idle)
    _add_clicks(report, f"during a sweep of {size.swept:,}", swept)
    _add_clicks(report, f"during a sweep of {size.really_swept:,}, in real time, one process", real)
    report.goals.append(Goal("clicks during a sweep", "no 429", f"{swept.refused} x 429", not swept.refused))
    report.notes += [
        (
            f"every answer takes {ANSWER_S * 1000:.0f} ms of virtual time, working takes none (except in real time, where the "
            f"sweep's computing holds clicks up); {WORKERS} workers deploy, {WORKER_CLAIMS} instances at a time, for {OWNERS} owners"
        ),
        "half of the clicks restart a service, the others change a variable; each is another instance, four a second",
    ]
    return report


def _add_queue(report: Report, name: str, queue: Queue, *, goal: bool) -> None:
    found = queue.as_json()
    first, middle, last = found["owner_last_s"]
    over = queue.refused - queue.throttled
    report.rows += [
        (f"[{queue.deploys} deploys, {name}]", ""),
        ("  all running after", f"{queue.makespan_s:.0f} s"),
        ("  requests, per deploy", f"{queue.requests}, {found['requests_per_deploy']:.1f}"),
        ("  share of the allowed rate", f"{queue.share_of_rate:.0%}"),
        ("  answers with status 429", str(over)),
        ("  creations refused as too quick", str(queue.throttled)),
        (
            "  an owner's last one runs: first owner, median, last owner",
            f"{first:.0f} s, {middle:.0f} s, {last:.0f} s",
        ),
    ]
    report.figures.append({"run": name, **found})
    if goal:
        report.goals.append(
            Goal(
                f"{queue.deploys} deploys at once",
                "no 429, all run",
                f"{over} x 429, {queue.failed} failed",
                not over + queue.failed,
            )
        )


def _add_clicks(report: Report, name: str, clicks: Clicks) -> None:
    found = clicks.as_json()
    waits = ", ".join(f"{found[key] * 1000:.0f}" for key in ("p50_s", "p99_s", "max_s"))
    report.rows.append((f"  {name}", f"{waits} ms"))
    report.figures.append({"run": f"clicks, {name}", **found})


def main() -> None:
    """One run of deploys."""
    deploys, way = sys.argv[1:3]
    begun = time.perf_counter()
    per_second = SLOW_PER_SECOND if way == "slow" else 50
    queue = deploy_all(int(deploys), throttled=way == "throttled", per_second=per_second)
    print(json.dumps({**queue.as_json(), "took_s": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
