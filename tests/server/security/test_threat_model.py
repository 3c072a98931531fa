"""The threat model names tests; each of them exists, and no chapter is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/server/security.md").read_text()
ROWS = re.findall(r"^\| V(\d+) [^|]*\| ([^|]*) \| (?:`(\w+)`)? *\|$", PAGE, re.MULTILINE)
CHAPTERS = 17
"""Of OWASP ASVS 5.0."""


def test_every_chapter_is_there() -> None:
    assert {int(number) for number, _, _ in ROWS} == set(range(1, CHAPTERS + 1))


@pytest.mark.parametrize("name", sorted({name for _, _, name in ROWS if name}))
def test_the_named_test_exists(name: str) -> None:
    files = [*ROOT.glob("tests/server/**/*.py"), *ROOT.glob("tests/repositories/**/*.py")]
    assert any(re.search(rf"def {name}\(", file.read_text()) for file in files)


def test_a_point_without_a_test_is_one_that_does_not_apply() -> None:
    assert {point for _, point, name in ROWS if not name} == {"not used"}
