"""Views that only read: in the one transaction in which whoever asks was found, and in nobody else's scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from tests.support.redis_server import Cable, running_redis
from tests.support.statements import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference_server.composition import Platform
    from tests.server.api.conftest import Stage
    from tests.server.conftest import Person
    from tests.support.redis_server import RedisServer


@pytest.fixture(params=["sqlite", "postgresql"], autouse=True)
def where(request: pytest.FixtureRequest, environment: dict[str, str]) -> str:
    """Before the platform is made."""
    if request.param == "postgresql":
        request.getfixturevalue("postgres_environment")
    return str(request.param)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def begun(platform: Platform) -> Iterator[list[str]]:
    """Transactions that are begun."""
    seen: list[str] = []

    def note(_: Any) -> None:
        seen.append("begin")

    event.listen(platform.database.engine, "begin", note)
    yield seen
    event.remove(platform.database.engine, "begin", note)


def test_reading_takes_one_transaction_and_two_questions(
    platform: Platform, ann: Person, path: str, begun: list[str]
) -> None:
    with recorded(platform.database.engine) as sent:
        assert ann.get(path).status_code == 200
    asked = [one.sql for one in sent if "set_config" not in one.sql]
    assert len(asked) == 2
    assert "FROM users" in asked[0]
    assert "FROM instances" in asked[1]
    assert len(begun) == 1


def test_whether_what_runs_is_changing_takes_no_question_more(
    platform: Platform, stage: Stage, ann: Person
) -> None:
    path = f"/api/instances/{stage.running(ann)}"
    with recorded(platform.database.engine) as sent:
        assert ann.get(path).json["changing"] is False
    asked = [one.sql for one in sent if "set_config" not in one.sql]
    assert len(asked) == 2
    assert "provider_operations" in asked[1]
    assert "instance_domains" in asked[1]


@pytest.mark.parametrize("view", ["/api/instances", "/api/instances/status"])
def test_lists_take_one_transaction(ann: Person, path: str, begun: list[str], view: str) -> None:
    assert path
    assert ann.get(view).status_code == 200
    assert len(begun) == 1


def test_an_administrator_sees_everybodys_and_another_user_nothing(
    ann: Person, bob: Person, admin: Person, path: str
) -> None:
    assert admin.get(path).json["name"] == "blog"
    assert [one["name"] for one in admin.get("/api/instances").json["items"]] == ["blog"]
    assert admin.get("/api/instances/status").json["total"] == 1
    assert bob.get(path).status_code == 404
    assert bob.get("/api/instances").json["items"] == []
    assert bob.get("/api/instances/status").json["total"] == 0
    assert ann.get(path).status_code == 200


def test_an_api_key_reads_as_well(ann: Person, path: str) -> None:
    made = ann.post("/api/users/api-keys", {"name": "ci", "scopes": ["instances:read"]})
    ann.token = made.json["key"]
    assert ann.get(path).json["name"] == "blog"


def test_a_session_that_was_ended_reads_nothing_any_more(ann: Person, path: str) -> None:
    assert ann.post("/api/auth/logout", {}).status_code < 300
    assert ann.get(path).status_code == 401


def test_what_is_refused_gives_its_connection_back(
    platform: Platform, ann: Person, bob: Person, path: str
) -> None:
    for _ in range(platform.settings.web_threads + 5):  # more than the pool has
        assert bob.get(path).status_code == 404
        assert ann.get(path + "?nonsense=1").status_code == 422
    assert ann.get(path).status_code == 200


def test_nothing_is_read_without_a_token(path: str, ann: Person) -> None:
    ann.token = "nonsense"
    assert ann.get(path).status_code == 401


class TestStatusThroughRedis:
    @pytest.fixture(autouse=True)
    def cable(self, redis_server: RedisServer, environment: dict[str, str]) -> Iterator[Cable]:
        cable = Cable(redis_server)
        cable.mend()
        environment["REDIS_URL"] = cable.url
        yield cable
        cable.cut()

    def test_it_is_made_once_and_anew_as_soon_as_an_instance_changes(
        self, stage: Stage, platform: Platform, ann: Person, path: str
    ) -> None:
        first = ann.get("/api/instances/status").json
        assert first["counts"] == {"accepted": 1}
        with recorded(platform.database.engine) as sent:
            assert ann.get("/api/instances/status").json == first
        assert not [one for one in sent if "FROM instances" in one.sql]
        stage.settle(path.rpartition("/")[2])
        assert ann.get("/api/instances/status").json["counts"] == {"running": 1}

    def test_everybody_gets_their_own(self, ann: Person, bob: Person, admin: Person, path: str) -> None:
        assert path
        totals = [person.get("/api/instances/status").json["total"] for person in (ann, bob, admin) * 2]
        assert totals == [1, 0, 1] * 2

    def test_without_redis_it_is_read(self, stage: Stage, ann: Person, path: str, cable: Cable) -> None:
        assert ann.get("/api/instances/status").json["counts"] == {"accepted": 1}
        cable.cut()
        assert ann.get("/api/instances/status").json["counts"] == {"accepted": 1}
        stage.settle(path.rpartition("/")[2])
        assert ann.get("/api/instances/status").json["counts"] == {"running": 1}
