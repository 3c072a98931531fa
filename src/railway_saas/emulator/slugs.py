"""Names as they appear in host names."""

from __future__ import annotations

import re

LONGEST_LABEL = 63
"""Of one part of a host name. Source: RFC 1035."""

_OTHERS = re.compile(r"[^a-z0-9]+")


def slug(name: str) -> str:
    """`My API (v2)` -> `my-api-v2`."""
    return _OTHERS.sub("-", name.lower()).strip("-")[:LONGEST_LABEL].strip("-") or "service"
