"""The client: one token, one connection pool, one rate budget."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, cast, overload

from tenacity import AsyncRetrying, retry_if_exception, stop_never

from railway_saas._core.batching import merge
from railway_saas._core.graphql import read_data
from railway_saas._core.operation import Lane, Operation
from railway_saas._core.pacing import read_rate_headers
from railway_saas._core.redaction import Secret, scrub
from railway_saas._core.retry import retry_delay_s
from railway_saas.config import DEFAULT_ENDPOINT, RateLimit, RetryPolicy, Timeouts
from railway_saas.errors import (
    ConfigurationError,
    RailwayError,
    RailwayRateLimitError,
    RailwayTimeoutError,
)
from railway_saas.railway import _http
from railway_saas.railway._async._resources import AsyncResources
from railway_saas.railway._async._subscriptions import subscribe
from railway_saas.railway._clock import AsyncSystemClock
from railway_saas.railway._environment import token_from_environment
from railway_saas.railway._pacers import LoopPacer
from railway_saas.railway._requests import (
    HEADERS,
    NO_RATE,
    SOURCE,
    Call,
    ClientStats,
    blamed_for_all,
    body_of,
    connection_error,
    failed_part,
    log,
    raw_operation,
    read_batch,
    read_result,
    refuse_mixed,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from types import TracebackType

    from railway_saas._core.graphql import Answer
    from railway_saas.config import TokenKind
    from railway_saas.railway._clock import AsyncClock
    from railway_saas.railway._pacers import AsyncPacer
    from railway_saas.railway._requests import RequestReport
    from railway_saas.railway.models.account import User

T = TypeVar("T")

MAX_BATCH = 100
"""Operations per merged request; larger batches are split."""


class AsyncRailwayClient(AsyncResources):
    """A client of Railway's public API. Make one per process (and event loop), and close it.

    ```python
    async with AsyncRailwayClient(token) as railway:
        async for project in railway.projects.list(workspace_id=workspace_id):
            print(project.name)
    ```

    Args:
        token: The token, or None for the few reads that need none (templates).
        token_kind: `"bearer"` for account, workspace and OAuth tokens, `"project"` for project tokens.
        endpoint: The GraphQL address; http:// only for an emulator on this machine or a private network.
        timeouts: Limits in seconds; `total_s` is the deadline of a call with everything it includes.
        retry: When a failed call is sent again.
        rate_limit: The token's limits, a pacer of your own shared by several clients, or None to send at once.
        http_client: An `httpx.AsyncClient` of yours (proxy, transport, certificates); you close it.
        clock: For tests: what is slept on and read.
        on_request: Told of every HTTP request once its answer was read, in the thread that made the call: for
            metrics. It must be quick, and must not call the client.

    Raises:
        ConfigurationError: An option cannot be used; the message names it.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        token_kind: TokenKind = "bearer",
        endpoint: str = DEFAULT_ENDPOINT,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: RateLimit | AsyncPacer | None = RateLimit(),  # noqa: B008 - frozen
        http_client: _http.AsyncHttpClient | None = None,
        clock: AsyncClock | None = None,
        on_request: Callable[[RequestReport], None] | None = None,
    ) -> None:
        self._token = None if token is None else Secret(token)
        token = None  # an error below must not have it in its frames
        if self._token is not None:
            _refuse_what_is_no_token(self._token)
        if token_kind not in {"bearer", "project"}:
            raise ConfigurationError(f"token_kind={token_kind!r}: must be 'bearer' or 'project'")
        self._url = _http.parse_endpoint(endpoint, SOURCE)
        self._token_kind: TokenKind = token_kind
        self._timeouts = timeouts or Timeouts()
        self._retry = retry or RetryPolicy()
        self._clock: AsyncClock = clock or AsyncSystemClock()
        self._pacer = LoopPacer(rate_limit, self._clock) if isinstance(rate_limit, RateLimit) else rate_limit
        self._auth = _http.TokenAuth(self._token, token_kind)
        self._owns_http = http_client is None
        self._http = http_client if http_client is not None else _http.new_async_client()
        self._lane: Lane | None = None
        self._on_request = on_request
        self.stats = ClientStats()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """Make a client from the variables that Railway's own CLI reads.

        `RAILWAY_TOKEN` is a project token and wins over `RAILWAY_API_TOKEN` (account or workspace);
        `RAILWAY_ENDPOINT` names another address. `options` are those of the constructor.

        Raises:
            ConfigurationError: Neither token is set.
        """
        found = token_from_environment(environ)
        options.setdefault("endpoint", found.endpoint)
        return cls(found.token.reveal(), token_kind=found.kind, **options)

    def __repr__(self) -> str:
        made = vars(self)  # a traceback may show a client whose making failed
        return f"{type(self).__name__}({str(made.get('_url'))!r}, token_kind={made.get('_token_kind')!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a client holds a token and open connections; create one in the other process instead"
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def clock(self) -> AsyncClock:
        """What this client's waiting is done on."""
        return self._clock

    async def aclose(self) -> None:
        """Close the connections; an `http_client` that was handed in stays open."""
        if self._owns_http:
            await self._http.aclose()

    def with_options(
        self,
        *,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        lane: Lane | None = None,
    ) -> Self:
        """The same client with other options: connections, rate budget and statistics are shared.

        Args:
            timeouts: Other limits in seconds.
            retry: Another policy.
            lane: Run every call in this lane, e.g. `Lane.BACKGROUND` for a sweep.
        """
        clone = object.__new__(type(self))
        state = {name: value for name, value in self.__dict__.items() if not hasattr(type(self), name)}
        clone.__dict__.update(state)
        clone._timeouts = timeouts or self._timeouts
        clone._retry = retry or self._retry
        clone._lane = self._lane if lane is None else lane
        clone._owns_http = False
        return clone

    async def me(self) -> User:
        """The user the token belongs to, with workspaces and what is left of the rate limit.

        Raises:
            RailwayAuthError: Only account tokens have a user; workspace and project tokens do not.
        """
        from railway_saas.railway.operations import account  # noqa: PLC0415 - its models load when used

        return await self.run(account.me())

    async def execute(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        safe_to_repeat: bool | None = None,
        lane: Lane = Lane.USER,
    ) -> dict[str, Any]:
        """Send any GraphQL document of yours and return its `data`: the rest of Railway's schema.

        Args:
            document: A query or a mutation.
            variables: Its variables; datetimes and enums are written as Railway expects them.
            safe_to_repeat: Whether sending it twice is harmless; True for queries, False for mutations if None.
            lane: Who goes first when the rate budget is short.

        Raises:
            RailwayError: Its subclasses, as for every call.
        """
        operation = raw_operation(document, variables, safe_to_repeat=safe_to_repeat, lane=lane)
        return await self._call(
            operation, lambda answer: read_data(answer, operation=operation.name, is_write=operation.is_write)
        )

    async def run(self, operation: Operation[T]) -> T:
        """Carry out one operation of `railway_saas.railway.operations`."""
        return await self._call(operation, lambda answer: read_result(operation, answer))

    async def batch(self, operations: Sequence[Operation[T]], *, return_errors: bool = False) -> list[T]:
        """Carry out several operations as one HTTP request (one per hundred): Railway counts requests.

        Reads that are lost because a neighbour failed are asked for again without it. Writes are never
        repeated: those whose fate the answer does not tell fail with `maybe_applied` set.

        Args:
            operations: Queries or mutations, not both.
            return_errors: Put a `RailwayError` in the place of each operation that failed, as
                `asyncio.gather(return_exceptions=True)` does; otherwise the first one is raised.

        Raises:
            RailwayInputError: Queries and mutations together, or subscriptions.
            RailwayError: The first request failed as a whole, or one operation did and `return_errors` is False;
                `maybe_applied` is then set when other writes of the batch took effect.
        """
        refuse_mixed(operations)
        outcomes: list[Any] = []
        for start in range(0, len(operations), MAX_BATCH):
            part = operations[start : start + MAX_BATCH]
            try:
                outcomes += await self._batch_once(part)
            except RailwayError as error:
                if start == 0:
                    raise  # nothing came of it: one error says it all
                outcomes += failed_part(operations[start:], len(part), error)
                break
        failed = next((outcome for outcome in outcomes if isinstance(outcome, RailwayError)), None)
        if failed is not None and not return_errors:
            raise blamed_for_all(failed, operations, outcomes)
        return cast("list[T]", outcomes)

    async def _batch_once(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        document, variables = merge(operations)
        merged: Operation[Any] = Operation(
            document=document,
            variables=variables,
            parse=lambda data: data,
            safe_to_repeat=all(operation.safe_to_repeat for operation in operations),
            lane=min(operation.lane for operation in operations),
        )
        answer = await self._call(merged, lambda answer: read_batch(operations, answer))
        outcomes = list(answer.outcomes)
        if answer.unanswered:  # shorter by at least the one that failed, so this ends
            again = await self._batch_once([operations[index] for index in answer.unanswered])
            for index, outcome in zip(answer.unanswered, again, strict=True):
                outcomes[index] = outcome
        return outcomes

    @overload
    def subscribe(self, operation: Operation[T], *, idle_s: None = None) -> AsyncIterator[T]: ...

    @overload
    def subscribe(self, operation: Operation[T], *, idle_s: float) -> AsyncIterator[T | None]: ...

    def subscribe(
        self, operation: Operation[T], *, idle_s: float | None = None
    ) -> AsyncIterator[T] | AsyncIterator[T | None]:
        """Follow a subscription until the server ends it. Needs the `streams` extra.

        The resources' `watch` and `stream` methods build on this and reconnect.

        Args:
            operation: The subscription.
            idle_s: Yield None whenever nothing was pushed for so many seconds, so that the caller can look
                for what Railway does not push.

        Raises:
            RailwayConnectionError: The connection could not be made or was lost.
            RailwayError: Railway refused the subscription.
            ConfigurationError: The `streams` extra is not installed, or the client has no sockets.
        """
        _http.require_sockets(self._http)
        return subscribe(
            _http.websocket_url(self._url),
            operation,
            auth=self._auth,
            timeouts=self._timeouts,
            idle_s=idle_s,
        )

    async def _call(self, operation: Operation[Any], read: Callable[[Answer], T]) -> T:
        """Send until there is a result, the policy gives up, or the call's time is over."""
        call = Call(
            operation,
            read,
            body_of(operation.document, operation.variables),
            deadline=self._clock.monotonic() + self._timeouts.total_s,
        )
        try:
            return await self._attempt(call)
        except RailwayError as error:
            if not self._goes_on(call, error):
                raise
        # Most calls never get here; tenacity costs more than all the rest of them.
        await self._clock.sleep(call.pause_s)
        return await self._repeat(call)

    async def _repeat(self, call: Call[T]) -> T:
        repeating = AsyncRetrying(
            sleep=self._clock.sleep,
            stop=stop_never,  # `_goes_on` decides, with the policy's attempts and the deadline
            retry=retry_if_exception(lambda error: self._goes_on(call, error)),
            wait=lambda _: call.pause_s,
            reraise=True,
        )

        async def again() -> T:
            return await self._attempt(call)

        return await repeating(again)

    def _goes_on(self, call: Call[Any], error: BaseException) -> bool:
        """Whether to send again after this error, and when."""
        if not isinstance(error, RailwayError):
            return False
        now = self._clock.monotonic()
        pause_s = retry_delay_s(
            self._retry,
            call.operation,
            error,
            attempt=call.attempts,
            remaining_s=call.deadline - now,
            jitter=random.random(),  # noqa: S311 - jitter, not a secret
            since_write_s=now - self.stats.last_write_at,
        )
        call.pause_s = pause_s or 0.0
        return pause_s is not None

    async def _attempt(self, call: Call[T]) -> T:
        """Send once, and read the answer."""
        sent_before = call.attempts
        try:
            result = call.read(await self._send(call))
        except RailwayError as error:
            self._note(call, error)
            if call.attempts > sent_before:
                self._tell(call, error)
            # The frames below this one hold the answer, and with it whatever the server quoted or variables held.
            raise error.with_traceback(None)  # noqa: B904 - it is the same exception
        if call.operation.is_write:
            self.stats.wrote(self._clock.monotonic())
        self._tell(call, None)
        return result

    async def _send(self, call: Call[Any]) -> Answer:
        lane = call.operation.lane if self._lane is None else self._lane
        if self._pacer is not None:
            await self._pacer.acquire(lane, max(0.0, call.deadline - self._clock.monotonic()))
        remaining_s = call.deadline - self._clock.monotonic()
        if remaining_s <= 0:
            raise RailwayTimeoutError("the call's time was over before it could be sent", transient=True)
        call.attempts += 1
        call.lane, call.status_code, call.rate = lane, None, NO_RATE
        self.stats.sent(call.operation.name, call.attempts)
        started = time.perf_counter()
        try:
            answer = await _http.asend(
                self._http,
                self._url,
                content=call.body,
                headers=HEADERS,
                auth=self._auth,
                timeouts=self._timeouts,
                remaining_s=remaining_s,
            )
        except _http.NoAnswer as failure:
            call.took_s = time.perf_counter() - started
            error = connection_error(failure, call.operation)
        else:
            call.took_s = time.perf_counter() - started
            self._observe(call, answer)
            return answer
        raise error

    def _observe(self, call: Call[Any], answer: Answer) -> None:
        log.debug(
            "%s: HTTP %d in %.0f ms (attempt %d)",
            call.operation.name,
            answer.status_code,
            call.took_s * 1000,
            call.attempts,
        )
        call.status_code = answer.status_code
        if self._pacer is not None or self._on_request is not None:
            call.rate = read_rate_headers(answer.headers)
        if self._pacer is not None:
            self._pacer.observe(call.rate)

    def _tell(self, call: Call[Any], error: RailwayError | None) -> None:
        """What a listener does wrong is its own affair: the call went as it went."""
        if self._on_request is None:
            return
        try:
            self._on_request(call.report(error))
        except Exception:  # noqa: BLE001 - whatever it is; it is logged
            log.exception("on_request failed")

    def _note(self, call: Call[Any], error: RailwayError) -> None:
        """Complete an error with what only the client knows, and slow everybody down when asked to."""
        call.note(error)
        if self._token is not None:
            scrub(error, self._token)
        if not isinstance(error, RailwayRateLimitError) or error.status_code is None:
            return
        self.stats.slowed_down()
        if self._pacer is not None and not error.errors:
            # Creation throttles (GraphQL errors) hold for one kind of call only; a 429 holds for all.
            self._pacer.pause(error.retry_after_s or self._retry.base_delay_s)


def _refuse_what_is_no_token(token: Secret) -> None:
    """Before it reaches a header. The text is never bound to a name, so that no traceback's frames show it."""
    if not isinstance(token.reveal(), str) or not token.reveal().strip():  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
        raise ConfigurationError(
            "token: must be a text that is not empty; see https://railway.com/account/tokens"
        )
    if not token.reveal().isascii() or any(
        character.isspace() or not character.isprintable() for character in token.reveal()
    ):
        raise ConfigurationError(
            "token: holds blanks, line breaks or characters no token has; was it copied whole?"
        )
