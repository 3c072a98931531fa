"""How limits and a service's settings are told to Railway, and how patient the manager is."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railway_saas.domain.instances import InstanceConfig, ServiceLimits
from railway_saas.errors import ConfigurationError
from railway_saas.instances.manager_settings import ManagerSettings
from railway_saas.instances.settings import (
    bucket_keys,
    bucket_region,
    domain_keys,
    limit_override,
    settings_of,
    volume_keys,
)
from railway_saas.templates import Template
from tests.support.situations import APP_KEY, POSTGRES_KEY, REDIS_KEY, app

few = settings(max_examples=30, deadline=None)

RANDOM = random.Random(7)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param(ServiceLimits(), {}, id="none"),
        pytest.param(ServiceLimits(vcpus=Decimal("0.5")), {"cpu": 0.5}, id="processors"),
        pytest.param(
            ServiceLimits(memory_gb=Decimal(2)), {"memoryBytes": 2_000_000_000}, id="memory, in powers of ten"
        ),
        pytest.param(
            ServiceLimits(vcpus=Decimal(2), memory_gb=Decimal("0.25")),
            {"cpu": 2.0, "memoryBytes": 250_000_000},
            id="both",
        ),
    ],
)
def test_limits_are_told_as_railways_documents_hold_them(
    limits: ServiceLimits, expected: dict[str, Any]
) -> None:
    told = {"limitOverride": {"containers": expected}} if expected else {}
    assert limit_override(limits) == told


amounts = st.none() | st.decimals(min_value="0.001", max_value=1000, places=3)
limits_ = st.builds(ServiceLimits, vcpus=amounts, memory_gb=amounts)


@few
@given(limits_)
def test_limits_are_stored_without_loss(limits: ServiceLimits) -> None:
    assert ServiceLimits.from_json(limits.to_json()) == limits


@few
@given(
    st.builds(
        InstanceConfig,
        inputs=st.dictionaries(st.text(), st.text()),
        variables=st.dictionaries(st.text(), st.dictionaries(st.text(), st.none() | st.text())),
        limits=limits_,
    )
)
def test_what_an_owner_chose_is_stored_without_loss(config: InstanceConfig) -> None:
    assert InstanceConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize("stored", [None, {}])
def test_nothing_stored_is_nothing_chosen(stored: dict[str, Any] | None) -> None:
    assert InstanceConfig.from_json(stored) == InstanceConfig()
    assert ServiceLimits.from_json(stored) == ServiceLimits()


# A service's settings, by the call that carries them ------------------------------------------------------------


def service(**part: Any) -> Any:
    document = {"services": {"web": {"name": "web", "source": {"image": "x"}, **part}}}
    return settings_of(Template.parse(document).services[0], RANDOM)


def test_fields_of_the_update_are_in_the_update_and_the_rest_in_the_patch() -> None:
    made = service(
        deploy={"startCommand": "run", "numReplicas": 2, "requiredMountPath": "/data", "region": None},
        build={"buildCommand": "make", "builder": "NIXPACKS", "buildEnvironment": "V3"},
    )
    assert made.update == {
        "startCommand": "run",
        "numReplicas": 2,
        "buildCommand": "make",
        "builder": "NIXPACKS",
    }
    assert made.patch == {"deploy": {"requiredMountPath": "/data"}, "build": {"buildEnvironment": "V3"}}


def test_a_builder_that_the_update_does_not_know_is_in_the_patch() -> None:
    made = service(build={"builder": "DOCKERFILE", "dockerfilePath": "Dockerfile.prod"})
    assert made.update == {"dockerfilePath": "Dockerfile.prod"}
    assert made.patch == {"build": {"builder": "DOCKERFILE"}}


@pytest.mark.parametrize("commands", ["migrate", ["migrate"]])
def test_commands_before_a_deploy_are_a_list(commands: Any) -> None:
    assert service(deploy={"preDeployCommand": commands}).update == {"preDeployCommand": ["migrate"]}


def test_a_sealed_variable_is_in_the_patch_alone() -> None:
    made = service(
        variables={"A": {"defaultValue": "1"}, "KEY": {"defaultValue": "hidden", "isSealed": True}}
    )
    assert made.variables == {"A": "1"}
    assert made.patch == {"variables": {"KEY": {"value": "hidden", "isSealed": True}}}


def test_references_are_left_to_railway_and_secrets_are_made() -> None:
    app_service = next(one for one in app().services if one.name == "App")
    made = settings_of(app_service, random.Random(7)).variables
    assert made["DATABASE_URL"] == "${{Postgres.DATABASE_URL}}"
    assert len(made["APP_SECRET"]) == 64
    assert made["ADMIN_EMAIL"] == "ann@example.com"
    assert "SMTP_URL" not in made


def test_proxies_are_in_the_patch() -> None:
    assert service(networking={"tcpProxies": {"5432": {}}}).patch == {
        "networking": {"tcpProxies": {"5432": {}}}
    }


def test_what_is_told_of_a_service_hides_the_values_of_its_variables() -> None:
    made = service(
        variables={"A": {"defaultValue": "hunter2"}, "B": {"defaultValue": "hunter3", "isSealed": True}}
    )
    assert made.variables == {"A": "hunter2"}
    assert made.patch["variables"] == {"B": {"value": "hunter3", "isSealed": True}}
    told = repr(replace(made, service=None))
    assert "hunter" not in told


def test_what_a_template_makes_besides_services() -> None:
    assert list(volume_keys(app())) == [(POSTGRES_KEY, "/var/lib/postgresql/data"), (REDIS_KEY, "/data")]
    assert list(domain_keys(app())) == [(APP_KEY, 1)]
    assert list(bucket_keys(app())) == []
    files = Template.parse({"services": {}, "buckets": {"files": {"name": "files", "region": "iad"}}})
    assert list(bucket_keys(files)) == ["files"]
    assert (bucket_region(files, "files"), bucket_region(files, "other")) == ("iad", None)


# Patience -------------------------------------------------------------------------------------------------------

NUMBERS = [name for name in ManagerSettings.__slots__ if name != "failed_deploy"]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1])
def test_a_setting_that_is_not_above_0_is_refused(name: str, value: float) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"ManagerSettings\({name}={value}\): must be a (whole )?number above 0"
    ):
        ManagerSettings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(pytest.param(name, float("nan"), id=f"{name}: NaN") for name in NUMBERS),
        pytest.param("lease_s", float("inf"), id="lease_s: no moment is so far away"),
        pytest.param("check_interval_s", float("inf"), id="check_interval_s: no moment is so far away"),
    ],
)
def test_a_setting_that_is_no_time_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        ManagerSettings(**{name: value})


@pytest.mark.parametrize(("lease", "call"), [(45, 45), (10, 45), (60, 60)])
def test_a_lease_outlasts_a_call(lease: float, call: float) -> None:
    with pytest.raises(ConfigurationError, match="must be longer than call_timeout_s"):
        ManagerSettings(lease_s=lease, call_timeout_s=call)


@pytest.mark.parametrize("word", ["", "keep", "UNDO", None])
def test_what_becomes_of_a_failed_deploy_is_one_of_two(word: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be 'undo' or 'park'"):
        ManagerSettings(failed_deploy=word)
