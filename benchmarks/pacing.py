"""How much of the allowed rate is used when there is more to do than allowed, and what a click waits meanwhile.

The server is the emulator, which counts and refuses as Railway does. Hours of its time pass in seconds.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import virtual_time
from benchmarks.figures import Goal, Report, Spread
from railway_saas import RateLimit, Timeouts
from railway_saas.emulator import Emulator, LimitRules, Quota
from railway_saas.railway import Lane
from railway_saas.railway._clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from railway_saas import RailwayClient

GOAL_SHARE = 0.95
HOBBY = Quota(per_hour=1_000, per_second=10)
PRO = Quota(per_hour=10_000, per_second=50)
NO_HOURLY = 10_000_000
SWEEPERS = 20
"""Callers in the background at once."""
CLICKS_PER_HOUR = 24
"""Within the 3 % of a Hobby plan's hour that the background leaves to others."""
CLICK_EVERY_THREADED_S = 0.25
PATIENT = Timeouts(total_s=86_400.0)
QUESTION = "query Bench { me { id } }"


@dataclass(slots=True)
class Outcome:
    """What came of a saturating run."""

    allowed: int
    answered: int = 0
    refused: int = 0
    """Answers with status 429."""
    click_waits_s: list[float] = field(default_factory=list[float])

    @property
    def share(self) -> float:
        """Part of what was allowed that was used."""
        return self.answered / self.allowed


def run(quick: bool) -> Report:
    """Saturate the hour, then the second; sync and async."""
    hours, seconds = (1, 10) if quick else (3, 60)
    report = Report(
        "4. Pacing: more to do than allowed; the server counts as Railway does",
        ("", "allowed", "used", "share", "429", "a click waits, ms"),
    )
    by_hour, by_second = HOBBY, Quota(NO_HOURLY, PRO.per_second)
    runs = {
        f"hourly quota, {hours} h, sync": saturate(by_hour, hours * 3600.0),
        f"hourly quota, {hours} h, async, with clicks": saturate_async(
            by_hour, hours * 3600.0, click_every_s=3600 / CLICKS_PER_HOUR
        ),
        f"rate per second, {seconds} s, sync": saturate(by_second, float(seconds)),
        f"rate per second, {seconds} s, async, with clicks": saturate_async(
            by_second, float(seconds), click_every_s=seconds / 20
        ),
        f"rate per second, {SWEEPERS} threads in real time, with clicks": saturate_threads(
            by_second, 2.0 if quick else 5.0
        ),
    }
    for name, outcome in runs.items():
        _add(report, name, outcome)
    report.notes += [
        "all work is in the background lane, which leaves 3 % of the hour to deletions and clicks",
        "the waits are those of the pacer alone: answers take no time here, except in the run with threads",
        (
            f"{SWEEPERS} background callers at once; clicks: {CLICKS_PER_HOUR} an hour against the hourly quota, "
            "20 in the run against the rate per second"
        ),
    ]
    return report


def _add(report: Report, name: str, outcome: Outcome) -> None:
    waits = Spread.of([wait * 1000 for wait in outcome.click_waits_s]) if outcome.click_waits_s else None
    longest = max(outcome.click_waits_s, default=0.0) * 1000
    report.rows.append(
        (
            name,
            str(outcome.allowed),
            str(outcome.answered),
            f"{outcome.share:.1%}",
            str(outcome.refused),
            f"{waits.text(1)}, at most {longest:.0f}" if waits else "",
        )
    )
    report.figures.append(
        {
            "run": name,
            "allowed": outcome.allowed,
            "used": outcome.answered,
            "share": outcome.share,
            "refused": outcome.refused,
            "click_wait_ms_median": waits.median if waits else None,
            "click_wait_ms_longest": longest if waits else None,
        }
    )
    hourly = name.startswith("hourly")
    met = not outcome.refused and (outcome.share >= GOAL_SHARE or not hourly)
    wanted = f">= {GOAL_SHARE:.0%}, no 429" if hourly else "no 429"
    report.goals.append(Goal(f"pacing, {name}", wanted, f"{outcome.share:.1%}, {outcome.refused} x 429", met))


