"""Showing progress where somebody looks on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.domain.instances import InstanceEvent


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
