"""The platform comes onto Railway, and its next version after it; on the emulated Railway."""

from __future__ import annotations

import json
from typing import Any

import pytest

from railway_saas.emulator import Emulator
from railway_saas.errors import ConfigurationError, ProvisioningError, TemplateError
from railway_saas.templates import Template
from reference_server.operations.self_deploy import (
    MARKER,
    OURS,
    TEMPLATE,
    WEB,
    SelfDeployment,
    Source,
    read_environment_file,
    unknown_settings,
)
from reference_server.settings import Settings

GIVEN = {
    "RAILWAY_API_TOKEN": "token-of-the-platform",
    "RAILWAY_WORKSPACE_ID": "workspace-of-the-platform",
    "MAIL_URL": "smtps://user:password@mail.example.com:465",
    "MAIL_FROM": "Platform <platform@example.com>",
}
FIRST = Source(image="ghcr.io/acme/platform:1.0.0")


class Ground:
    """An emulated Railway, and what is deployed there."""

    def __init__(self) -> None:
        self.emulator = Emulator(limits=False)
        self.client = self.emulator.client()
        self.said: list[str] = []

    def deploy(self, source: Source = FIRST, project: str = "platform", **more: str) -> Any:
        deployment = SelfDeployment(
            self.client, workspace_id=self.emulator.workspace_id, project_name=project, say=self.said.append
        )
        return deployment.run(source, {**GIVEN, **more})

    def variables(self, deployed: Any, name: str, *, rendered: bool = False) -> dict[str, str]:
        project = self.client.projects.get(deployed.project_id)
        service = next(one for one in project.services if one.name == name)
        read = self.client.variables.rendered if rendered else self.client.variables.unrendered
        return dict(
            read(
                project_id=deployed.project_id,
                environment_id=deployed.environment_id,
                service_id=service.id,
            )
        )

    def images(self, deployed: Any) -> dict[str, str]:
        config = self.client.environments.config(deployed.environment_id).config
        names = {one.id: one.name for one in self.client.projects.get(deployed.project_id).services}
        services: Any = config["services"]
        return {str(names[key]): value["source"]["image"] for key, value in services.items()}

    def projects(self) -> int:
        return len(list(self.client.projects.list(workspace_id=self.emulator.workspace_id)))


@pytest.fixture
def ground() -> Ground:
    return Ground()


class TestTheTemplate:
    def test_it_has_no_fault_and_starts_in_the_right_order(self) -> None:
        template = Template.parse(TEMPLATE.read_bytes())
        assert template.check() == ()
        assert template.plan().start_order == (("Postgres", "Redis"), ("Web",), ("Worker",))

    def test_it_asks_for_what_only_an_operator_can_know(self) -> None:
        template = Template.parse(TEMPLATE.read_bytes())
        assert {item.key for item in template.inputs() if item.required} == {f"Web.{name}" for name in GIVEN}

    def test_its_settings_are_settings_of_the_server(self) -> None:
        template = Template.parse(TEMPLATE.read_bytes())
        ours = [service for service in template.services if service.name in OURS]
        assert unknown_settings(variable.name for service in ours for variable in service.variables) == []

    def test_only_web_is_public_and_both_databases_keep_their_data(self) -> None:
        services = Template.parse(TEMPLATE.read_bytes()).plan().services
        assert [one.name for one in services if one.public] == [WEB]
        assert {one.name for one in services if one.volumes} == {"Postgres", "Redis"}


class TestTheFirstTime:
    def test_four_services_run_and_web_has_an_address(self, ground: Ground) -> None:
        deployed = ground.deploy()
        assert deployed.is_new
        assert set(deployed.services) == {"Web", "Worker", "Postgres", "Redis"}
        assert deployed.url.startswith("https://")
        assert ground.images(deployed)["Worker"] == "ghcr.io/acme/platform:1.0.0"
        project = ground.client.projects.get(deployed.project_id)
        assert (project.name, project.description) == ("platform", MARKER)

    def test_what_web_gets_is_fit_for_production(self, ground: Ground) -> None:
        web = ground.variables(ground.deploy(), WEB, rendered=True)
        settings = Settings.from_environment(web)
        assert settings.is_production
        assert settings.unsafe() == []
        assert settings.base_url.startswith("https://")
        assert settings.redis_url is not None

    def test_the_worker_gets_the_same_secrets_by_reference(self, ground: Ground) -> None:
        deployed = ground.deploy(SENTRY_DSN="https://key@sentry.example/1", BCRYPT_ROUNDS="11")
        web = ground.variables(deployed, WEB, rendered=True)
        worker = ground.variables(deployed, "Worker", rendered=True)
        for name in ("JWT_SECRET", "ENCRYPTION_KEYS", "DATABASE_URL", "SENTRY_DSN", "BCRYPT_ROUNDS"):
            assert worker[name] == web[name]
        assert ground.variables(deployed, "Worker")["JWT_SECRET"] == "${{Web.JWT_SECRET}}"
        assert Settings.from_environment(worker).unsafe() == []

    def test_secrets_are_generated_anew_for_each_platform(self, ground: Ground) -> None:
        one = ground.variables(ground.deploy(), WEB)
        other = ground.variables(ground.deploy(project="other"), WEB)
        for name in ("JWT_SECRET", "ENCRYPTION_KEYS", "METRICS_TOKEN", "RAILWAY_WEBHOOK_SECRETS"):
            assert one[name] != other[name]

    def test_without_what_is_required_nothing_is_made(self, ground: Ground) -> None:
        deployment = SelfDeployment(
            ground.client, workspace_id=ground.emulator.workspace_id, project_name="platform", say=print
        )
        with pytest.raises(TemplateError) as caught:
            deployment.run(FIRST, {})
        assert "MAIL_URL" in str([problem.path + problem.message for problem in caught.value.problems])
        assert ground.projects() == 0

    def test_an_image_or_a_repository_not_both(self, ground: Ground) -> None:
        for source in (Source(), Source(image="a", repo="b/c")):
            with pytest.raises(ConfigurationError, match="either an image or a repository"):
                ground.deploy(source)


