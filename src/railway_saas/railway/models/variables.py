"""Variables: names and values, and what Railway keeps about each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from railway_saas.railway.models.base import Items, RailwayModel, Timestamp


class Variables(Mapping[str, str]):
    """Names and values, read-only. Neither `repr` nor `str` shows a value: they are secrets.

    Names without a value (Railway may send null) are not part of the mapping; `without_value` holds them.
    """

    __slots__ = ("_values", "without_value")

    without_value: frozenset[str]

    def __init__(self, values: Mapping[str, str | None] | None = None) -> None:
        given = values or {}
        self._values = MappingProxyType({name: value for name, value in given.items() if value is not None})
        self.without_value = frozenset(given) - frozenset(self._values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        names = ", ".join(f"{name}=…" for name in sorted(self._values))
        return f"{type(self).__name__}({names})"

    def __reduce__(self) -> tuple[type[Variables], tuple[dict[str, str | None]]]:
        return type(self), ({**self._values, **dict.fromkeys(self.without_value)},)


class Variable(RailwayModel):
    """What Railway keeps about a variable, without its value."""

    id: str
    name: str | None = None
    service_id: str | None = None
    """None for a shared variable."""
    environment_id: str | None = None
    is_sealed: bool = False
    """Railway: a sealed value reaches builds and deployments, but never comes back from the API."""
    references: Items[str] = ()
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
