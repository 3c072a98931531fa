"""A few named operations of Railway, for administrators. The token stays in the process; pacing is everybody's.

There is no way to send a document of one's own: what is not here cannot be asked.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Self

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import Field, model_validator

from railway_saas.errors import (
    RailwayAuthError,
    RailwayConflictError,
    RailwayError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayQueryError,
    RailwayStateError,
)
from railway_saas.railway.models.deployments import Deployment, DeploymentStatus
from railway_saas.railway.models.projects import Project, ProjectsOrderBy
from railway_saas.railway.models.services import Service
from reference_server.api.authentication import admins_only, needs, platform, principal
from reference_server.api.describing import ApiModel, described, reply
from reference_server.api.idempotency import idempotent
from reference_server.api.instances.models import ID, MOMENT
from reference_server.api.paging import Cursors
from reference_server.api.problems import Problem, conflict, invalid, not_found

api = APIBlueprint(
    "railway",
    __name__,
    url_prefix="/api/railway",
    abp_tags=[Tag(name="railway", description="Railway itself, for administrators")],
)

RailwayId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$", examples=[ID])]


class RailwayPageQuery(ApiModel):
    """Which page."""

    cursor: str | None = Field(None, max_length=1_000, description="`next_cursor` of the page before.")
    limit: int = Field(20, ge=1, le=50, description="How many at most.")


class ServicesQuery(RailwayPageQuery):
    """Of which project."""

    project_id: RailwayId


class DeploymentsQuery(RailwayPageQuery):
    """Of what."""

    project_id: RailwayId
    environment_id: RailwayId | None = None
    service_id: RailwayId | None = None
    status: DeploymentStatus | None = Field(None, description="Only those that stand so.")


class ProjectModel(ApiModel):
    """A Railway project."""

    id: str = Field(examples=[ID])
    name: str | None = Field(examples=["blog-1f0f0e2f"])
    description: str | None = Field(
        description="That of an instance's project holds the instance's id.", examples=[ID]
    )
    created_at: datetime | None = Field(examples=[MOMENT])
    deleted_at: datetime | None = Field(examples=[None])


class ProjectPageModel(ApiModel):
    """A page of projects."""

    items: list[ProjectModel]
    next_cursor: str | None = Field(None, examples=[None])


class ServiceModel(ApiModel):
    """A service of a project."""

    id: str = Field(examples=[ID])
    name: str | None = Field(examples=["web"])
    project_id: str | None = Field(examples=[ID])
    template_service_id: str | None = Field(examples=[None])
    created_at: datetime | None = Field(examples=[MOMENT])


class ServicePageModel(ApiModel):
    """A page of services."""

    items: list[ServiceModel]
    next_cursor: str | None = Field(None, examples=[None])


class ServiceBody(ApiModel):
    """A service to make."""

    project_id: RailwayId
    environment_id: RailwayId | None = None
    name: str = Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9 _-]+$", examples=["web"])
    image: str | None = Field(
        None, min_length=1, max_length=500, pattern=r"^[\x21-\x7e]+$", examples=["nginx:1.29"]
    )
    repo: str | None = Field(
        None, max_length=200, pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", examples=[None]
    )
    branch: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$", examples=[None])

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if self.image is not None and self.repo is not None:
            raise ValueError("give image or repo, not both")
        if self.branch is not None and self.repo is None:
            raise ValueError("branch needs repo")
        return self


class RailwayDeploymentModel(ApiModel):
    """A deployment at Railway."""

    id: str = Field(examples=[ID])
    status: str | None = Field(description="In Railway's words.", examples=["SUCCESS"])
    stopped: bool = Field(examples=[False])
    project_id: str | None = Field(examples=[ID])
    environment_id: str | None = Field(examples=[ID])
    service_id: str | None = Field(examples=[ID])
    url: str | None = Field(examples=["web.up.railway.app"])
    created_at: datetime | None = Field(examples=[MOMENT])


class RailwayDeploymentPageModel(ApiModel):
    """A page of deployments."""

    items: list[RailwayDeploymentModel]
    next_cursor: str | None = Field(None, examples=[None])


@api.get("/projects", **described("List Railway projects", ProjectPageModel))
@admins_only
@needs("railway:read")
def list_railway_projects(query: RailwayPageQuery) -> Response:
    """Projects of the platform's workspace, newest first."""
    cursors = Cursors.of_railway("railway-projects")
    with told():
        page = platform().railway.projects.list_page(
            workspace_id=platform().workspace_id,
            order_by=ProjectsOrderBy.CREATED_AT_DESC,
            first=query.limit,
            after=cursors.read(query.cursor),
        )
    return reply(
        ProjectPageModel(
            items=[_project(one) for one in page.items], next_cursor=cursors.wrap(page.next_cursor)
        )
    )


