"""What the command prints: results on standard output, progress and errors on standard error.

With `--json` every command prints one JSON document (streams: one per line) and nothing else on standard
output. Without a terminal, progress comes as plain lines.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.table import Table
from rich.text import Text

from railway_saas.errors import ProvisioningError, RailwayError, RailwaySaasError, TemplateError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from rich.status import Status


_UNFOLDED = 1_000
"""Columns where nobody looks at a screen: a table's rows must not be folded for those who grep them."""


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_OBEYED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What a terminal obeys instead of showing it: control characters, changes of direction; and half characters."""


def visible(text: str) -> str:
    """A text that does nothing to the terminal it is printed on. Names and logs come from strangers.

    Colours are dropped, as logs are full of them; anything else is spelled out.
    """
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), _COLOURS.sub("", text))


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON that can be written anywhere: in ASCII unless standard output takes UTF-8."""
    is_utf8 = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(to_jsonable_python(value), indent=indent, ensure_ascii=not is_utf8)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _console(is_terminal: bool, *, stderr: bool) -> Console:
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=None if is_terminal else _UNFOLDED)


@dataclass(slots=True)
class Output:
    """Where a command writes."""

    as_json: bool = False
    out: Console = field(default_factory=lambda: _console(sys.stdout.isatty(), stderr=False))
    err: Console = field(default_factory=lambda: _console(sys.stderr.isatty(), stderr=True))
    _status: Status | None = None

    def json(self, value: object) -> None:
        """Print a result as JSON; one line when it is part of a stream."""
        sys.stdout.write(json_text(value, indent=2) + "\n")
        sys.stdout.flush()

    def json_line(self, value: object) -> None:
        """Print one item of a stream as a line of JSON."""
        sys.stdout.write(json_text(value) + "\n")
        sys.stdout.flush()

    def line(self, text: str = "", *, style: str | None = None) -> None:
        """Print a line of a result for people."""
        if not self.as_json:
            self.out.print(visible(text), style=style, markup=False)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table for people."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        self.out.print(table)

    def progress(self, text: str) -> None:
        """Tell what is happening: beside a spinner on a terminal, as a plain line elsewhere."""
        if self._status is not None:
            self._status.update(Text(visible(text)))
        else:
            self.err.print(visible(text), markup=False)

    def milestone(self, text: str) -> None:
        """Tell what has happened: stays on the screen."""
        self.err.print(visible(text), markup=False)

    @contextmanager
    def working(self, text: str) -> Generator[None]:
        """Show a spinner while something takes time, where there is a terminal to show it on."""
        if not self.err.is_terminal:
            yield
            return
        with self.err.status(Text(visible(text))) as status:
            self._status = status
            try:
                yield
            finally:
                self._status = None

    def error(self, error: RailwaySaasError) -> None:
        """Print an error: one sentence, then what it lists; as JSON on request, too."""
        if self.as_json:
            self.json({"error": error_document(error)})
        self.err.print(f"railway-saas: {visible(str(error))}", style="red", markup=False)


def error_document(error: RailwaySaasError) -> dict[str, Any]:
    """An error as data for scripts."""
    document: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, RailwayError):
        document |= {
            "operation": error.operation,
            "trace_id": error.trace_id,
            "transient": error.transient,
            "maybe_applied": error.maybe_applied,
        }
    if isinstance(error, ProvisioningError):
        document |= {
            "step": error.step,
            "project_id": error.project_id,
            "services": dict(error.services),
            "maybe_applied": error.maybe_applied,
        }
    if isinstance(error, TemplateError):
        document["problems"] = [
            {"path": problem.path, "message": problem.message} for problem in error.problems
        ]
    return document