def _emulator(quota: Quota, *, speed: float | None = None) -> Emulator:
    return Emulator(speed=speed, limits=LimitRules(quota=quota, per_second=True))


def _allowed(quota: Quota, seconds: float) -> int:
    """What the binding one of the two limits lets through."""
    return int(min(quota.per_hour * seconds / 3600, (quota.per_second or NO_HOURLY) * seconds))


def _limit(quota: Quota) -> RateLimit:
    return RateLimit(per_hour=quota.per_hour, per_second=quota.per_second)


def saturate(quota: Quota, seconds: float) -> Outcome:
    """One caller that never stops, on the emulator's own clock."""
    emulator = _emulator(quota)
    started = emulator.clock.now()
    outcome = Outcome(_allowed(quota, seconds))
    with emulator.client(rate_limit=_limit(quota), timeouts=PATIENT) as railway:
        while True:
            railway.execute(QUESTION, lane=Lane.BACKGROUND)
            if (emulator.clock.now() - started).total_seconds() >= seconds:
                break
            outcome.answered += 1
        outcome.refused = railway.stats.rate_limited
    return outcome


def saturate_async(quota: Quota, seconds: float, *, click_every_s: float) -> Outcome:
    """Many callers at once and clicks between them, on a loop whose time is the emulator's."""
    emulator = _emulator(quota)
    outcome = Outcome(_allowed(quota, seconds))
    virtual_time.run(_saturate(emulator, quota, seconds, click_every_s, outcome), emulator.clock.advance)
    return outcome


async def _saturate(
    emulator: Emulator, quota: Quota, seconds: float, click_every_s: float, outcome: Outcome
) -> None:
    loop = asyncio.get_running_loop()
    async with emulator.async_client(
        rate_limit=_limit(quota), timeouts=PATIENT, clock=virtual_time.LoopClock()
    ) as railway:

        async def sweep() -> None:
            while True:
                await railway.execute(QUESTION, lane=Lane.BACKGROUND)
                outcome.answered += 1

        async def click() -> None:
            while True:
                await asyncio.sleep(click_every_s)
                begun = loop.time()
                await railway.execute(QUESTION, lane=Lane.USER)
                outcome.click_waits_s.append(loop.time() - begun)
                outcome.answered += 1

        await _for(seconds, [sweep() for _ in range(SWEEPERS)] + [click()])
        outcome.refused = railway.stats.rate_limited


async def _for(seconds: float, work: list[Coroutine[Any, Any, None]]) -> None:
    """Let endless tasks run for so long, then end them; what they were waiting for is not counted."""
    tasks = [asyncio.ensure_future(one) for one in work]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


def saturate_threads(quota: Quota, seconds: float) -> Outcome:
    """Many threads and clicks between them, in real time: a thread's wait cannot be skipped."""
    outcome = Outcome(_allowed(quota, seconds))
    with (
        _emulator(quota, speed=1).client(rate_limit=_limit(quota), clock=SystemClock()) as railway,
        ThreadPoolExecutor(SWEEPERS) as pool,
    ):
        until = time.monotonic() + seconds
        sweeps = [pool.submit(_sweep, railway, until) for _ in range(SWEEPERS)]
        while time.monotonic() + CLICK_EVERY_THREADED_S < until:
            time.sleep(CLICK_EVERY_THREADED_S)
            outcome.click_waits_s.append(_click(railway))
        outcome.answered = sum(sweep.result() for sweep in sweeps) + len(outcome.click_waits_s)
        outcome.refused = railway.stats.rate_limited
    return outcome


def _sweep(railway: RailwayClient, until: float) -> int:
    answered = 0
    while True:
        railway.execute(QUESTION, lane=Lane.BACKGROUND)
        if time.monotonic() >= until:
            return answered
        answered += 1


def _click(railway: RailwayClient) -> float:
    begun = time.monotonic()
    railway.execute(QUESTION, lane=Lane.USER)
    return time.monotonic() - begun
