"""Railway's template marketplace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.templates import TemplateStatus
from railway_saas.railway.operations import templates

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTION = "A database that looks after itself"
README = "Everything there is to know. " * 10


def test_a_template_is_found_by_code_id_or_repository() -> None:
    assert templates.by_code("mBm3DX").variables == {"code": "mBm3DX"}
    assert templates.by_id("t1").variables == {"id": "t1"}
    assert templates.by_repo(owner="acme", repo="app").variables == {"owner": "acme", "repo": "app"}


@pytest.mark.parametrize(
    "file", ["template-rustyauth.json", "template-railgate.json", "template-cloak-biz-scraper.json"]
)
def test_a_genuine_document_comes_through_unchanged(file: str, reference_data: Path) -> None:
    document = json.loads((reference_data / "railway/examples" / file).read_text())
    template = templates.by_code("x").parse(
        {"id": "t1", "code": "x", "status": "PUBLISHED", "serializedConfig": document}
    )
    assert template.serialized_config == document
    assert template.status is TemplateStatus.PUBLISHED
    assert "services" not in repr(template)


def test_a_template_without_document_has_an_empty_one() -> None:
    template = templates.by_code("x").parse({"id": "t1", "serializedConfig": None, "tags": None})
    assert template.serialized_config == {}
    assert template.tags == ()


def test_templates_are_listed_by_page() -> None:
    operation = templates.list_page(verified=True, first=20, after="c1")
    assert operation.variables == {"verified": True, "first": 20, "after": "c1"}


def test_searching_with_an_empty_text_browses() -> None:
    assert templates.search_page("").variables == {"query": ""}
    operation = templates.search_page("postgres", category="Storage", first=50)
    assert operation.variables == {"query": "postgres", "category": "Storage", "first": 50}
    page = operation.parse(
        {
            "edges": [{"node": {"id": "t1", "code": "postgres", "deploymentCount": 9, "healthScore": 99.5}}],
            "pageInfo": {"hasNextPage": True, "endCursor": "c1"},
        }
    )
    assert page.items[0].deployment_count == 9
    assert page.next_cursor == "c1"


def test_a_workspaces_own_templates_are_listed() -> None:
    assert templates.workspace_templates_page("w1", first=1).variables == {"workspaceId": "w1", "first": 1}


def test_a_project_may_have_no_template() -> None:
    assert templates.source_for_project("p1").parse(None) is None


def test_the_filled_document_is_what_is_deployed() -> None:
    document = {"services": {"s1": {"name": "web"}}}
    operation = templates.deploy(
        template_id="t1",
        serialized_config=document,
        project_id="p1",
        environment_id="e1",
        workspace_id="w1",
        stage_only=True,
        existing_root_service_id="s0",
    )
    assert operation.variables == {
        "input": {
            "templateId": "t1",
            "serializedConfig": document,
            "projectId": "p1",
            "environmentId": "e1",
            "workspaceId": "w1",
            "stageOnly": True,
            "existingRootServiceId": "s0",
        }
    }
    assert not operation.safe_to_repeat


def test_a_deploy_may_have_nothing_to_follow() -> None:
    operation = templates.deploy(template_id="t1", serialized_config={"services": {}})
    assert set(operation.variables["input"]) == {"templateId", "serializedConfig"}
    started = operation.parse({"projectId": "p1", "workflowId": None})
    assert (started.project_id, started.workflow_id) == ("p1", None)


def test_a_template_is_published_as_it_shall_be_shown() -> None:
    operation = templates.publish("t1", category="Storage", description=DESCRIPTION, readme=README)
    assert operation.variables == {
        "id": "t1",
        "input": {"category": "Storage", "description": DESCRIPTION, "readme": README},
    }


def test_a_volumes_size_can_be_set_and_cleared() -> None:
    common = {"template_id": "t1", "service_id": "s1", "volume_id": "v1"}
    assert templates.update_volume(**common, size_mb=5000).variables["sizeMB"] == 5000
    assert templates.update_volume(**common, size_mb=None).variables["sizeMB"] is None


def test_verbs_by_id() -> None:
    assert templates.unpublish("t1").variables == {"id": "t1"}
    assert templates.delete("t1").variables == {"id": "t1", "input": {}}
    assert templates.delete("t1", workspace_id="w1").variables["input"] == {"workspaceId": "w1"}
    assert templates.delete("t1").lane is Lane.DELETION
    assert templates.clone("postgres", workspace_id="w1").variables == {
        "input": {"code": "postgres", "workspaceId": "w1"}
    }
    assert templates.generate("p1", environment_id="e1").variables == {
        "input": {"projectId": "p1", "environmentId": "e1"}
    }


def publish(**changed: str) -> Any:
    given = {"category": "Storage", "description": DESCRIPTION, "readme": README, **changed}
    return templates.publish("t1", **given)


def deploy(**changed: Any) -> Any:
    given = {"template_id": "t1", "serialized_config": {"services": {}}, **changed}
    return templates.deploy(**given)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: templates.by_code(""), "code"),
        (lambda: templates.by_repo(owner="acme", repo=""), "repo"),
        (lambda: templates.list_page(first=0), "first"),
        (lambda: templates.search_page("x", first=51), "first"),
        (lambda: templates.search_page(None), "query"),  # type: ignore[arg-type]
        (lambda: deploy(template_id=""), "template_id"),
        (lambda: deploy(project_id=" "), "project_id"),
        (lambda: deploy(serialized_config={}), "serialized_config"),
        (lambda: deploy(serialized_config='{"services": {}}'), "serialized_config"),
        (lambda: deploy(serialized_config=None), "serialized_config"),
        (lambda: publish(category="Databases"), "category"),
        (lambda: publish(description="Too short"), "description"),
        (lambda: publish(description="x" * 76), "description"),
        (lambda: publish(readme="x" * 249), "readme"),
        (lambda: publish(readme="x" * 10_001), "readme"),
        (
            lambda: templates.update_volume(template_id="t1", service_id="s1", volume_id="v1", size_mb=0),
            "size_mb",
        ),
        (lambda: templates.generate("p1", environment_id=""), "environment_id"),
        (lambda: templates.clone(""), "code"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Any, argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument


@pytest.mark.parametrize("length", [25, 75])
def test_descriptions_at_the_limits_pass(length: int) -> None:
    publish(description="x" * length)


def test_a_refused_document_is_not_shown() -> None:
    with pytest.raises(RailwayInputError) as caught:
        deploy(serialized_config='{"secret": "hunter2"}')
    assert "hunter2" not in str(caught.value)
