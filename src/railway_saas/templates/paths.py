"""JSON paths as problems and warnings show them: `$.services['web'].variables.PORT`."""

from __future__ import annotations

import re

__all__ = ["ROOT", "child", "element", "entry"]

ROOT = "$"

_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def child(path: str, key: str) -> str:
    """The path of a named field: `.name`, or quoted where the name is not a plain one."""
    return f"{path}.{key}" if _PLAIN_NAME.fullmatch(key) else entry(path, key)


def entry(path: str, key: str) -> str:
    """The path of an entry under a free key (a service, a volume, a domain): always quoted."""
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"{path}['{quoted}']"


def element(path: str, index: int) -> str:
    """The path of a list's element."""
    return f"{path}[{index}]"
