"""What a client sends and how it reads what comes back. No I/O; both clients use it."""

from __future__ import annotations

import logging
import math
import platform
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from pydantic_core import PydanticSerializationError, ValidationError, to_json

from railway_saas._core.batching import alias
from railway_saas._core.documents import Document
from railway_saas._core.graphql import Answer, error_of, graphql_error, parsed, read_data
from railway_saas._core.operation import Lane, Operation
from railway_saas._core.pacing import RateHeaders
from railway_saas._version import __version__
from railway_saas.errors import (
    RailwayConnectionError,
    RailwayError,
    RailwayInputError,
    RailwayQueryError,
    RailwayResponseError,
    RailwayTimeoutError,
)

if TYPE_CHECKING:
    from railway_saas.railway._http import NoAnswer

T = TypeVar("T")

SOURCE: Final = "railway_saas"
USER_AGENT: Final = f"railway-saas/{__version__} (python {platform.python_version()})"
HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": USER_AGENT,
    "x-source": f"railway-saas {__version__}",
}

NO_RATE: Final = RateHeaders()
"""An answer that says nothing about the limits."""

log = logging.getLogger("railway_saas.railway")

# Comments and texts are matched first, so that what looks like a keyword or a brace inside them is passed over.
_LEXEME = re.compile(
    r'#[^\n]*|"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"'
    r"|(?P<brace>[{}])|(?P<kind>\b(?:query|mutation|subscription|fragment)\b)(?:\s+(?P<name>\w+))?",
    re.DOTALL,
)


@dataclass(slots=True)
class ClientStats:
    """What a client has sent since it was made; shared by its `with_options` clones, and safe to share by threads."""

    requests: int = 0
    """HTTP requests sent, repeats included: what Railway counts."""
    retries: int = 0
    rate_limited: int = 0
    """Answers that said to slow down."""
    by_operation: dict[str, int] = field(default_factory=dict[str, int])
    last_write_at: float = -math.inf
    """When something was last changed, by the client's clock, in seconds."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def sent(self, operation: str, attempt: int) -> None:
        """Note one request that is about to leave."""
        with self._lock:
            self.requests += 1
            self.retries += attempt > 1
            self.by_operation[operation] = self.by_operation.get(operation, 0) + 1

    def slowed_down(self) -> None:
        """Note an answer that said to slow down."""
        with self._lock:
            self.rate_limited += 1

    def wrote(self, now: float) -> None:
        """Note that something was changed."""
        with self._lock:
            self.last_write_at = now


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReport:
    """One HTTP request that a client has sent, as its `on_request` is told: what metrics are made of."""

    operation: str
    """The root field, e.g. `projectCreate`, or `batch`."""
    is_write: bool
    lane: Lane
    attempt: int
    """1 for the first try of a call."""
    took_s: float
    """Seconds from sending to the end of the answer, without the wait for the rate budget."""
    status_code: int | None
    """None: no answer came."""
    error: RailwayError | None
    """What the answer came to; None when the call succeeded."""
    quota: int | None
    """Requests that Railway allows the token per window, where the answer said so."""
    remaining: int | None
    """How many of them are left, where the answer said so."""


@dataclass(slots=True)
class Call(Generic[T]):
    """One call on its way, through all its attempts. Its `repr` shows nothing of what is sent."""

    operation: Operation[Any]
    read: Callable[[Answer], T] = field(repr=False)
    body: bytes = field(repr=False)
    deadline: float
    """When the call's time is over, by the client's clock."""
    attempts: int = 0
    """How often it was sent."""
    pause_s: float = 0.0
    """How long to wait before the next attempt."""
    maybe_applied: bool = False
    """Whether an attempt may have taken effect."""
    lane: Lane = Lane.USER
    """The lane of the latest attempt."""
    took_s: float = 0.0
    """How long the latest attempt was on its way."""
    status_code: int | None = None
    """Of the latest attempt's answer; None: there was none."""
    rate: RateHeaders = NO_RATE
    """What that answer said about the limits."""

    def report(self, error: RailwayError | None) -> RequestReport:
        """The latest attempt, for `on_request`."""
        return RequestReport(
            operation=self.operation.name,
            is_write=self.operation.is_write,
            lane=self.lane,
            attempt=self.attempts,
            took_s=self.took_s,
            status_code=self.status_code,
            error=error,
            quota=self.rate.quota,
            remaining=self.rate.remaining,
        )

    def note(self, error: RailwayError) -> None:
        """Complete an error with what only the call knows: what an earlier attempt may have done stays true."""
        self.maybe_applied = self.maybe_applied or error.maybe_applied
        error.maybe_applied = self.maybe_applied
        error.attempts = self.attempts


