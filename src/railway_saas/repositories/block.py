"""Whether a unit of work is inside its block."""

from __future__ import annotations

from enum import Enum, auto

from railway_saas.errors import RepositoryError


class _State(Enum):
    NEW = auto()
    OPEN = auto()
    BROKEN = auto()
    OVER = auto()


class Block:
    """A block is entered once, used, and left."""

    def __init__(self) -> None:
        self._state = _State.NEW

    def enter(self) -> None:
        """Begin.

        Raises:
            RepositoryError: It began before.
        """
        if self._state is not _State.NEW:
            raise RepositoryError("a unit of work is entered once: ask the database for a new one")
        self._state = _State.OPEN

    def check(self) -> None:
        """Let pass what happens inside.

        Raises:
            RepositoryError: It has not begun, is over, or the database has given its transaction up.
        """
        if self._state is _State.NEW:
            raise RepositoryError("a unit of work is used inside its `with` block: this one has not begun")
        if self._state is _State.OVER:
            raise RepositoryError("a unit of work is used inside its `with` block: this one is over")
        if self._state is _State.BROKEN:
            raise RepositoryError(
                "this unit of work failed before and can only be rolled back: leave its block"
            )

    def spoil(self) -> None:
        """The database has given the transaction up: nothing more may be done in it."""
        self._state = _State.BROKEN

    def leave(self) -> None:
        """End."""
        self._state = _State.OVER
