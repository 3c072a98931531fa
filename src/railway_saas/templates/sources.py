"""Where a service's code comes from: image references and repositories, and what their form tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ImageReference", "RepositoryReference"]

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?P<registry>(?:localhost|{_HOST}(?:\.[A-Za-z0-9-]+)|{_HOST}(?=:\d))(?::\d{{1,5}})?)/)?"
    rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_OWNER_NAME = r"(?P<owner>[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/(?P<name>[\w.-]{1,100}?)"
_REPOSITORY = re.compile(
    rf"(?:(?:https://)?(?:www\.)?github\.com/{_OWNER_NAME}(?:\.git)?(?:/tree/(?P<branch>[^\s?#]+?))?/?)",
    re.ASCII,
)
_SHORT_REPOSITORY = re.compile(_OWNER_NAME, re.ASCII)
_LONGEST = 1_000

_DATABASES = (
    "cassandra",
    "clickhouse",
    "cockroach",
    "couchbase",
    "couchdb",
    "dragonfly",
    "elasticsearch",
    "etcd",
    "influxdb",
    "keydb",
    "mariadb",
    "meilisearch",
    "milvus",
    "minio",
    "mongo",
    "mssql",
    "mysql",
    "neo4j",
    "opensearch",
    "percona",
    "pgvector",
    "postgis",
    "postgres",
    "qdrant",
    "redis",
    "rethinkdb",
    "scylla",
    "surrealdb",
    "timescaledb",
    "typesense",
    "valkey",
    "weaviate",
)
_DATABASE_IMAGE = re.compile(
    rf"(?:{'|'.join(_DATABASES)})(?:ql|db)?(?:[-_.](?:ssl|server|stack|ha|alpine|community|db|\d\w*))*"
)


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A container image as Docker writes it: `registry/path:tag@digest`. Source: distribution/reference."""

    path: str
    registry: str | None = None
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def find(cls, text: str) -> ImageReference | None:
        """Read an image reference; None when it has not the form of one."""
        match = _IMAGE.fullmatch(text) if len(text) <= _LONGEST else None
        return cls(**match.groupdict()) if match else None

    @property
    def is_pinned(self) -> bool:
        """Whether the same text always means about the same image: a tag other than `latest`, or a digest."""
        return self.digest is not None or self.tag not in {None, "latest"}

    @property
    def is_database(self) -> bool:
        """Whether it is a well-known store of data, which loses everything without a volume."""
        return _DATABASE_IMAGE.fullmatch(self.path.rpartition("/")[2]) is not None


@dataclass(frozen=True, slots=True)
class RepositoryReference:
    """A GitHub repository, as `owner/name` or by its address, which may name a branch."""

    owner: str
    name: str
    branch: str | None = None

    @classmethod
    def find(cls, text: str) -> RepositoryReference | None:
        """Read a repository; None when it has not the form of one."""
        if len(text) > _LONGEST:
            return None
        match = _REPOSITORY.fullmatch(text) or _SHORT_REPOSITORY.fullmatch(text)
        return cls(**match.groupdict()) if match else None

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"
