"""Several verbs of the SDK in one transaction of the caller's: all of them last, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from railway_saas.repositories import UnitOfWork
    from reference_server.data.database import ServerUnitOfWork


class JoinedDatabase:
    """A database whose every unit of work is part of one that is open. What they commit lasts once that one commits.

    Args:
        work: The open one.
    """

    def __init__(self, work: ServerUnitOfWork) -> None:
        self._work = work

    def unit_of_work(self) -> UnitOfWork:
        """A part of the open one."""
        return cast("UnitOfWork", _Part(self._work))


class _Part:
    def __init__(self, work: ServerUnitOfWork) -> None:
        self._work = work

    def __getattr__(self, repository: str) -> Any:
        return getattr(self._work, repository)

    def commit(self) -> None:
        """The caller commits."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """An error goes on to the caller, whose transaction is rolled back."""
