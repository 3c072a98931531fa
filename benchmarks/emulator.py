"""What the emulator costs: memory with 10,000 projects, processor time per project read."""

from __future__ import annotations

from benchmarks import emulator_scale
from benchmarks.figures import Goal, Report


def run(quick: bool) -> Report:
    """Build the large world in a process of its own; left out when in a hurry, as that takes half a minute."""
    report = Report("5. The emulator at scale", ("", "measured", "goal"))
    if quick:
        report.notes.append("left out by --quick")
        return report
    for row in emulator_scale.run():
        _add(report, row)
    return report


def _add(report: Report, row: dict[str, object]) -> None:
    value, wanted = float(str(row["value"])), str(row["goal"])
    measured = f"{value:.2f} {row['unit']}"
    report.rows.append((str(row["what"]), measured, f"{wanted} {row['unit']}"))
    report.figures.append(row)
    report.goals.append(
        Goal(str(row["what"]), f"{wanted} {row['unit']}", measured, value < float(wanted.lstrip("< ")))
    )
