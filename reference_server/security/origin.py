"""Where a piece of work comes from: the request, or the job, that is at work."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Of a change, for the audit log."""

    request_id: str
    address: str | None = None
    """Of the network; None: a job or a command."""
    user_agent: str | None = None
    via: str = "api"
    """`api`, `job` or `command`."""
    on_behalf_of: str | None = None
    """The user an administrator acts for."""

    def to_json(self) -> dict[str, str]:
        """What is known."""
        known = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in known.items() if value is not None}


_current: ContextVar[Origin | None] = ContextVar("origin", default=None)


def current_origin() -> Origin | None:
    """That of this thread's or task's work."""
    return _current.get()


@contextmanager
def coming_from(origin: Origin) -> Generator[None]:
    """Work that has an origin."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def acting_for(user_id: UUID) -> Generator[None]:
    """Work that an administrator does for somebody else: the audit log says so."""
    current = _current.get()
    if current is None:
        yield
        return
    with coming_from(replace(current, on_behalf_of=str(user_id))):
        yield
