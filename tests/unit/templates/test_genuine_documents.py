"""Documents that really are deployed on Railway: what the engine makes of each."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import jsonschema
import pytest

from railway_saas.templates import Template, TemplateDomain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = ["alphasecio-nodejs", "cloak-biz-scraper", "railgate", "rustyauth"]


@pytest.fixture
def read(reference_data: Path) -> Callable[[str], Template]:
    folder = reference_data / "railway" / "examples"
    return lambda name: Template.parse((folder / f"template-{name}.json").read_bytes())


@pytest.fixture
def rustyauth(read: Callable[[str], Template]) -> Template:
    return read("rustyauth")


def test_every_genuine_document_is_covered_here(reference_data: Path) -> None:
    found = (reference_data / "railway" / "examples").glob("template-*.json")
    assert sorted(path.stem.removeprefix("template-") for path in found) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_genuine_documents_have_no_faults_and_lose_nothing(
    name: str, read: Callable[[str], Template], reference_data: Path
) -> None:
    source = (reference_data / "railway" / "examples" / f"template-{name}.json").read_text("utf-8")
    template = read(name)
    assert template.check() == ()
    assert json.dumps(template.serialize()) == json.dumps(json.loads(source))
    assert template.diff(Template.parse(template.to_json())).is_empty
    jsonschema.Draft202012Validator.check_schema(template.json_schema())


def test_nodejs_is_one_public_repository_service(read: Callable[[str], Template]) -> None:
    template = read("alphasecio-nodejs")
    (service,) = template.services
    assert service.source.repo == "https://github.com/alphasecio/nodejs"
    assert service.source.repository is not None
    assert service.source.repository.full_name == "alphasecio/nodejs"
    assert service.service_domains == (TemplateDomain(host=None, target_port=None),)
    assert service.tcp_proxies == ()
    plan = template.plan()
    assert plan.start_order == (("nodejs",),)
    assert plan.required_inputs == ()
    assert [str(warning.code) for warning in plan.warnings] == ["public_without_healthcheck"]
    (port,) = template.inputs()
    assert (port.key, port.default, port.required, port.secret) == ("nodejs.PORT", "3000", False, False)


def test_cloak_sleeps_keeps_a_volume_and_makes_its_secret(read: Callable[[str], Template]) -> None:
    template = read("cloak-biz-scraper")
    (service,) = template.services
    assert (service.source.repo, service.source.branch) == ("thisnick/cloak-biz-scraper", "release")
    assert service.sleeps
    assert service.restart_policy == "ON_FAILURE"
    plan = template.plan()
    assert [(volume.service, volume.mount_path) for volume in plan.volumes] == [
        ("cloak-biz-scraper", "/data")
    ]
    assert [secret.name for secret in plan.generated_secrets] == ["APP_SECRET"]
    assert plan.required_inputs == ()
    assert plan.warnings == ()
    assert plan.services[0].healthcheck == "/healthz"


def test_railgate_wants_one_secret_input_and_has_a_fixed_port(read: Callable[[str], Template]) -> None:
    template = read("railgate")
    (needed,) = template.plan().required_inputs
    assert (needed.service, needed.name, needed.secret) == ("@railgate/relay", "RAILGATE_TOKEN", True)
    assert template.plan().domains[0].target_port == 8080
    assert template.plan().warnings == ()
    filled = template.fill({"@railgate/relay.RAILGATE_TOKEN": "t"})
    assert filled.services[0].variables[0].value == "t"
    assert filled.plan().required_inputs == ()


def test_rustyauth_starts_its_database_first_and_the_two_that_need_each_other_together(
    rustyauth: Template,
) -> None:
    plan = rustyauth.plan()
    assert plan.start_order == (("SableDB",), ("RustyAuth", "rustyauth-dashboard"))
    assert [warning.code for warning in plan.warnings] == ["reference_cycle"]
    assert {service.name: service.needs for service in plan.services} == {
        "RustyAuth": ("SableDB",),
        "SableDB": (),
        "rustyauth-dashboard": ("SableDB",),
    }


def test_only_the_dashboard_of_rustyauth_is_public(rustyauth: Template) -> None:
    plan = rustyauth.plan()
    assert plan.public_services == ("rustyauth-dashboard",)
    assert [(domain.service, domain.host, domain.target_port) for domain in plan.domains] == [
        ("rustyauth-dashboard", None, 8080)
    ]


def test_rustyauth_has_a_bucket_a_volume_and_five_generated_secrets(rustyauth: Template) -> None:
    plan = rustyauth.plan()
    assert plan.buckets == ("rustyauth-backups",)
    assert [(volume.service, volume.mount_path) for volume in plan.volumes] == [
        ("SableDB", "/var/lib/sabledb")
    ]
    assert {(secret.service, secret.name) for secret in plan.generated_secrets} == {
        ("RustyAuth", "AUTH_BACKUP_ENCRYPTION_KEY_HEX"),
        ("RustyAuth", "AUTH_EVENT_RPC_TOKEN"),
        ("RustyAuth", "AUTH_IDENTITY_RPC_TOKEN"),
        ("RustyAuth", "AUTH_MASTER_KEY_HEX"),
        ("RustyAuth", "BOOTSTRAP_TOKEN"),
    }


def test_rustyauth_asks_for_the_operators_mail_and_nothing_else(rustyauth: Template) -> None:
    assert [item.key for item in rustyauth.plan().required_inputs] == ["RustyAuth.AUTH_OPERATOR_EMAILS"]
    filled = rustyauth.fill({"AUTH_OPERATOR_EMAILS": "me@example.com"})
    assert filled.plan().required_inputs == ()
    assert filled.check() == ()
    (change,) = [item for item in rustyauth.diff(filled).services_changed if item.name == "RustyAuth"]
    assert len(change.variables_changed) == 29


def test_rustyauth_marks_its_secrets_as_secret(rustyauth: Template) -> None:
    secret = {item.name for item in rustyauth.inputs() if item.secret}
    assert secret == {
        "AUTH_BACKUP_ENCRYPTION_KEY_HEX",
        "AUTH_BACKUP_SECRET_ACCESS_KEY",
        "AUTH_EVENT_RPC_TOKEN",
        "AUTH_IDENTITY_RPC_TOKEN",
        "AUTH_MASTER_KEY_HEX",
        "BOOTSTRAP_TOKEN",
    }


def test_rustyauth_costs_what_three_small_services_a_volume_and_a_bucket_cost(rustyauth: Template) -> None:
    estimate = rustyauth.plan().estimated_monthly_cost
    each = Decimal("0.25") * 10 + Decimal("0.02") * 20
    assert {cost.name: cost.total for cost in (*estimate.services, *estimate.buckets)} == {
        "RustyAuth": each,
        "SableDB": each + Decimal("0.15"),
        "rustyauth-dashboard": each + Decimal("0.05"),
        "rustyauth-backups": Decimal("0.015"),
    }
