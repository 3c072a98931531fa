"""Cursors of lists: opaque to clients, checked before a database or Railway sees them.

A cursor says which list it belongs to, filters included, so that one of another list is refused instead of giving a
page that means nothing. It is no secret and gives no right: rows are scoped by whoever asks.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Final
from uuid import UUID

from reference_server.api.problems import Problem, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

_MARK_BYTES: Final = 6


def _no_check(after: str) -> str:
    return after


def _id(after: str) -> str:
    return str(UUID(after))


class Cursors:
    """Those of one list with its filters.

    Args:
        name: Of the list.
        filters: What it is filtered by; None: not by that.
        check: Raises ValueError for what is no place in the list; ids unless given.
    """

    def __init__(self, name: str, *filters: object, check: Callable[[str], str] = _id) -> None:
        text = "\0".join([name, *("" if one is None else f"={one}" for one in filters)])
        self._mark = hashlib.sha256(text.encode()).digest()[:_MARK_BYTES]
        self._check = check

    @classmethod
    def of_railway(cls, name: str, *filters: object) -> Cursors:
        """Those around cursors that Railway gave, which only Railway can check."""
        return cls(name, *filters, check=_no_check)

    def wrap(self, after: str | None) -> str | None:
        """What the client gets; None on the last page."""
        if after is None:
            return None
        return urlsafe_b64encode(self._mark + after.encode()).decode().rstrip("=")

    def read(self, cursor: str | None) -> str | None:
        """What it stands for; None: the first page.

        Raises:
            Problem: It is none of this list (422).
        """
        if cursor is None:
            return None
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
            if raw[:_MARK_BYTES] != self._mark or self._encoded(raw) != cursor:
                raise _not_of_this_list()
            return self._check(raw[_MARK_BYTES:].decode())
        except ValueError:
            raise _not_of_this_list() from None

    @staticmethod
    def _encoded(raw: bytes) -> str:
        return urlsafe_b64encode(raw).decode().rstrip("=")


def _not_of_this_list() -> Problem:
    detail = "Not a cursor of this list; take `next_cursor` of the page before, with the same filters."
    return invalid(f"cursor: {detail}", {"pointer": "#/cursor", "detail": detail})
