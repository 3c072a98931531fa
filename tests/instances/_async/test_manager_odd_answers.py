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
