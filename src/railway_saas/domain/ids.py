"""Ids of our own rows: UUIDs that sort by the time they were made."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

if TYPE_CHECKING:
    from datetime import datetime

_OWNERS = uuid5(NAMESPACE_URL, "railway-saas:owners")


def new_id(now: datetime) -> UUID:
    """A UUID of version 7: 48 bits of Unix milliseconds, then random bits. Source: RFC 9562, section 5.7."""
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    rand_a, rand_b = secrets.randbits(12), secrets.randbits(62)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


def owner_id(key: str | int) -> UUID:
    """The owner id of a user whose own key is no UUID: the same key always gives the same id."""
    return uuid5(_OWNERS, str(key))
