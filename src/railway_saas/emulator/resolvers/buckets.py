"""Buckets and the keys that open them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors, structure, variables
from railway_saas.emulator.buckets import Buckets, check_name
from railway_saas.emulator.connections import Connection, paginate
from railway_saas.emulator.provided import BUCKET_ENDPOINT
from railway_saas.emulator.registry import constant, field, graphql_type, mutation, query, registry
from railway_saas.emulator.rendering import owners_referenced
from railway_saas.emulator.world.storage import Bucket, BucketInstance

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.projects import Project

registry.types["Bucket"] = Bucket
constant("Bucket", groupId=None)


@graphql_type("BucketS3CompatibleCredentials")
@dataclass(frozen=True, slots=True)
class Credentials:
    """What an S3 client needs."""

    access_key_id: str
    secret_access_key: str
    bucket_name: str
    created_at: datetime
    endpoint: str = BUCKET_ENDPOINT
    region: str = "auto"
    url_style: str = "virtual"


@graphql_type("BucketInstanceDetails")
@dataclass(frozen=True, slots=True)
class Details:
    """What is in a bucket; nobody writes to one here."""

    object_count: int = 0
    size_bytes: int = 0


@mutation("bucketCreate")
def bucket_create(ctx: Context, *, input_: dict[str, Any]) -> Bucket:
    """A new bucket; with an environment, placed there at once."""
    project = ctx.project(input_["project_id"])
    environment = ctx.environment(input_["environment_id"]) if input_.get("environment_id") else None
    if environment is not None and environment.project is not project:
        raise errors.not_authorized()
    buckets = ctx.world.part(Buckets)
    bucket = buckets.create(project, input_.get("name"))
    if environment is not None:
        buckets.place(bucket, environment)
    return bucket


@mutation("bucketUpdate")
def bucket_update(ctx: Context, *, id_: str, input_: dict[str, Any]) -> Bucket:
    """Rename a bucket."""
    found = _bucket(ctx, id_)
    if input_["name"] != found.name:
        check_name(found.project, input_["name"])
        found.name = input_["name"]
        found.updated_at = ctx.now
        structure.touch(ctx.world, found.project)
    return found


@query("bucketS3Credentials")
def credentials(ctx: Context, *, project_id: str, environment_id: str, bucket_id: str) -> list[Credentials]:
    """The keys of a bucket in an environment; none where it is not placed."""
    ctx.project(project_id)
    found = _instance(ctx, environment_id, bucket_id)
    return [_credentials(found)] if found else []


@query("bucketInstanceDetails")
def details(ctx: Context, *, environment_id: str, bucket_id: str) -> Details | None:
    """What is in it."""
    return Details() if _instance(ctx, environment_id, bucket_id) else None


@mutation("bucketCredentialsReset")
def credentials_reset(
    ctx: Context,
    *,
    project_id: str,
    environment_id: str,
    bucket_id: str,
    redeploy_dependents: bool | None = None,
) -> Credentials:
    """A new key in the place of the old one."""
    ctx.project(project_id)
    found = _instance(ctx, environment_id, bucket_id)
    if found is None:
        raise errors.not_found("BucketInstance")
    ctx.world.part(Buckets).reset_credentials(found)
    if redeploy_dependents:
        name = found.bucket.name
        readers = [
            one for one in found.environment.instances.values() if name in owners_referenced(one.variables)
        ]
        variables.redeploy(ctx.world, readers, ctx.user)
    return _credentials(found)


@field("Project", "buckets")
def project_buckets(found: Project, _ctx: Context, **page: Any) -> Connection:
    """The buckets of a project, oldest first."""
    return paginate(list(found.buckets.values()), default=None, **page)


def _credentials(found: BucketInstance) -> Credentials:
    return Credentials(found.access_key_id, found.secret_access_key, found.name, found.credentials_created_at)


def _bucket(ctx: Context, bucket_id: str) -> Bucket:
    ctx.caller.require()
    found = ctx.world.part(Buckets).find(bucket_id)
    if found is None:
        raise errors.not_found("Bucket")
    ctx.project(found.project.id)
    return found


def _instance(ctx: Context, environment_id: str, bucket_id: str) -> BucketInstance | None:
    environment = ctx.environment(environment_id)
    found = _bucket(ctx, bucket_id)
    if found.project is not environment.project:
        raise errors.not_authorized()
    return found.instances.get(environment.id)