def body_of(document: Document, variables: Mapping[str, Any]) -> bytes:
    """The JSON body of a request.

    Raises:
        RailwayInputError: A variable cannot be written as JSON. It is not shown, as it may be a secret.
    """
    try:
        return to_json(
            {"query": document.text, "variables": variables, "operationName": document.name or None}
        )
    except PydanticSerializationError as error:
        kind = re.search(r"type: ([^)]*)", str(error))
        problem = f"cannot be written as JSON ({kind[1] if kind else 'not valid Unicode text'})"
    except ValueError:
        problem = "cannot be written as JSON (it holds itself, or is not valid Unicode text)"
    # Raised here, outside the handlers: those exceptions hold the variable.
    raise RailwayInputError(f"a variable {problem}", argument="variables", operation=document.root_field)


def raw_operation(
    document: str, variables: Mapping[str, Any] | None, *, safe_to_repeat: bool | None, lane: Lane
) -> Operation[dict[str, Any]]:
    """Wrap a caller's own document, whose whole `data` is the result.

    Raises:
        RailwayInputError: The text holds no operation, several, or a subscription.
    """
    found = _operations_in(document)
    if len(found) != 1 or found[0][0] == "subscription":
        raise RailwayInputError(
            "document: must hold exactly one query or mutation (subscriptions go through the watch and stream "
            "methods)",
            argument="document",
        )
    kind, name = found[0]
    return Operation(
        document=Document(
            name=name,
            kind="mutation" if kind == "mutation" else "query",
            root_field=name or kind,
            declared="",
            selection="",
            fragments=(),
            text=document,
        ),
        variables=dict(variables or {}),
        parse=lambda data: data,
        safe_to_repeat=kind == "query" if safe_to_repeat is None else safe_to_repeat,
        lane=lane,
    )


def _operations_in(document: str) -> list[tuple[str, str]]:
    """Kind and name of every operation of a document; what stands inside braces is none."""
    found: list[tuple[str, str]] = []
    depth, headed = 0, False
    for lexeme in _LEXEME.finditer(document):
        if lexeme["kind"] and depth == 0 and not headed:
            headed = True
            if lexeme["kind"] != "fragment":
                found.append((lexeme["kind"], lexeme["name"] or ""))
        elif lexeme["brace"] == "{":
            if depth == 0 and not headed:
                found.append(("query", ""))
            depth, headed = depth + 1, True
        elif lexeme["brace"] == "}":
            depth -= 1
            headed = depth > 0
    return found


def refuse_mixed(operations: Sequence[Operation[Any]]) -> None:
    """Only operations of one kind fit into one document.

    Raises:
        RailwayInputError: Queries and mutations together, or subscriptions.
    """
    kinds = {operation.document.kind for operation in operations}
    if len(kinds) > 1 or "subscription" in kinds:
        raise RailwayInputError("operations: queries or mutations, not both", argument="operations")


def read_result(operation: Operation[T], answer: Answer) -> T:
    """The typed value of an operation's root field.

    Raises:
        RailwayError: What the answer says, or that it has another shape than this SDK knows.
    """
    data = read_data(answer, operation=operation.name, is_write=operation.is_write)
    return parse_field(operation, data, operation.name)


def parse_field(operation: Operation[T], data: Mapping[str, Any], key: str) -> T:
    """Read one field of `data` as the operation's type."""
    try:
        return operation.parse(data[key])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        problem = _shape_problem(error)
    # Raised here, outside the handler: those exceptions hold what Railway sent.
    raise RailwayResponseError(
        f"the answer has another shape than expected: {problem}. Railway's schema may have changed: "
        "`railway-saas schema check` shows where",
        operation=operation.name,
        status_code=200,
        maybe_applied=operation.is_write,
    )


def _shape_problem(error: Exception) -> str:
    """Where and what, without the values: they may be secrets."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'value'}: {first['msg']}"
    return "a field is missing or of another type"


def connection_error(failure: NoAnswer, operation: Operation[Any]) -> RailwayConnectionError:
    """The exception for a request without an answer."""
    kind = RailwayTimeoutError if failure.timed_out else RailwayConnectionError
    error = kind(
        str(failure),
        operation=operation.name,
        transient=True,
        maybe_applied=failure.maybe_sent and operation.is_write,
    )
    error.__cause__ = failure.cause
    return error


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What came of a merged request: for every operation its value or its exception."""

    outcomes: tuple[Any, ...]
    unanswered: tuple[int, ...]
    """Reads that were lost because another operation's error emptied the whole answer: ask again."""


