"""Who is accused of what: the parts that need no Railway."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.placement import Marker
from railway_saas.instances.stocktaking import (
    Listing,
    SeenProject,
    costs_of,
    is_in_flight,
    judge_project,
    moves_projects,
    should_be_off,
    should_have_project,
    stray_of,
    zombie_of,
)
from railway_saas.railway.models.overview import EnvironmentOverview
from railway_saas.railway.models.projects import Project
from tests.support.instance_rows import LONG_AGO, START, instance, instance_id, operation

HOUR = timedelta(hours=1)


def seen(name: str = "p1", **changed: Any) -> SeenProject:
    project = SeenProject(id=name, name=name, created_at=LONG_AGO, instance_id=instance_id("acme"))
    return replace(project, **changed)


def project(name: str, marker: Marker | None, **more: Any) -> Project:
    return Project.model_validate({"id": name, "description": str(marker) if marker else None, **more})


def test_a_list_counts_whose_projects_there_are_and_each_one_once() -> None:
    listing = Listing("prod")
    ours, theirs = Marker("prod", uuid4()), Marker("staging", uuid4())
    page = [
        project("p1", ours),
        project("p2", theirs),
        project("p3", None),
        project("p4", ours, deleted_at=START),
    ]
    assert [one.id for one in listing.add(page)] == ["p1"]
    assert listing.add(page) == []
    assert (listing.ours, listing.foreign, listing.unmarked) == (1, 1, 1)
    assert listing.project_ids == {"p1", "p2", "p3"}


def test_the_project_of_a_living_instance_is_no_suspect() -> None:
    listing = Listing("prod")
    acme = instance("acme", project_id="p1")
    listing.suspect([seen("p1"), seen("p2")], {acme.id: acme})
    assert [one.id for one in listing.suspects] == ["p2"]
    failed = instance("acme", project_id="p1", status=InstanceStatus.FAILED)
    listing.suspect([seen("p1")], {failed.id: failed})
    assert [one.id for one in listing.suspects] == ["p2", "p1"]


@pytest.mark.parametrize("created_at", [None, START, START - HOUR + timedelta(seconds=1)])
def test_a_project_that_is_young_or_of_unknown_age_is_in_flight(created_at: Any) -> None:
    young = seen(created_at=created_at)
    assert is_in_flight(young, None, (), listed_at=START, min_age=HOUR)
    assert not is_in_flight(seen(created_at=START - HOUR), None, (), listed_at=START, min_age=HOUR)


@pytest.mark.parametrize(
    ("kind", "state", "moves"),
    [
        (OperationKind.PROJECT_CREATE, OperationState.INTENDED, True),
        (OperationKind.PROJECT_CREATE, OperationState.SENT, True),
        (OperationKind.PROJECT_DELETE, OperationState.SENT, True),
        (OperationKind.PROJECT_CREATE, OperationState.CONFIRMED, False),
        (OperationKind.PROJECT_DELETE, OperationState.NEEDS_ATTENTION, False),
        (OperationKind.VARIABLES, OperationState.SENT, False),
    ],
)
def test_only_open_writes_that_make_or_delete_a_project_count(
    kind: OperationKind, state: OperationState, moves: bool
) -> None:
    acme = instance("acme", project_id="p2")
    operations = [operation(acme, kind, state=state)]
    assert moves_projects(operations) is moves
    assert is_in_flight(seen(), acme, operations, listed_at=START, min_age=HOUR) is moves


@pytest.mark.parametrize(
    ("fields", "projects", "kind"),
    [
        (None, {"p1"}, "orphan"),
        ({"status": InstanceStatus.FAILED}, {"p1"}, "orphan"),
        ({"status": InstanceStatus.DELETED, "project_id": "p1"}, {"p1"}, "orphan"),
        ({"project_id": "p1"}, {"p1"}, None),
        ({"project_id": None}, {"p1"}, None),
        ({"project_id": None, "attention": "stuck"}, {"p1"}, "stray"),
        ({"project_id": "p2"}, {"p1", "p2"}, "duplicate"),
        ({"project_id": "p2"}, {"p1"}, "stray"),
    ],
)
def test_a_project_is_judged_by_its_instance(fields: Any, projects: set[str], kind: str | None) -> None:
    judged = judge_project(seen(), None if fields is None else instance("acme", **fields), projects)
    assert (judged and judged.kind) == kind


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"status": InstanceStatus.CRASHED, "attention": "stuck"}, True),
        ({"project_id": None}, False),
        ({"status": InstanceStatus.DELETED}, False),
        ({"status": InstanceStatus.FAILED}, False),
        ({"status": InstanceStatus.DELETING}, False),
        ({"undoing": True}, False),
        ({"wanted": DesiredStatus.DELETED}, False),
        ({"delete_at": START}, False),
        ({"delete_at": START + HOUR}, True),
        ({"created_at": START}, False),
    ],
)
def test_who_should_have_a_project(fields: dict[str, Any], expected: bool) -> None:
    acme = instance("acme", **{"project_id": "p1", **fields})
    assert should_have_project(acme, START, min_age=HOUR) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"wanted": DesiredStatus.SUSPENDED}, True),
        ({"wanted": DesiredStatus.STOPPED}, True),
        ({"wanted": DesiredStatus.DELETED}, True),
        ({"delete_at": START}, True),
        ({"status": InstanceStatus.SUSPENDED, "wanted": DesiredStatus.RUNNING}, False),
        ({"status": InstanceStatus.DELETED, "wanted": DesiredStatus.DELETED}, False),
    ],
)
def test_who_should_be_off(fields: dict[str, Any], expected: bool) -> None:
    assert should_be_off(instance("acme", **fields), START) is expected


@pytest.mark.parametrize(
    ("status", "stopped", "runs"),
    [
        ("SUCCESS", False, True),
        ("SUCCESS", None, True),
        ("SUCCESS", True, False),
        ("SLEEPING", True, True),
        ("DEPLOYING", True, True),
        ("QUEUED", True, True),
        ("NEEDS_APPROVAL", True, False),
        ("CRASHED", False, False),
        ("FAILED", False, False),
        ("REMOVED", False, False),
        ("REMOVING", False, False),
        (None, False, False),
    ],
)
def test_what_counts_as_running(status: str | None, stopped: bool | None, runs: bool) -> None:
    deployment = {"id": "d1", "status": status, "deploymentStopped": stopped}
    service = {"id": "i1", "serviceId": "s1", "serviceName": "web", "latestDeployment": deployment}
    idle = {"id": "i2", "serviceId": "s2", "latestDeployment": None}
    nodes = {"edges": [{"node": service}, {"node": idle}]}
    overview = EnvironmentOverview.model_validate({"id": "e1", "serviceInstances": nodes})
    acme = instance("acme", project_id="p1", wanted=DesiredStatus.SUSPENDED)
    zombie = zombie_of(acme, overview, START)
    assert (zombie is not None) is runs
    if zombie:
        assert zombie.reason == f"it should be suspended, but there is web ({status})"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"attention": "stuck"}, True),
        ({}, False),
        ({"attention": "stuck", "project_id": None}, False),
        ({"attention": "stuck", "project_id": "p2"}, False),
        ({"attention": "stuck", "status": InstanceStatus.FAILED}, False),
    ],
)
def test_what_waits_for_an_operator_is_a_stray(fields: dict[str, Any], expected: bool) -> None:
    acme = instance("acme", **{"project_id": "p1", **fields})
    assert (stray_of(acme, {"p1"}) is not None) is expected


def test_costs_are_those_of_the_projects_asked_for() -> None:
    month = Decimal(43_200)
    amounts = [
        ("p1", "CPU_USAGE", month),
        ("p1", "CPU_USAGE", month),
        ("p1", "MEMORY_USAGE_GB", month),
        ("p1", "NETWORK_TX_GB", Decimal(-1)),
        ("p2", "CPU_USAGE", month),
        (None, "CPU_USAGE", month),
    ]
    assert costs_of(amounts, {"p1", "p3"}, START) == {"p1": Decimal(50)}
