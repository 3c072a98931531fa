"""Several operations become one GraphQL document in which none gets in another's way."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import FieldNode, OperationDefinitionNode, build_schema, parse, validate

from railway_saas._core.batching import alias, merge
from railway_saas._core.documents import read
from railway_saas._core.operation import Operation
from railway_saas.errors import RailwayInputError

SCHEMA = build_schema(
    """
    type Query { project(id: String!): Project!  projects(first: Int, ids: [String!]): [Project!]!  me: Project! }
    type Mutation { projectDelete(id: String!): Boolean!  rename(id: String!, name: String = "$id"): Boolean! }
    type Subscription { project(id: String!): Project! }
    type Project { id: String! name: String! }
    """
)
WHOLE = ("Whole", "fragment Whole on Project { id name }")


def operation(text: str, fragments: tuple[tuple[str, str], ...] = (), **variables: Any) -> Operation[Any]:
    return Operation(read(text, fragments), variables, lambda value: value, safe_to_repeat=True)


GET = "query ProjectGet($id: String!) { project(id: $id) { ...Whole } }"
LIST = "query ProjectList($first: Int, $ids: [String!]) { listed: projects(first: $first, ids: $ids) { ...Whole } }"
ME = "query Me { me { id } }"
DELETE = "mutation ProjectDelete($id: String!) { projectDelete(id: $id) }"


def test_a_merged_document_is_valid_and_each_operation_keeps_its_variables() -> None:
    operations = [
        operation(GET, (WHOLE,), id="a"),
        operation(LIST, (WHOLE,), first=3),
        operation(ME),
        operation(GET, (WHOLE,), id="b"),
    ]
    document, variables = merge(operations)
    tree = parse(document.text)
    assert validate(SCHEMA, tree) == []
    assert variables == {"id_0": "a", "first_1": 3, "id_3": "b"}
    merged = tree.definitions[0]
    assert isinstance(merged, OperationDefinitionNode)
    fields = [field for field in merged.selection_set.selections if isinstance(field, FieldNode)]
    assert [field.alias.value if field.alias else None for field in fields] == ["op0", "op1", "op2", "op3"]
    assert [field.name.value for field in fields] == ["project", "projects", "me", "project"]


def test_a_fragment_used_by_many_is_sent_once() -> None:
    document, _ = merge([operation(GET, (WHOLE,), id=str(number)) for number in range(100)])
    assert document.text.count("fragment Whole") == 1
    assert validate(SCHEMA, parse(document.text)) == []


def test_mutations_merge_too() -> None:
    document, variables = merge([operation(DELETE, id="a"), operation(DELETE, id="b")])
    assert document.kind == "mutation"
    assert validate(SCHEMA, parse(document.text)) == []
    assert variables == {"id_0": "a", "id_1": "b"}


def test_operations_without_variables_have_no_empty_parentheses() -> None:
    document, variables = merge([operation(ME), operation(ME)])
    assert validate(SCHEMA, parse(document.text)) == []
    assert variables == {}


def test_a_variable_left_out_stays_left_out() -> None:
    _, variables = merge([operation(LIST, (WHOLE,))])
    assert variables == {}


@pytest.mark.parametrize(
    "operations", [[], [operation(ME), operation(DELETE, id="x")]], ids=["none", "both kinds"]
)
def test_what_cannot_be_one_document_is_refused(operations: list[Operation[Any]]) -> None:
    with pytest.raises(RailwayInputError) as caught:
        merge(operations)
    assert caught.value.argument == "operations"


def test_aliases_tell_the_place_in_the_batch() -> None:
    assert [alias(0), alias(99)] == ["op0", "op99"]
