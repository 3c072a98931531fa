"""GraphQL documents kept in `.graphql` files: found by name, sent with just the fragments they use.

The files are ours, so a small reader is enough: every definition starts at the beginning of a line with
`query`, `mutation`, `subscription` or `fragment` and ends with a `}` at the beginning of a line or on its
first one; every operation has exactly one root field and a name. A test holds the files to this and to
Railway's schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Literal, cast

from railway_saas.errors import ConfigurationError

OperationKind = Literal["query", "mutation", "subscription"]

_DEFINITION = re.compile(
    r"^(query|mutation|subscription|fragment) (\w+)[^\n]*\{(?:[^\n]*\}|.*?^\})", re.MULTILINE | re.DOTALL
)
_OPERATION_HEAD = re.compile(
    r"(query|mutation|subscription)\s+(\w+)\s*(?:\((?P<declared>.*?)\))?\s*\{", re.DOTALL
)
_ROOT_FIELD = re.compile(r"\{\s*(?:\w+\s*:\s*)?(\w+)")
_SPREAD = re.compile(r"\.\.\.\s*(?!on\b)(\w+)")


@dataclass(frozen=True, slots=True)
class Document:
    """One named operation."""

    name: str
    kind: OperationKind
    root_field: str
    declared: str
    """The variables' declarations, without the parentheses: `$id: String!, $first: Int`."""
    selection: str
    """What stands between the operation's outer braces."""
    fragments: tuple[tuple[str, str], ...]
    """Name and text of every fragment used, directly or by another."""
    text: str
    """The whole document as it is sent."""


@lru_cache
def _definitions(package: str) -> dict[str, str]:
    folder = resources.files(package)
    found: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".graphql"):
            for match in _DEFINITION.finditer(file.read_text(encoding="utf-8")):
                if match[2] in found:
                    raise ConfigurationError(f"{file.name}: {match[2]} is defined twice")
                found[match[2]] = match[0]
    return found


def _fragments_of(text: str, definitions: dict[str, str], seen: dict[str, str]) -> dict[str, str]:
    for name in _SPREAD.findall(text):
        if name not in seen:
            seen[name] = definitions[name]
            _fragments_of(definitions[name], definitions, seen)
    return seen


@cache
def load(package: str, name: str) -> Document:
    """Find the operation `name` in the `.graphql` files of `package`.

    Raises:
        ConfigurationError: There is no such operation.
    """
    definitions = _definitions(package)
    if name not in definitions:
        raise ConfigurationError(f"no GraphQL operation {name!r} in {package}")
    fragments = tuple(_fragments_of(definitions[name], definitions, {}).items())
    return read(definitions[name], fragments)


def read(source: str, fragments: tuple[tuple[str, str], ...] = ()) -> Document:
    """Take one operation with one root field apart.

    Raises:
        ConfigurationError: `source` is not one named operation in the form this module's docstring tells.
    """
    head = _OPERATION_HEAD.match(source)
    root = _ROOT_FIELD.match(source, head.end() - 1) if head else None
    if head is None or root is None:
        raise ConfigurationError(f"not a named GraphQL operation: {source[:60]!r}")
    return Document(
        name=head[2],
        kind=cast("OperationKind", head[1]),
        root_field=root[1],
        declared=head["declared"] or "",
        selection=source[head.end() : source.rindex("}")].strip(),
        fragments=fragments,
        text="\n".join([source, *(text for _, text in fragments)]),
    )


def names(package: str) -> tuple[str, ...]:
    """Every operation of a package's `.graphql` files."""
    return tuple(name for name, text in _definitions(package).items() if not text.startswith("fragment"))
