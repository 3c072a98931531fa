"""JSON pointers into a request: where a fault is. Source: RFC 6901."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP: Final = re.compile(r"\.([A-Za-z_]\w*)|\['((?:[^'\\]|\\.)*)'\]|\[(\d+)\]", re.ASCII | re.DOTALL)


def pointer(*parts: object) -> str:
    """To a field of the body, or to a parameter."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def pointer_of_path(field: str, path: str) -> str:
    """To a place within a field, given as the template engine tells it: `$.services['web'].variables.PORT`."""
    return pointer(field, *_steps(path))


def _steps(path: str) -> Iterator[str]:
    """As far as the path can be read: a place around the fault is better than none."""
    at = 1 if path.startswith("$") else 0
    while found := _STEP.match(path, at):
        name, quoted, index = found.groups()
        yield name or index or re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        at = found.end()
