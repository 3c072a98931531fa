"""Railway's custom scalars."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLScalarType

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLSchema

OBJECT_SCALARS = (
    "EnvironmentConfig",
    "EnvironmentVariables",
    "SerializedTemplateConfig",
    "NotificationChannelConfig",
)
"""Scalars whose value is a JSON object, never text."""


def bind_scalars(schema: GraphQLSchema) -> None:
    """Give the schema's custom scalars their meaning; all others pass any JSON through."""
    _bind(schema, "DateTime", serialize=format_datetime, parse=parse_datetime)
    _bind(schema, "BigInt", serialize=int, parse=_parse_big_int)
    for name in OBJECT_SCALARS:
        _bind(schema, name, serialize=_as_is, parse=_object_parser(name))


def _bind(
    schema: GraphQLSchema, name: str, *, serialize: Callable[[Any], Any], parse: Callable[[Any], Any]
) -> None:
    scalar = schema.type_map.get(name)
    if isinstance(scalar, GraphQLScalarType):
        scalar.coerce_output_value = serialize
        scalar.coerce_input_value = parse
        scalar.parse_value = parse  # type: ignore[assignment, method-assign]


def format_datetime(value: datetime) -> str:
    """Railway: UTC with milliseconds, `2026-10-05T19:58:15.705Z`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


def parse_datetime(value: object) -> datetime:
    """Read RFC 3339 text; without an offset it is UTC.

    Raises:
        GraphQLError: It is not a date.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise GraphQLError(f"DateTime cannot represent an invalid date-time-string {value}.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _as_is(value: Any) -> Any:
    return value


def _parse_big_int(value: object) -> int:
    digits = value.lstrip("-") if isinstance(value, str) else ""
    if digits.isdigit() or (isinstance(value, int) and not isinstance(value, bool)):
        return int(value)  # type: ignore[call-overload, no-any-return]
    raise GraphQLError(f"BigInt cannot represent non-integer value: {value}")


def _object_parser(name: str) -> Callable[[object], Any]:
    def parse(value: object) -> Any:
        if not isinstance(value, dict):
            raise GraphQLError(f"{name} must be an object")
        return value  # pyright: ignore[reportUnknownVariableType]

    return parse
