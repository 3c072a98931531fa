"""Buckets: object storage that speaks S3."""

from __future__ import annotations

from pydantic import Field

from railway_saas.railway.models.base import RailwayModel, Timestamp


class Bucket(RailwayModel):
    """A bucket of a project."""

    id: str
    name: str | None = None
    project_id: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class BucketS3CompatibleCredentials(RailwayModel):
    """What an S3 client needs. The secret key is not shown by `repr`."""

    bucket_name: str
    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = Field(default=None, repr=False)
    url_style: str | None = None
    """Whether the bucket's name goes into the host name or the path."""
    created_at: Timestamp | None = None
