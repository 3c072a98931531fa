"""Whose the changes are that wait, and what of them a restore may commit."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas.instances.staging import is_within, outline_of, restored_change

MOUNTS: dict[str, Any] = {"volumeMounts": {"old": None, "new": {"mountPath": "/data"}}}


def test_an_outline_says_what_is_touched_and_holds_no_value() -> None:
    patch: dict[str, Any] = {
        "services": {
            "s": {"variables": {"TOKEN": {"value": "s3cret"}, "OLD": None}, "deploy": {"region": "x"}}
        },
        "volumes": {"v": {"sizeMB": 1000}},
    }
    outline = outline_of(patch)
    assert outline == {
        "services": {"s": {"variables": {"TOKEN": {}, "OLD": {}}, "deploy": {"region": {}}}},
        "volumes": {"v": {"sizeMB": {}}},
    }
    assert "s3cret" not in str(outline)


@pytest.mark.parametrize(
    ("part", "within"),
    [
        ({}, True),
        ({"services": {"s": {"variables": {"TOKEN": {}}}}}, True),
        ({"services": {"s": {"variables": {"OTHER": {}}}}}, False),
        ({"services": {"t": {}}}, False),
        ({"volumes": {}}, False),
    ],
)
def test_what_touches_nothing_else_is_within(part: dict[str, Any], within: bool) -> None:
    whole = {"services": {"s": {"variables": {"TOKEN": {}}, "source": {"image": {}}}}}
    assert is_within(part, whole) is within


def test_a_restores_own_change_is_the_mount_of_its_service_and_the_new_volume() -> None:
    waits: dict[str, Any] = {
        "services": {
            "s": {**MOUNTS, "source": {"image": "x"}, "variables": {"A": {}}},
            "t": {"volumeMounts": {"other": None}},
        },
        "volumes": {"new": {"isCreated": True}, "old": {"sizeMB": 9}, "another": {"sizeMB": 9}},
        "sharedVariables": {"B": {}},
    }
    own = {"services": {"s": MOUNTS}, "volumes": {"new": {"isCreated": True}}}
    assert restored_change(waits, "s") == own
    assert restored_change(own, "s") == own


@pytest.mark.parametrize(
    "waits", [{}, {"services": {}}, {"services": {"s": {"deploy": {}}}}, {"services": {"s": None}}]
)
def test_where_no_mount_waits_there_is_nothing_of_a_restore(waits: dict[str, Any]) -> None:
    assert restored_change(waits, "s") == {}
