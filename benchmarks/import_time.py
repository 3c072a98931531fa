"""What `import railway_saas` adds to importing the four libraries it stands on, in fresh processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from benchmarks.figures import Goal, Report, Spread

if TYPE_CHECKING:
    from collections.abc import Mapping

GOAL_MS = 25.0
FLOOR = "httpx, pydantic, tenacity, aiolimiter"
PYDANTIC_IN_USE = f"{FLOOR}, pydantic.main, pydantic.type_adapter"
OURS = "railway_saas"
SUBJECTS = (FLOOR, PYDANTIC_IN_USE, OURS, "railway", "gql, gql.transport.httpx")
"""What is imported; `railway` is the package that `railway-client` installs."""

NAMES = {
    FLOOR: f"{FLOOR} (the floor)",
    PYDANTIC_IN_USE: "the same, with pydantic's BaseModel and TypeAdapter",
    "railway": "railway (of railway-client)",
    "gql, gql.transport.httpx": "gql with its httpx transport",
}
UNWANTED = ("stripe", "sqlalchemy", "flask", "graphql", "websockets", "starlette", "typer")
"""Libraries of extras and of the reference server: importing the SDK must not pay for them."""

_PROGRAM = """
import time
begun, begun_cpu = time.perf_counter(), time.process_time()
import {subject}
took = [(time.perf_counter() - begun) * 1000, (time.process_time() - begun_cpu) * 1000]
import json, sys
print(json.dumps([*took, sorted(sys.modules)]))
"""


@dataclass(slots=True)
class Readings:
    """Milliseconds by the wall and of processor time, one reading for each process."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])
    modules: set[str] = field(default_factory=set[str])


Measured = dict[str, Readings]


def run(quick: bool) -> Report:
    """Import each subject many times, in turns."""
    measured = _measure(3 if quick else 15)
    report = Report(
        "2. Import time, each in a fresh process",
        ("import", "ms", "over the floor", "CPU ms over it", "modules"),
    )
    for subject in SUBJECTS:
        _add(report, subject, measured)
    report.goals += [_goal(measured), _nothing_unwanted(measured[OURS].modules)]
    report.notes += _what_it_loads(measured)
    return report


def _measure(rounds: int) -> Measured:
    measured = {subject: Readings() for subject in SUBJECTS}
    with tempfile.TemporaryDirectory() as bytecode:
        environment = _environment(bytecode)
        for subject in SUBJECTS:  # writes the bytecode, as an installation has it
            _import(subject, environment)
        for _ in range(rounds):
            for subject, readings in measured.items():
                wall, cpu, readings.modules = _import(subject, environment)
                readings.wall.append(wall)
                readings.cpu.append(cpu)
    return measured


def _environment(bytecode: str) -> Mapping[str, str]:
    """Compiled modules are kept, wherever this runs: what is measured is importing, not compiling."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": bytecode}


def _import(subject: str, environment: Mapping[str, str]) -> tuple[float, float, set[str]]:
    command = [sys.executable, "-c", _PROGRAM.format(subject=subject)]
    output = subprocess.run(command, check=True, capture_output=True, env=environment).stdout
    wall, cpu, modules = json.loads(output)
    return wall, cpu, set(modules)


def _over(own: list[float], floor: list[float]) -> Spread:
    return Spread.of([mine - theirs for mine, theirs in zip(own, floor, strict=True)])


def _add(report: Report, subject: str, measured: Measured) -> None:
    readings, floor = measured[subject], measured[FLOOR]
    spread, over = Spread.of(readings.wall), _over(readings.wall, floor.wall)
    over_cpu = _over(readings.cpu, floor.cpu)
    differences = ("", "") if subject == FLOOR else (over.text(1), f"{over_cpu.median:.1f}")
    report.rows.append(
        (NAMES.get(subject, subject), spread.text(1), *differences, str(len(readings.modules)))
    )
    report.figures.append(
        {
            "import": subject,
            "ms": asdict(spread),
            "ms_over_floor": asdict(over),
            "cpu_ms_over_floor": asdict(over_cpu),
            "modules": len(readings.modules),
        }
    )


def _goal(measured: Measured) -> Goal:
    over = _over(measured[OURS].wall, measured[FLOOR].wall).median
    over_in_use = _over(measured[OURS].wall, measured[PYDANTIC_IN_USE].wall).median
    return Goal(
        "import railway_saas over the floor",
        f"<= +{GOAL_MS:.0f} ms",
        f"{over:+.1f} ms ({over_in_use:+.1f} ms where pydantic's BaseModel is in use already)",
        over <= GOAL_MS,
    )


def _nothing_unwanted(modules: set[str]) -> Goal:
    found = sorted(modules.intersection(UNWANTED))
    return Goal("import railway_saas loads no extra", "none", ", ".join(found) or "none", not found)


def _what_it_loads(measured: Measured) -> list[str]:
    added = measured[OURS].modules - measured[FLOOR].modules
    own = sorted(name.removeprefix(f"{OURS}.") for name in added if name.split(".")[0] == OURS)
    others = Counter(name.split(".")[0] for name in added if name.split(".")[0] != OURS)
    counts = ", ".join(f"{name} {count}" for name, count in others.most_common())
    return [
        f"railway_saas loads {len(own)} modules of its own: {', '.join(own)}",
        f"and of other packages, beyond the floor: {counts or 'none'}",
        "`import pydantic` alone is lazy: its BaseModel is built by whoever first asks for it",
    ]
