"""The thinnest slice through everything: log in, list, read, be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask

    from tests.server.conftest import Person


def test_somebody_who_logged_in_sees_their_instances(ann: Person) -> None:
    answer = ann.get("/api/instances")
    assert (answer.status_code, answer.json) == (200, {"items": [], "next_cursor": None})


def test_nobody_sees_nothing(app: Flask) -> None:
    answer = app.test_client().get("/api/instances")
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == "urn:railway-saas:problem:unauthenticated"


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    def test_the_same(self, ann: Person) -> None:
        assert ann.get("/api/instances").json["items"] == []
