"""Markers, by which projects are found again, and what projects are called."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railway_saas.errors import ConfigurationError
from railway_saas.instances.placement import Marker, ProjectPerInstance, read_marker
from tests.support.situations import INSTANCE_ID, instance

if TYPE_CHECKING:
    from uuid import UUID

few = settings(max_examples=30, deadline=None)

namespaces = st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True)
markers = st.builds(Marker, namespaces, st.uuids())
OURS = Marker("default", INSTANCE_ID)


@few
@given(markers, st.text(), st.text())
def test_a_marker_is_read_wherever_it_stands(marker: Marker, before: str, after: str) -> None:
    if read_marker(before) is None:
        assert read_marker(f"{before}{marker}{after}") == marker


@few
@given(markers, markers)
def test_of_two_markers_the_first_one_counts(first: Marker, second: Marker) -> None:
    assert read_marker(f"{first}{second}") == first


@few
@given(st.text())
def test_no_text_breaks_the_reading(description: str) -> None:
    found = read_marker(description)
    assert found is None or str(found) in description


@pytest.mark.parametrize(
    "description",
    [
        None,
        "",
        "Managed by railway_saas",
        f"railway-saas default {INSTANCE_ID}",
        f"[railway-saas {INSTANCE_ID}]",
        f"[railway-saas  {INSTANCE_ID}]",
        f"[railway-saas default {INSTANCE_ID.hex}]",
        f"[railway-saas default {str(INSTANCE_ID).upper()}]",
        f"[railway-saas default {str(INSTANCE_ID)[:-1]}]",
        f"[railway-saas default {INSTANCE_ID}0]",
        f"[railway-saas default\n{INSTANCE_ID}]",
        f"[railway-saas DEFAULT {INSTANCE_ID}]",
        f"[railway-saas -default {INSTANCE_ID}]",
        f"[railway-saas {'x' * 41} {INSTANCE_ID}]",
        f"[railway-saas default {INSTANCE_ID} ]",
        f"[Railway-Saas default {INSTANCE_ID}]",
        "[railway-saas default ００000000-0000-4000-8000-000000000000]",  # noqa: RUF001 - other digits
        "[railway-saas " * 10_000,
    ],
)
def test_what_only_looks_like_a_marker_is_none(description: str | None) -> None:
    assert read_marker(description) is None


def test_a_marker_within_a_broken_one_counts() -> None:
    assert read_marker(f"[railway-saas [railway-saas x {OURS}") == OURS


@few
@given(namespaces, st.uuids(), st.text(max_size=80))
def test_the_marker_of_an_instance_is_in_its_description(namespace: str, own_id: UUID, name: str) -> None:
    of = replace(instance(), id=own_id, name=name)
    assert read_marker(ProjectPerInstance(namespace).description(of)) == Marker(namespace, own_id)


@few
@given(st.text(max_size=80), st.uuids())
def test_a_project_has_a_short_plain_name(name: str, own_id: UUID) -> None:
    called = ProjectPerInstance().project_name(replace(instance(), id=own_id, name=name))
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", called)
    assert len(called) <= 49
    assert called.endswith(own_id.hex[-8:])


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("My Shop!", "my-shop-"),
        ("--a--b--", "a-b-"),
        ("☕", "instance-"),
        ("x" * 64, "x" * 40 + "-"),
        (f"{'x' * 39} y", "x" * 39 + "-"),
    ],
)
def test_a_project_is_called_like_its_instance(name: str, begins: str) -> None:
    called = ProjectPerInstance().project_name(replace(instance(), name=name))
    assert called == f"{begins}{INSTANCE_ID.hex[-8:]}"


@pytest.mark.parametrize("namespace", ["", "-x", "Staging", "a b", "x" * 41, "staging\n", "ä", "a_b", "a]b"])
def test_a_namespace_that_a_marker_cannot_hold_is_refused(namespace: str) -> None:
    with pytest.raises(ConfigurationError, match="must be 1 to 40 lower-case letters, digits and dashes"):
        ProjectPerInstance(namespace)


@few
@given(namespaces)
def test_a_namespace_is_kept(namespace: str) -> None:
    assert ProjectPerInstance(namespace).namespace == namespace