def read_batch(operations: Sequence[Operation[Any]], answer: Answer) -> BatchAnswer:
    """Take a merged answer apart.

    A field that may not be null takes the whole `data` with it when it fails, so one missing project hides
    all the others. Reads among those are reported as unanswered; writes become errors with `maybe_applied`.

    Raises:
        RailwayError: The request failed as a whole.
    """
    writes = operations[0].is_write
    try:
        data: Mapping[str, Any] = read_data(answer, operation="batch", is_write=writes)
        failures: dict[int, RailwayError] = {}
    except RailwayError as error:
        failures = _failures(operations, error)
        if not failures:
            raise
        data = error.partial_data or {}
    outcomes: list[Any] = []
    unanswered: list[int] = []
    for index, operation in enumerate(operations):
        if index in failures:
            outcomes.append(failures[index])
        elif alias(index) in data or not failures:
            outcomes.append(_outcome(operation, data, alias(index)))
        elif writes:
            outcomes.append(_lost_write(operation))
        else:
            outcomes.append(None)
            unanswered.append(index)
    return BatchAnswer(tuple(outcomes), tuple(unanswered))


def _outcome(operation: Operation[Any], data: Mapping[str, Any], key: str) -> object:
    try:
        return parse_field(operation, data, key)
    except RailwayError as error:
        return error


def _failures(operations: Sequence[Operation[Any]], error: RailwayError) -> dict[int, RailwayError]:
    """The error of each operation that the answer blames by its alias."""
    index_of = {alias(index): index for index in range(len(operations))}
    found: dict[int, RailwayError] = {}
    for detail in error.errors:
        index = index_of.get(str(detail.path[0])) if detail.path else None
        if index is not None and index not in found:
            operation = operations[index]
            found[index] = error_of(
                (detail,),
                operation=operation.name,
                is_write=operation.is_write,
                status_code=error.status_code,
            )
    return found


def failed_part(operations: Sequence[Operation[Any]], sent: int, error: RailwayError) -> list[RailwayError]:
    """One error for each operation of a request that failed as a whole, and of those that were then not sent."""
    found: list[RailwayError] = []
    for index, operation in enumerate(operations):
        own = copy(error)
        own.operation = operation.name
        if index >= sent:
            own = RailwayQueryError(
                "not sent: an earlier request of the same batch failed",
                operation=operation.name,
                transient=True,
            )
        found.append(own)
    return found


def blamed_for_all(
    failed: RailwayError, operations: Sequence[Operation[Any]], outcomes: Sequence[object]
) -> RailwayError:
    """The error to raise for a batch: a write that took effect beside it must not be sent again blindly."""
    others_done = any(not isinstance(outcome, RailwayError) for outcome in outcomes)
    if operations[0].is_write and others_done:
        failed.maybe_applied = True
    return failed


def _lost_write(operation: Operation[Any]) -> RailwayError:
    return RailwayQueryError(
        "another write of the same batch failed, and the answer does not say whether this one was carried out",
        operation=operation.name,
        maybe_applied=True,
    )


def subscribe_frame(operation: Operation[Any], subscription_id: str) -> str:
    """The frame that begins a subscription.

    Raises:
        RailwayInputError: A variable cannot be written as JSON.
    """
    payload = body_of(operation.document, operation.variables).decode()
    return f'{{"id":"{subscription_id}","type":"subscribe","payload":{payload}}}'


def read_frame(text: str | bytes, operation: str) -> dict[str, Any]:
    """One frame of `graphql-transport-ws`.

    Raises:
        RailwayResponseError: It is no JSON object.
    """
    frame = parsed(text if isinstance(text, bytes) else text.encode(errors="replace"))
    if not isinstance(frame, dict):
        raise RailwayResponseError("the server sent a frame that is not a JSON object", operation=operation)
    return cast("dict[str, Any]", frame)


def payload_of(frame: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a `next` or `error` frame carries, in the form of a GraphQL answer."""
    payload = frame.get("payload")
    if frame.get("type") == "error":
        return {"errors": payload or "the server gave no reason"}
    return cast("dict[str, Any]", payload) if isinstance(payload, dict) else {}


def subscription_item(operation: Operation[T], payload: Mapping[str, Any]) -> T:
    """Read the payload of one `next` frame.

    Raises:
        RailwayError: Railway refuses subscriptions inside `next` frames, with `errors`.
    """
    if payload.get("errors"):
        raise graphql_error(payload, operation=operation.name, is_write=False, status_code=200)
    data = payload.get("data")
    return parse_field(
        operation, cast("dict[str, Any]", data) if isinstance(data, dict) else {}, operation.name
    )
