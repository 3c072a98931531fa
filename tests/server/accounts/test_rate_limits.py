"""How many requests somebody may make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reference_server.app import create_app
from tests.support.redis_server import Cable, running_redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from reference_server.composition import Platform
    from tests.server.conftest import Person
    from tests.support.redis_server import RedisServer


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "RATE_LIMIT_LOGIN": "3 per minute", "RATE_LIMIT_API": "5 per minute"}


def forget(app: Flask, address: str = "192.0.2.1", **headers: str) -> Any:
    return app.test_client().post(
        "/api/auth/forgot-password",
        json={"email": "ann@example.com"},
        headers=headers,
        environ_base={"REMOTE_ADDR": address},
    )


def test_every_answer_says_what_is_left(app: Flask) -> None:
    answer = forget(app)
    assert answer.status_code == 202
    assert (answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Remaining"]) == ("3", "2")
    assert int(answer.headers["RateLimit-Reset"]) > 0
    assert "Retry-After" not in answer.headers


def test_one_too_many_is_a_problem_that_says_when_to_come_again(app: Flask) -> None:
    for _ in range(3):
        assert forget(app).status_code == 202
    answer = forget(app)
    assert answer.status_code == 429
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == "urn:railway-saas:problem:too-many-requests"
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_what_could_be_guessed_is_counted_together(app: Flask) -> None:
    browser = app.test_client()
    bodies = {
        "login": {"email": "a@example.com", "password": "x"},
        "refresh": {"refresh_token": "x"},
        "verify-email": {"token": "x"},
    }
    for path, body in bodies.items():
        assert browser.post(f"/api/auth/{path}", json=body).status_code in {401, 422}
    assert browser.post("/api/auth/login", json=bodies["login"]).status_code == 429


def test_another_network_has_a_count_of_its_own_and_a_network_of_ipv6_has_one(app: Flask) -> None:
    for last in range(3):
        assert forget(app, f"2001:db8:1:2::{last}").status_code == 202
    assert forget(app, "2001:db8:1:2::ffff").status_code == 429
    assert forget(app, "2001:db8:1:3::1").status_code == 202
    assert forget(app, "::ffff:192.0.2.9").status_code == 202
    assert int(forget(app, "192.0.2.9").headers["RateLimit-Remaining"]) == 1


def test_a_header_does_not_make_another_network(app: Flask) -> None:
    for number in range(3):
        forget(app, **{"X-Forwarded-For": f"198.51.100.{number}"})
    assert forget(app, **{"X-Forwarded-For": "198.51.100.9"}).status_code == 429


class TestBehindAProxy:
    @pytest.fixture
    def environment(self, environment: dict[str, str]) -> dict[str, str]:
        return {**environment, "TRUSTED_PROXIES": "1"}

    def test_what_it_says_of_the_network_is_believed_and_no_more(self, app: Flask) -> None:
        for _ in range(3):
            forget(app, **{"X-Forwarded-For": "made-up, 198.51.100.1"})
        assert forget(app, **{"X-Forwarded-For": "198.51.100.2, 198.51.100.1"}).status_code == 429
        assert forget(app, **{"X-Forwarded-For": "198.51.100.1, 198.51.100.2"}).status_code == 202


def test_everybody_has_their_own_count_over_all_paths(app: Flask, ann: Person, bob: Person) -> None:
    codes = [ann.get(path).status_code for path in ("/api/instances", "/api/users/profile") * 3]
    assert codes == [200] * 5 + [429]
    assert bob.get("/api/instances").status_code == 200


def test_an_api_key_has_its_own_count(app: Flask, ann: Person) -> None:
    key = ann.post("/api/users/api-keys", json={"name": "k", "scopes": ["instances:read"]}).json["key"]
    headers = {"Authorization": f"Bearer {key}"}
    codes = [app.test_client().get("/api/instances", headers=headers).status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]
    assert ann.get("/api/instances").status_code == 200


def test_guessing_tokens_is_counted_too(app: Flask) -> None:
    codes = [
        app.test_client().get("/api/instances", headers={"Authorization": f"Bearer rsk_{n}"}).status_code
        for n in range(6)
    ]
    assert codes == [401] * 5 + [429]


class TestWithRedis:
    @pytest.fixture
    def cable(self, redis_server: RedisServer, environment: dict[str, str]) -> Iterator[Cable]:
        import redis

        with redis.Redis.from_url(redis_server.url) as client:
            client.flushdb()
        cable = Cable(redis_server)
        cable.mend()
        environment["REDIS_URL"] = cable.url
        yield cable
        cable.cut()

    def test_all_processes_count_together(self, cable: Cable, platform: Platform) -> None:
        one, other = create_app(platform), create_app(platform)
        codes = [forget(app).status_code for app in (one, other, one, other)]
        assert codes == [202, 202, 202, 429]

    def test_without_it_each_process_counts_for_itself_and_answers_all_the_same(
        self, cable: Cable, platform: Platform
    ) -> None:
        app = create_app(platform)
        assert forget(app).status_code == 202
        cable.cut()
        codes = [forget(app).status_code for _ in range(4)]
        assert codes == [202, 202, 202, 429]

    def test_a_redis_that_is_not_there_at_the_start_is_no_hindrance(
        self, cable: Cable, platform: Platform
    ) -> None:
        cable.cut()
        app = create_app(platform)
        answer = forget(app)
        assert (answer.status_code, answer.headers["RateLimit-Remaining"]) == (202, "2")
