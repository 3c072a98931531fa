"""Ids of our own rows: UUIDs that sort by the time they were made."""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

if TYPE_CHECKING:
    from datetime import datetime

_OWNERS = uuid5(NAMESPACE_URL, "railway-saas:owners")
_LOW_BITS = 10
_COUNTER_BITS = 12 + _LOW_BITS
_lock = threading.Lock()
_latest = (-1, 0)


def new_id(now: datetime) -> UUID:
    """A UUID of version 7: 48 bits of Unix milliseconds, a counter, random bits. Source: RFC 9562, sections 5.7 and 6.2.

    Ids that one process makes in the same millisecond sort in the order in which they were made.
    """
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    count = _count(milliseconds)
    rand_a, low = count >> _LOW_BITS, count & ((1 << _LOW_BITS) - 1)
    rand_b = low << (62 - _LOW_BITS) | secrets.randbits(62 - _LOW_BITS)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


def _count(milliseconds: int) -> int:
    """The next number within a millisecond; the first one is random, with room for a million more."""
    global _latest  # noqa: PLW0603 - the order of ids is that of the process
    with _lock:
        before, count = _latest
        count = count + 1 if before == milliseconds else secrets.randbits(_COUNTER_BITS - 1)
        _latest = (milliseconds, count)
        return count & ((1 << _COUNTER_BITS) - 1)


def owner_id(key: str | int) -> UUID:
    """The owner id of a user whose own key is no UUID: the same key always gives the same id."""
    return uuid5(_OWNERS, str(key))
