"""The reference server against the same work written bare: contenders take turns within a round, one operation at a time."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.figures import Goal, Report, Spread, ratios
from benchmarks.serving.agreement import check_agreement
from benchmarks.serving.contenders import BARE_FLASK, CONTENDERS, OURS, Server, serving
from benchmarks.serving.generator import VISITORS, LoadGenerator, Played, load_generator
from benchmarks.serving.plays import OPERATIONS
from benchmarks.serving.processes import cpu_s
from benchmarks.serving.stage import Stage, on_stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.serving.contenders import Contender

GOAL_RATIO = 1.25
DEADLINE_S = 20.0
"""Of a request while answers are compared."""
HEADINGS = (
    "",
    "requests/s",
    "p50, p95, p99 ms",
    "server CPU ms",
    "PostgreSQL CPU ms",
    "server CPU over bare Flask",
    "requests/s over bare Flask",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int
    turn_s: float
    warm_up_s: float


SIZES = {"quick": Size(1, 0.7, 0.3), "default": Size(5, 2.5, 1.0)}


@dataclass(frozen=True, slots=True)
class Turn:
    """One contender at one operation in one round; processor time in milliseconds per request."""

    contender: Contender
    operation: str
    played: Played
    server_ms: float
    postgres_ms: float | None
    redis_ms: float | None


@dataclass(frozen=True, slots=True)
class Arena:
    """Everything that takes part."""

    stage: Stage
    servers: Sequence[Server]
    visitors: LoadGenerator

    def turn(self, server: Server, operation: str, seconds: float) -> Turn:
        """Let visitors ask one server for one thing.

        Raises:
            AssertionError: A request failed.
        """
        before = self._used_s(server)
        played = self.visitors.play(server.url, {operation: 1}, seconds)
        after = self._used_s(server)
        if played.failures or not played.requests:
            raise AssertionError(f"{server.contender.name}, {operation}: {played.faults or 'no request'}")
        server_ms, postgres_ms, redis_ms = (
            None if begun is None or ended is None else (ended - begun) * 1000 / played.requests
            for begun, ended in zip(before, after, strict=True)
        )
        assert server_ms is not None
        return Turn(server.contender, operation, played, server_ms, postgres_ms, redis_ms)

    def _used_s(self, server: Server) -> tuple[float | None, ...]:
        postgres = self.stage.postgres_pid
        return server.cpu_s(), None if postgres is None else cpu_s(postgres), self.stage.redis_cpu_s()

    def rounds(self, size: Size) -> Iterator[Turn]:
        """Round after round; who begins changes, so that nobody always comes after the same one."""
        for operation in OPERATIONS:
            for server in self.servers:
                self.turn(server, operation, size.warm_up_s)
        for number in range(size.rounds):
            begin = number % len(self.servers)
            for operation in OPERATIONS:
                for server in (*self.servers[begin:], *self.servers[:begin]):
                    yield self.turn(server, operation, size.turn_s)


def run(quick: bool) -> Report:
    """Every operation of every contender."""
    report = Report(
        "9. The reference server over PostgreSQL and Redis, and the same work written bare", HEADINGS
    )
    size = SIZES["quick" if quick else "default"]
    try:
        with on_stage() as stage, ExitStack() as stack:
            servers = [stack.enter_context(serving(one, stage)) for one in CONTENDERS]
            visitors = stack.enter_context(load_generator(stage))
            clients = {
                one.contender.name: stack.enter_context(httpx.Client(base_url=one.url, timeout=DEADLINE_S))
                for one in servers
            }
            compared = check_agreement(clients, stage.people)
            turns = list(Arena(stage, servers, visitors).rounds(size))
            report.notes += _notes(stage, turns, compared, size)
    except LookupError as error:
        report.notes.append(str(error))
        return report
    for operation, name in OPERATIONS.items():
        _add_operation(report, name, [one for one in turns if one.operation == operation])
    report.goals.append(_goal([one for one in turns if one.operation == "read"]))
    return report


def _add_operation(report: Report, name: str, turns: Sequence[Turn]) -> None:
    report.rows.append((f"[{name}]", *[""] * (len(HEADINGS) - 1)))
    floor = _of(turns, BARE_FLASK)
    for contender in CONTENDERS:
        own = _of(turns, contender)
        cpu = Spread.of([one.server_ms for one in own])
        rate = Spread.of([one.played.per_s for one in own])
        waits = [Spread.of([one.played.all_ms[key] for one in own]).median for key in _PERCENTILES]
        postgres = [one.postgres_ms for one in own if one.postgres_ms is not None]
        report.rows.append(
            (
                f"  {contender.name}",
                rate.text(),
                ", ".join(f"{wait:.1f}" for wait in waits),
                cpu.text(2),
                Spread.of(postgres).text(2) if postgres else "unknown",
                "" if contender is BARE_FLASK else _cpu_ratio(own, floor).text(2),
                "" if contender is BARE_FLASK else _rate_ratio(own, floor).text(2),
            )
        )
        report.figures += [_figure(one, number) for number, one in enumerate(own)]


_PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")


def _figure(turn: Turn, number: int) -> dict[str, Any]:
    return {
        "operation": turn.operation,
        "contender": turn.contender.name,
        "round": number,
        "requests": turn.played.requests,
        "requests_per_s": turn.played.per_s,
        **turn.played.all_ms,
        "server_cpu_ms": turn.server_ms,
        "postgres_cpu_ms": turn.postgres_ms,
        "redis_cpu_ms": turn.redis_ms,
        "generator_cpu_share": turn.played.cpu_s / turn.played.took_s,
    }


def _of(turns: Sequence[Turn], contender: Contender) -> list[Turn]:
    return [one for one in turns if one.contender is contender]


def _cpu_ratio(own: Sequence[Turn], floor: Sequence[Turn]) -> Spread:
    return ratios([one.server_ms for one in own], [one.server_ms for one in floor])


def _rate_ratio(own: Sequence[Turn], floor: Sequence[Turn]) -> Spread:
    return ratios([one.played.per_s for one in own], [one.played.per_s for one in floor])


def _goal(turns: Sequence[Turn]) -> Goal:
    own, floor = _of(turns, OURS), _of(turns, BARE_FLASK)
    ratio, rate = _cpu_ratio(own, floor), _rate_ratio(own, floor)
    return Goal(
        "a read of one instance over the same work bare in Flask + SQLAlchemy, server CPU",
        f"<= {GOAL_RATIO} x",
        f"{ratio.text(2)} x (requests/s: {rate.text(2)} x)",
        ratio.median <= GOAL_RATIO,
    )


def _notes(stage: Stage, turns: Sequence[Turn], compared: int, size: Size) -> list[str]:
    asked = [one.redis_ms for one in _of(turns, OURS) if one.operation == "read" and one.redis_ms is not None]
    said = [
        *stage.notes(),
        (
            f"{VISITORS} visitors in a closed loop, {size.rounds} rounds of {size.turn_s:g} s; they, the servers and the databases "
            f"share the machine, so that requests/s and waits say less than processor time; {_share(turns):.0%} of a core went to "
            "the visitors"
        ),
        (
            f"{compared} answers of all contenders were compared and agree. What is bare has no rate limits, ETags, metrics, log, "
            "or headers against attacks, no caches, and accepts a deploy in the one transaction of its request"
        ),
        "CPU: user and system time of all processes of a server, by the requests of its turn; ratios are taken round by round",
    ]
    if asked:
        said.append(
            f"a read costs Redis {Spread.of(asked).text(2)} ms with the reference server, which counts it for the rate limit"
        )
    return said


def _share(turns: Sequence[Turn]) -> float:
    return Spread.of([one.played.cpu_s / one.played.took_s for one in turns]).median
