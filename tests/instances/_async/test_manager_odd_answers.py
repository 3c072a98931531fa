"""Answers of Railway that no database keeps, and answers that are not true."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.statuses import InstanceStatus

if TYPE_CHECKING:
    from collections.abc import Callable

APP = "app-with-postgres-and-redis"
BOTH_WAYS = pytest.mark.parametrize("known", [True, False], ids=["by Railway", "from single calls"])
ODD = ["\0", "\ud800"]
"""What PostgreSQL refuses, and what no encoding knows."""


def spoil(stage: Any, field: str, change: Callable[[Any], Any], *, times: int = 1) -> None:
    """Railway answers this field otherwise than it should."""
    honest = stage.railway.handle
    left = [times]

    def handle(request: Any) -> Any:
        response = honest(request)
        asked = json.loads(request.body) if request.body else {}
        if not left[0] or field not in str(asked.get("query")) or response.dropped or response.status != 200:
            return response
        answer = response.json()
        found = answer.get("data") or {}
        aliases = [name for name in found if name == field or _is_alias(str(asked["query"]), name, field)]
        if aliases and not answer.get("errors"):
            left[0] -= 1
            answer["data"] = {**found, **{name: change(found[name]) for name in aliases}}
            response.body = json.dumps(answer).encode()
            response.headers.pop("content-length", None)
        return response

    stage.railway.handle = handle


def _is_alias(query: str, name: str, field: str) -> bool:
    return f"{name}: {field}" in query


@pytest.mark.parametrize("odd", ODD)
async def test_an_id_that_no_database_keeps_breaks_nothing_off(new_stage: Any, odd: str) -> None:
    stage = new_stage(APP)
    spoil(stage, "serviceInstanceDeployV2", lambda found: f"{found}{odd}", times=10)
    instance = await stage.accepted()
    manager = stage.manager()
    for _ in range(30):
        report = await manager.run_due()
        assert report.failures == {}
        stage.clock.advance(5)
    after = await stage.get(instance.id)
    assert after.status is InstanceStatus.RUNNING
    kept = [str(one.result) for one in await stage.operations(instance.id)]
    assert not any("\\x00" in text or "\\ud800" in text for text in kept)


@pytest.mark.parametrize("odd", ODD)
async def test_an_environment_with_such_ids_breaks_nothing_off(new_stage: Any, odd: str) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)

    def change(found: Any) -> Any:
        for edge in found["serviceInstances"]["edges"]:
            for name in ("id", "status"):
                edge["node"]["latestDeployment"][name] += odd
            for domain in edge["node"]["domains"]["serviceDomains"]:
                domain["domain"] += odd
        return found

    spoil(stage, "environment", change, times=3)
    stage.clock.advance(1000)
    for _ in range(6):
        assert (await manager.run_due()).failures == {}
        stage.clock.advance(60)
    assert (await stage.get(instance.id)).status in {InstanceStatus.RUNNING, InstanceStatus.CRASHED}


# What is not true -----------------------------------------------------------------------------------------------------


NOWHERE = "5c0ffee0-0000-4000-8000-000000000001"
LIES = {
    "another id": lambda found: {**found, "id": NOWHERE},
    "no environments": lambda found: {**found, "environments": {"edges": []}},
    "no description": lambda found: {**found, "description": None},
    "another description": lambda found: {**found, "description": "mine"},
}


@BOTH_WAYS
@pytest.mark.parametrize("lie", LIES)
async def test_a_project_is_found_by_its_marker_where_the_answer_to_its_creation_is_wrong(
    new_stage: Any, known: bool, lie: str
) -> None:
    stage = new_stage(APP, known=known)
    spoil(stage, "projectCreate", LIES[lie])
    instance = await stage.running()
    assert (instance.status, instance.observed.error) == (InstanceStatus.RUNNING, None)
    assert [project.id for project in stage.railway.living] == [instance.observed.project_id]
    assert stage.sent("projectCreate") == 1


@BOTH_WAYS
async def test_a_strangers_project_in_the_answer_is_left_alone(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    railway = stage.railway.async_client()
    theirs = await railway.projects.create(name="theirs", workspace_id=stage.railway.workspace_id)
    stage.rules.leave_alone(theirs.id)
    environments = {
        "edges": [{"node": {"id": theirs.environments[0].id, "name": "production", "isEphemeral": False}}]
    }
    spoil(
        stage,
        "projectCreate",
        lambda found: {
            **found,
            "id": theirs.id,
            "description": theirs.description,
            "environments": environments,
        },
    )
    instance = await stage.running()
    assert {project.id for project in stage.railway.living} == {instance.observed.project_id, theirs.id}


@BOTH_WAYS
async def test_what_is_deleted_under_a_wrong_id_leaves_nothing_behind(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    spoil(stage, "projectCreate", LIES["another id"])
    manager = stage.manager()
    instance = await stage.accepted(manager)
    stage.railway.faults.add("drop", "templateDeployV2" if known else "serviceCreate", times=1)
    await manager.reconcile(instance.id)
    assert (await stage.get(instance.id)).observed.project_id == NOWHERE
    await manager.delete(instance.id)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).status is InstanceStatus.DELETED
    assert stage.railway.living == []
