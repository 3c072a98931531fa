"""Whatever goes wrong on the way becomes the right exception, and is sent again only when that is harmless."""

from __future__ import annotations

import json
import ssl
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from railway_saas import AsyncRailwayClient, RateLimit, RetryPolicy, Timeouts
from railway_saas.errors import (
    ConfigurationError,
    RailwayAuthError,
    RailwayConflictError,
    RailwayConnectionError,
    RailwayError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayQueryError,
    RailwayRateLimitError,
    RailwayResponseError,
    RailwayStateError,
    RailwayTimeoutError,
)
from tests.support.clocks import AsyncFakeClock
from tests.support.hunting import CANARY, refusal
from tests.support.railway import client_async, failed, ok, script, status
from tests.support.sockets import OK_BODY, Connection, TinyServer, refusing_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.railway import Script

READ = "query Me { me { id } }"
WRITE = "mutation Create { projectCreate(input: {}) { id } }"
HTML = (
    "<!DOCTYPE html><title>Access denied | backboard.railway.com used Cloudflare to restrict access</title>"
)


def answered(railway: Script, **options: Any) -> AsyncRailwayClient:
    return client_async(railway, clock=AsyncFakeClock(), **options)


# What comes back, through the whole client

ANSWERS: list[tuple[str, httpx.Response, type[RailwayError], bool, bool]] = [
    ("HTML", status(200, HTML), RailwayResponseError, True, True),
    ("empty", status(200), RailwayResponseError, True, True),
    ("truncated", status(200, '{"data": {"me": {"i'), RailwayResponseError, True, True),
    ("not JSON", status(200, "OK"), RailwayResponseError, True, True),
    ("null data", httpx.Response(200, json={"data": None}), RailwayResponseError, False, True),
    ("partial data", httpx.Response(200, json={"errors": [{"message": "Problem processing request"}], "data": {"x": 1}}), RailwayQueryError, True, True),
    ("400", failed("x", status=400, extensions={"code": "GRAPHQL_VALIDATION_FAILED"}), RailwayQueryError, False, False),
    ("401", status(401, "Unauthorized"), RailwayAuthError, False, False),
    ("403 Cloudflare page", status(403, HTML), RailwayResponseError, False, False),
    ("403 1010", status(403, "error code: 1010"), RailwayResponseError, False, False),
    ("429", status(429, retry_after="90"), RailwayRateLimitError, True, False),
    ("429 1015", status(429, "error code: 1015", retry_after="90"), RailwayRateLimitError, True, False),
    ("500", status(500, "oops"), RailwayResponseError, True, True),
    ("502 page", status(502, "<html>bad gateway</html>"), RailwayResponseError, True, True),
    ("504", status(504, HTML), RailwayResponseError, True, True),
    ("522", status(522, HTML), RailwayResponseError, True, True),
    ("not found", failed("Deployment not found"), RailwayNotFoundError, False, False),
    ("conflict", failed('A service named "x" already exists in this project'), RailwayConflictError, False, False),
    ("state", failed("Deployment is not stoppable"), RailwayStateError, False, False),
    ("input", failed("Error in numReplicas - Invalid input"), RailwayInputError, False, False),
    ("throttle", failed("You are creating projects too quickly"), RailwayRateLimitError, True, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "answer", "kind", "transient", "maybe"), ANSWERS, ids=[a[0] for a in ANSWERS]
)
async def test_every_answer_to_a_write_is_the_right_exception_and_is_not_sent_twice_if_it_may_have_landed(
    name: str, answer: httpx.Response, kind: type[RailwayError], transient: bool, maybe: bool
) -> None:
    railway = script(answer)
    async with answered(railway, retry=RetryPolicy(max_attempts=3, max_retry_after_s=60)) as client:
        with refusal(kind) as caught:
            await client.execute(WRITE)
    error = caught.value
    assert (error.transient, error.maybe_applied) == (transient, maybe)
    assert error.operation == "Create"
    repeated = transient and not maybe and getattr(error, "retry_after_s", 0) in {0, 30.0}
    assert len(railway.requests) == error.attempts == (3 if repeated else 1)


@pytest.mark.parametrize(
    ("name", "answer", "kind", "transient", "maybe"), ANSWERS, ids=[a[0] for a in ANSWERS]
)
async def test_every_passing_fault_of_a_read_is_healed_by_a_repeat(
    name: str, answer: httpx.Response, kind: type[RailwayError], transient: bool, maybe: bool
) -> None:
    railway = script(answer, ok(me={"id": "u1"}))
    async with answered(
        railway, retry=RetryPolicy(max_retry_after_s=100), timeouts=Timeouts(total_s=1000)
    ) as client:
        if transient:
            assert await client.execute(READ) == {"me": {"id": "u1"}}
            assert client.stats.retries == 1
        else:
            with refusal(kind) as caught:
                await client.execute(READ)
            assert not caught.value.maybe_applied


