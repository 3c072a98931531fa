"""What Railway writes is kept without the values that it was sent."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas.errors import GraphQLErrorDetail, RailwayQueryError
from railway_saas.instances.masking import known_values, mask_error, masked, sent_values
from railway_saas.railway.operations import environments, services, templates, variables
from railway_saas.templates import Template
from tests.support.situations import instance, situation

DOTS = "••••••••"
PLACE = {"project_id": "project-1", "environment_id": "environment-1"}


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        (variables.upsert_many({"A": "one", "B": "two"}, **PLACE, service_id="s"), {"one", "two"}),
        (
            services.create("p", environment_id="e", name="web", image="nginx", variables={"A": "one"}),
            {"one"},
        ),
        (
            environments.stage_changes(
                "e",
                {
                    "services": {"s": {"variables": {"A": {"value": "one"}}, "source": {"image": "nginx"}}},
                    "sharedVariables": {"B": {"value": "two"}},
                },
            ),
            {"one", "two"},
        ),
        (
            templates.deploy(
                template_id="t",
                serialized_config={
                    "services": {"s": {"name": "web", "variables": {"A": {"defaultValue": "one"}}}}
                },
                **PLACE,
            ),
            {"one"},
        ),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_the_values_of_a_call_are_those_of_its_variables(operation: Any, values: set[str]) -> None:
    assert sent_values([operation]) == values


def test_the_values_of_an_instance_are_its_inputs_variables_and_those_of_its_document() -> None:
    of = instance(variables={"web": {"A": "chosen", "B": None}})
    document = Template.parse(
        {"services": {"w": {"name": "web", "variables": {"C": {"defaultValue": "held"}}}}}
    )
    assert known_values(situation(of, document)) == {"chosen", "held"}


@pytest.mark.parametrize(
    ("text", "values", "shown"),
    [
        ("refused: s3cret!", ["s3cret!"], f"refused: {DOTS}"),
        ("s3cret and s3cret-longer", ["s3cret", "s3cret-longer"], f"{DOTS} and {DOTS}"),
        ("port 808 of abc", ["808", "abc"], "port 808 of abc"),
        ('value "a\\"b\\nc"', ['a"b\nc'], f'value "{DOTS}"'),
        ("a key: -----BEGIN-----", ["-----BEGIN-----\nMIIE\n-----END-----\n"], f"a key: {DOTS}"),
        ("got s3cr…", ["s3cret!"], f"got {DOTS}…"),
        ("got s3cr… (trace id 1)", ["s3cret!"], f"got {DOTS}… (trace id 1)"),
        ("got s3…", ["s3cret!"], "got s3…"),
        ("one… two… s3cret…", ["s3cret!"], f"one… two… {DOTS}…"),
        ("nothing of it", [], "nothing of it"),
        ("is not true", ["True", "true"], "is not true"),
        ("spaces", ["   "], "spaces"),
    ],
)
def test_values_are_masked(text: str, values: list[str], shown: str) -> None:
    assert masked(text, values) == shown


def test_an_error_says_nothing_of_them_anywhere() -> None:
    error = RailwayQueryError(
        "cannot set s3cret!",
        operation="variableCollectionUpsert",
        errors=[GraphQLErrorDetail("cannot set s3cret!", path=("s3cret!",))],
        partial_data={"echo": "s3cret!"},
        trace_id="s3cret!",
    )
    mask_error(error, ["s3cret!"])
    assert "s3cret" not in f"{error} {error.errors} {error.partial_data} {error.args} {error!r}"
    assert str(error).startswith(f"variableCollectionUpsert: cannot set {DOTS}")
