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


_RANDOM_BITS = 74
_MAX_STEP_BITS = 32


class _Sequence:
    """Random parts of ids, growing within a millisecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = -1
        self._random = 0

    def random_part(self, milliseconds: int) -> int:
        with self._lock:
            if milliseconds == self._milliseconds:
                self._random += 1 + secrets.randbits(_MAX_STEP_BITS)
            else:
                self._milliseconds = milliseconds
                self._random = secrets.randbits(_RANDOM_BITS - 1)  # the highest bit is room to grow
            return self._random


_sequence = _Sequence()


def new_id(now: datetime) -> UUID:
    """A UUID of version 7: 48 bits of Unix milliseconds, then random bits.

    Those that one process makes in the same millisecond grow, so that rows written together keep their order.

    Source: RFC 9562, sections 5.7 and 6.2 (method 2).
    """
    milliseconds = _milliseconds(now)
    return _uuid7(milliseconds, _sequence.random_part(milliseconds))


def _uuid7(milliseconds: int, random: int) -> UUID:
    rand_a, rand_b = random >> 62 & 0xFFF, random & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000) & ((1 << 48) - 1)


def lowest_id(moment: datetime) -> UUID:
    """The UUID of version 7 before all that are made at a moment or later: where to begin to read."""
    return _uuid7(_milliseconds(moment), 0)


def id_above(lowest: UUID | None, wanted: UUID) -> UUID:
    """The wanted id where it is above another one, else the next one above that: an order that no clock can break."""
    if lowest is None or wanted.int > lowest.int:
        return wanted
    milliseconds = lowest.int >> 80
    random = (lowest.int >> 64 & 0xFFF) << 62 | lowest.int & ((1 << 62) - 1)
    following = (milliseconds << _RANDOM_BITS | random) + 1
    return _uuid7(following >> _RANDOM_BITS & ((1 << 48) - 1), following & ((1 << _RANDOM_BITS) - 1))


def owner_id(key: str | int) -> UUID:
    """The owner id of a user whose own key is no UUID: the same key always gives the same id."""
    return uuid5(_OWNERS, str(key))
