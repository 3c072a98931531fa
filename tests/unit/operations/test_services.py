"""What is asked about services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.services import RegistryCredentials
from railway_saas.railway.operations import services as ops

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: ops.get(""), "service_id"),
        (lambda: ops.create("p1", name=" "), "name"),
        (lambda: ops.create("p1", image=""), "image"),
        (lambda: ops.create("p1", image="nginx", repo="o/r"), "repo"),
        (lambda: ops.create("p1", template_id="t1"), "template_service_id"),
        (lambda: ops.create("p1", template_service_id="k1"), "template_id"),
        (lambda: ops.create("p1", variables={"PORT": 8080}), "variables"),
        (lambda: ops.update("s1"), "update"),
        (lambda: ops.update("s1", name=""), "name"),
        (lambda: ops.connect("s1"), "image"),
        (lambda: ops.connect("s1", image="nginx", repo="o/r"), "image"),
        (lambda: ops.connect("s1", repo="https://github.com/o/r/tree/main"), "repo"),
        (lambda: ops.connect("s1", image="nginx", branch="main"), "branch"),
        (lambda: ops.delete("s1", environment_id=""), "environment_id"),
        (lambda: ops.list_page("p1", first=0), "first"),
    ],
)
def test_wrong_arguments_are_refused_by_name(call: Callable[[], object], argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument


def test_a_service_from_an_image_is_asked_for_as_railway_was_seen_to_take_it(
    recorded: dict[str, Any],
) -> None:
    call = next(entry for entry in recorded["successes"] if entry["operation"] == "serviceCreate")
    wanted = call["variables"]["input"]
    operation = ops.create(
        wanted["projectId"],
        environment_id=wanted["environmentId"],
        name=wanted["name"],
        image=wanted["source"]["image"],
    )
    assert operation.variables == {"input": wanted}
    assert not operation.safe_to_repeat
    made = operation.parse(call["body"]["data"]["serviceCreate"])
    assert made.name == wanted["name"]
    assert made.created_at is not None


def test_a_service_from_a_private_registry_sends_its_log_in_and_never_shows_it() -> None:
    credentials = RegistryCredentials(username="bot", password="hunter2")
    operation = ops.create("p1", image="ghcr.io/acme/app", registry_credentials=credentials)
    assert operation.variables["input"]["registryCredentials"] == {"username": "bot", "password": "hunter2"}
    assert "hunter2" not in repr(credentials) + repr(operation)


def test_a_value_of_a_variable_is_not_shown_when_it_is_refused() -> None:
    with pytest.raises(RailwayInputError) as caught:
        ops.create("p1", variables={"API_KEY": b"hunter2"})  # type: ignore[dict-item]
    assert "API_KEY" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_connecting_a_repository_sends_its_branch() -> None:
    operation = ops.connect("s1", repo="acme/app", branch="main")
    assert operation.variables == {"id": "s1", "input": {"repo": "acme/app", "branch": "main"}}


def test_none_clears_the_icon() -> None:
    assert ops.update("s1", icon=None).variables["input"] == {"icon": None}


def test_a_deletion_waits_for_users() -> None:
    operation = ops.delete("s1", environment_id="e1")
    assert operation.lane is Lane.DELETION
    assert operation.variables == {"id": "s1", "environmentId": "e1"}


def test_repository_triggers_are_read() -> None:
    found = ops.get("s1").parse(
        {"id": "s1", "repoTriggers": {"edges": [{"node": {"id": "t1", "branch": "main"}}]}}
    )
    assert found.repo_triggers[0].branch == "main"
