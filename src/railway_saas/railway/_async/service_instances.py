"""`client.service_instances`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import service_instances as ops
from railway_saas.railway.operations._build import UNSET, Unset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from railway_saas._core.paging import Page
    from railway_saas.railway.models.service_instances import (
        AutoDeployStatus,
        Builder,
        RestartPolicyType,
        ServiceInstance,
        ServiceInstanceLimits,
    )
    from railway_saas.railway.models.services import RegistryCredentials


class AsyncServiceInstances(AsyncResource):
    """Service instances: a service in one environment, with its settings, limits and deployments."""

    def list(self, environment_id: str, *, page_size: int | None = None) -> AsyncIterator[ServiceInstance]:
        """Go through all service instances of an environment, page by page as needed."""
        return self._all(lambda cursor: ops.list_page(environment_id, first=page_size, after=cursor))

    async def list_page(
        self, environment_id: str, *, first: int | None = None, after: str | None = None
    ) -> Page[ServiceInstance]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next."""
        return await self._client.run(ops.list_page(environment_id, first=first, after=after))

    async def get(self, *, service_id: str, environment_id: str) -> ServiceInstance:
        """Settings, domains, latest and active deployments of a service in one environment.

        Raises:
            RailwayNotFoundError: The service has no instance in this environment.
        """
        return await self._client.run(ops.get(service_id=service_id, environment_id=environment_id))

    async def update(
        self,
        *,
        service_id: str,
        environment_id: str | None = None,
        image: str | Unset = UNSET,
        repo: str | Unset = UNSET,
        builder: Builder | str | Unset | None = UNSET,
        build_command: str | Unset | None = UNSET,
        start_command: str | Unset | None = UNSET,
        pre_deploy_command: str | Sequence[str] | Unset | None = UNSET,
        root_directory: str | Unset | None = UNSET,
        dockerfile_path: str | Unset | None = UNSET,
        watch_patterns: Sequence[str] | Unset | None = UNSET,
        railway_config_file: str | Unset | None = UNSET,
        nixpacks_plan: Mapping[str, object] | Unset | None = UNSET,
        healthcheck_path: str | Unset | None = UNSET,
        healthcheck_timeout: int | Unset | None = UNSET,
        cron_schedule: str | Unset | None = UNSET,
        region: str | Unset | None = UNSET,
        num_replicas: int | Unset | None = UNSET,
        multi_region_config: Mapping[str, object] | Unset | None = UNSET,
        restart_policy_type: RestartPolicyType | str | Unset | None = UNSET,
        restart_policy_max_retries: int | Unset | None = UNSET,
        sleep_application: bool | Unset | None = UNSET,
        draining_seconds: int | Unset | None = UNSET,
        overlap_seconds: int | Unset | None = UNSET,
        ipv6_egress_enabled: bool | Unset | None = UNSET,
        registry_credentials: RegistryCredentials | Unset | None = UNSET,
    ) -> bool:
        """Change the settings that are given; None clears one. They take effect with the next deployment.

        Args:
            service_id: Which service.
            environment_id: Where; a fork is changed alone, and without it every environment that is no fork.
            image: Run this image.
            repo: Build from this repository, `owner/name`.
            builder: `RAILPACK`, `NIXPACKS`, `HEROKU` or `PAKETO`.
            build_command: Instead of what the builder finds.
            start_command: Instead of what the builder or the image says.
            pre_deploy_command: Run between build and start, e.g. for migrations; several run one after another.
            root_directory: Where in the repository the service lives.
            dockerfile_path: Where its Dockerfile is.
            watch_patterns: Only pushes that change one of these files deploy.
            railway_config_file: Path of a `railway.json`. Railway: retired on 2026-12-01.
            nixpacks_plan: Nixpacks' own settings.
            healthcheck_path: Answers 200 once the service is ready.
            healthcheck_timeout: Seconds until it must; Railway's default is 300.
            cron_schedule: Five crontab fields, UTC, at least five minutes between runs.
            region: Where it runs; a volume moves along, with downtime.
            num_replicas: Containers, from 1. A service with a volume has one.
            multi_region_config: `{"<region>": {"numReplicas": n}}`; None takes a region out.
            restart_policy_type: `ON_FAILURE`, `ALWAYS` or `NEVER`.
            restart_policy_max_retries: Restarts until it counts as crashed; Railway's default is 10.
            sleep_application: Let it sleep when nothing leaves it for some minutes.
            draining_seconds: Between SIGTERM and SIGKILL of the old deployment.
            overlap_seconds: How long the old deployment runs on beside the new one.
            ipv6_egress_enabled: Whether it may reach out over IPv6.
            registry_credentials: Log-in of the image's registry (Pro).

        Raises:
            RailwayInputError: A value cannot be used, or nothing is given. `argument` names it.
        """
        return await self._client.run(
            ops.update(
                service_id=service_id,
                environment_id=environment_id,
                image=image,
                repo=repo,
                builder=builder,
                build_command=build_command,
                start_command=start_command,
                pre_deploy_command=pre_deploy_command,
                root_directory=root_directory,
                dockerfile_path=dockerfile_path,
                watch_patterns=watch_patterns,
                railway_config_file=railway_config_file,
                nixpacks_plan=nixpacks_plan,
                healthcheck_path=healthcheck_path,
                healthcheck_timeout=healthcheck_timeout,
                cron_schedule=cron_schedule,
                region=region,
                num_replicas=num_replicas,
                multi_region_config=multi_region_config,
                restart_policy_type=restart_policy_type,
                restart_policy_max_retries=restart_policy_max_retries,
                sleep_application=sleep_application,
                draining_seconds=draining_seconds,
                overlap_seconds=overlap_seconds,
                ipv6_egress_enabled=ipv6_egress_enabled,
                registry_credentials=registry_credentials,
            )
        )

    async def deploy(self, *, service_id: str, environment_id: str, commit_sha: str | None = None) -> str:
        """Deploy the source as it is set; returns the new deployment's id. Not idempotent.

        Args:
            service_id: Which service.
            environment_id: Where.
            commit_sha: A commit of the connected repository, instead of the one it points to.

        Raises:
            RailwayNotFoundError: There is no such commit. Nothing was deployed.
            RailwayConnectionError: With `maybe_applied` set, look for the deployment before trying again.
        """
        return await self._client.run(
            ops.deploy(service_id=service_id, environment_id=environment_id, commit_sha=commit_sha)
        )

    async def deploy_latest_commit(self, *, service_id: str, environment_id: str) -> bool:
        """Deploy the newest commit of the connected branch. Not idempotent."""
        return await self._client.run(
            ops.deploy_latest_commit(service_id=service_id, environment_id=environment_id)
        )

    async def redeploy(self, *, service_id: str, environment_id: str) -> bool:
        """Run the latest deployment anew. Not idempotent."""
        return await self._client.run(ops.redeploy(service_id=service_id, environment_id=environment_id))

    async def limits(self, *, service_id: str, environment_id: str) -> ServiceInstanceLimits:
        """What a container may use: the limits set for it, or else what the plan allows."""
        return await self._client.run(ops.limits(service_id=service_id, environment_id=environment_id))

    async def limit_override(self, *, service_id: str, environment_id: str) -> ServiceInstanceLimits | None:
        """The limits set for this service; None where none are."""
        return await self._client.run(
            ops.limit_override(service_id=service_id, environment_id=environment_id)
        )

    async def limits_update(
        self,
        *,
        service_id: str,
        environment_id: str,
        vcpus: float | Unset | None = UNSET,
        memory_gb: float | Unset | None = UNSET,
    ) -> bool:
        """Limit CPU (in virtual CPUs) and memory (in GB) of a service; None goes back to the plan's.

        Raises:
            RailwayInputError: A limit is not above 0, or none is given. Nothing was sent.
        """
        return await self._client.run(
            ops.limits_update(
                service_id=service_id, environment_id=environment_id, vcpus=vcpus, memory_gb=memory_gb
            )
        )

    async def is_updatable(self, *, service_id: str, environment_id: str) -> bool:
        """Whether the repository that the service was copied from has news."""
        return await self._client.run(ops.is_updatable(service_id=service_id, environment_id=environment_id))

    async def auto_deploy_status(
        self, *, project_id: str, service_id: str, environment_id: str
    ) -> AutoDeployStatus:
        """Whether pushes deploy the service, and whether that can be switched on."""
        return await self._client.run(
            ops.auto_deploy_status(
                project_id=project_id, service_id=service_id, environment_id=environment_id
            )
        )
