"""One call to Railway, as a value: what is asked, how its answer is read, and whether a repeat is harmless."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from railway_saas._core.documents import Document

T = TypeVar("T")


class Lane(IntEnum):
    """Who goes first when the rate budget is short: a click before a deletion before a poll."""

    USER = 0
    DELETION = 1
    BACKGROUND = 2


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """A GraphQL document with its variables and its reader.

    `parse` turns the value of the document's only root field into `T`. It may raise pydantic's
    `ValidationError`, which becomes a `RailwayResponseError`.
    """

    document: Document
    variables: Mapping[str, Any] = field(repr=False)
    parse: Callable[[Any], T] = field(repr=False)
    safe_to_repeat: bool
    """True for reads, and for writes that end in the same state however often they are sent."""
    lane: Lane = Lane.USER
    read_after_write: bool = False
    """A read often made right after a create: "Not Authorized" is then retried a few times, as permissions
    of new objects spread with a delay. Only shortly after a write of the same client: otherwise the answer is
    final, and asking again would be wasted."""

    @property
    def name(self) -> str:
        """The root field, e.g. `projectCreate`: what errors and logs call this operation."""
        return self.document.root_field

    @property
    def is_write(self) -> bool:
        """Whether the document is a mutation."""
        return self.document.kind == "mutation"
