"""A read replica, where one is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_server.settings import Settings
from tests.server.conftest import migrated

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_catalogue_is_read_from_it_and_what_may_not_be_stale_is_not(
    tmp_path: Path, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    """Here a copy of the database that hears of nothing: what is read from it is recognized by that."""
    copied = tmp_path / "replica.db"
    settings = Settings.from_environment(environment)
    migrated(settings)
    copied.write_bytes((tmp_path / "platform.db").read_bytes())
    environment["DATABASE_REPLICA_URL"] = f"sqlite:///{copied}"
    stage, ann = request.getfixturevalue("stage"), request.getfixturevalue("ann")
    stage.publish("Acme")
    assert ann.get("/api/templates").json["items"] == []
    assert ann.get("/api/users/profile").status_code == 200