@api.get("/services", **described("List services of a Railway project", ServicePageModel, errors=(404,)))
@admins_only
@needs("railway:read")
def list_railway_services(query: ServicesQuery) -> Response:
    """Services of a project, in Railway's order."""
    cursors = Cursors.of_railway("railway-services", query.project_id)
    with told("project"):
        page = platform().railway.services.list_page(
            query.project_id, first=query.limit, after=cursors.read(query.cursor)
        )
    return reply(
        ServicePageModel(
            items=[_service(one) for one in page.items], next_cursor=cursors.wrap(page.next_cursor)
        )
    )


@api.post(
    "/services",
    **described("Make a service in a Railway project", ServiceModel, status=201, errors=(404, 409)),
)
@admins_only
@needs("railway:write")
@idempotent
def create_railway_service(body: ServiceBody) -> Response:
    """Make a service. The control loop knows nothing of it, and leaves it alone."""
    _note(body)
    with told("project"):
        made = platform().railway.services.create(
            body.project_id,
            name=body.name,
            environment_id=body.environment_id,
            image=body.image,
            repo=body.repo,
            branch=body.branch,
        )
    return reply(_service(made), 201, Location=f"/api/railway/services?project_id={body.project_id}")


@api.get(
    "/deployments",
    **described("List deployments of a Railway project", RailwayDeploymentPageModel, errors=(404,)),
)
@admins_only
@needs("railway:read")
def list_railway_deployments(query: DeploymentsQuery) -> Response:
    """Deployments of a project, an environment or a service, in Railway's order: newest first."""
    cursors = Cursors.of_railway(
        "railway-deployments", query.project_id, query.environment_id, query.service_id, query.status
    )
    with told("project, environment or service"):
        page = platform().railway.deployments.list_page(
            project_id=query.project_id,
            environment_id=query.environment_id,
            service_id=query.service_id,
            status_in=None if query.status is None else [query.status],
            first=query.limit,
            after=cursors.read(query.cursor),
        )
    return reply(
        RailwayDeploymentPageModel(
            items=[_deployment(one) for one in page.items], next_cursor=cursors.wrap(page.next_cursor)
        )
    )


@contextmanager
def told(what: str | None = None) -> Generator[None]:
    """Say in an administrator's terms what Railway refused; nothing that it sent is quoted but its own message.

    Raises:
        Problem: Railway refused, or could not be asked.
    """
    try:
        yield
    except (RailwayAuthError, RailwayNotFoundError):
        if what is None:
            raise
        # Railway answers alike whether there is none or the token may not see it.
        raise not_found(what) from None
    except RailwayConflictError as error:
        raise conflict(error.args[0], kind="name-taken") from None
    except RailwayInputError as error:
        raise invalid("Railway does not take this.", {"pointer": "#", "detail": str(error.args[0])}) from None
    except RailwayStateError as error:
        raise conflict(str(error.args[0])) from None
    except RailwayQueryError as error:
        raise invalid("Railway does not take this.", {"pointer": "#", "detail": str(error.args[0])}) from None
    except RailwayError as error:
        if not error.maybe_applied:
            raise
        raise Problem(
            503,
            "maybe-done",
            "Nobody knows whether it was done",
            "Railway's answer was lost. List the services before you try again.",
            headers={"Retry-After": "5"},
        ) from None


def _note(body: ServiceBody) -> None:
    """Before it is done: what was tried is in the audit log whatever becomes of it."""
    with platform().database.unit_of_work() as work:
        work.audit.note(
            platform().now(),
            "railway.service_create",
            ("railway_project", body.project_id),
            actor=f"operator:{principal().user.id}",
            **body.model_dump(mode="json", exclude_none=True),
        )
        work.commit()


def _project(project: Project) -> ProjectModel:
    return ProjectModel(
        id=project.id,
        name=project.name,
        description=project.description,
        created_at=project.created_at,
        deleted_at=project.deleted_at,
    )


def _service(service: Service) -> ServiceModel:
    return ServiceModel(
        id=service.id,
        name=service.name,
        project_id=service.project_id,
        template_service_id=service.template_service_id,
        created_at=service.created_at,
    )


def _deployment(deployment: Deployment) -> RailwayDeploymentModel:
    return RailwayDeploymentModel(
        id=deployment.id,
        status=deployment.status,
        stopped=deployment.deployment_stopped,
        project_id=deployment.project_id,
        environment_id=deployment.environment_id,
        service_id=deployment.service_id,
        url=deployment.static_url,
        created_at=deployment.created_at,
    )
