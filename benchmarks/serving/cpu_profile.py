"""Where the processor time of a read goes, by package: ours, and the bare application beside it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Report
from benchmarks.serving.processes import running
from benchmarks.serving.sampling import OTHER, PACKAGES
from benchmarks.serving.stage import Stage, on_stage

if TYPE_CHECKING:
    from collections.abc import Sequence

SPARE_S = 120.0
"""How much longer than it was asked to a process may take."""


def run(quick: bool) -> Report:
    """Ours, and the bare application beside it: the differences are what the platform adds."""
    report = Report(
        "10. Where the processor time of reading one instance goes, ms per read",
        ("", "reference server", "share", "bare Flask", "more than bare"),
    )
    try:
        with on_stage() as stage:
            ours, bare = (_sampled(stage, name, 1.5 if quick else 10.0) for name in ("ours", "bare"))
            report.notes += stage.notes()
    except LookupError as error:
        report.notes.append(str(error))
        return report
    _add_packages(report, ours, bare)
    report.figures += [{"application": name, **found} for name, found in (("ours", ours), ("bare", bare))]
    report.notes += [
        (
            "one thread, called in its own process, without gunicorn and its HTTP; "
            f"{sum(ours['samples'].values())} and {sum(bare['samples'].values())} samples of processor time, each counted for the "
            "innermost package of the list; C code counts for the Python that called it"
        ),
        *(
            f"{name}, per read: {', '.join(f'{count:g} {what}' for what, count in found['statements'].items())}"
            for name, found in (("reference server", ours), ("bare Flask", bare))
        ),
    ]
    return report


def _sampled(stage: Stage, name: str, seconds: float) -> dict[str, Any]:
    result, metrics = stage.folder / f"profile-{name}.json", stage.folder / f"metrics-{name}"
    metrics.mkdir()
    log = stage.folder / f"profile-{name}.log"
    command = [
        sys.executable,
        "-m",
        "benchmarks.serving.sampling",
        name,
        str(stage.people_file),
        str(result),
    ]
    environment = {**stage.environment, "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    with running([*command, str(seconds)], environment, log) as process:
        if process.wait(seconds + SPARE_S):
            raise RuntimeError(f"{name} ended with {process.returncode}:\n{log.read_text()[-3_000:]}")
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def _add_packages(report: Report, ours: dict[str, Any], bare: dict[str, Any]) -> None:
    for name in (*PACKAGES, OTHER):
        own, floor = _cost(ours, name), _cost(bare, name)
        share = f"{own / ours['cpu_ms']:.0%}"
        report.rows.append((name, f"{own:.2f}", share, f"{floor:.2f}", f"{own - floor:+.2f}"))
    for what, key in (("processor time of a read", "cpu_ms"), ("from call to answer", "wall_ms")):
        own, floor = ours[key], bare[key]
        report.rows.append((f"[{what}]", f"{own:.2f}", "", f"{floor:.2f}", f"{own - floor:+.2f}"))
    _add_statements(report, [ours["statements"], bare["statements"]])


def _cost(found: dict[str, Any], package: str) -> float:
    """Milliseconds of a read."""
    samples = found["samples"]
    return float(found["cpu_ms"] * samples.get(package, 0) / sum(samples.values()))


def _add_statements(report: Report, counted: Sequence[dict[str, float]]) -> None:
    own, floor = (sum(count for what, count in one.items() if what != "transactions") for one in counted)
    report.rows.append(("[statements of a read]", f"{own:g}", "", f"{floor:g}", f"{own - floor:+g}"))
