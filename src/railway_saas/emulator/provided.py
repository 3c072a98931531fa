"""The variables that Railway itself gives to a service, and those that a bucket offers to references.

Each is there only when what it speaks of is configured: without a domain there is no `RAILWAY_PUBLIC_DOMAIN`.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from railway_saas.emulator.regions import DEFAULT_REGION
from railway_saas.emulator.slugs import slug
from railway_saas.emulator.sources import Repositories

if TYPE_CHECKING:
    from railway_saas.emulator.world.projects import ServiceInstance
    from railway_saas.emulator.world.storage import BucketInstance
    from railway_saas.emulator.world.world import World

PRIVATE_ZONE = "railway.internal"
DEFAULT_PORT = "8080"
BUCKET_ENDPOINT = "https://storage.railway.app"
COMMIT_AUTHOR = "octocat"
COMMIT_MESSAGE = "Update"


def provided_variables(world: World, instance: ServiceInstance) -> dict[str, str]:
    """`RAILWAY_*` of one service instance, as its newest deployment sees them."""
    return {
        **_identity(instance),
        **_networking(instance),
        **_volume(instance),
        **_git(world, instance),
        **_deployment(instance),
    }


def bucket_variables(instance: BucketInstance) -> dict[str, str]:
    """What `${{bucket-name.NAME}}` finds."""
    return {
        "BUCKET": instance.name,
        "ACCESS_KEY_ID": instance.access_key_id,
        "SECRET_ACCESS_KEY": instance.secret_access_key,
        "REGION": "auto",
        "ENDPOINT": BUCKET_ENDPOINT,
        "RAILWAY_BUCKET_NAME": instance.bucket.name,
        "RAILWAY_BUCKET_ID": instance.bucket.id,
    }


def private_domain(instance: ServiceInstance) -> str:
    """`<service>.railway.internal`, unless its endpoint was given another name."""
    return f"{instance.private_name or slug(instance.service.name)}.{PRIVATE_ZONE}"


def _identity(instance: ServiceInstance) -> dict[str, str]:
    environment, project = instance.environment, instance.project
    return {
        "RAILWAY_PROJECT_NAME": project.name,
        "RAILWAY_PROJECT_ID": project.id,
        "RAILWAY_ENVIRONMENT": environment.name,
        "RAILWAY_ENVIRONMENT_NAME": environment.name,
        "RAILWAY_ENVIRONMENT_ID": environment.id,
        "RAILWAY_SERVICE_NAME": instance.service.name,
        "RAILWAY_SERVICE_ID": instance.service.id,
    }


def _networking(instance: ServiceInstance) -> dict[str, str]:
    variables = {"RAILWAY_PRIVATE_DOMAIN": private_domain(instance)}
    public = public_domain(instance)
    if public:
        variables |= {"RAILWAY_PUBLIC_DOMAIN": public, "RAILWAY_STATIC_URL": public}
    for other in instance.environment.instances.values():
        host = public_domain(other)
        if host:
            variables[f"RAILWAY_SERVICE_{_constant_case(other.service.name)}_URL"] = host
    for proxy in instance.tcp_proxies[:1]:
        variables |= {
            "RAILWAY_TCP_PROXY_DOMAIN": proxy.domain,
            "RAILWAY_TCP_PROXY_PORT": str(proxy.proxy_port),
            "RAILWAY_TCP_APPLICATION_PORT": str(proxy.application_port),
        }
    return variables


def public_domain(instance: ServiceInstance) -> str | None:
    """The domain that `RAILWAY_PUBLIC_DOMAIN` names: a custom one goes before Railway's own."""
    custom = [one.domain for one in instance.custom_domains]
    own = [one.domain for one in instance.service_domains]
    return next(iter(custom + own), None)


def _volume(instance: ServiceInstance) -> dict[str, str]:
    return {
        name: value
        for mounted in instance.volume_instances[:1]
        for name, value in (
            ("RAILWAY_VOLUME_NAME", mounted.volume.name),
            ("RAILWAY_VOLUME_MOUNT_PATH", mounted.mount_path),
        )
    }


def _git(world: World, instance: ServiceInstance) -> dict[str, str]:
    repo = instance.settings.repo
    if not repo:
        return {}
    owner, _, name = repo.partition("/")
    latest = instance.latest_deployment
    commit = latest.commit_hash if latest else None
    return {
        "RAILWAY_GIT_COMMIT_SHA": commit or world.part(Repositories).head(repo, instance.settings.branch),
        "RAILWAY_GIT_AUTHOR": COMMIT_AUTHOR,
        "RAILWAY_GIT_BRANCH": instance.settings.branch or "main",
        "RAILWAY_GIT_REPO_NAME": name,
        "RAILWAY_GIT_REPO_OWNER": owner,
        "RAILWAY_GIT_COMMIT_MESSAGE": (latest.commit_message if latest else None) or COMMIT_MESSAGE,
    }


def _deployment(instance: ServiceInstance) -> dict[str, str]:
    latest = instance.latest_deployment
    if latest is None:
        return {}
    replica = latest.instances[0].id if latest.instances else str(uuid.uuid5(uuid.UUID(latest.id), "replica"))
    return {
        "RAILWAY_DEPLOYMENT_ID": latest.id,
        "RAILWAY_SNAPSHOT_ID": latest.snapshot_id or "",
        "RAILWAY_REPLICA_ID": replica,
        "RAILWAY_REPLICA_REGION": instance.settings.region or DEFAULT_REGION,
    }


def _constant_case(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
