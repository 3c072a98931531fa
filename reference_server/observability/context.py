"""What a line of the log says about the work it belongs to: set once around the work, read by every line."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from reference_server.security.origin import current_origin
from reference_server.security.scope import current_scope

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

FIELDS: Final = (
    "timestamp",
    "level",
    "service",
    "message",
    "user_id",
    "action",
    "template_id",
    "railway_service_id",
    "duration_ms",
    "status",
    "request_id",
)
"""On every line of every process, in this order; null where there is nothing to say."""

_bound: ContextVar[Mapping[str, Any]] = ContextVar("log_fields", default={})  # noqa: B039 - never changed in place


@contextmanager
def logging_with(**fields: Any) -> Generator[None]:
    """Every line that is logged inside says so, e.g. `logging_with(action="reconcile", template_id=...)`."""
    known = {name: value for name, value in fields.items() if value is not None}
    token = _bound.set({**_bound.get(), **known})
    try:
        yield
    finally:
        _bound.reset(token)


def logging_on_with(**fields: Any) -> None:
    """The same until the block of `logging_with` around it ends: for what is found out on the way."""
    _bound.set({**_bound.get(), **{name: value for name, value in fields.items() if value is not None}})


def current_fields() -> dict[str, Any]:
    """What is known of the work at hand: who asked for it, in which request, and what was bound."""
    origin, scope = current_origin(), current_scope()
    known: dict[str, Any] = {}
    if origin is not None:
        known["request_id"] = origin.request_id
    if scope.user_id is not None:
        known["user_id"] = str(scope.user_id)
    return {**known, **_bound.get()}
