"""Buckets: made once per project, then placed in environments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from railway_saas.emulator import errors, structure
from railway_saas.emulator.registry import part
from railway_saas.emulator.slugs import slug
from railway_saas.emulator.world.storage import Bucket, BucketInstance

if TYPE_CHECKING:
    from railway_saas.emulator.world.projects import Environment, Project
    from railway_saas.emulator.world.world import World

REGIONS = ("sjc", "iad", "ams", "sin")
DEFAULT_REGION = "sjc"
ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyz0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9 ._-]{0,62}")


@part
class Buckets:
    """The buckets of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._by_id: dict[str, Bucket] = {}
        world.hooks.environment_deleted.append(self._environment_deleted)
        world.hooks.environment_copied.append(self._environment_copied)

    def find(self, bucket_id: str) -> Bucket | None:
        """A bucket by id."""
        return self._by_id.get(bucket_id)

    def create(self, project: Project, name: str | None = None, *, bucket_id: str | None = None) -> Bucket:
        """A new bucket, placed nowhere yet; without a name one is invented.

        Raises:
            Refusal: The name is none, or is taken.
        """
        if name is None:
            name = self._world.ids.name()
        check_name(project, name)
        now = self._world.clock.now()
        bucket = Bucket(bucket_id or self._world.ids.uuid(), name, project, now, now)
        project.buckets[bucket.id] = bucket
        self._by_id[bucket.id] = bucket
        structure.touch(self._world, project)
        return bucket

    def free_name(self, project: Project, wanted: str) -> str:
        """The wanted name, with a suffix when it is taken."""
        name = wanted
        while any(one.name == name for one in project.buckets.values()):
            name = f"{wanted}-{self._world.ids.text(4, ALPHANUMERIC, stream='bucket')}"
        return name

    def place(self, bucket: Bucket, environment: Environment, region: str | None = None) -> BucketInstance:
        """Bring a bucket into an environment, with a key of its own.

        Raises:
            Refusal: There is no such region.
        """
        if region is not None and region not in REGIONS:
            raise errors.invalid_field("region")
        known = bucket.instances.get(environment.id)
        if known is not None:
            known.region = region or known.region
            return known
        ids, now = self._world.ids, self._world.clock.now()
        instance = BucketInstance(
            bucket=bucket,
            environment=environment,
            region=region or DEFAULT_REGION,
            name=f"{slug(bucket.name)}-{ids.text(8, ALPHANUMERIC, stream='bucket')}",
            created_at=now,
            access_key_id=self._access_key(),
            secret_access_key=ids.secret(48),
            credentials_created_at=now,
        )
        bucket.instances[environment.id] = instance
        structure.touch(self._world, bucket.project)
        return instance

    def reset_credentials(self, instance: BucketInstance) -> None:
        """Make a new key; the old one opens nothing any more."""
        instance.access_key_id = self._access_key()
        instance.secret_access_key = self._world.ids.secret(48)
        instance.credentials_created_at = self._world.clock.now()

    def remove(self, bucket: Bucket, environment: Environment) -> None:
        """Take a bucket out of an environment; when it is in none any more, it is gone."""
        bucket.instances.pop(environment.id, None)
        if not bucket.instances:
            bucket.project.buckets.pop(bucket.id, None)
            self._by_id.pop(bucket.id, None)
        structure.touch(self._world, bucket.project)

    def _access_key(self) -> str:
        return f"tid_{self._world.ids.text(28, UPPER, stream='bucket')}"

    def _environment_deleted(self, environment: Environment) -> None:
        for bucket in tuple(environment.project.buckets.values()):
            if environment.id in bucket.instances:
                self.remove(bucket, environment)

    def _environment_copied(self, source: Environment, target: Environment) -> None:
        """A copy has the same buckets, empty and with keys of their own."""
        for bucket in source.project.buckets.values():
            instance = bucket.instances.get(source.id)
            if instance is not None:
                self.place(bucket, target, instance.region)


def check_name(project: Project, name: str) -> None:
    """Refuse a name that Railway would.

    Raises:
        Refusal: It is blank or too long, has other characters, or is taken in this project.
    """
    if not _NAME.fullmatch(name):
        raise errors.invalid_field("name")
    if any(one.name == name for one in project.buckets.values()):
        raise errors.invalid(f'A bucket named "{name}" already exists in this project')
