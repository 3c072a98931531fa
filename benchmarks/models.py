"""What somebody writes who reads the answer with httpx and pydantic alone: the same fields, the same types."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

T = TypeVar("T")

QUERY = """query ProjectGet($id: String!) {
  project(id: $id) {
    id name description createdAt updatedAt deletedAt workspaceId subscriptionType isPublic baseEnvironmentId primaryEnvironmentId
    environments { edges { node { id name isEphemeral } } }
    services { edges { node { id name icon templateId templateServiceId } } }
    volumes { edges { node { id name } } }
    buckets { edges { node { id name } } }
  }
}"""
"""What our client asks for, written in one piece."""


class Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Edge(Model, Generic[T]):
    node: T


class Connection(Model, Generic[T]):
    edges: tuple[Edge[T], ...]


class Named(Model):
    id: str
    name: str | None = None


class Environment(Named):
    is_ephemeral: bool = False


class Service(Named):
    icon: str | None = None
    template_id: str | None = None
    template_service_id: str | None = None


class Project(Named):
    description: str | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    deleted_at: AwareDatetime | None = None
    workspace_id: str | None = None
    subscription_type: str | None = None
    is_public: bool = False
    base_environment_id: str | None = None
    primary_environment_id: str | None = None
    environments: Connection[Environment]
    services: Connection[Service]
    volumes: Connection[Named]
    buckets: Connection[Named]


class Data(Model):
    project: Project


class Envelope(Model):
    data: Data
