"""Operations on buckets. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway.models.buckets import Bucket, BucketS3CompatibleCredentials
from railway_saas.railway.operations._build import given, operation, or_unset, require_text

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation


def create(*, project_id: str, name: str | None = None) -> Operation[Bucket]:
    """A new bucket of a project; `place` puts it into an environment. Not idempotent."""
    require_text(project_id=project_id)
    if name is not None:
        require_text(name=name)
    body = given({"projectId": project_id, "name": or_unset(name)})
    return operation("BucketCreate", Bucket, {"input": body})


def place(
    bucket_id: str, *, environment_id: str, region: str, commit_message: str | None = None
) -> Operation[str]:
    """Put a bucket into an environment, so that it can be used. The answer's meaning is not documented.

    Source: Railway CLI, which commits this patch after `bucketCreate`.
    """
    require_text(bucket_id=bucket_id, environment_id=environment_id, region=region)
    variables = {
        "environmentId": environment_id,
        "patch": {"buckets": {bucket_id: {"region": region, "isCreated": True}}},
        "commitMessage": or_unset(commit_message),
    }
    return operation("BucketPlace", str, variables)


def credentials(
    *, project_id: str, environment_id: str, bucket_id: str
) -> Operation[tuple[BucketS3CompatibleCredentials, ...]]:
    """What S3 clients need for a bucket in one environment."""
    require_text(project_id=project_id, environment_id=environment_id, bucket_id=bucket_id)
    variables = {"projectId": project_id, "environmentId": environment_id, "bucketId": bucket_id}
    return operation(
        "BucketCredentials", tuple[BucketS3CompatibleCredentials, ...], variables, read_after_write=True
    )
