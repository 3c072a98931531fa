"""Showing progress where somebody looks on."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.domain.instances import InstanceEvent

E = TypeVar("E")

log = logging.getLogger("railway_saas.instances")


def guarded(listener: Callable[[E], None]) -> Callable[[E], None]:
    """A listener that may fail: what it is told of has happened, and goes on all the same."""

    def tell(event: E) -> None:
        try:
            listener(event)
        except Exception:  # somebody else's code may raise anything
            log.exception("on_event failed")

    return tell


def told_nobody(_: object) -> None:
    """The listener where there is none."""


def line_of(event: InstanceEvent) -> str:
    """One line of a log or a notebook: `09:00:12  2/3  Postgres is running`."""
    count = f"{event.done}/{event.total}" if event.total else ""
    return f"{event.at:%H:%M:%S}  {count:>5}  {event.message}"


def notebook_listener() -> Callable[[InstanceEvent], None] | None:
    """In a notebook, something that shows each event below the cell; None anywhere else."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return lambda event: print(line_of(event), flush=True)  # noqa: T201 - a notebook's output is where it belongs
