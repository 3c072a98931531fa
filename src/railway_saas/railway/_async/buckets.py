"""`client.buckets`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import buckets as ops

if TYPE_CHECKING:
    from railway_saas.railway.models.buckets import Bucket, BucketS3CompatibleCredentials


class AsyncBuckets(AsyncResource):
    """Object storage that speaks S3. A bucket belongs to a project and works where it is placed."""

    async def create(self, *, project_id: str, name: str | None = None) -> Bucket:
        """Make a bucket; Railway names it when None. Not idempotent. `place` it next.

        Raises:
            RailwayConnectionError: With `maybe_applied` set, look for the bucket before trying again.
        """
        return await self._client.run(ops.create(project_id=project_id, name=name))

    async def place(
        self, bucket_id: str, *, environment_id: str, region: str, commit_message: str | None = None
    ) -> str:
        """Put a bucket into an environment, so that it can be used, by a patch of its config.

        Args:
            bucket_id: The bucket.
            environment_id: The environment.
            region: `sjc`, `iad`, `ams` or `sin`.
            commit_message: What the environment's history shows.

        Returns:
            What Railway answers to a committed patch; its meaning is not documented.
        """
        return await self._client.run(
            ops.place(bucket_id, environment_id=environment_id, region=region, commit_message=commit_message)
        )

    async def credentials(
        self, *, project_id: str, environment_id: str, bucket_id: str
    ) -> tuple[BucketS3CompatibleCredentials, ...]:
        """What S3 clients need. The secret key is in `secret_access_key`, which `repr` does not show."""
        return await self._client.run(
            ops.credentials(project_id=project_id, environment_id=environment_id, bucket_id=bucket_id)
        )
