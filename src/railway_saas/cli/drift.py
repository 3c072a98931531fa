"""Whether this SDK's documents still fit a GraphQL schema, and what they use that is going away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from graphql import (
    GraphQLError,
    GraphQLSchema,
    NoDeprecatedCustomRule,
    build_client_schema,
    get_introspection_query,
    parse,
    validate,
)

from railway_saas._core import documents
from railway_saas.errors import RailwayResponseError
from railway_saas.railway.operations._build import DOCUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from railway_saas.railway import RailwayClient


@dataclass(frozen=True, slots=True)
class Drift:
    """One place where a document and the schema part."""

    document: str
    kind: Literal["invalid", "deprecated"]
    message: str


def live_schema(railway: RailwayClient) -> GraphQLSchema:
    """The schema an endpoint has now, by introspection.

    Raises:
        RailwayResponseError: The endpoint's answer is no schema.
    """
    query = get_introspection_query(descriptions=False, input_value_deprecation=True)
    answer = railway.execute(query)
    try:
        return build_client_schema(answer, assume_valid=True)  # type: ignore[arg-type]
    except (TypeError, KeyError, GraphQLError) as error:
        raise RailwayResponseError(f"the answer to the introspection query is no schema: {error}") from None


def find_drift(schema: GraphQLSchema, names: Iterable[str] | None = None) -> Iterator[Drift]:
    """Everything in our documents that the schema refuses or marks as deprecated."""
    for name in names or documents.names(DOCUMENTS):
        document = parse(documents.load(DOCUMENTS, name).text)
        refused = validate(schema, document)
        yield from (Drift(name, "invalid", error.message) for error in refused)
        if not refused:
            deprecated = validate(schema, document, [NoDeprecatedCustomRule])
            yield from (Drift(name, "deprecated", error.message) for error in deprecated)
