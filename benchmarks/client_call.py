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

from benchmarks import server
from benchmarks.contenders import CONNECTIONS, CONTENDERS, OURS, RAW, AsyncCall, Call
from benchmarks.figures import Goal, Report, Spread, ratios

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")

GOAL = 1.15


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured of one setting."""

    rounds: int
    calls: int
    """Calls of one contender in one round, together."""


@dataclass(slots=True)
class Readings:
    """Microseconds per call, one reading for each round."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


Measured = dict[str, Readings]


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
    single, crowd = (Effort(9, 40), Effort(4, 200)) if quick else (Effort(41, 60), Effort(15, 300))
    report = Report(
        "1. A client call: projects.get, an answer of 3.2 KB, pacing off unless said otherwise",
        ("", "us per call", "x floor", "CPU us", "x floor"),
    )
    with server.running() as url, server.on_core(0):
        _add(report, "sync, one at a time", _sync(url, single, workers=1))
        _add(report, f"sync, {CONNECTIONS} threads", _sync(url, crowd, workers=CONNECTIONS))
        _add(report, "async, one at a time", asyncio.run(_async(url, single, workers=1)))
        _add(report, f"async, {CONNECTIONS} tasks", asyncio.run(_async(url, crowd, workers=CONNECTIONS)))
    report.notes += [
        "median [quartiles] over rounds; all contenders take turns within a round; ratios are taken round by round",
        (
            "own pool: as one gets it without handing in an http_client; the others all have a pool of "
            f"{CONNECTIONS} kept-alive connections"
        ),
        (
            "railway-client 0.1.0 has no async client, no retries, no pacing, no batches, no deadline, no option for its pool; "
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
            block(call, 2 * workers)  # connections are made, models are built
        for name, call in _turns(calls, effort.rounds):
            with Stopwatch(measured.setdefault(name, Readings()), effort.calls):
                block(call, effort.calls)
    return measured


def _repeat(call: Call, count: int) -> None:
    for _ in range(count):
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
            await block(call, 2 * workers)
        for name, call in _turns(calls, effort.rounds):
            with Stopwatch(measured.setdefault(name, Readings()), effort.calls):
                await block(call, effort.calls)
    return measured


async def _repeat_async(call: AsyncCall, count: int) -> None:
    for _ in range(count):
        await call()


def _turns(calls: Mapping[str, T], rounds: int) -> Iterator[tuple[str, T]]:
    """Everybody once per round, in another order each time: nobody always follows the same neighbour."""
    order = random.Random(7)
    turns = list(calls.items())
    for _ in range(rounds):
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
            report.goals.append(
                Goal(
                    f"client call, {setting}",
                    f"<= {GOAL} x floor",
                    f"{wall.median:.2f} x (CPU {cpu.median:.2f} x)",
                    wall.median <= GOAL,
                )
            )
