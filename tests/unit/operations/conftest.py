"""What tests of operations share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def recorded(reference_data: Path) -> dict[str, Any]:
    """Real answers of the live API."""
    path = reference_data / "railway/examples/recorded-responses.json"
    return json.loads(path.read_text(encoding="utf-8"))
