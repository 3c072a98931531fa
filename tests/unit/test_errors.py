"""Every exception survives pickle and copy, says what to do next, and stands in the docstring's tree."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import TYPE_CHECKING

import pytest

from railway_saas import errors
from railway_saas.errors import (
    ConfigurationError,
    GraphQLErrorDetail,
    RailwayConnectionError,
    RailwayError,
    RailwayInputError,
    RailwaySaasError,
    TemplateError,
    TemplateProblem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def family(root: type[RailwaySaasError]) -> Iterator[type[RailwaySaasError]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


ALL = sorted({kind for kind in family(RailwaySaasError) if kind.__module__ == errors.__name__}, key=str)
CALLS = [kind for kind in ALL if issubclass(kind, RailwayError)]

DETAIL = GraphQLErrorDetail("Deployment not found", "INTERNAL_SERVER_ERROR", ("deployment", 0), "4850")
EVERY_FIELD = {
    "operation": "deploymentStop",
    "trace_id": "4850",
    "status_code": 200,
    "transient": True,
    "maybe_applied": True,
    "attempts": 3,
    "errors": (DETAIL,),
    "partial_data": {"op0": None},
}
OWN_FIELDS = {
    "retry_after_s": 30.0,
    "argument": "name",
    "status": "FAILED",
    "deployment_id": "d1",
    "step": "services",
    "project_id": "p1",
    "services": {"web": "FAILED"},
    "problems": (TemplateProblem("$.services", "must be an object"),),
    "current": "running",
    "allowed": ("stop", "delete"),
    "what": "domain",
    "limit": "vcpus",
    "plan": "free",
    "used": "1",
    "wanted": "2",
    "next_plan": "pro",
    "next_plan_allows": "64",
}


def whole(kind: type[RailwaySaasError]) -> RailwaySaasError:
    """An error of this kind with every field set."""
    constructors = [
        vars(base)["__init__"] for base in kind.__mro__ if base in ALL and "__init__" in vars(base)
    ]
    names = {
        name
        for constructor in constructors
        for name, parameter in inspect.signature(constructor).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    samples = {**EVERY_FIELD, **OWN_FIELDS}
    return kind("went wrong", **{name: samples[name] for name in names})


DUPLICATES = {
    **{f"pickle protocol {number}": number for number in range(pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", DUPLICATES)
@pytest.mark.parametrize("kind", ALL)
def test_every_error_survives_pickle_and_copy_with_all_its_fields(
    kind: type[RailwaySaasError], way: str
) -> None:
    error = whole(kind)
    error.add_note("seen in the worker")
    how = DUPLICATES[way]
    twin = how(error) if callable(how) else pickle.loads(pickle.dumps(error, how))
    assert type(twin) is kind
    assert twin.args == error.args
    assert twin.__dict__ == error.__dict__
    assert str(twin) == str(error)
    assert twin.__notes__ == ["seen in the worker"]


@pytest.mark.parametrize("kind", CALLS)
def test_every_failed_call_takes_every_field(kind: type[RailwaySaasError]) -> None:
    error = whole(kind)
    for name, value in EVERY_FIELD.items():
        assert getattr(error, name) == value


@pytest.mark.parametrize("kind", CALLS)
def test_a_failed_call_says_operation_attempts_trace_id_and_the_next_step(
    kind: type[RailwaySaasError],
) -> None:
    assert str(whole(kind)) == (
        "deploymentStop: went wrong (the write may have been applied: look before repeating it; "
        "after 3 attempts; trace id 4850)"
    )


def test_what_is_not_known_is_not_said() -> None:
    assert str(RailwayError("went wrong")) == "went wrong"
    assert str(RailwayError("went wrong", operation="me", attempts=1)) == "me: went wrong"


def test_partial_data_and_server_errors_stay_out_of_the_text() -> None:
    error = RailwayError("went wrong", partial_data={"token": "hunter2"})
    assert "hunter2" not in f"{error}{error!r}"


def test_a_template_error_lists_every_problem_on_its_own_line() -> None:
    problems = [TemplateProblem("$.a", "is missing"), TemplateProblem("$.b", "must be a number")]
    assert str(TemplateError("2 problems", problems=problems)) == (
        "2 problems\n  $.a: is missing\n  $.b: must be a number"
    )


def test_errors_of_arguments_are_value_errors_too() -> None:
    assert issubclass(RailwayInputError, ValueError)
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(TemplateError, ValueError)


def test_a_time_out_is_a_connection_error() -> None:
    assert issubclass(errors.RailwayTimeoutError, RailwayConnectionError)


# The tree in the docstring

LINE = re.compile(r"^(?P<trunk>[│ ]*)(?:[├└]── )?(?P<name>[A-Z]\w+)")


def drawn() -> dict[str, str | None]:
    """Class to parent, as drawn in the module's docstring."""
    assert errors.__doc__ is not None
    tree = errors.__doc__.split("```")[1].removeprefix("text\n")
    parents: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    for line in filter(str.strip, tree.splitlines()):
        match = LINE.match(line)
        assert match, line
        depth = match.start("name")
        while above and above[-1][0] >= depth:
            above.pop()
        parents[match["name"]] = above[-1][1] if above else None
        above.append((depth, match["name"]))
    return parents


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    real = {
        kind.__name__: next((base.__name__ for base in kind.__bases__ if base in ALL), None) for kind in ALL
    }
    assert drawn() == real


def test_every_class_is_public() -> None:
    assert {kind.__name__ for kind in ALL} <= set(errors.__all__)
    assert list(errors.__all__) == sorted(errors.__all__)
