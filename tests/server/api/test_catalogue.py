"""The folder of documents that a new platform offers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from railway_saas.errors import ConfigurationError
from reference_server.catalogue import publish_folder
from reference_server.security.scope import SYSTEM, scoped
from tests.server.api.conftest import document

if TYPE_CHECKING:
    from pathlib import Path

    from reference_server.composition import Platform
    from tests.server.api.conftest import Stage
    from tests.server.conftest import Person


def test_everything_that_is_offered_at_first_runs_without_a_volume_on_the_free_plan(
    platform: Platform, stage: Stage, ann: Person
) -> None:
    with scoped(SYSTEM):
        assert [outcome for _, outcome in publish_folder(platform.manager)] == ["published"] * 3
    offered = ann.get("/api/templates").json["items"]
    for template in reversed(offered):  # the one with volumes comes last
        assert template["description"]
        assert template["category"]
        detail = ann.get(f"/api/templates/{template['id']}").json
        if detail["plan"]["volumes"]:
            stage.give_plan(ann)
        inputs = dict.fromkeys(detail["inputs"]["required"], "ann@example.com")
        instance_id = stage.deploy(ann, template["id"], template["name"], inputs=inputs)
        stage.settle(instance_id)
        assert ann.get(f"/api/instances/{instance_id}").json["status"] in {"running", "sleeping"}
        ann.delete(f"/api/instances/{instance_id}")
        stage.settle(instance_id)


def test_a_folder_is_published_again_without_harm(platform: Platform, tmp_path: Path, admin: Person) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(document()))
    about = {"one": {"name": "The one", "category": "apps", "resources": {"vcpus": "1"}}}
    (folder / "about.json").write_text(json.dumps(about))
    with scoped(SYSTEM):
        assert list(publish_folder(platform.manager, folder)) == [("one", "published")]
        assert list(publish_folder(platform.manager, folder)) == [("one", "unchanged")]
        (folder / "one.json").write_text(json.dumps(document(image="ghcr.io/acme/web:2")))
        (template,) = admin.get("/api/templates").json["items"]
        admin.delete(f"/api/templates/{template['id']}")
        assert list(publish_folder(platform.manager, folder)) == [("one", "revision 2")]
    shown = admin.get(f"/api/templates/{template['id']}").json
    assert (shown["name"], shown["is_active"], len(shown["revisions"])) == ("The one", False, 2)
    assert shown["resources"] == {"vcpus": "1", "memory_gb": None}


@pytest.mark.parametrize("text", ["{", "[]", '{"one": {"nme": "x"}}'])
def test_what_is_wrong_with_it_is_named(platform: Platform, tmp_path: Path, text: str) -> None:
    (tmp_path / "about.json").write_text(text)
    with scoped(SYSTEM), pytest.raises(ConfigurationError, match=r"about\.json"):
        list(publish_folder(platform.manager, tmp_path))
