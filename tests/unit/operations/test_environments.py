"""What is asked about environments, and their configuration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayInputError
from railway_saas.railway.operations import environments as ops

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: ops.get(""), "environment_id"),
        (lambda: ops.list_page(" "), "project_id"),
        (lambda: ops.create("p1", name=""), "name"),
        (lambda: ops.create("p1", name="pr", source_environment_id=""), "source_environment_id"),
        (lambda: ops.rename("e1", name=""), "name"),
        (lambda: ops.triggers_deploy(project_id="p", environment_id="e", service_id=""), "service_id"),
        (lambda: ops.stage_changes("e1", '{"services": {}}'), "config"),
        (lambda: ops.stage_changes("e1", {}, merge=True), "config"),
        (lambda: ops.commit_patch("e1", {}), "patch"),
        (lambda: ops.commit_patch("e1", None), "patch"),
        (lambda: ops.patches_page("e1", first=-1), "first"),
        (lambda: ops.patch(""), "patch_id"),
    ],
)
def test_wrong_arguments_are_refused_by_name(call: Callable[[], object], argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument


def test_creating_sends_only_what_was_given() -> None:
    operation = ops.create("p1", name="staging", source_environment_id="e1", skip_initial_deploys=True)
    assert operation.variables["input"] == {
        "projectId": "p1",
        "name": "staging",
        "sourceEnvironmentId": "e1",
        "skipInitialDeploys": True,
    }
    assert not operation.safe_to_repeat


def test_values_of_variables_are_asked_for_only_on_purpose() -> None:
    assert ops.config("e1").variables == {"id": "e1", "decrypt": False}
    assert ops.staged_changes("e1", decrypt=True).variables["decrypt"] is True


def test_none_in_a_patch_is_sent_as_it_deletes_a_key() -> None:
    change = {"services": {"s1": {"variables": {"OLD": None}}}}
    assert ops.commit_patch("e1", change, message="tidy").variables == {
        "environmentId": "e1",
        "patch": change,
        "commitMessage": "tidy",
    }


def test_an_empty_patch_in_place_of_the_staged_one_discards_it() -> None:
    assert ops.stage_changes("e1", {}).variables == {"environmentId": "e1", "input": {}}


def test_staging_may_be_repeated_and_committing_may_not() -> None:
    assert ops.stage_changes("e1", {"services": {}}, merge=True).safe_to_repeat
    assert not ops.commit_staged("e1").safe_to_repeat
    assert not ops.commit_patch("e1", {"services": {}}).safe_to_repeat
    assert ops.delete("e1").lane is Lane.DELETION


def test_a_real_services_configuration_is_read_whole_and_not_shown(reference_data: Path) -> None:
    path = reference_data / "railway/examples/environment-config-postgres-service.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    found = ops.config("e1").parse({"id": "e1", "config": document, "configEtag": "abc"})
    assert found.config == document
    assert "variables" not in repr(found)


def test_an_environment_lists_its_services_and_volumes() -> None:
    found = ops.get("e1").parse(
        {
            "id": "e1",
            "serviceInstances": {"edges": [{"node": {"id": "i1", "latestDeployment": None}}]},
            "volumeInstances": {"edges": [{"node": {"id": "v1", "sizeMB": 500, "currentSizeMB": 12.5}}]},
            "meta": None,
        }
    )
    assert found.service_instances[0].latest_deployment is None
    assert (found.volume_instances[0].size_mb, found.volume_instances[0].current_size_mb) == (500, 12.5)


def test_triggers_are_a_page_below_the_environment() -> None:
    page = ops.deployment_triggers_page("e1", first=1).parse(
        {
            "deploymentTriggers": {
                "edges": [{"node": {"id": "t1", "branch": "main"}}],
                "pageInfo": {"hasNextPage": True, "endCursor": "c1"},
            }
        }
    )
    assert (page.items[0].branch, page.next_cursor) == ("main", "c1")


def test_nothing_waiting_is_an_empty_patch() -> None:
    assert ops.staged_changes("e1").parse({"id": "x", "status": "STAGED", "patch": {}}).is_empty
