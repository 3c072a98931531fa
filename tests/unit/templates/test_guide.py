"""The guide says what is so: its code runs, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<output>.*?)```)?", re.DOTALL)


def test_every_block_of_the_guide_runs_and_prints_what_it_says(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    names: dict[str, Any] = {}
    blocks = list(_BLOCK.finditer((repository / "docs" / "templates.md").read_text("utf-8")))
    assert len(blocks) == 8
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block["code"], "docs/templates.md", "exec"), names)
        if block["output"] is not None:
            assert printed.getvalue() == block["output"]


def test_the_guide_shows_the_amounts_and_notes_that_are_printed(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    text = (repository / "docs" / "templates.md").read_text("utf-8")
    code = "".join(block["code"] for block in _BLOCK.finditer(text))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/templates.md", "exec"), {})
    shown = re.findall(r"^print\(.*\) +# (.*)$", text, re.MULTILINE)
    assert len(shown) == 2
    assert all(f"{line}\n" in printed.getvalue() for line in shown)


def test_the_guide_lists_every_warning(repository: Path) -> None:
    from railway_saas.templates import WarningCode

    text = (repository / "docs" / "templates.md").read_text("utf-8")
    assert [code for code in WarningCode if f"`{code}`" not in text] == []
