"""What a customer fills in: inputs, their JSON Schema, and filling in."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.errors import TemplateError
from railway_saas.templates import Template, TemplateInput

WEB = {
    "EMAIL": {"description": "Who gets mail."},
    "PORT": {"defaultValue": "8080"},
    "TITLE": {"isOptional": True, "description": "Shown on top."},
    "EMPTY": {"defaultValue": ""},
    "TOKEN": {"defaultValue": "${{secret(32)}}"},
    "DB_URL": {"defaultValue": "pg://${{db.HOST}}"},
    "PASSWORD": {"defaultValue": "hunter2"},
    "PIN": {"isSealed": True, "isOptional": True},
    "SESSION": {"generator": "secret(16)"},
    "LEVEL": {"value": "info"},
    "GONE": None,
}


def template(**services: Any) -> Template:
    named = services or {"web": WEB, "db.v2": {"HOST": {"defaultValue": "h"}, "EMAIL": {}}}
    return Template.parse(
        {
            "services": {
                f"key {name}": {"name": name, "source": {"image": "a:1"}, "variables": variables}
                for name, variables in named.items()
            }
        }
    )


def by_key(source: Template) -> dict[str, TemplateInput]:
    return {item.key: item for item in source.inputs()}


def values(source: Template, service: str) -> dict[str, str | None]:
    found = next(item for item in source.services if item.name == service)
    return {variable.name: variable.value for variable in found.variables if variable.value is not None}


def problems_of(source: Template, given_values: dict[str, Any]) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        source.fill(given_values)
    return [str(problem) for problem in caught.value.problems]


REQUIRED = {"EMAIL": "a@b.example", "web.EMPTY": "x"}


def test_required_is_what_nothing_else_fills() -> None:
    required = [key for key, item in by_key(template()).items() if item.required]
    assert required == ["web.EMAIL", "web.EMPTY", "db.v2.EMAIL"]


def test_inputs_carry_default_and_description() -> None:
    inputs = by_key(template())
    assert inputs["web.PORT"].default == "8080"
    assert inputs["web.LEVEL"].default == "info"
    assert inputs["web.EMPTY"].default is None
    assert inputs["web.EMAIL"].description == "Who gets mail."
    assert "web.GONE" not in inputs


def test_secret_is_what_is_generated_sealed_or_named_like_one() -> None:
    secret = {key for key, item in by_key(template()).items() if item.secret}
    assert secret == {"web.TOKEN", "web.PASSWORD", "web.PIN", "web.SESSION"}


def test_an_input_that_was_generated_as_a_secret_stays_secret_once_filled() -> None:
    filled = template(web={"SALTED": {"defaultValue": "${{secret(9)}}"}}).fill({"SALTED": "mine"})
    assert by_key(filled)["web.SALTED"].secret
    assert "default" not in filled.json_schema()["properties"]["web.SALTED"]  # type: ignore[index,operator,call-overload]


def test_neither_inputs_nor_variables_show_their_texts() -> None:
    source = template()
    assert "hunter2" not in repr(source.inputs()) + repr(source.services) + repr(source)


def test_the_schema_is_valid_and_describes_every_input() -> None:
    schema: Any = template().json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["web.EMAIL", "web.EMPTY", "db.v2.EMAIL"]
    assert list(schema["properties"]) == list(by_key(template()))
    assert schema["properties"]["web.EMAIL"] == {
        "type": "string",
        "title": "EMAIL",
        "description": "Who gets mail.",
        "x-service": "web",
        "minLength": 1,
        "maxLength": 32768,
        "pattern": "^[^\\u0000]*$",
    }


def test_the_schema_marks_secrets_generated_values_and_references() -> None:
    properties: Any = template().json_schema()["properties"]
    assert (
        properties["web.TOKEN"].items()
        >= {
            "default": "${{secret(32)}}",
            "x-generated": True,
            "writeOnly": True,
            "format": "password",
        }.items()
    )
    assert properties["web.DB_URL"]["x-reference"] is True
    assert properties["web.DB_URL"]["default"] == "pg://${{db.HOST}}"
    assert properties["web.SESSION"]["x-generated"] is True
    assert "writeOnly" not in properties["web.PORT"]
    assert "default" not in properties["web.PASSWORD"], "a secret written in clear is not handed to browsers"


@pytest.mark.parametrize(
    ("instance", "valid"),
    [
        ({"web.EMAIL": "a", "web.EMPTY": "b", "db.v2.EMAIL": "c"}, True),
        ({"web.EMAIL": "a\nb", "web.EMPTY": "b", "db.v2.EMAIL": "c", "web.PORT": ""}, True),
        ({"web.EMAIL": "", "web.EMPTY": "b", "db.v2.EMAIL": "c"}, False),
        ({"web.EMAIL": "a", "web.EMPTY": "b"}, False),
        ({"web.EMAIL": "a", "web.EMPTY": "b", "db.v2.EMAIL": "c", "web.NEW": "x"}, False),
        ({"web.EMAIL": "a", "web.EMPTY": "b", "db.v2.EMAIL": "c", "web.PORT": 80}, False),
        ({"web.EMAIL": "a", "web.EMPTY": "b", "db.v2.EMAIL": "c\0"}, False),
        ({"web.EMAIL": "a", "web.EMPTY": "b", "db.v2.EMAIL": "c" * 32_769}, False),
    ],
)
def test_the_schema_accepts_what_fill_accepts(instance: dict[str, Any], valid: bool) -> None:
    source = template()
    assert jsonschema.Draft202012Validator(source.json_schema()).is_valid(instance) is valid
    if valid:
        source.fill(instance)
    else:
        assert problems_of(source, instance)


def test_filling_takes_the_value_for_the_service_then_for_the_name_then_the_default() -> None:
    filled = template().fill(
        {"EMAIL": "all@x.example", "db.v2.EMAIL": "db@x.example", "web.EMPTY": "e", "PORT": "1"}
    )
    assert values(filled, "web") == {
        "EMAIL": "all@x.example",
        "PORT": "1",
        "EMPTY": "e",
        "TOKEN": "${{secret(32)}}",
        "DB_URL": "pg://${{db.HOST}}",
        "PASSWORD": "hunter2",
        "LEVEL": "info",
    }
    assert values(filled, "db.v2") == {"HOST": "h", "EMAIL": "db@x.example"}


def test_an_empty_text_is_a_value_except_for_a_required_input() -> None:
    filled = template().fill(REQUIRED | {"web.PORT": "", "web.TITLE": ""})
    assert values(filled, "web")["PORT"] == ""
    assert values(filled, "web")["TITLE"] == ""
    assert problems_of(template(), REQUIRED | {"web.EMPTY": ""}) == [
        "$.services['key web'].variables.EMPTY: required: give a value for 'web.EMPTY'"
    ]


def test_optional_inputs_without_value_are_left_out() -> None:
    filled = template().fill(REQUIRED).serialize()
    variables: Any = filled["services"]["key web"]["variables"]  # type: ignore[index,call-overload]
    assert "value" not in variables["TITLE"]
    assert "value" not in variables["SESSION"]
    assert variables["GONE"] is None


def test_filling_twice_keeps_what_was_filled_in() -> None:
    once = template().fill(REQUIRED | {"web.PORT": "1"})
    assert once.fill() == once
    assert values(once.fill({"PORT": "2"}), "web")["PORT"] == "2"


def test_a_filled_template_requires_nothing() -> None:
    assert not any(item.required for item in template().fill(REQUIRED).inputs())


def test_every_problem_with_the_values_is_reported_at_once() -> None:
    problems = problems_of(
        template(),
        {"web.EMPTY": "x\0", "web.PROT": "1", "email": "x", "PORT": 8080, "web.TITLE": "é" * 20_000, 5: "x"},
    )
    assert problems == [
        "values['web.EMPTY']: holds a NUL character, which no environment variable can",
        "values['PORT']: is a number; must be text, so write it as a str",
        "values['web.TITLE']: is 40000 bytes long; at most 32768 are accepted",
        "values['5']: the key is a number; must be 'Service.NAME' or 'NAME'",
        "values['web.PROT']: no such input; did you mean 'web.PORT'?",
        "values['email']: no such input; did you mean 'EMAIL'?",
        "$.services['key web'].variables.EMAIL: required: give a value for 'web.EMAIL' (Who gets mail.)",
        "$.services['key db.v2'].variables.EMAIL: required: give a value for 'db.v2.EMAIL'",
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("${{secret(32000)}}" * 1600, "calls 1600 functions; at most 100 are accepted"),
        ("${{randomInt()}}" * 101, "calls 101 functions; at most 100 are accepted"),
        (
            "${{secret(32768)}}x",
            "is 32769 bytes long once its functions are evaluated; at most 32768 are accepted",
        ),
        (
            '${{secret(16385, "aä")}}',
            "is 32770 bytes long once its functions are evaluated; at most 32768 are accepted",
        ),
    ],
)
def test_a_value_makes_no_more_than_another_may_hold(value: str, said: str) -> None:
    assert problems_of(template(web={"A": {}}), {"web.A": value}) == [f"values['web.A']: {said}"]


@pytest.mark.parametrize(
    "value",
    [
        "${{secret(32768)}}",
        "${{randomInt()}}" * 100,
        "${{secret(8)}}-${{db.PASSWORD}}",
        "${{nonsense()}}" * 50,
    ],
)
def test_functions_within_bounds_are_left_to_railway(value: str) -> None:
    assert values(template(web={"A": {"isOptional": True}}).fill({"web.A": value}), "web")["A"] == value


def test_values_never_appear_in_problems() -> None:
    with pytest.raises(TemplateError) as caught:
        template().fill({"web.PASSWORD": "hunter3\0", "nope": "hunter3", "web.EMAIL": ["hunter3"]})  # type: ignore[dict-item]
    assert "hunter3" not in str(caught.value)


def test_an_unknown_key_far_from_any_names_the_known_ones() -> None:
    assert problems_of(template(web={"A": {"defaultValue": "1"}}), {"zzzzzz": "1"}) == [
        "values['zzzzzz']: no such input; known are web.A"
    ]
    assert problems_of(template(web={}), {"zzzzzz": "1"}) == [
        "values['zzzzzz']: no such input; the template has none"
    ]


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
VARIABLE = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "defaultValue": TEXT,
        "value": TEXT,
        "isOptional": st.booleans(),
        "generator": st.just("secret()"),
        "unknown": st.integers(),
    },
)


@given(
    st.dictionaries(st.sampled_from(["web", "a.b", "c"]), st.dictionaries(st.sampled_from("ABC"), VARIABLE)),
    TEXT.filter(bool),
)
def test_filling_changes_values_and_nothing_else(services: dict[str, Any], text: str) -> None:
    source = template(**(services or {"web": {}}))
    keys = [item.key for item in source.inputs() if item.required]
    filled = source.fill(dict.fromkeys(keys, text))

    def without_values(document: Any) -> Any:
        for service in document["services"].values():
            for variable in service["variables"].values():
                if variable is not None:
                    variable.pop("value", None)
        return document

    assert without_values(filled.serialize()) == without_values(source.serialize())
    assert filled.fill() == filled


def test_a_service_without_variables_is_left_as_it_is() -> None:
    document = {"services": {"w": {"name": "web", "source": {"image": "nginx:1.29"}}}}
    assert Template.parse(document).fill({}).serialize() == document
