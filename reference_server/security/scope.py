"""On whose behalf a piece of code touches the database. Row level security shows it that much and no more.

The scope is a context variable, so that a query that nobody gave a scope finds nothing, whatever its conditions.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator
    from uuid import UUID


class ScopeRole(StrEnum):
    """What `app.role` is set to for a transaction; the policies of the migrations name these."""

    NOBODY = ""
    """Nobody has logged in: the catalogue can be read, nothing else."""
    USER = "user"
    """A user: rows of their own."""
    ADMIN = "admin"
    """An administrator: all rows."""
    AUTH = "auth"
    """Logging in, registering, resetting: users and their tokens, nobody's instances."""
    SYSTEM = "system"
    """The platform itself: webhooks that come in, jobs, commands."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A role, and the user whose rows are meant."""

    role: ScopeRole
    user_id: UUID | None = None

    @classmethod
    def of_user(cls, user_id: UUID, *, is_admin: bool = False) -> Scope:
        """That of somebody who logged in."""
        return cls(ScopeRole.ADMIN if is_admin else ScopeRole.USER, user_id)


NOBODY: Final = Scope(ScopeRole.NOBODY)
AUTH: Final = Scope(ScopeRole.AUTH)
SYSTEM: Final = Scope(ScopeRole.SYSTEM)

_current: ContextVar[Scope] = ContextVar("scope", default=NOBODY)


def current_scope() -> Scope:
    """The scope of this thread's or task's work."""
    return _current.get()


@contextmanager
def scoped(scope: Scope) -> Generator[None]:
    """Work in a scope. Transactions that are open already keep theirs."""
    token = _current.set(scope)
    try:
        yield
    finally:
        _current.reset(token)
