"""What the documentation promises is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from railway_saas.emulator import FaultKind

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def page(repository: Path) -> str:
    return (repository / "docs/emulator.md").read_text(encoding="utf-8")


def test_the_table_of_faults_is_complete_and_true(page: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| ", page, re.MULTILINE)
    listed = [row for row in rows if row in set(FaultKind)]
    assert sorted(listed) == sorted(FaultKind)


def test_the_examples_run(page: str) -> None:
    for example in re.findall(r"```python\n(.*?)```", page, re.DOTALL)[:2]:
        exec(compile(example, "docs/emulator.md", "exec"), {})