async def test_a_server_that_quotes_the_token_is_not_passed_on() -> None:
    async with answered(script(failed(f"token {CANARY} is not valid, use Bearer {CANARY}"))) as client:
        with refusal(RailwayQueryError, "token •+ is not valid"):
            await client.execute(WRITE)


# No answer at all

FAILURES: list[tuple[Exception, type[RailwayConnectionError], bool]] = [
    (httpx.ConnectError("refused"), RailwayConnectionError, False),
    (httpx.ConnectTimeout("slow"), RailwayTimeoutError, False),
    (httpx.PoolTimeout("busy"), RailwayTimeoutError, False),
    (httpx.ProxyError("407"), RailwayConnectionError, False),
    (httpx.LocalProtocolError("bad header"), RailwayConnectionError, False),
    (httpx.ReadError("reset"), RailwayConnectionError, True),
    (httpx.ReadTimeout("slow"), RailwayTimeoutError, True),
    (httpx.WriteError("broken pipe"), RailwayConnectionError, True),
    (httpx.WriteTimeout("slow"), RailwayTimeoutError, True),
    (httpx.CloseError("close"), RailwayConnectionError, True),
    (httpx.RemoteProtocolError("cut"), RailwayConnectionError, True),
    (httpx.DecodingError("gzip"), RailwayConnectionError, True),
    (httpx.TooManyRedirects("loop"), RailwayConnectionError, True),
]


@pytest.mark.parametrize(
    ("failure", "kind", "maybe_sent"), FAILURES, ids=[type(f[0]).__name__ for f in FAILURES]
)
async def test_every_failure_of_httpx_becomes_ours(
    failure: httpx.RequestError, kind: type[RailwayConnectionError], maybe_sent: bool
) -> None:
    railway = script(failure)
    async with answered(railway) as client:
        with refusal(kind) as caught:
            await client.execute(WRITE)
    assert caught.value.transient
    assert caught.value.maybe_applied is maybe_sent
    assert len(railway.requests) == (1 if maybe_sent else 4), "only what certainly was not sent is repeated"
    assert isinstance(caught.value.__cause__, type(failure))
    assert caught.value.__cause__ is not failure, "httpx's own holds the request with its header"
    assert caught.value.__cause__.__traceback__ is None


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (httpx.UnsupportedProtocol("Request URL has an unsupported protocol"), "endpoint: "),
        (RuntimeError("Event loop is closed"), "one client per process and event loop"),
    ],
)
async def test_a_client_that_cannot_work_is_a_matter_of_configuration(failure: Exception, says: str) -> None:
    railway = script(failure)
    async with answered(railway) as client:
        with refusal(ConfigurationError, says) as caught:
            await client.execute(READ)
    assert caught.value.__context__ is None
    assert len(railway.requests) == 1


async def test_an_exception_of_a_custom_transport_is_copied_without_its_arguments() -> None:
    class Odd(httpx.TransportError):
        def __init__(self, *, secret: str) -> None:
            super().__init__("odd")
            self.secret = secret

    async with answered(script(Odd(secret=CANARY))) as client:
        with refusal(RailwayConnectionError, "odd"):
            await client.execute(WRITE)


# Over real sockets


def talking(server: TinyServer, **options: Any) -> AsyncRailwayClient:
    options = {"retry": RetryPolicy(max_attempts=1), "rate_limit": None, **options}
    return AsyncRailwayClient(CANARY, endpoint=server.endpoint, **options)


def cut_before_answer(connection: Connection) -> None:
    connection.read_request()


def reset_before_answer(connection: Connection) -> None:
    connection.read_request()
    connection.reset()


