"""The clock of commands that ask nobody else for the time."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """This machine's present moment, aware."""
    return datetime.now(UTC)
