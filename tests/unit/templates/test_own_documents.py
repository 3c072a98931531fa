"""The documents this project ships: genuine in form, good in substance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from railway_saas.templates import Template

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["app-with-postgres-and-redis", "web-app", "worker-with-cron"]


@pytest.fixture
def folder(repository: Path) -> Path:
    return repository / "examples" / "templates"


def test_every_document_is_covered_here(folder: Path) -> None:
    assert sorted(path.stem for path in folder.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_own_documents_are_without_fault_and_without_warning(name: str, folder: Path) -> None:
    template = Template.parse((folder / f"{name}.json").read_bytes())
    assert template.check() == ()
    assert template.plan().warnings == ()


def test_the_web_app_has_a_domain_and_a_health_check_and_needs_nothing(folder: Path) -> None:
    plan = Template.parse((folder / "web-app.json").read_bytes()).plan()
    (web,) = plan.services
    assert (web.public, web.healthcheck, web.domains[0].target_port) == (True, "/health", 8080)
    assert plan.required_inputs == ()


def test_the_app_waits_for_its_databases_and_asks_for_one_input(folder: Path) -> None:
    plan = Template.parse((folder / "app-with-postgres-and-redis.json").read_bytes()).plan()
    assert plan.start_order == (("Postgres", "Redis"), ("App",))
    assert plan.public_services == ("App",)
    assert [(volume.service, volume.size_mb) for volume in plan.volumes] == [
        ("Postgres", 5000),
        ("Redis", 1000),
    ]
    assert {f"{item.service}.{item.name}" for item in plan.generated_secrets} == {
        "App.APP_SECRET",
        "App.INSTALLATION_ID",
        "Postgres.POSTGRES_PASSWORD",
        "Redis.REDIS_PASSWORD",
    }
    assert [item.key for item in plan.required_inputs] == ["App.ADMIN_EMAIL"]


def test_the_worker_runs_by_schedule_and_shares_a_secret_by_reference(folder: Path) -> None:
    plan = Template.parse((folder / "worker-with-cron.json").read_bytes()).plan()
    worker = plan.services[1]
    assert worker.cron == "30 3 * * *"
    assert "api.WORKER_TOKEN" in worker.references
    assert plan.start_order == (("api",), ("nightly-worker",))
