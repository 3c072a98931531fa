"""Fixtures for the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """A folder with Railway's own schema and genuine documents, which this project does not ship.

    `RAILWAY_SAAS_REFERENCE_DATA` names it; without that, a folder `shared` beside the checkout is taken.
    """
    folder = Path(os.environ.get("RAILWAY_SAAS_REFERENCE_DATA", ROOT.parent / "shared"))
    if not (folder / "railway" / "schema.graphql").is_file():
        pytest.skip(
            f"Railway's reference data is not in {folder}; point RAILWAY_SAAS_REFERENCE_DATA at a folder "
            "with railway/schema.graphql and railway/examples/ to run this test"
        )
    return folder
