"""Background work, for administrators: what ran, waits and failed, and once more what failed."""

from __future__ import annotations

from datetime import datetime

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import Field

from reference_server.api.authentication import admins_only, platform, principal
from reference_server.api.describing import ApiModel, PageQuery, described, reply
from reference_server.api.paging import Cursors
from reference_server.api.problems import conflict, not_found
from reference_server.jobs.port import JobRun, JobState
from reference_server.jobs.retrying import NoSuchRunError, NotFailedError, retry_run

api = APIBlueprint(
    "operations",
    __name__,
    url_prefix="/api/admin",
    abp_tags=[Tag(name="operations", description="What the platform does in the background")],
)

_RUN = "0199c1c2-6a4e-7f61-8a77-1f0f0e2f1b11"
_MOMENT = "2026-11-02T09:30:00Z"
_FURTHEST = 100_000
"""Runs that a list goes back; what ended long ago is deleted anyway."""


class JobRunModel(ApiModel):
    """One run of a job."""

    id: str = Field(examples=[_RUN])
    job: str = Field(examples=["reconcile"])
    subject: str = Field(description="What it is about, e.g. an instance's id.", examples=[_RUN])
    state: JobState = Field(examples=["done"])
    attempt: int = Field(examples=[1])
    outcome: str | None = Field(description="What came of it, or why it failed.", examples=["settled"])
    request_id: str | None = Field(description="Of the request that asked for it.", examples=[_RUN])
    executor_id: str | None = Field(description="The worker.", examples=["worker-1"])
    created_at: datetime = Field(examples=[_MOMENT])
    started_at: datetime | None = Field(examples=[_MOMENT])
    finished_at: datetime | None = Field(examples=[_MOMENT])


class JobRunPageModel(ApiModel):
    """A page of runs."""

    items: list[JobRunModel]
    next_cursor: str | None = Field(
        None, description="`cursor` of the next page; none on the last.", examples=[None]
    )


class JobRunQuery(PageQuery):
    """Which runs."""

    state: JobState | None = Field(None, description="Only those that stand so.")
    job: str | None = Field(None, max_length=100, description="Only those of this job.")


class JobRunPath(ApiModel):
    """Which run."""

    run_id: str = Field(min_length=1, max_length=200)


def _place(after: str) -> str:
    if not 0 <= int(after) <= _FURTHEST:
        raise ValueError("too far")
    return str(int(after))


def _model(run: JobRun) -> JobRunModel:
    return JobRunModel(
        id=run.id,
        job=run.job,
        subject=run.subject,
        state=run.state,
        attempt=run.attempt,
        outcome=run.outcome,
        request_id=run.request_id,
        executor_id=run.executor_id,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


@api.get("/jobs", **described("List runs of jobs", JobRunPageModel))
@admins_only
def list_jobs(query: JobRunQuery) -> Response:
    """What ran, runs, waits and failed, the newest first. Runs that come meanwhile move the pages."""
    cursors = Cursors("jobs", query.state, query.job, check=_place)
    found = platform().jobs.list_page(
        state=query.state, job=query.job, after=cursors.read(query.cursor), limit=query.limit
    )
    return reply(
        JobRunPageModel(
            items=[_model(run) for run in found.items], next_cursor=cursors.wrap(found.next_cursor)
        )
    )


@api.post("/jobs/<run_id>/retry", **described("Retry a job", JobRunModel, status=202, errors=(404, 409)))
@admins_only
def retry_job(path: JobRunPath) -> Response:
    """Have a run that failed tried again. It is answered as it was; a worker queues it in a moment."""
    try:
        run = retry_run(platform(), path.run_id, actor=str(principal().user.id))
    except NoSuchRunError:
        raise not_found("run") from None
    except NotFailedError as error:
        raise conflict(str(error), kind="not-failed") from None
    return reply(_model(run), 202)