def cut_in_the_head(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def cut_in_the_body(connection: Connection) -> None:
    connection.read_request()
    connection.answer(OK_BODY[:10], length=len(OK_BODY))


def cut_in_a_chunk(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{")


def reset_in_the_body(connection: Connection) -> None:
    connection.read_request()
    connection.answer(OK_BODY[:10], length=len(OK_BODY))
    connection.reset()


def no_http_at_all(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"220 smtp.example ESMTP\r\n")


def bad_compression(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd")


CUTS = [
    cut_before_answer,
    reset_before_answer,
    cut_in_the_head,
    cut_in_the_body,
    cut_in_a_chunk,
    reset_in_the_body,
    no_http_at_all,
    bad_compression,
]


@pytest.mark.parametrize("behave", CUTS)
async def test_a_connection_that_ends_early_may_have_carried_the_write(
    behave: Callable[[Connection], None],
) -> None:
    with TinyServer(behave) as server:
        async with talking(server, retry=RetryPolicy(max_attempts=5)) as client:
            with refusal(RailwayConnectionError) as caught:
                await client.execute(WRITE)
    assert caught.value.maybe_applied
    assert caught.value.attempts == server.connections == 1, "sent once"


async def test_a_read_over_a_connection_that_ends_early_is_sent_again() -> None:
    def behave(connection: Connection) -> None:
        connection.read_request()
        if server.connections > 2:
            connection.answer()

    with TinyServer(behave) as server:
        policy = RetryPolicy(base_delay_s=0.001, max_delay_s=0.001)
        async with talking(server, retry=policy) as client:
            assert await client.execute(READ) == {"me": {"id": "u1"}}
            assert client.stats.retries == 2


async def test_a_refused_connection_certainly_carried_nothing() -> None:
    holder, port = refusing_port()
    policy = RetryPolicy(max_attempts=3, base_delay_s=0.001, max_delay_s=0.001)
    with holder:
        endpoint = f"http://127.0.0.1:{port}/graphql"
        async with AsyncRailwayClient(CANARY, endpoint=endpoint, retry=policy, rate_limit=None) as client:
            with refusal(RailwayConnectionError, "could not connect") as caught:
                await client.execute(WRITE)
    assert not caught.value.maybe_applied
    assert caught.value.attempts == 3


async def test_https_to_a_server_without_tls_certainly_carried_nothing() -> None:
    with TinyServer(lambda connection: connection.send(b"220 smtp.example ESMTP\r\n")) as server:
        endpoint = server.endpoint.replace("http://", "https://")
        client = AsyncRailwayClient(CANARY, endpoint=endpoint, retry=RetryPolicy(max_attempts=1))
        async with client:
            with refusal(RailwayConnectionError, "could not connect") as caught:
                await client.execute(WRITE)
    assert not caught.value.maybe_applied


async def test_silence_is_a_time_out() -> None:
    def behave(connection: Connection) -> None:
        connection.read_request()
        connection.hold()

    with TinyServer(behave) as server:
        async with talking(server, timeouts=Timeouts(read_s=0.05)) as client:
            with refusal(RailwayTimeoutError, "no answer in time") as caught:
                await client.execute(WRITE)
    assert caught.value.maybe_applied


TRICKLED_HEAD = b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 1\r\n" * 1000
TRICKLED_BODY = b" " * 10_000


@pytest.mark.parametrize("where", ["head", "body", "silence after a chunk"])
async def test_a_server_that_trickles_cannot_outlast_the_calls_total_time(where: str) -> None:
    def behave(connection: Connection) -> None:
        connection.read_request()
        if where == "head":
            connection.trickle(TRICKLED_HEAD, 0.02)
        elif where == "body":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
            connection.trickle(TRICKLED_BODY, 0.02)
        else:
            connection.answer(OK_BODY[:10], length=len(OK_BODY))
            connection.hold()

    with TinyServer(behave) as server:
        timeouts = Timeouts(read_s=30, total_s=0.3)
        async with talking(server, timeouts=timeouts, retry=RetryPolicy(max_attempts=5)) as client:
            started = client._clock.monotonic()
            with refusal(RailwayTimeoutError) as caught:
                await client.execute(WRITE)
            assert client._clock.monotonic() - started < 5, "30 s were allowed for each read"
    assert caught.value.maybe_applied
    assert server.connections == 1


async def test_an_answer_without_an_end_is_given_up() -> None:
    def behave(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
        for _ in range(80):
            connection.send(chunk)

    with TinyServer(behave) as server:
        async with talking(server) as client:
            with refusal(RailwayConnectionError, "larger than 67108864 bytes") as caught:
                await client.execute(WRITE)
    assert caught.value.maybe_applied


async def test_a_compressed_answer_is_read() -> None:
    packed = zlib.compress(OK_BODY, wbits=31)

    def behave(connection: Connection) -> None:
        connection.read_request()
        connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
        )

    with TinyServer(behave) as server:
        async with talking(server) as client:
            assert await client.execute(READ) == {"me": {"id": "u1"}}


async def test_a_connection_is_used_again_after_an_error_of_graphql() -> None:
    error = json.dumps({"errors": [{"message": "Deployment not found"}], "data": None}).encode()

    def behave(connection: Connection) -> None:
        while connection.read_request():
            connection.answer(error)

    with TinyServer(behave) as server:
        async with talking(server) as client:
            for _ in range(3):
                with refusal(RailwayNotFoundError):
                    await client.execute(READ)
    assert server.connections == 1


async def test_certificates_of_strangers_are_refused(tmp_path: Path) -> None:
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED
    client = AsyncRailwayClient(CANARY)
    transport: Any = client._http._transport
    assert transport._pool._ssl_context.verify_mode is ssl.CERT_REQUIRED
    await client.aclose()


# Repeats, pauses and the call's time


async def test_pauses_between_repeats_are_jittered_and_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    clock = AsyncFakeClock()
    async with client_async(script(status(503)), clock=clock) as client:
        with refusal(RailwayResponseError) as caught:
            await client.execute(READ)
    assert clock.slept == [0.5, 1.0, 2.0]
    assert caught.value.attempts == 4
    assert "after 4 attempts" in str(caught.value)


async def test_retry_after_is_honoured() -> None:
    clock = AsyncFakeClock()
    async with client_async(script(status(429, retry_after="7"), ok(me=None)), clock=clock) as client:
        await client.execute(READ)
    (slept,) = clock.slept
    assert 7.0 <= slept <= 7.7


async def test_a_retry_after_beyond_the_cap_is_raised_at_once_with_its_seconds() -> None:
    clock = AsyncFakeClock()
    railway = script(status(429, retry_after="3600"))
    async with client_async(railway, clock=clock) as client:
        with refusal(RailwayRateLimitError) as caught:
            await client.execute(READ)
    assert caught.value.retry_after_s == 3600
    assert clock.slept == []
    assert len(railway.requests) == 1


async def test_a_write_that_was_refused_by_a_429_is_sent_again() -> None:
    railway = script(status(429, retry_after="1"), ok(projectCreate={"id": "p"}))
    async with answered(railway) as client:
        assert await client.execute(WRITE) == {"projectCreate": {"id": "p"}}
    assert len(railway.requests) == 2


async def test_a_pause_that_would_end_too_late_is_not_begun() -> None:
    clock = AsyncFakeClock()
    railway = script(status(429, retry_after="20"))
    async with client_async(railway, clock=clock, timeouts=Timeouts(total_s=10)) as client:
        with refusal(RailwayRateLimitError):
            await client.execute(READ)
    assert clock.slept == []


async def test_attempts_that_take_long_use_up_the_calls_time() -> None:
    clock = AsyncFakeClock()

    def slow(request: httpx.Request) -> httpx.Response:
        clock.now += 40
        return status(503)

    railway = script(slow)
    async with client_async(
        railway, clock=clock, timeouts=Timeouts(total_s=90), retry=RetryPolicy(max_attempts=50)
    ) as client:
        started = clock.now
        with refusal(RailwayResponseError):
            await client.execute(READ)
    assert len(railway.requests) == 3
    assert clock.now - started <= 90 + 40


async def test_a_call_whose_time_is_over_before_it_leaves_sends_nothing() -> None:
    clock = AsyncFakeClock()

    class SlowPacer:
        async def acquire(self, lane: object, timeout_s: float) -> None:
            clock.now += 1000

        def observe(self, headers: object) -> None: ...

        def pause(self, seconds: float) -> None: ...

    railway = script(ok(me=None))
    async with client_async(railway, clock=clock, rate_limit=SlowPacer()) as client:
        with refusal(RailwayTimeoutError, "before it could be sent") as caught:
            await client.execute(WRITE)
    assert (caught.value.attempts, caught.value.maybe_applied) == (0, False)
    assert not railway.requests


async def test_that_an_earlier_attempt_may_have_landed_is_not_forgotten() -> None:
    railway = script(httpx.ReadTimeout("slow"), httpx.ConnectError("refused"))
    async with answered(railway) as client:
        with refusal(RailwayConnectionError) as caught:
            await client.execute(WRITE, safe_to_repeat=True)
    assert caught.value.attempts == 4
    assert caught.value.maybe_applied, "the first attempt may have landed"


async def test_a_429_holds_back_every_call_of_the_client() -> None:
    clock = AsyncFakeClock()
    railway = script(status(429, retry_after="3000"), ok(me=None))
    async with client_async(railway, clock=clock, rate_limit=RateLimit.pro()) as client:
        with refusal(RailwayRateLimitError):
            await client.execute(READ)
        with refusal(RailwayRateLimitError, "nothing was sent") as caught:
            await client.execute(READ)
        assert caught.value.attempts == 0
        assert caught.value.status_code is None
        assert caught.value.retry_after_s == pytest.approx(3000, abs=1)
        assert client.stats.rate_limited == 1, "Railway said so once"
        clock.now += 3001
        assert await client.execute(READ) == {"me": None}
    assert len(railway.requests) == 2


async def test_a_creation_throttle_holds_back_only_the_call_it_answers() -> None:
    clock = AsyncFakeClock()
    railway = script(failed("You are creating projects too quickly"), ok(me=None))
    async with client_async(
        railway, clock=clock, rate_limit=RateLimit.pro(), retry=RetryPolicy(max_attempts=1)
    ) as client:
        with refusal(RailwayRateLimitError) as caught:
            await client.execute(WRITE)
        assert caught.value.retry_after_s == 30
        await client.execute(READ)
    assert sum(clock.slept) < 1
