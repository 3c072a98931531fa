"""Ten minutes at the highest load: no error, and no memory that grows."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Goal, Report
from benchmarks.serving.contenders import OURS, Server, serving
from benchmarks.serving.generator import VISITORS, Played, load_generator
from benchmarks.serving.plays import MIX, OPERATIONS
from benchmarks.serving.processes import resident_mib
from benchmarks.serving.stage import on_stage

if TYPE_CHECKING:
    from collections.abc import Sequence

GOAL_GROWTH = 0.02
FITTED_SHARE = 0.8
"""The slope is that of the last part: pools and caches fill in the first one."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    seconds: float
    warm_up_s: float
    every_s: float


SIZES = {"quick": Size(15, 2, 0.5), "default": Size(600, 20, 5)}


@dataclass(slots=True)
class Memory:
    """What one process had in use, over time."""

    pid: int
    moments_s: list[float] = field(default_factory=list[float])
    mib: list[float] = field(default_factory=list[float])

    def look(self, at_s: float) -> None:
        """Note what it has now; nothing where it is gone."""
        found = resident_mib(self.pid)
        if found is not None:
            self.moments_s.append(at_s)
            self.mib.append(found)

    def mib_per_hour(self) -> float:
        """Slope of the line that fits the last part best (least squares)."""
        begin = int(len(self.mib) * (1 - FITTED_SHARE))
        return slope(self.moments_s[begin:], self.mib[begin:]) * 3600

    def quarter(self, number: int) -> float:
        """Median of one quarter, from 1."""
        size = len(self.mib) / 4
        return statistics.median(self.mib[int((number - 1) * size) : int(number * size)])

    def growth(self) -> float:
        """From the second quarter's median to the last one's, as a part of it."""
        return self.quarter(4) / self.quarter(2) - 1


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Of the line that fits best."""
    return statistics.linear_regression(xs, ys).slope


class Watch:
    """Looks at the memory of all processes of a server."""

    def __init__(self, server: Server) -> None:
        self.processes = [Memory(pid) for pid in server.processes()]
        self._begun = time.monotonic()

    def look(self) -> None:
        """Now."""
        at_s = time.monotonic() - self._begun
        for one in self.processes:
            one.look(at_s)


def run(quick: bool) -> Report:
    """A mix of everything."""
    size = SIZES["quick" if quick else "default"]
    minutes = f"{size.seconds / 60:g} minutes" if size.seconds >= 60 else f"{size.seconds:g} s"
    report = Report(f"11. The reference server under the highest load for {minutes}", ("", "measured"))
    try:
        with on_stage() as stage, serving(OURS, stage) as server, load_generator(stage) as visitors:
            visitors.play(server.url, MIX, size.warm_up_s)
            watch = Watch(server)
            watch.look()
            played = visitors.play(server.url, MIX, size.seconds, meanwhile=watch.look, every_s=size.every_s)
            watch.look()
            replaced = {one.pid for one in watch.processes} ^ set(server.processes())
            report.notes += stage.notes()
    except LookupError as error:
        report.notes.append(str(error))
        return report
    _add_traffic(report, played, minutes)
    _add_memory(report, watch.processes, replaced)
    report.notes += [
        f"{VISITORS} visitors in a closed loop, on the same machine; out of 100 requests: {_mix()}",
        (
            f"memory: resident, every {size.every_s:g} s, after {size.warm_up_s:g} s of warming up; the slope is that of the last "
            f"{FITTED_SHARE:.0%}, by least squares; it grows where the last quarter's median is {GOAL_GROWTH:.0%} above the second's"
        ),
    ]
    return report


def _mix() -> str:
    return ", ".join(f"{weight} {name}" for name, weight in MIX.items())


def _add_traffic(report: Report, played: Played, lasted: str) -> None:
    report.rows += [
        ("requests", f"{played.requests:,}"),
        ("requests/s", f"{played.per_s:.0f}"),
        ("failures", str(played.failures)),
        ("[p50, p95, p99 ms]", ""),
        ("  everything", _waits(played.all_ms)),
        *(
            (f"  {name}", _waits(played.plays[key]))
            for key, name in OPERATIONS.items()
            if key in played.plays
        ),
    ]
    report.figures.append(
        {
            "what": "traffic",
            "requests": played.requests,
            "requests_per_s": played.per_s,
            "failures": played.failures,
            **played.all_ms,
            "plays": dict(played.plays),
        }
    )
    report.notes += played.faults
    report.goals.append(
        Goal(
            f"the highest load for {lasted}",
            "no error",
            f"{played.failures} errors in {played.requests:,} requests",
            not played.failures and played.requests > 0,
        )
    )


def _waits(found: Any) -> str:
    return ", ".join(f"{found[key]:.0f}" for key in ("p50_ms", "p95_ms", "p99_ms") if key in found)


def _add_memory(report: Report, processes: Sequence[Memory], replaced: set[int]) -> None:
    report.rows.append(("[memory, MiB: first, second, last quarter; per hour]", ""))
    for number, one in enumerate(processes):
        name = f"process {number}" if number else "gunicorn itself"
        quarters = ", ".join(f"{one.quarter(quarter):.1f}" for quarter in (1, 2, 4))
        report.rows.append((f"  {name}", f"{quarters}; {one.mib_per_hour():+.1f} an hour"))
        report.figures.append(
            {
                "what": "memory",
                "process": name,
                "mib": one.mib,
                "moments_s": one.moments_s,
                "mib_per_hour": one.mib_per_hour(),
                "growth": one.growth(),
            }
        )
    worst = max(one.growth() for one in processes)
    report.goals.append(
        Goal(
            "memory of every process, last quarter over the second",
            f"no growth: < {GOAL_GROWTH:.0%}",
            f"{worst:+.1%} at most" + (f"; {len(replaced)} processes came or went" if replaced else ""),
            worst < GOAL_GROWTH and not replaced,
        )
    )
