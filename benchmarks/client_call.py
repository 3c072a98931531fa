"""One call of `projects.get` against the other ways to make it: sync and async, one at a time and fifty at once."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, TypeVar

import httpx
from gql.transport.exceptions import TransportConnectionFailed

from benchmarks import server
from benchmarks.contenders import CONTENDERS, OURS, RAW, AsyncCall, Call
from benchmarks.figures import Goal, Report, Spread, ratios
from benchmarks.project_document import PROJECT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")

GOAL = 1.15
CALLERS = 50
DELAY_MS = 20
LOST_CONNECTION = (httpx.TransportError, TransportConnectionFailed)
"""With many callers answers take a while, as Railway's do: only then are as many connections really in use."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured of one setting."""

    rounds: int
    """Rounds at most; fewer where the machine is so busy that `seconds` are over."""
    calls: int
    """Calls of one contender in one round, together."""
    seconds: float


@dataclass(slots=True)
class Readings:
    """Microseconds per call, one reading for each round."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


Measured = dict[str, Readings]

FEWEST_ROUNDS = 3
EFFORTS = {
    False: (Effort(rounds=41, calls=50, seconds=20), Effort(rounds=15, calls=250, seconds=40)),
    True: (Effort(rounds=7, calls=40, seconds=3), Effort(rounds=4, calls=150, seconds=3)),
}
"""By whether to be quick: with one caller, with many."""


class Stopwatch:
    """Times one block of calls, by the wall and by the processor time of this process."""

    def __init__(self, into: Readings, calls: int) -> None:
        self._into = into
        self._calls = calls

    def __enter__(self) -> None:
        gc.collect()
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        self._into.wall.append(wall / self._calls * 1e6)
        self._into.cpu.append(cpu / self._calls * 1e6)


def run(quick: bool) -> Report:
    """Measure all four settings."""
    single, crowd = EFFORTS[quick]
    report = Report(
        "1. A client call: projects.get, an answer of 3.2 KB, pacing off unless said otherwise",
        ("", "us per call", "x floor", "CPU us", "x floor"),
    )
    with server.running() as url, server.on_core(0):
        _add(report, "sync, one at a time", _sync(url, single, workers=1))
        slow = f"{url}&delay_ms={DELAY_MS}"
        _add(report, f"sync, {CALLERS} threads", _sync(slow, crowd, workers=CALLERS))
        _add(report, "async, one at a time", asyncio.run(_async(url, single, workers=1)))
        _add(report, f"async, {CALLERS} tasks", asyncio.run(_async(slow, crowd, workers=CALLERS)))
    report.notes += [
        f"with {CALLERS} callers the server waits {DELAY_MS} ms before it answers, so that all connections are in use",
        "median [quartiles] over rounds; all contenders take turns within a round; ratios are taken round by round",
        "every contender stands on httpx and has its default pool: up to 100 connections, 20 kept while idle",
        (
            "railway-client 0.1.0 has no async client, no retries, no pacing, no batches, no deadline per call; "
            "its own query for a project leaves out environments, services, volumes and buckets (here it gets them all the same)"
        ),
    ]
    return report


def _sync(url: str, effort: Effort, workers: int) -> Measured:
    measured: Measured = {}
    with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        calls = {one.name: stack.enter_context(one.sync(url)) for one in CONTENDERS}

        def block(call: Call, count: int) -> None:
            if workers == 1:
                _repeat(call, count)
            else:
                list(pool.map(lambda _: _repeat(call, count // workers), range(workers)))

        for call in calls.values():
            _check(call())
            block(call, 2 * workers)  # connections are made, models are built
        for name, call in _turns(calls, effort):
            with Stopwatch(measured.setdefault(name, Readings()), effort.calls):
                block(call, effort.calls)
    return measured


def _check(project: object) -> None:
    """Nobody wins by reading something else."""
    if getattr(project, "id", None) != PROJECT_ID:
        raise AssertionError(f"{type(project)} is not the project that was asked for")


def _repeat(call: Call, count: int) -> None:
    for _ in range(count):
        try:
            call()
        except LOST_CONNECTION:
            # With many threads httpcore now and then closes an idle connection that another thread has just taken
            # (Bad file descriptor). Contenders without retries of their own get the one that ours has.
            call()


async def _async(url: str, effort: Effort, workers: int) -> Measured:
    measured: Measured = {}
    async with AsyncExitStack() as stack:
        calls = {
            one.name: await stack.enter_async_context(one.asyncio(url)) for one in CONTENDERS if one.asyncio
        }

        async def block(call: AsyncCall, count: int) -> None:
            await asyncio.gather(*(_repeat_async(call, count // workers) for _ in range(workers)))

        for call in calls.values():
            _check(await call())
            await block(call, 2 * workers)
        for name, call in _turns(calls, effort):
            with Stopwatch(measured.setdefault(name, Readings()), effort.calls):
                await block(call, effort.calls)
    return measured


async def _repeat_async(call: AsyncCall, count: int) -> None:
    for _ in range(count):
        await call()


def _turns(calls: Mapping[str, T], effort: Effort) -> Iterator[tuple[str, T]]:
    """Everybody once per round, in another order each time: nobody always follows the same neighbour."""
    order = random.Random(7)
    turns = list(calls.items())
    until = time.monotonic() + effort.seconds
    for done in range(effort.rounds):
        if done >= FEWEST_ROUNDS and time.monotonic() >= until:
            return
        order.shuffle(turns)
        yield from turns


def _add(report: Report, setting: str, measured: Measured) -> None:
    floor = measured[RAW.name]
    report.rows.append((f"[{setting}]", "", "", "", ""))
    for one in CONTENDERS:
        readings = measured.get(one.name)
        if readings is None:
            report.rows.append((f"  {one.name}", "-", "-", "-", "-"))
            continue
        wall, cpu = ratios(readings.wall, floor.wall), ratios(readings.cpu, floor.cpu)
        spread = Spread.of(readings.wall)
        report.rows.append(
            (
                f"  {one.name}",
                spread.text(),
                wall.text(2),
                f"{Spread.of(readings.cpu).median:.0f}",
                f"{cpu.median:.2f}",
            )
        )
        report.figures.append(
            {
                "setting": setting,
                "contender": one.name,
                "us_per_call": asdict(spread),
                "wall_ratio": asdict(wall),
                "cpu_us_per_call": asdict(Spread.of(readings.cpu)),
                "cpu_ratio": asdict(cpu),
            }
        )
        if one is OURS:
            report.goals.append(_goal(setting, wall, cpu))


def _goal(setting: str, wall: Spread, cpu: Spread) -> Goal:
    """Met when the processor time keeps to it, and the wall does in at least a quarter of the rounds.

    What a client adds to a call is processor time; what other programs add to the wall's is not its doing.
    """
    return Goal(
        f"client call, {setting}",
        f"<= {GOAL} x floor",
        f"{wall.median:.2f} x (CPU {cpu.median:.2f} x)",
        cpu.median <= GOAL and wall.low <= GOAL,
    )
