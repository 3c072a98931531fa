"""Examples of what a JSON Schema describes, made of the examples of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_FORMAT: Final = {
    "uuid": "0199c1c2-6a4e-7f61-8a77-1f0f0e2f1b11",
    "date-time": "2026-03-01T12:00:00Z",
    "date": "2026-03-01",
    "email": "ann@example.com",
}
_BY_TYPE: Final[dict[str, Any]] = {"null": None, "boolean": False, "number": 1.5, "string": "text"}


class Examples:
    """Makes examples.

    Args:
        schemas: Those that can be referred to, by name.
    """

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    def of(self, schema: Mapping[str, Any]) -> Any:
        """One that the schema takes."""
        for name in ("examples", "enum"):
            if schema.get(name):
                return schema[name][0]
        if "const" in schema:
            return schema["const"]
        if "default" in schema:
            given = [one["examples"][0] for one in schema.get("anyOf", ()) if one.get("examples")]
            return given[0] if given else schema["default"]
        if "$ref" in schema:
            return self.of(self._schemas[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            return self.of(schema["anyOf"][0])
        return self._of_type(schema)

    def _of_type(self, schema: Mapping[str, Any]) -> Any:
        kind = schema.get("type")
        if kind == "object":
            properties = cast("Mapping[str, Any]", schema.get("properties", {}))
            return {name: self.of(inner) for name, inner in properties.items()}
        if kind == "array":
            return [self.of(schema["items"])] if "items" in schema else []
        if kind == "integer":
            return max(1, int(schema.get("minimum", 1)))
        if kind == "string":
            return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE["string"])
        return _BY_TYPE.get(str(kind), {})
