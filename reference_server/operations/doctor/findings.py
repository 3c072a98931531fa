"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """It works; in production it should be otherwise."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    grade: Grade
    detail: str
    fix: str | None = None
    """What to do; None where nothing is to be done."""


def fine(check: str, detail: str) -> Finding:
    """All is well."""
    return Finding(check, Grade.OK, detail)


def failed(check: str, detail: str, fix: str) -> Finding:
    """It must be mended."""
    return Finding(check, Grade.FAILED, detail, fix)


def warning(check: str, detail: str, fix: str) -> Finding:
    """It should be otherwise."""
    return Finding(check, Grade.WARNING, detail, fix)
