"""The same in FastAPI, as functions that run in its threads: `uvicorn --factory benchmarks.serving.bare.fastapi_app:create`."""

# Without postponed annotations: FastAPI reads them while it runs.

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from benchmarks.serving.bare import accounts, deploying, reading
from benchmarks.serving.bare.answers import (
    DeployIn,
    InstanceOut,
    InstancesOut,
    LoginIn,
    OperationOut,
    StatusOut,
    TemplatesOut,
    TokensOut,
)
from benchmarks.serving.bare.database import Backend, RefusedError

Token = Annotated[str | None, Header(alias="Authorization")]
Limit = Annotated[int, Query(ge=1, le=200)]


@asynccontextmanager
async def _with_threads(_: FastAPI) -> AsyncGenerator[None]:
    """As many as the others have."""
    current_default_thread_limiter().total_tokens = int(os.environ["WEB_THREADS"])
    yield


def create() -> FastAPI:
    """The application of one process."""
    app, backend = FastAPI(lifespan=_with_threads), Backend.from_environment()

    @app.get("/api/instances/status")
    def read_status(authorization: Token = None) -> StatusOut:
        with backend.asking(authorization) as (session, user):
            return reading.read_status(backend, session, user)

    @app.get("/api/instances/{instance_id}")
    def read_instance(instance_id: UUID, authorization: Token = None) -> InstanceOut:
        with backend.asking(authorization) as (session, user):
            return reading.read_instance(backend, session, user, instance_id)

    @app.get("/api/instances")
    def list_instances(
        authorization: Token = None, limit: Limit = 50, cursor: str | None = None
    ) -> InstancesOut:
        with backend.asking(authorization) as (session, user):
            return reading.list_instances(backend, session, user, limit, cursor)

    @app.get("/api/templates")
    def list_templates(limit: Limit = 50) -> TemplatesOut:
        return reading.list_templates(backend, limit)

    @app.post("/api/auth/login")
    def log_in(body: LoginIn, request: Request) -> TokensOut:
        address = request.client.host if request.client else None
        return accounts.log_in(backend, body, address, request.headers.get("User-Agent", "")[:255])

    @app.post("/api/instances", status_code=HTTPStatus.ACCEPTED)
    def deploy(
        body: DeployIn,
        response: Response,
        idempotency_key: Annotated[str, Header()],
        authorization: Token = None,
    ) -> OperationOut:
        with backend.asking(authorization) as (session, user):
            operation = deploying.accept(backend, session, user, body, idempotency_key)
        response.headers["Location"] = operation.links.self
        return operation

    @app.exception_handler(RefusedError)
    def on_refused(_: Request, error: RefusedError) -> JSONResponse:
        return JSONResponse(error.problem(), error.status, media_type="application/problem+json")

    return app
