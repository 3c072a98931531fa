"""For machines that look after the platform: whether it lives, whether it is ready, how it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Response, current_app, request
from flask_openapi import APIBlueprint, Tag
from pydantic import Field

from reference_server.api.authentication import own_credentials, platform
from reference_server.api.describing import ApiModel, described, reply
from reference_server.api.problems import not_found, unauthenticated
from reference_server.observability.exposition import Exposition
from reference_server.observability.probes import may_see_metrics
from reference_server.observability.readiness import Readiness
from reference_server.security.rate_limits import unlimited

if TYPE_CHECKING:
    from reference_server.composition import Platform

api = APIBlueprint(
    "ops", __name__, abp_tags=[Tag(name="operations", description="For load balancers and monitoring")]
)


def register(app: Flask, platform: Platform) -> None:
    """What these views look at: one of each per process."""
    app.extensions["readiness"] = Readiness(platform)
    app.extensions["exposition"] = Exposition(platform)


class HealthModel(ApiModel):
    """The process answers."""

    status: str = Field(examples=["ok"])


class ReadinessModel(ApiModel):
    """Whether it can do its work."""

    status: str = Field(
        description="`ready`, `degraded` (ready, only slower) or `unready`.", examples=["ready"]
    )
    checks: dict[str, str] = Field(
        description="`ok`, `degraded` or `failed`, by what was looked at.",
        examples=[{"process": "ok", "database": "ok", "migrations": "ok"}],
    )


@api.get(
    "/healthz",
    **described("Whether the process lives", HealthModel, is_public=True, example={"status": "ok"}),
)
@own_credentials
@unlimited
def healthz() -> Response:
    """Asks nobody else: a process that answers this needs no restart."""
    return reply(HealthModel(status="ok"))


def _described_readiness() -> dict[str, Any]:
    """The body is the same when it is not ready: what was looked at is what one wants to know then."""
    told = described("Whether it is ready for requests", ReadinessModel, is_public=True)
    told["responses"][503] = {**told["responses"][200], "description": "Not ready, or stopping."}
    return told


def _described_metrics() -> dict[str, Any]:
    told = described(
        "Metrics for Prometheus", errors=(401, 404), is_public=True, security=[{}, {"bearer": []}]
    )
    text = {"schema": {"type": "string"}, "example": "railway_saas_database_up 1.0\n"}
    told["responses"][200]["content"] = {"text/plain": text, "application/openmetrics-text": text}
    return told


@api.get("/readyz", **_described_readiness())
@own_credentials
@unlimited
def readyz() -> Response:
    """Asks the database, its migrations, and Redis where there is one. 503 when it is not ready, or stopping."""
    report = readiness_of(current_app).look()
    body = ReadinessModel(
        status=report.status, checks={name: state.value for name, state in report.checks.items()}
    )
    return reply(body, 200 if report.is_ready else 503)


@api.get("/metrics", **_described_metrics())
@own_credentials
@unlimited
def metrics() -> Response:
    """In Prometheus' text format or OpenMetrics, as `Accept` prefers. Needs `METRICS_TOKEN` as a bearer token in production."""
    _refuse_who_may_not_see()
    text, content_type = cast("Exposition", current_app.extensions["exposition"]).write(
        request.headers.get("Accept", "")
    )
    return Response(text, content_type=content_type)


def _refuse_who_may_not_see() -> None:
    settings = platform().settings
    if may_see_metrics(settings, request.headers.get("Authorization", "")):
        return
    if settings.metrics_token is None:
        raise not_found("page")
    raise unauthenticated("/metrics needs `METRICS_TOKEN` as a bearer token.")


def readiness_of(app: Flask) -> Readiness:
    """That of this process."""
    return cast("Readiness", app.extensions["readiness"])
