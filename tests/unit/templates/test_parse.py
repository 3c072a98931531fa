"""Reading a document: lossless, strict about JSON, lenient about everything else."""

from __future__ import annotations

import copy
import json
import pickle
from collections import OrderedDict
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.errors import TemplateError, TemplateProblem
from railway_saas.templates import Template

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(st.text(st.characters()) | st.just("services"), JSON, max_size=5)


def refused(document: object) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        Template.parse(document)  # type: ignore[arg-type]
    assert caught.value.problems
    return [str(problem) for problem in caught.value.problems]


def parsed_or_refused(source: str | bytes) -> Template | tuple[TemplateProblem, ...]:
    """What came of it; any other exception escapes and fails the test."""
    try:
        return Template.parse(source)
    except TemplateError as error:
        return error.problems


def in_order(value: Any) -> Any:
    """The value with the order of keys made part of it, and 1 told from 1.0 and True."""
    if isinstance(value, dict):
        return [(key, in_order(item)) for key, item in value.items()]
    return [in_order(item) for item in value] if isinstance(value, list) else (type(value), repr(value))


@given(DOCUMENTS)
def test_every_json_object_survives_the_round_trip(document: dict[str, Any]) -> None:
    expected = in_order(document)
    for source in (document, json.dumps(document), json.dumps(document).encode()):
        template = Template.parse(source)
        assert in_order(template.serialize()) == expected
        assert in_order(json.loads(template.to_json())) == expected
        assert Template.parse(template.to_json().encode()) == template


@given(st.binary() | st.text())
def test_arbitrary_input_gives_a_template_or_a_template_error(source: bytes | str) -> None:
    assert parsed_or_refused(source)


@given(st.text(alphabet='{}[]:,"\\ntrueNa0123456789.eE+-Infiyt ', max_size=60))
def test_text_that_is_nearly_json_gives_a_template_or_a_template_error(source: str) -> None:
    assert parsed_or_refused(source)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "$: line 1, column 1: not JSON"),
        ('{\n  "a": 1,\n  "b" 2\n}', "$: line 3, column 7: not JSON"),
        ('{"services": {}} x', "$: line 1, column 18: not JSON: Extra data"),
        (b'{"a": "\xff"}', "$: not UTF-8 text: byte 0xff at offset 7 (line 1)"),
        ("[1]", "$: is a list; a template document is a JSON object"),
        ("null", "$: is null; a template document is a JSON object"),
        ('{\n "a": {"b": 1,\n  "b": 2}}', "$.a.b: line 3, column 3: this key is given twice; keep one"),
        ('{"a": [1, NaN]}', "$.a[1]: line 1, column 11: NaN is not JSON"),
        ('{"a": -Infinity}', "$.a: line 1, column 7: -Infinity is not JSON"),
        (
            '{"a": 1e999}',
            "$.a: line 1, column 7: the number is too large for a 64-bit float, so it would be lost",
        ),
        ('{"a": 1' + "0" * 5000 + "}", "$.a: line 1, column 7: the number is too large"),
        ('{"a":\n' + "[" * 200 + "]" * 200 + "}", "$: line 2, column 100: nested deeper than 100 levels"),
        ('{"a":' + "[" * 100_000, "$: line 1, column 105: nested deeper than 100 levels"),
    ],
)
def test_text_that_cannot_be_kept_is_refused_with_its_place(source: str | bytes, problem: str) -> None:
    assert refused(source)[0].startswith(problem)


def test_every_fault_of_a_text_is_reported_not_only_the_first() -> None:
    assert refused('{"a": 1, "a": NaN, "x y": [{"k": 1, "k": 1e999}]}') == [
        "$.a: line 1, column 10: this key is given twice; keep one",
        "$.a: line 1, column 15: NaN is not JSON",
        "$['x y'][0].k: line 1, column 37: this key is given twice; keep one",
        "$['x y'][0].k: line 1, column 42: the number is too large for a 64-bit float, so it would be lost",
    ]


