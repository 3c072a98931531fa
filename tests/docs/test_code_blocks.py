"""The code in README and docs runs; the shell commands in them name commands that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
WITH_PYTHON = [page for page in PAGES if BLOCK.search(page.read_text())]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_the_python_blocks_of_a_page_run_one_after_the_other(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "__main__"}
    text = page.read_text()
    for block in BLOCK.finditer(text):
        line = text[: block.start(1)].count("\n")
        code = compile("\n" * line + block[1], str(page), "exec")
        exec(code, names)
    capsys.readouterr()


def test_every_command_of_the_pages_exists() -> None:
    from typer.main import get_command

    from railway_saas.cli.app import app

    root = get_command(app)
    named = set(
        re.findall(
            r"railway-saas ((?:[a-z]+)(?: check| inputs| plan| diff)?)",
            "\n".join(p.read_text() for p in PAGES),
        )
    )
    commands: dict[str, Any] = dict(root.commands)  # type: ignore[attr-defined]
    for name in named:
        first, _, second = name.partition(" ")
        assert first in commands, name
        if second:
            assert second in commands[first].commands, name


def test_every_local_link_of_the_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
