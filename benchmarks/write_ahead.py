"""A deploy through the instance manager: how many requests from click to running, and what writing ahead costs."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.databases import DATABASES, Meter, MeteredDatabase
from benchmarks.figures import Goal, Report, Spread, ratios
from benchmarks.fleet import CODE, INPUTS, TEMPLATES
from railway_saas.domain.ids import owner_id
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.emulator import Emulator
from railway_saas.instances import InstanceManager, StackDeployer
from railway_saas.templates import Template

if TYPE_CHECKING:
    from uuid import UUID

    from railway_saas import RailwayClient

GOAL = 12
BARE = "StackDeployer, no database"
WAYS = {"templateDeployV2": True, "single calls": False}


@dataclass(slots=True)
class Deploys:
    """Readings, one per deploy."""

    requests: list[int] = field(default_factory=list[int])
    cpu_ms: list[float] = field(default_factory=list[float])
    database_ms: list[float] = field(default_factory=list[float])
    database_cpu_ms: list[float] = field(default_factory=list[float])
    statements: list[int] = field(default_factory=list[int])
    commits: list[int] = field(default_factory=list[int])


class Bench:
    """One emulator that everybody deploys to in turn."""

    def __init__(self, stack: ExitStack) -> None:
        self._emulator = Emulator(templates=TEMPLATES, limits=False)
        self._railway: RailwayClient = stack.enter_context(self._emulator.client())
        self._published = self._railway.templates.by_code(CODE)
        self._document = Template.parse(self._published.serialized_config)
        self._managers: dict[str, tuple[InstanceManager, Meter, dict[bool, UUID]]] = {}
        self._made = 0
        for name, opened in DATABASES.items():
            meter = Meter()
            try:
                database = stack.enter_context(opened(meter))
            except LookupError:
                continue
            manager = InstanceManager(
                self._railway,
                MeteredDatabase(database, meter),
                workspace_id=self._emulator.workspace_id,
                now=self._emulator.clock.now,
            )
            entries = {
                known: manager.publish_template(
                    self._document, name="App", railway_template_id=self._published.id if known else None
                ).id
                for known in (True, False)
            }
            self._managers[name] = manager, meter, entries

    @property
    def contenders(self) -> list[str]:
        """Who takes part."""
        return [BARE, *self._managers]

    def deploy(self, name: str, into: Deploys, *, known: bool) -> None:
        """One deploy, from click to running."""
        self._made += 1
        meter = self._managers[name][1] if name in self._managers else Meter()
        meter.reset()
        before, cpu = self._railway.stats.requests, time.process_time()
        if name == BARE:
            self._deploy_bare(known=known)
        else:
            self._deploy_managed(name, known=known)
        into.cpu_ms.append((time.process_time() - cpu) * 1e3)
        into.requests.append(self._railway.stats.requests - before)
        into.database_ms.append(meter.wall_s * 1e3)
        into.database_cpu_ms.append(meter.cpu_s * 1e3)
        into.statements.append(meter.statements.total())
        into.commits.append(meter.calls["commit"])

    def _deploy_bare(self, *, known: bool) -> None:
        stack = StackDeployer(self._railway).deploy(
            self._document.fill(INPUTS),
            project_name=f"shop-{self._made}",
            workspace_id=self._emulator.workspace_id,
            template_id=self._published.id if known else None,
        )
        assert stack.is_running, stack

    def _deploy_managed(self, name: str, *, known: bool) -> None:
        manager, _, entries = self._managers[name]
        instance = manager.deploy(
            user_id=owner_id(self._made),
            template_id=entries[known],
            name=f"shop-{self._made}",
            inputs=INPUTS,
            wait=True,
        )
        assert instance.status is InstanceStatus.RUNNING, instance


def run(quick: bool) -> Report:
    """Everybody deploys once per round, in both ways."""
    rounds = 2 if quick else 5
    report = Report(
        "8. A deploy through the instance manager, three services, and what writing ahead costs",
        ("", "requests", "CPU ms", "x bare", "in the database, ms", "statements", "commits"),
    )
    with ExitStack() as stack:
        bench = Bench(stack)
        for way, known in WAYS.items():
            found = {name: Deploys() for name in bench.contenders}
            for name in found:
                bench.deploy(name, Deploys(), known=known)  # statements are compiled, models are built
            for turn in range(rounds):
                names = list(found)
                for name in names[turn % len(names) :] + names[: turn % len(names)]:
                    bench.deploy(name, found[name], known=known)
            _add(report, way, found)
    report.notes += [
        "the manager commits every write to Railway as sent before it is sent, and its outcome after it",
        "CPU is that of the process, with the emulator's own work, which is the same for all",
        "the database's time is the wall's, on this machine's disk; PostgreSQL runs without waiting for it (fsync=off)",
    ]
    return report


def _add(report: Report, way: str, found: dict[str, Deploys]) -> None:
    report.rows.append((f"[{way}]", "", "", "", "", "", ""))
    floor = found[BARE]
    for name, one in found.items():
        in_database = Spread.of(one.database_ms)
        against = ratios(one.cpu_ms, floor.cpu_ms)
        report.rows.append(
            (
                f"  {name}",
                str(max(one.requests)),
                Spread.of(one.cpu_ms).text(),
                f"{against.median:.2f}",
                in_database.text(1) if name != BARE else "",
                str(max(one.statements)) if max(one.statements) else "",
                str(max(one.commits)) if max(one.commits) else "",
            )
        )
        report.figures.append(
            {
                "way": way,
                "contender": name,
                "requests": max(one.requests),
                "cpu_ms": Spread.of(one.cpu_ms).median,
                "cpu_ratio": against.median,
                "database_ms": in_database.median,
                "database_cpu_ms": Spread.of(one.database_cpu_ms).median,
                "statements": max(one.statements),
                "commits": max(one.commits),
            }
        )
    requests = max(max(one.requests) for name, one in found.items() if name != BARE)
    report.goals.append(
        Goal(f"requests per deploy through the manager, {way}", f"<= {GOAL}", str(requests), requests <= GOAL)
    )
