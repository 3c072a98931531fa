"""Users' type checkers see exact types."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_the_package_says_that_it_is_typed() -> None:
    assert resources.files("railway_saas").joinpath("py.typed").is_file()


def test_the_types_of_the_client_are_as_promised(repository: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "tests/typing/client_types.py",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=repository)
    wrong = [line for line in done.stdout.splitlines() if line.startswith("tests/typing/")]
    assert not wrong, "\n".join(wrong)
    assert not done.stderr