class TestLater:
    def test_the_same_again_changes_nothing_and_makes_no_second_project(self, ground: Ground) -> None:
        first = ground.deploy()
        before = ground.variables(first, WEB)
        again = ground.deploy()
        assert (again.is_new, again.changed, again.project_id) == (False, (), first.project_id)
        assert ground.projects() == 1
        assert ground.variables(again, WEB) == before

    def test_a_new_version_reaches_web_first_and_then_the_worker(self, ground: Ground) -> None:
        first = ground.deploy()
        ground.said.clear()
        again = ground.deploy(Source(image="ghcr.io/acme/platform:1.1.0"))
        assert again.changed == (
            "Web: runs ghcr.io/acme/platform:1.1.0",
            "Worker: runs ghcr.io/acme/platform:1.1.0",
        )
        assert ground.images(again)["Web"] == "ghcr.io/acme/platform:1.1.0"
        assert ground.said[0].startswith("Web: runs")
        assert "Web is running" in ground.said[1]
        assert ground.images(again)["Postgres"] == ground.images(first)["Postgres"]

    def test_a_setting_that_is_given_is_set_and_generated_ones_stay(self, ground: Ground) -> None:
        before = ground.variables(ground.deploy(), WEB)
        again = ground.deploy(MAIL_FROM="Other <other@example.com>", RATE_LIMIT_API="60 per minute")
        after = ground.variables(again, WEB)
        assert again.changed == ("Web: gets MAIL_FROM, RATE_LIMIT_API", "Worker: gets RATE_LIMIT_API")
        assert after["MAIL_FROM"] == "Other <other@example.com>"
        assert after["JWT_SECRET"] == before["JWT_SECRET"]
        assert "other@example.com" not in " ".join(ground.said)
        assert ground.variables(again, "Worker", rendered=True)["RATE_LIMIT_API"] == "60 per minute"

    def test_a_setting_that_this_version_is_the_first_to_have_is_added(self, ground: Ground) -> None:
        deployed = ground.deploy()
        web = next(one for one in ground.client.projects.get(deployed.project_id).services if one.name == WEB)
        ground.client.variables.delete(
            "METRICS_TOKEN",
            project_id=deployed.project_id,
            environment_id=deployed.environment_id,
            service_id=web.id,
        )
        again = ground.deploy()
        assert again.changed == ("Web: gets METRICS_TOKEN",)
        assert len(ground.variables(again, WEB)["METRICS_TOKEN"]) == 48

    def test_what_an_operator_set_by_hand_stays(self, ground: Ground) -> None:
        deployed = ground.deploy()
        web = next(one for one in ground.client.projects.get(deployed.project_id).services if one.name == WEB)
        ground.client.variables.upsert(
            "BASE_URL",
            "https://platform.example.com",
            project_id=deployed.project_id,
            environment_id=deployed.environment_id,
            service_id=web.id,
        )
        assert ground.deploy().changed == ()
        assert ground.variables(deployed, WEB)["BASE_URL"] == "https://platform.example.com"

    def test_a_version_that_does_not_come_up_is_told_and_the_worker_keeps_the_old_one(
        self, ground: Ground
    ) -> None:
        first = ground.deploy()
        ground.emulator.faults.add("pre_deploy_fails", service="Web")
        with pytest.raises(ProvisioningError, match="still serves"):
            ground.deploy(Source(image="ghcr.io/acme/platform:1.1.0"))
        assert ground.images(first)["Worker"] == "ghcr.io/acme/platform:1.0.0"

    def test_a_project_of_that_name_that_is_not_ours_is_left_alone(self, ground: Ground) -> None:
        ground.client.projects.create(name="platform", workspace_id=ground.emulator.workspace_id)
        with pytest.raises(ConfigurationError, match="did not make"):
            ground.deploy()
        assert ground.projects() == 1

    def test_a_project_that_is_not_whole_is_told_with_what_to_do(self, ground: Ground) -> None:
        deployed = ground.deploy()
        redis = next(
            one for one in ground.client.projects.get(deployed.project_id).services if one.name == "Redis"
        )
        ground.client.services.delete(redis.id)
        with pytest.raises(ConfigurationError, match="lacks Redis"):
            ground.deploy()


class TestTheEnvironmentFile:
    def test_it_is_read_as_one_expects(self) -> None:
        text = "# a comment\n\nMAIL_FROM=\"A <a@example.com>\"\nSENTRY_DSN=\nPLANS='[]'\nBASE_URL = https://x.example\n"
        assert read_environment_file(text) == {
            "MAIL_FROM": "A <a@example.com>",
            "PLANS": "[]",
            "BASE_URL": "https://x.example",
        }

    def test_a_line_of_another_form_is_named_by_its_number_only(self) -> None:
        with pytest.raises(ConfigurationError, match="line 2") as caught:
            read_environment_file("A=1\nsome secret without a name\n")
        assert "secret" not in str(caught.value)

    def test_names_that_mean_nothing_are_found(self) -> None:
        assert unknown_settings(["MAIL_URL", "MAIL_ULR"]) == ["MAIL_ULR"]


def test_the_document_in_deploy_is_the_one_that_is_used() -> None:
    from pathlib import Path

    root = Path(__file__).resolve().parents[3]
    assert json.loads((root / "deploy/railway/template.json").read_text()) == json.loads(TEMPLATE.read_text())
