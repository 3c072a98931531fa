"""What is asked about a service in one environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.deployments import DeploymentStatus
from railway_saas.railway.models.service_instances import Builder, ServiceInstanceLimits
from railway_saas.railway.models.services import RegistryCredentials
from railway_saas.railway.operations import service_instances as ops

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: dict[str, Any] = {"service_id": "s1", "environment_id": "e1"}


def changed(**settings: Any) -> dict[str, Any]:
    return ops.update(**HERE, **settings).variables["input"]


@pytest.mark.parametrize(
    ("settings", "argument"),
    [
        ({}, "update"),
        ({"image": ""}, "image"),
        ({"image": "nginx", "repo": "o/r"}, "repo"),
        ({"builder": "DOCKERFILE"}, "builder"),
        ({"restart_policy_type": "SOMETIMES"}, "restart_policy_type"),
        ({"num_replicas": 0}, "num_replicas"),
        ({"num_replicas": True}, "num_replicas"),
        ({"num_replicas": 1.5}, "num_replicas"),
        ({"healthcheck_timeout": 0}, "healthcheck_timeout"),
        ({"draining_seconds": -1}, "draining_seconds"),
        ({"overlap_seconds": "5"}, "overlap_seconds"),
        ({"restart_policy_max_retries": -1}, "restart_policy_max_retries"),
        ({"cron_schedule": "@daily"}, "cron_schedule"),
        ({"watch_patterns": "src/**"}, "watch_patterns"),
        ({"watch_patterns": [""]}, "watch_patterns"),
        ({"watch_patterns": 5}, "watch_patterns"),
        ({"pre_deploy_command": ["migrate", None]}, "pre_deploy_command"),
        ({"multi_region_config": {"us-west2": {}}}, "multi_region_config"),
        ({"multi_region_config": {"us-west2": {"numReplicas": 0}}}, "multi_region_config"),
        ({"multi_region_config": ["us-west2"]}, "multi_region_config"),
    ],
)
def test_wrong_settings_are_refused_by_name(settings: dict[str, Any], argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        changed(**settings)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: ops.get(service_id="", environment_id="e"), "service_id"),
        (lambda: ops.deploy(service_id="s", environment_id=""), "environment_id"),
        (lambda: ops.deploy(**HERE, commit_sha=""), "commit_sha"),
        (lambda: ops.limits_update(**HERE), "update"),
        (lambda: ops.limits_update(**HERE, vcpus=0), "vcpus"),
        (lambda: ops.limits_update(**HERE, memory_gb=float("nan")), "memory_gb"),
        (lambda: ops.limits_update(**HERE, memory_gb=True), "memory_gb"),
        (lambda: ops.auto_deploy_status(**HERE, project_id=""), "project_id"),
        (lambda: ops.list_page("e1", first=0), "first"),
    ],
)
def test_wrong_arguments_are_refused_by_name(call: Callable[[], object], argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument


def test_every_setting_goes_out_under_railways_name() -> None:
    assert changed(
        image="nginx",
        builder=Builder.RAILPACK,
        build_command="make",
        start_command="run",
        pre_deploy_command="migrate",
        root_directory="/app",
        dockerfile_path="Dockerfile",
        watch_patterns=("src/**",),
        railway_config_file="railway.json",
        nixpacks_plan={"providers": ["python"]},
        healthcheck_path="/healthz",
        healthcheck_timeout=60,
        cron_schedule="*/5 * * * *",
        region="us-west2",
        num_replicas=2,
        multi_region_config={"us-west2": {"numReplicas": 2}, "us-east4-eqdc4a": None},
        restart_policy_type="ALWAYS",
        restart_policy_max_retries=3,
        sleep_application=True,
        draining_seconds=10,
        overlap_seconds=5,
        ipv6_egress_enabled=False,
        registry_credentials=RegistryCredentials(username="u", password="p"),
    ) == {
        "source": {"image": "nginx"},
        "builder": "RAILPACK",
        "buildCommand": "make",
        "startCommand": "run",
        "preDeployCommand": ["migrate"],
        "rootDirectory": "/app",
        "dockerfilePath": "Dockerfile",
        "watchPatterns": ["src/**"],
        "railwayConfigFile": "railway.json",
        "nixpacksPlan": {"providers": ["python"]},
        "healthcheckPath": "/healthz",
        "healthcheckTimeout": 60,
        "cronSchedule": "*/5 * * * *",
        "region": "us-west2",
        "numReplicas": 2,
        "multiRegionConfig": {"us-west2": {"numReplicas": 2}, "us-east4-eqdc4a": None},
        "restartPolicyType": "ALWAYS",
        "restartPolicyMaxRetries": 3,
        "sleepApplication": True,
        "drainingSeconds": 10,
        "overlapSeconds": 5,
        "ipv6EgressEnabled": False,
        "registryCredentials": {"username": "u", "password": "p"},
    }


def test_none_clears_a_setting_and_what_is_not_given_is_left() -> None:
    assert changed(
        start_command=None, cron_schedule=None, registry_credentials=None, watch_patterns=None
    ) == {
        "startCommand": None,
        "cronSchedule": None,
        "registryCredentials": None,
        "watchPatterns": None,
    }


def test_without_an_environment_none_is_sent() -> None:
    assert ops.update(service_id="s1", region="us-west2").variables == {
        "serviceId": "s1",
        "input": {"region": "us-west2"},
    }


def test_deploys_are_not_safe_to_repeat_and_settings_are() -> None:
    assert not any(
        call(**HERE).safe_to_repeat for call in (ops.deploy, ops.deploy_latest_commit, ops.redeploy)
    )
    assert ops.update(**HERE, region="us-west2").safe_to_repeat
    assert ops.limits_update(**HERE, vcpus=2).safe_to_repeat


def test_recorded_instances_are_read(recorded: dict[str, Any]) -> None:
    fresh, running = (ops.get(**HERE).parse(entry["node"]) for entry in recorded["serviceInstanceNodes"])
    assert fresh.latest_deployment is None
    assert fresh.num_replicas is None
    assert running.latest_deployment is not None
    assert running.latest_deployment.status is DeploymentStatus.SUCCESS
    assert running.latest_deployment.is_active
    assert running.domains is not None
    assert running.domains.service_domains[0].target_port == 80


@pytest.mark.parametrize(
    ("sent", "read"), [("migrate", "migrate"), (["a", "b"], ("a", "b")), ([], ()), (None, None)]
)
def test_a_pre_deploy_command_comes_as_a_text_or_as_a_list(sent: object, read: object) -> None:
    assert ops.get(**HERE).parse({"id": "i1", "preDeployCommand": sent}).pre_deploy_command == read


@pytest.mark.parametrize(
    ("raw", "vcpus", "memory_bytes"),
    [
        ({"containers": {"cpu": 2, "memoryBytes": 2_000_000_000}}, 2, 2_000_000_000),
        ({"containers": {"cpu": 0.5, "memoryBytes": "2000000000"}}, 0.5, 2_000_000_000),
        ({"cpu": 1}, 1, None),
        ({"containers": None}, None, None),
        ({"containers": {"cpu": "lots"}}, None, None),
        ({}, None, None),
    ],
)
def test_limits_are_read_in_the_shapes_they_may_have(
    raw: dict[str, Any], vcpus: float | None, memory_bytes: int | None
) -> None:
    found = ops.limits(**HERE).parse(raw)
    assert (found.vcpus, found.memory_bytes, found.raw) == (vcpus, memory_bytes, raw)


def test_no_override_is_none() -> None:
    assert ops.limit_override(**HERE).parse(None) is None
    assert ops.limit_override(**HERE).parse({}) is None
    assert ops.limit_override(**HERE).parse({"containers": {"diskBytes": 5}}) == ServiceInstanceLimits(
        {"containers": {"diskBytes": 5}}
    )


def test_none_takes_a_limit_back_to_the_plans() -> None:
    assert ops.limits_update(**HERE, memory_gb=None, vcpus=1.5).variables["input"] == {
        "serviceId": "s1",
        "environmentId": "e1",
        "vCPUs": 1.5,
        "memoryGB": None,
    }
