"""TCP proxies are made by patching an environment's configuration."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas.errors import RailwayInputError
from railway_saas.railway.operations import tcp_proxies as ops

PLACE: dict[str, Any] = {"service_id": "s1", "environment_id": "e1"}
PATCH = {"services": {"s1": {"networking": {"tcpProxies": {"5432": {}}}}}}


@pytest.mark.parametrize("port", [0, 65_536, "5432", None, True])
def test_a_wrong_port_is_refused(port: Any) -> None:
    with pytest.raises(RailwayInputError) as caught:
        ops.create(**PLACE, application_port=port)
    assert caught.value.argument == "application_port"


def test_creating_commits_the_patch() -> None:
    operation = ops.create(**PLACE, application_port=5432, message="open postgres")
    assert operation.name == "environmentPatchCommit"
    assert operation.variables == {"environmentId": "e1", "patch": PATCH, "commitMessage": "open postgres"}


def test_staging_merges_the_patch_into_what_waits() -> None:
    operation = ops.stage(**PLACE, application_port=5432)
    assert operation.name == "environmentStageChanges"
    assert operation.variables == {"environmentId": "e1", "input": PATCH, "merge": True}


def test_a_proxy_is_active_when_the_edge_has_taken_it_over() -> None:
    creating, active = ops.list_(**PLACE).parse(
        [
            {"id": "t1", "syncStatus": "CREATING"},
            {"id": "t2", "domain": "a.proxy.rlwy.net", "proxyPort": 12345, "syncStatus": "ACTIVE"},
        ]
    )
    assert not creating.is_active
    assert active.is_active
    assert active.proxy_port == 12345
