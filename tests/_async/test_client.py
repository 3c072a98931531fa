"""What the client sends, what it shares, and what it never shows."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import httpx
import pytest

import railway_saas
from railway_saas import AsyncRailwayClient, RateLimit, RetryPolicy, Timeouts
from railway_saas.errors import (
    ConfigurationError,
    MissingTokenError,
    RailwayAuthError,
    RailwayConnectionError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayQueryError,
    RailwayRateLimitError,
    RailwayResponseError,
    RailwayTimeoutError,
)
from railway_saas.railway import Lane, RequestReport
from tests.support.clocks import AsyncFakeClock
from tests.support.hunting import CANARY, refusal
from tests.support.railway import ENDPOINT, client_async, failed, ok, script, status
from tests.support.together import all_async

ME = "query Me { me { id } }"
CREATE = "mutation Create($input: ProjectCreateInput!) { projectCreate(input: $input) { id } }"


# What leaves


async def test_a_request_is_graphql_over_post_with_our_own_user_agent_and_a_source_parameter() -> None:
    railway = script(ok(me={"id": "u1"}))
    async with client_async(railway) as client:
        assert await client.execute(ME) == {"me": {"id": "u1"}}
    request = railway.requests[0]
    assert request.method == "POST"
    assert str(request.url) == f"{ENDPOINT}?source=railway_saas"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith(f"railway-saas/{railway_saas.__version__} (python 3.")
    assert request.headers["x-source"] == f"railway-saas {railway_saas.__version__}"
    assert railway.bodies == [{"query": ME, "variables": {}, "operationName": "Me"}]


async def test_a_query_parameter_of_the_callers_own_is_left_alone() -> None:
    railway = script(ok(me=None))
    async with client_async(railway, endpoint=f"{ENDPOINT}?source=acme") as client:
        await client.execute(ME)
    assert str(railway.requests[0].url) == f"{ENDPOINT}?source=acme"


async def test_each_kind_of_token_goes_into_its_own_header() -> None:
    railway = script(ok(me=None))
    async with client_async(railway) as client:
        await client.execute(ME)
    assert railway.headers["authorization"] == f"Bearer {CANARY}"
    assert "project-access-token" not in railway.headers
    async with client_async(railway, token_kind="project") as client:
        await client.execute(ME)
    assert railway.headers["project-access-token"] == CANARY
    assert "authorization" not in railway.headers


async def test_a_client_without_a_token_sends_none() -> None:
    railway = script(ok(templates=None))
    http = httpx.AsyncClient(transport=httpx.MockTransport(railway))
    client = AsyncRailwayClient(endpoint=ENDPOINT, http_client=http)
    await client.execute("{ templates { edges { node { id } } } }")
    assert not {"authorization", "project-access-token"} & set(railway.headers)


async def test_a_redirect_is_not_followed_with_the_token() -> None:
    railway = script(httpx.Response(308, headers={"location": "https://evil.example/graphql"}))
    http = httpx.AsyncClient(transport=httpx.MockTransport(railway), follow_redirects=True)
    async with client_async(railway, http_client=http) as client:
        with refusal(RailwayResponseError, "HTTP 308"):
            await client.execute(ME)
    assert len(railway.requests) == 1


# How it is made


@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        ("http://backboard.railway.com/graphql/v2", "would send the token in clear"),
        ("http://10.0.0.5/graphql", "would send the token in clear"),
        ("http://127.evil.com/graphql", "would send the token in clear"),
        ("http://[2001:db8::1]/graphql", "would send the token in clear"),
        ("http://localhost.evil.com/graphql", "would send the token in clear"),
        ("https://user:hunter2@railway.example/graphql", "must not hold a user name or password"),
        ("ftp://user:hunter2@railway.example/graphql", "must not hold a user name or password"),
        ("ftp://railway.example/graphql", "must start with https://"),
        ("railway.example/graphql", "must start with https://"),
        ("https://", "must start with https://"),
        ("", "must start with https://"),
        ("https://bad\x00host/", "not an address"),
        ("https://railway.example:port/", "not an address"),
        (None, "not an address"),
        (7, "not an address"),
    ],
)
def test_an_endpoint_that_cannot_be_used_safely_is_refused(endpoint: Any, problem: str) -> None:
    with refusal(ConfigurationError, problem) as caught:
        AsyncRailwayClient(CANARY, endpoint=endpoint)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://backboard.railway.com/graphql/v2",
        "http://localhost:8765/graphql/v2",
        "http://127.0.0.1:8765/graphql/v2",
        "http://127.8.8.8/graphql/v2",
        "http://[::1]:8765/graphql/v2",
        "http://emulator:8765/graphql/v2",
        "http://railway.internal/graphql/v2",
        "http://my.localhost/graphql/v2",
        "https://railway.example/graphql@v2?who=a@b",
    ],
)
async def test_https_and_this_machine_are_fine(endpoint: str) -> None:
    railway = script(ok(me=None))
    async with client_async(railway, endpoint=endpoint) as client:
        await client.execute(ME)


@pytest.mark.parametrize(
    "wrong", ["", "   ", f"{CANARY} x", f"{CANARY}\n", f"\t{CANARY}", f"{CANARY}é", f"{CANARY}\x7f", 7, b"x"]
)
def test_what_cannot_be_a_token_is_refused_and_not_shown(wrong: Any) -> None:
    with refusal_in_client_frames(ConfigurationError, "^token: "):
        AsyncRailwayClient(wrong)


def test_a_wrong_kind_of_token_is_refused() -> None:
    with refusal(ConfigurationError, r"token_kind='admin': must be 'bearer' or 'project'"):
        AsyncRailwayClient(CANARY, token_kind="admin")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("environ", "header", "url"),
    [
        ({"RAILWAY_API_TOKEN": CANARY}, "authorization", "https://backboard.railway.com/graphql/v2"),
        ({"RAILWAY_TOKEN": CANARY}, "project-access-token", "https://backboard.railway.com/graphql/v2"),
        ({"RAILWAY_TOKEN": CANARY, "RAILWAY_API_TOKEN": "x"}, "project-access-token", "https://backboard.railway.com/graphql/v2"),
        ({"RAILWAY_API_TOKEN": CANARY, "RAILWAY_ENDPOINT": ENDPOINT}, "authorization", ENDPOINT),
        ({"RAILWAY_API_TOKEN": CANARY, "RAILWAY_TOKEN": "", "RAILWAY_ENDPOINT": ""}, "authorization", "https://backboard.railway.com/graphql/v2"),
    ],
)  # fmt: skip
async def test_the_environment_is_read_as_railways_own_command_line_does(
    environ: dict[str, str], header: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAILWAY_TOKEN", "RAILWAY_API_TOKEN", "RAILWAY_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    railway = script(ok(me=None))
    http = httpx.AsyncClient(transport=httpx.MockTransport(railway))
    async with AsyncRailwayClient.from_environment(http_client=http) as client:
        await client.execute(ME)
    assert CANARY in railway.headers[header]
    assert str(railway.requests[0].url).startswith(url)


def test_an_environment_without_a_token_says_what_to_set() -> None:
    with refusal(MissingTokenError, r"set RAILWAY_API_TOKEN .* or RAILWAY_TOKEN .* `railway-saas emulator`"):
        AsyncRailwayClient.from_environment({"RAILWAY_API_TOKEN": ""})


def test_an_option_wins_over_the_environment() -> None:
    environ = {"RAILWAY_API_TOKEN": "x", "RAILWAY_ENDPOINT": "https://other.example/"}
    assert ENDPOINT in repr(AsyncRailwayClient.from_environment(environ, endpoint=ENDPOINT))


# What it never shows


def test_repr_shows_where_and_what_kind_and_no_token() -> None:
    shown = repr(client_async(script(ok())))
    assert shown == f"AsyncRailwayClient('{ENDPOINT}?source=railway_saas', token_kind='bearer')"


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_client_is_neither_pickled_nor_copied(duplicate: Any) -> None:
    with pytest.raises(TypeError, match="create one in the other process"):
        duplicate(client_async(script(ok())))


def test_no_attribute_of_a_client_shows_the_token() -> None:
    client = client_async(script(ok()))
    shown = "".join(f"{name}={value!r}" for name, value in vars(client).items())
    assert CANARY not in shown + repr(vars(client._auth))


# What is shared


async def test_with_options_shares_connections_budget_and_statistics() -> None:
    railway = script(ok(me={"id": "u1"}))
    async with client_async(railway, rate_limit=RateLimit.pro()) as client:
        patient = client.with_options(timeouts=Timeouts(total_s=600), retry=RetryPolicy(max_attempts=9))
        assert type(patient) is type(client)
        await patient.execute(ME)
        await client.execute(ME)
        assert patient._http is client._http
        assert patient._pacer is client._pacer
        assert patient.stats is client.stats
        assert client.stats.requests == 2


async def test_a_client_with_other_options_does_not_change_the_first() -> None:
    railway = script(status(503))
    clock = AsyncFakeClock()
    async with client_async(railway, clock=clock) as client:
        once = client.with_options(retry=RetryPolicy(max_attempts=1))
        with refusal(RailwayResponseError):
            await once.execute(ME)
        assert len(railway.requests) == 1
        with refusal(RailwayResponseError):
            await client.execute(ME)
        assert len(railway.requests) == 5


async def test_resources_of_a_client_with_other_options_use_those() -> None:
    railway = script(status(503))
    async with client_async(railway, clock=AsyncFakeClock()) as client:
        _ = client.projects  # made before
        with refusal(RailwayResponseError):
            await client.with_options(retry=RetryPolicy(max_attempts=2)).projects.get("p1")
    assert len(railway.requests) == 2


async def test_closing_a_client_with_other_options_leaves_the_connections_open() -> None:
    railway = script(ok(me=None))
    http = httpx.AsyncClient(transport=httpx.MockTransport(railway))
    client = client_async(railway, http_client=http)
    await client.with_options().aclose()
    await client.execute(ME)
    assert not http.is_closed


async def test_an_http_client_that_was_handed_in_is_not_closed() -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(script(ok(me=None))))
    async with client_async(script(), http_client=http) as client:
        await client.execute(ME)
    assert not http.is_closed
    await http.aclose()


async def test_an_http_client_of_ours_is_closed_and_then_says_so() -> None:
    client = AsyncRailwayClient(CANARY, endpoint=ENDPOINT)
    await client.aclose()
    assert client._http.is_closed
    with refusal(ConfigurationError, "the HTTP client cannot be used: .*closed"):
        await client.execute(ME)


async def test_a_client_and_its_resources_are_freed_when_dropped() -> None:
    client = client_async(script(ok(me=None)))
    watched = weakref.ref(client)
    _ = client.projects
    del client, _
    gc.collect()
    assert watched() is None


async def test_a_resource_keeps_its_client_alive() -> None:
    projects = client_async(script(ok(projectDelete=True))).projects
    gc.collect()
    assert await projects.delete("p1") is True


# Documents of the caller's own


async def test_the_kind_of_a_document_is_found_whatever_stands_before_it() -> None:
    hidden = """
    # query that is none: { mutation }
    fragment Deep on Project { services { edges { node { id } } } }
    fragment Text on Project { x(y: "} mutation {", z: \"\"\"block " } mutation \"\"\") }
    mutation Create { projectCreate(input: {name: "a } query {"}) { ...Deep ...Text } }
    """
    railway = script(status(503))
    async with client_async(railway, clock=AsyncFakeClock()) as client:
        with refusal(RailwayResponseError) as caught:
            await client.execute(hidden)
    assert caught.value.maybe_applied
    assert len(railway.requests) == 1, "a mutation is not repeated"
    assert railway.bodies[0]["operationName"] == "Create"


@pytest.mark.parametrize(
    "document",
    ["{ me { id } }", "query { me { id } }", "query Me { me { id } } fragment F on User { id { mutation } }"],
)
async def test_a_query_is_repeated_by_itself(document: str) -> None:
    railway = script(status(503), ok(me=None))
    async with client_async(railway, clock=AsyncFakeClock()) as client:
        assert await client.execute(document) == {"me": None}
    assert len(railway.requests) == 2


async def test_a_mutation_is_repeated_when_the_caller_says_it_is_harmless() -> None:
    railway = script(status(503), ok(projectCreate={"id": "p"}))
    async with client_async(railway, clock=AsyncFakeClock()) as client:
        await client.execute(CREATE, {"input": {}}, safe_to_repeat=True)
    assert len(railway.requests) == 2


@pytest.mark.parametrize(
    "document",
    [
        "",
        "   ",
        "# query Me { me { id } }",
        "fragment F on User { id }",
        "subscription S { deployment(id: 1) { id } }",
        "query A { me { id } } query B { me { id } }",
        "query A { me { id } } mutation B { logout }",
        "{ me { id } } mutation B { logout }",
        "nonsense",
    ],
)
async def test_what_is_not_exactly_one_query_or_mutation_is_refused_before_sending(document: str) -> None:
    railway = script(ok())
    async with client_async(railway) as client:
        with refusal(RailwayInputError, "exactly one query or mutation") as caught:
            await client.execute(document)
    assert caught.value.argument == "document"
    assert caught.value.attempts == 0
    assert not railway.requests


class Colour(Enum):
    RED = "RED"


async def test_datetimes_and_enums_are_written_as_railway_expects_them() -> None:
    railway = script(ok(me=None))
    async with client_async(railway) as client:
        await client.execute(
            ME, {"at": datetime(2026, 10, 5, 19, 58, tzinfo=UTC), "colour": Colour.RED, "none": None}
        )
    assert railway.bodies[0]["variables"] == {"at": "2026-10-05T19:58:00Z", "colour": "RED", "none": None}


@pytest.mark.parametrize("value", [object(), "\ud800hunter2", {"deep": [object()]}, lambda: "hunter2"])
async def test_a_variable_that_is_no_json_is_refused_and_not_shown(value: object) -> None:
    railway = script(ok())
    async with client_async(railway) as client:
        with refusal(RailwayInputError, "a variable cannot be written as JSON") as caught:
            await client.execute(ME, {"value": value})
    assert caught.value.argument == "variables"
    assert caught.value.__context__ is None
    assert "hunter2" not in str(caught.value)
    assert not railway.requests


async def test_a_variable_that_holds_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless
    async with client_async(script(ok())) as client:
        with refusal(RailwayInputError, "a variable cannot be written as JSON"):
            await client.execute(ME, endless)


async def test_errors_of_a_callers_document_carry_its_name() -> None:
    async with client_async(script(failed("Deployment not found", traceId="485"))) as client:
        with refusal(RailwayNotFoundError) as caught:
            await client.execute(ME)
    assert str(caught.value) == "Me: Deployment not found (trace id 485)"


async def test_an_anonymous_document_is_called_by_its_kind() -> None:
    async with client_async(script(failed("No"))) as client:
        with refusal(RailwayQueryError) as caught:
            await client.execute("{ me { id } }")
    assert caught.value.operation == "query"


# Typed operations


async def test_a_list_is_lazy_and_asks_for_the_next_page_when_it_is_needed() -> None:
    def page(*ids: str, cursor: str | None) -> httpx.Response:
        edges = [{"node": {"id": one, "unknownField": 1}} for one in ids]
        return ok(
            projects={"edges": edges, "pageInfo": {"hasNextPage": cursor is not None, "endCursor": cursor}}
        )

    railway = script(page("a", "b", cursor="c1"), page("c", cursor=None))
    async with client_async(railway) as client:
        projects = client.projects.list(page_size=2)
        assert not railway.requests
        seen = [(await anext(projects)).id for _ in range(2)]
        assert len(railway.requests) == 1
        seen += [project.id async for project in projects]
    assert seen == ["a", "b", "c"]
    assert [body["variables"] for body in railway.bodies] == [{"first": 2}, {"first": 2, "after": "c1"}]


async def test_a_cursor_that_stands_still_ends_the_list_with_an_error() -> None:
    still = {"edges": [], "pageInfo": {"hasNextPage": True, "endCursor": "c1"}}
    async with client_async(script(ok(projects=still))) as client:
        with refusal(RailwayResponseError, "same page cursor twice"):
            [project async for project in client.projects.list()]


async def test_an_answer_of_another_shape_says_where_and_shows_no_value() -> None:
    async with client_async(script(ok(project={"id": "p", "createdAt": "hunter2"}))) as client:
        with refusal(
            RailwayResponseError, r"another shape than expected: createdAt: .*schema check"
        ) as caught:
            await client.projects.get("p")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None, "pydantic's error holds the value"


@pytest.mark.parametrize("data", [{}, {"project": None}, {"project": []}, {"project": {"name": "no id"}}])
async def test_a_field_that_is_missing_is_another_shape_too(data: dict[str, Any]) -> None:
    async with client_async(script(ok(**data))) as client:
        with refusal(RailwayResponseError, "another shape than expected"):
            await client.projects.get("p")


async def test_bad_arguments_are_refused_before_anything_is_sent() -> None:
    railway = script(ok())
    async with client_async(railway) as client:
        with refusal(RailwayInputError, "project_id='  ': must be a text that is not empty"):
            await client.projects.get("  ")
        with refusal(RailwayInputError, "first=0: must be from 1 to"):
            await client.projects.list_page(first=0)
    assert not railway.requests


# Permissions of new objects spread with a delay


async def test_not_authorized_right_after_a_create_is_asked_again() -> None:
    lag = failed("Not Authorized")
    railway = script(ok(projectCreate={"id": "p"}), lag, lag, ok(project={"id": "p"}))
    clock = AsyncFakeClock()
    async with client_async(railway, clock=clock) as client:
        await client.projects.create(name="acme")
        assert (await client.projects.get("p")).id == "p"
    assert clock.slept == [1.0, 2.0]


async def test_not_authorized_with_nothing_created_lately_costs_one_request() -> None:
    railway = script(ok(projectCreate={"id": "p"}), failed("Not Authorized"))
    clock = AsyncFakeClock()
    async with client_async(railway, clock=clock) as client:
        await client.projects.create(name="acme")
        clock.now += 60
        with refusal(RailwayAuthError):
            await client.projects.get("gone")
    assert len(railway.requests) == 2
    assert clock.slept == []


# Many at once


async def test_fifty_callers_at_once_share_one_client() -> None:
    railway = script(ok(me={"id": "u1"}))
    async with client_async(railway, rate_limit=RateLimit(per_hour=1_000_000, per_second=100_000)) as client:
        answers = await all_async([lambda: client.execute(ME) for _ in range(50)])
        assert answers == [{"me": {"id": "u1"}}] * 50
        assert client.stats.requests == 50
        assert client.stats.by_operation == {"Me": 50}


async def test_statistics_count_requests_repeats_and_rate_limits() -> None:
    railway = script(status(429, retry_after="1"), status(503), ok(me=None))
    async with client_async(railway, clock=AsyncFakeClock()) as client:
        await client.execute(ME)
        stats = client.stats
    assert (stats.requests, stats.retries, stats.rate_limited) == (3, 2, 1)
    assert stats.by_operation == {"Me": 3}
    assert "lock" not in repr(stats)


async def test_a_listener_is_told_of_every_request_as_railway_counts_them() -> None:
    told: list[RequestReport] = []
    good = ok(me=None)
    good.headers["x-ratelimit-remaining"] = "7"
    railway = script(status(429, retry_after="1"), good)
    async with client_async(railway, clock=AsyncFakeClock(), on_request=told.append) as client:
        await client.with_options(lane=Lane.BACKGROUND).execute(ME)
    first, second = told
    assert (first.operation, first.attempt, first.status_code, first.lane) == ("Me", 1, 429, Lane.BACKGROUND)
    assert isinstance(first.error, RailwayRateLimitError)
    assert (second.attempt, second.status_code, second.error) == (2, 200, None)
    assert (second.quota, second.remaining, second.is_write) == (10_000, 7, False)
    assert second.took_s > 0


async def test_a_listener_is_told_when_no_answer_came_and_not_of_what_was_never_sent() -> None:
    told: list[RequestReport] = []
    railway = script(httpx.ConnectError("refused"))
    async with client_async(railway, retry=RetryPolicy(max_attempts=1), on_request=told.append) as client:
        with pytest.raises(RailwayConnectionError):
            await client.execute(ME)
    (only,) = told
    assert (only.status_code, type(only.error), only.remaining) == (None, RailwayConnectionError, None)
    spent = Timeouts(total_s=1e-9)
    async with client_async(script(), timeouts=spent, on_request=told.append) as client:
        with pytest.raises(RailwayTimeoutError):
            await client.execute(ME)
    assert len(told) == 1


async def test_a_listener_that_fails_does_not_fail_the_call(caplog: pytest.LogCaptureFixture) -> None:
    def broken(report: RequestReport) -> None:
        raise ZeroDivisionError

    async with client_async(script(ok(me=None)), on_request=broken) as client:
        assert await client.execute(ME) == {"me": None}
    assert "on_request failed" in caplog.text


async def test_a_lane_of_the_client_wins_over_that_of_the_operation() -> None:
    class Watched:
        def __init__(self) -> None:
            self.lanes: list[Lane] = []

        async def acquire(self, lane: Lane, timeout_s: float) -> None:
            self.lanes.append(lane)

        def observe(self, headers: object) -> None: ...

        def pause(self, seconds: float) -> None: ...

    pacer = Watched()
    async with client_async(script(ok(projectDelete=True, me=None)), rate_limit=pacer) as client:
        await client.projects.delete("p")
        await client.execute(ME, lane=Lane.BACKGROUND)
        await client.with_options(lane=Lane.BACKGROUND).projects.delete("p")
        await client.with_options(lane=Lane.USER).execute(ME, lane=Lane.BACKGROUND)
    assert pacer.lanes == [Lane.DELETION, Lane.BACKGROUND, Lane.BACKGROUND, Lane.USER]


def refusal_in_client_frames(kind: type[ConfigurationError], match: str) -> Any:
    """For wrong tokens, which the test's own frame has to hold."""
    return pytest.raises(kind, match=match)
