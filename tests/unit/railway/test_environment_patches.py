"""Whether a patch of an environment changes anything."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas.railway.models.environments import EnvironmentPatch


@pytest.mark.parametrize(
    ("patch", "empty"),
    [
        ({}, True),
        ({"services": {}, "volumes": {}, "buckets": None}, True),
        ({"services": {"svc-1": {}}}, False),
        ({"services": {}, "volumes": {"volume-1": None}}, False),
        ({"privateNetworkDisabled": False}, False),
    ],
    ids=["nothing", "sections without entries", "a service", "a volume that goes", "a switch"],
)
def test_a_patch_without_entries_is_empty(patch: dict[str, Any], *, empty: bool) -> None:
    assert EnvironmentPatch(id="patch-1", patch=patch).is_empty is empty
