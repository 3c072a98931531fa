"""Merging operations into one GraphQL document with aliases: Railway counts requests, not fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from railway_saas._core.documents import Document
from railway_saas.errors import RailwayInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas._core.documents import OperationKind
    from railway_saas._core.operation import Operation

_VARIABLE = re.compile(r"\$(\w+)")


def alias(index: int) -> str:
    """The name of the operation at `index` in a merged answer."""
    return f"op{index}"


def merge(operations: Sequence[Operation[Any]]) -> tuple[Document, dict[str, Any]]:
    """Put several operations of one kind into one document; also returns the variables to send with it.

    Raises:
        RailwayInputError: No operation, or queries and mutations together.
    """
    kinds: list[OperationKind] = sorted({operation.document.kind for operation in operations})
    if len(kinds) != 1:
        raise RailwayInputError(
            "batch takes at least one operation, and queries or mutations, not both", argument="operations"
        )
    declared = [_numbered(op.document.declared, index) for index, op in enumerate(operations)]
    selected = [
        f"{alias(index)}: {_numbered(_without_alias(op.document), index)}"
        for index, op in enumerate(operations)
    ]
    fragments = dict(pair for op in operations for pair in op.document.fragments)
    heading = ", ".join(part for part in declared if part)
    kind = kinds[0]
    text = f"{kind} Batch{f'({heading})' if heading else ''} {{ {' '.join(selected)} }}"
    document = Document(
        name="Batch",
        kind=kind,
        root_field="batch",
        declared=heading,
        selection=" ".join(selected),
        fragments=tuple(fragments.items()),
        text="\n".join([text, *fragments.values()]),
    )
    variables = {
        f"{name}_{index}": value
        for index, op in enumerate(operations)
        for name, value in op.variables.items()
    }
    return document, variables


def _numbered(text: str, index: int) -> str:
    """Give every `$variable` of one operation a name of its own."""
    return _VARIABLE.sub(rf"$\1_{index}", text)


def _without_alias(document: Document) -> str:
    return re.sub(r"^\w+\s*:\s*(?=\w)", "", document.selection)
