"""Railway's own schema, read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import GraphQLSchema, build_schema

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def schema(reference_data: Path) -> GraphQLSchema:
    """Not checked as a whole: Railway deprecates `Team.id` but not `Node.id`, which graphql-core refuses."""
    sdl = (reference_data / "railway/schema.graphql").read_text(encoding="utf-8")
    return build_schema(sdl, assume_valid=True)