def test_every_fault_of_python_values_is_reported_not_only_the_first() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    problems = refused(
        {"a": {1: "x"}, "b": [object()], "c": float("nan"), "d": {1, 2}, "e": loop, "f": 10**400}
    )
    assert problems[:4] == [
        "$.a: has a key that is a number; keys must be text",
        "$.b[0]: is a Python object, which JSON cannot hold",
        "$.c: is not a finite number that JSON can hold",
        "$.d: is a Python set, which JSON cannot hold",
    ]
    assert problems[4].endswith("nested deeper than 100 levels")
    assert problems[5] == "$.f: is not a finite number that JSON can hold"


@pytest.mark.parametrize("source", [None, 5, [], object()])
def test_anything_but_text_bytes_and_a_mapping_is_refused(source: object) -> None:
    assert refused(source)


def test_a_byte_order_mark_is_no_fault() -> None:
    assert Template.parse(b'\xef\xbb\xbf{"a": 1}').serialize() == {"a": 1}


def test_mappings_tuples_and_text_enums_become_plain_json() -> None:
    class Policy(StrEnum):
        NEVER = "NEVER"

    document = Template.parse(OrderedDict(a=(1, Policy.NEVER), b=None)).serialize()
    assert document == {"a": [1, "NEVER"], "b": None}
    assert type(document["a"]) is list
    assert [type(item) for item in document["a"]] == [int, str]


def test_a_lone_surrogate_survives_as_an_escape() -> None:
    template = Template.parse('{"a": "\\ud800"}')
    assert Template.parse(template.to_json().encode()) == template


def test_depth_up_to_the_limit_is_accepted() -> None:
    Template.parse('{"a":' + "[" * 99 + "]" * 99 + "}")
    assert refused('{"a":' + "[" * 100 + "]" * 100 + "}")


def test_what_is_handed_out_can_be_changed_without_changing_the_template() -> None:
    source = {"services": {"a": {"name": "web", "deploy": {"numReplicas": 1}}}}
    template = Template.parse(source)
    before = template.to_json()
    source["services"]["a"]["name"] = "changed"
    template.serialize()["services"].clear()  # type: ignore[union-attr]
    template.services[0].raw.clear()
    template.services[0].deploy.clear()
    assert template.to_json() == before


def test_a_template_cannot_be_changed() -> None:
    template = Template.parse({"services": {}})
    with pytest.raises(AttributeError, match="cannot be changed"):
        template.content_hash = "other"
    with pytest.raises(AttributeError, match="cannot be changed"):
        del template.content_hash


def test_content_hash_ignores_order_and_blanks_and_how_a_whole_number_is_written() -> None:
    one, other = Template.parse('{"a": 1.0, "b": [true]}'), Template.parse('{ "b":[true],\n"a":1}')
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1


@pytest.mark.parametrize("other", ['{"a": true}', '{"a": "1"}', '{"a": null}', "{}", '{"a": 1, "b": null}'])
def test_content_hash_tells_everything_else_apart(other: str) -> None:
    assert Template.parse('{"a": 1}') != Template.parse(other)


def test_the_content_hash_is_stable_across_versions() -> None:
    # Revisions are pinned by it, so it may never change.
    assert (
        Template.parse({"services": {"a": {"name": "wéb"}}}).content_hash
        == "1b88e33eb70b7c8dd7a80fe60d521d3ad2ea36596d721b55df91ebca0dc8e2c0"
    )


def test_templates_survive_pickle_and_copy() -> None:
    template = Template.parse({"services": {"a": {"name": "web"}}})
    assert template.services
    for clone in (pickle.loads(pickle.dumps(template)), copy.copy(template), copy.deepcopy(template)):
        assert clone == template
        assert clone.services == template.services


def test_a_template_equals_nothing_but_templates() -> None:
    assert Template.parse({}) != {}
    assert repr(Template.parse({})).endswith("no services>")


def test_each_of_several_faults_has_its_own_line_and_column() -> None:
    assert refused('{"a": 1,\n "a": 2,\n\n  "b": NaN}') == [
        "$.a: line 2, column 2: this key is given twice; keep one",
        "$.b: line 4, column 8: NaN is not JSON",
    ]
