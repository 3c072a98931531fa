"""What a measurement comes to: medians with their spread, tables of them, and goals met or missed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of many readings, and how far they lie apart."""

    median: float
    low: float
    """First quartile."""
    high: float
    """Third quartile."""

    @classmethod
    def of(cls, readings: Sequence[float]) -> Spread:
        """Summarise readings; quartiles rather than extremes, as one pause of the machine makes any extreme."""
        if len(readings) == 1:
            return cls(readings[0], readings[0], readings[0])
        low, median, high = statistics.quantiles(readings, n=4, method="inclusive")
        return cls(median, low, high)

    def text(self, digits: int = 0) -> str:
        """`612 [598-640]`."""
        return f"{self.median:.{digits}f} [{self.low:.{digits}f}-{self.high:.{digits}f}]"


def ratios(readings: Sequence[float], floor: Sequence[float]) -> Spread:
    """Reading by reading against the floor's of the same round, so that drift of the machine cancels out."""
    return Spread.of([reading / base for reading, base in zip(readings, floor, strict=True)])


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the project's goals, and what came out."""

    what: str
    wanted: str
    reached: str
    met: bool

    def text(self) -> str:
        """One line of the closing table."""
        return f"{'met   ' if self.met else 'MISSED'}  {self.what}: {self.reached} (goal {self.wanted})"


@dataclass(slots=True)
class Report:
    """What one benchmark hands back."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    notes: list[str] = field(default_factory=list[str])
    goals: list[Goal] = field(default_factory=list[Goal])
    figures: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The same as numbers, for `--json`."""

    def text(self) -> str:
        """The table with its notes, as plain text."""
        table = _aligned([self.headings, *self.rows]) if self.rows else ()
        lines = [self.title, "-" * len(self.title), *table]
        return "\n".join([*lines, *(f"  * {note}" for note in self.notes)])

    def as_json(self) -> dict[str, Any]:
        """Figures, notes and goals."""
        return {
            "title": self.title,
            "figures": self.figures,
            "notes": self.notes,
            "goals": [asdict(goal) for goal in self.goals],
        }


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """First column to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()


Benchmark = Callable[[bool], Report]
"""Takes whether to be quick."""
