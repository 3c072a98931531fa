"""Quotas, bursts and throttles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from railway_saas.emulator import Emulator, LimitRules, Quota, Throttle
from railway_saas.emulator.messages import Request, Response
from tests.emulator.conftest import House

if TYPE_CHECKING:
    from collections.abc import Iterator

ME = {"query": "{ me { apiTokenRateLimit { remainingPoints resetsAt } } }"}


def ask(emulator: Emulator, url: str = "/graphql/v2?source=test") -> Response:
    return emulator.handle(Request.post(url, ME, {"authorization": f"Bearer {emulator.api_token}"}))


def answers(emulator: Emulator, count: int, url: str = "/graphql/v2?source=test") -> Iterator[int]:
    for _ in range(count):
        yield ask(emulator, url).status


@pytest.mark.parametrize(("plan", "quota"), [("FREE", 100), ("HOBBY", 1000), ("PRO", 10_000)])
def test_the_policy_header_is_on_every_answer(plan: str, quota: int) -> None:
    answer = ask(Emulator(plan=plan))
    assert answer.headers["ratelimit-policy"] == f'"default";q={quota};w=3600'
    assert not any(name.startswith("x-ratelimit") for name in answer.headers)


def test_an_exhausted_quota_gives_429_with_whole_seconds_until_the_hour_is_over() -> None:
    emulator = Emulator(plan="FREE")
    assert set(answers(emulator, 100)) == {200}
    emulator.clock.advance(600.5)
    refused = ask(emulator)
    assert refused.status == 429
    assert refused.headers["retry-after"] == "3000"
    assert refused.json() == {"errors": [{"message": "Rate limit exceeded"}]}
    emulator.clock.advance(3000)
    assert ask(emulator).status == 200


def test_what_is_left_can_be_asked() -> None:
    emulator = Emulator(plan="HOBBY")
    left = [ask(emulator).json()["data"]["me"]["apiTokenRateLimit"] for _ in range(2)]
    assert [one["remainingPoints"] for one in left] == [999, 998]
    assert left[0]["resetsAt"] == "2026-11-02T10:00:00.000Z"


def test_each_token_has_its_own_quota() -> None:
    emulator = Emulator(limits=LimitRules(quota=Quota(1, None)))
    assert list(answers(emulator, 2)) == [200, 429]
    headers = {"authorization": f"Bearer {emulator.workspace_token()}"}
    payload = {"query": "{ apiToken { workspaces { id } } }"}
    assert emulator.handle(Request.post("/graphql/v2?x", payload, headers)).status == 200


def test_x_ratelimit_headers_can_be_switched_on() -> None:
    answer = ask(Emulator(limits=LimitRules(rate_limit_headers=True)))
    assert answer.headers["x-ratelimit-limit"] == "10000"
    assert answer.headers["x-ratelimit-remaining"] == "9999"
    assert answer.headers["x-ratelimit-reset"] == "1793613600"


def test_per_second_limits_count_only_while_time_runs() -> None:
    assert set(answers(Emulator(), 60)) == {200}
    strict = Emulator(limits=LimitRules(per_second=True))
    assert list(answers(strict, 51))[-1] == 429
    assert ask(strict).headers["retry-after"] == "1"
    strict.clock.advance(1)
    assert ask(strict).status == 200


def test_the_bare_url_is_blocked_by_cloudflare_above_ten_requests_a_second() -> None:
    emulator = Emulator(limits=LimitRules(per_second=True))
    assert set(answers(emulator, 10, "/graphql/v2")) == {200}
    blocked = ask(emulator, "/graphql/v2")
    assert (blocked.status, blocked.body) == (429, b"error code: 1015")
    assert "retry-after" not in blocked.headers
    assert ask(emulator).status == 200


def test_limits_can_be_switched_off() -> None:
    emulator = Emulator(plan="FREE", limits=False)
    assert set(answers(emulator, 150)) == {200}


def test_a_second_environment_within_30_seconds_is_too_quick(house: House) -> None:
    project_id, _ = house.project()
    document = "mutation($i: EnvironmentCreateInput!) { environmentCreate(input: $i) { id } }"
    house.run(document, i={"projectId": project_id, "name": "one"})
    assert house.refused(document, i={"projectId": project_id, "name": "two"}) == (
        "You are creating environments too quickly. This workspace allows 1 environment per 30 seconds"
    )
    house.emulator.clock.advance(30)
    house.run(document, i={"projectId": project_id, "name": "two"})


def test_projects_are_throttled_when_asked_for() -> None:
    emulator = Emulator(limits=LimitRules(throttles={"project": Throttle(2, window_s=60)}))
    house = House(emulator)
    house.project()
    house.project()
    message = house.refused("mutation { projectCreate(input: {}) { id } }")
    assert message.endswith("This workspace allows 2 projects per 60 seconds")
