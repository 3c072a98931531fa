"""What all models of Railway's answers share."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, TypeVar, cast

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class RailwayModel(BaseModel):
    """A value Railway sent. Frozen; unknown fields are ignored, and missing ones take their default.

    Fields carry Railway's names in snake case (`createdAt` is `created_at`).
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        defer_build=True,  # importing the SDK must not pay for models that are never used
    )


class OpenStrEnum(str, Enum):  # noqa: UP042 - StrEnum refuses unknown members
    """A text enum that keeps values it does not know: Railway adds some without notice. `known` tells which."""

    @classmethod
    def _missing_(cls, value: object) -> OpenStrEnum | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def known(self) -> bool:
        """Whether this SDK knows the value."""
        return self._name_ in type(self).__members__

    def __str__(self) -> str:
        return str(self.value)

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return type(self), (self._value_,)


def _nodes(value: object) -> object:
    """Take the nodes out of a Relay connection; anything else stays as it is."""
    if not isinstance(value, dict):
        return () if value is None else value
    edges = cast("dict[str, Any]", value).get("edges") or ()
    return tuple(edge["node"] for edge in edges if edge and edge.get("node") is not None)


Nodes = Annotated[tuple[T, ...], BeforeValidator(_nodes)]
"""A Relay connection `{edges: [{node}]}`, read as a tuple of its nodes."""


def _items(value: object) -> object:
    return () if value is None else value


Items = Annotated[tuple[T, ...], BeforeValidator(_items)]
"""A list that may be null, read as a tuple."""

Timestamp = AwareDatetime
"""Railway sends UTC with milliseconds, `2026-10-05T19:58:15.705Z`."""

__all__ = ["Items", "Nodes", "OpenStrEnum", "RailwayModel", "Timestamp"]
