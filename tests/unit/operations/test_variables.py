"""What is asked about variables; values are never shown."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.variables import Variables
from railway_saas.railway.operations import variables as ops

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: dict[str, Any] = {"project_id": "p1", "environment_id": "e1"}
SCOPE = {"projectId": "p1", "environmentId": "e1"}


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: ops.rendered(project_id="", environment_id="e1"), "project_id"),
        (lambda: ops.rendered(**HERE, service_id=" "), "service_id"),
        (lambda: ops.for_deployment(**HERE, service_id=None), "service_id"),
        (lambda: ops.upsert("", "x", **HERE), "name"),
        (lambda: ops.upsert("A", None, **HERE), "value"),
        (lambda: ops.upsert("A", 5, **HERE), "value"),
        (lambda: ops.upsert_many({}, **HERE), "variables"),
        (lambda: ops.upsert_many([("A", "x")], **HERE), "variables"),
        (lambda: ops.upsert_many({"A": None}, **HERE), "variables"),
        (lambda: ops.upsert_many({" ": "x"}, **HERE), "variables"),
        (lambda: ops.delete("", **HERE), "name"),
        (lambda: ops.configure_shared("A", **HERE, enabled_service_ids="s1"), "enabled_service_ids"),
        (lambda: ops.records_page(""), "environment_id"),
    ],
)
def test_wrong_arguments_are_refused_by_name(call: Callable[[], object], argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.upsert("KEY", ["hunter2"], **HERE),
        lambda: ops.upsert_many({"KEY": ["hunter2"]}, **HERE),
        lambda: ops.upsert_many("KEY=hunter2", **HERE),
    ],
)
def test_a_refused_value_is_not_shown(call: Callable[[], object]) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert "hunter2" not in str(caught.value)


def test_without_a_service_shared_variables_are_meant() -> None:
    assert ops.rendered(**HERE).variables == {**SCOPE, "unrendered": False}
    assert ops.unrendered(**HERE, service_id="s1").variables == {
        **SCOPE,
        "serviceId": "s1",
        "unrendered": True,
    }


def test_an_empty_text_is_a_value() -> None:
    assert ops.upsert("A", "", **HERE).variables["input"] == {**SCOPE, "name": "A", "value": ""}


def test_deploys_are_skipped_only_when_asked() -> None:
    operation = ops.upsert_many({"A": "1"}, **HERE, service_id="s1", replace=True, skip_deploys=True)
    assert operation.variables["input"] == {
        **SCOPE,
        "serviceId": "s1",
        "variables": {"A": "1"},
        "replace": True,
        "skipDeploys": True,
    }
    assert operation.safe_to_repeat


def test_replacing_all_variables_by_none_is_possible_on_purpose() -> None:
    assert ops.upsert_many({}, **HERE, replace=True).variables["input"]["variables"] == {}


def test_a_deletion_waits_for_users() -> None:
    assert ops.delete("A", **HERE).lane is Lane.DELETION


def test_shared_variables_name_who_gets_them_and_who_does_not() -> None:
    assert ops.configure_shared("A", **HERE, enabled_service_ids=["s1"]).variables["input"] == {
        **SCOPE,
        "name": "A",
        "enabledServiceIds": ["s1"],
        "disabledServiceIds": [],
    }


def test_an_operation_with_values_does_not_show_them() -> None:
    assert "hunter2" not in repr(ops.upsert("KEY", "hunter2", **HERE))


def test_what_is_read_is_a_mapping_of_texts() -> None:
    found = ops.rendered(**HERE).parse({"B": "2", "A": "1"})
    assert isinstance(found, Variables)
    assert dict(found) == {"A": "1", "B": "2"}
    assert found["A"] == "1"
    assert found.get("C") is None
    assert found == {"A": "1", "B": "2"}


def test_nulls_are_tolerated_and_told_apart() -> None:
    found = ops.rendered(**HERE).parse({"A": "1", "B": None})
    assert dict(found) == {"A": "1"}
    assert found.without_value == {"B"}


def test_names_are_shown_and_values_are_not() -> None:
    found = Variables({"KEY": "hunter2", "A": "x"})
    assert repr(found) == str(found) == "Variables(A=…, KEY=…)"
    assert "hunter2" not in f"{found!r:>50}"


def test_variables_cannot_be_changed() -> None:
    source = {"A": "1"}
    found = Variables(source)
    source["A"] = "2"
    assert found["A"] == "1"
    with pytest.raises(TypeError):
        found["A"] = "2"  # type: ignore[index]


def test_variables_survive_pickle_and_copy() -> None:
    found = Variables({"A": "1", "B": None})
    for twin in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found)):
        assert twin == found
        assert twin.without_value == found.without_value


def test_another_shape_is_an_error() -> None:
    with pytest.raises(ValidationError):
        ops.rendered(**HERE).parse(["A=1"])
