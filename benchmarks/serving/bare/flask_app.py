"""The floor in Flask: `gunicorn 'benchmarks.serving.bare.flask_app:create()'`."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from pydantic import BaseModel, ValidationError

from benchmarks.serving.bare import accounts, deploying, reading
from benchmarks.serving.bare.answers import DeployIn, LoginIn
from benchmarks.serving.bare.database import Backend, RefusedError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from uuid import UUID

    from sqlalchemy.orm import Session

    from reference_server.data.models import UserRow


def create() -> Flask:
    """The application of one process."""
    app, backend = Flask(__name__, static_folder=None), Backend.from_environment()

    def asking() -> AbstractContextManager[tuple[Session, UserRow]]:
        return backend.asking(request.headers.get("Authorization"))

    @app.get("/api/instances/<uuid:instance_id>")
    def read_instance(instance_id: UUID) -> Response:
        with asking() as (session, user):
            return _reply(reading.read_instance(backend, session, user, instance_id))

    @app.get("/api/instances")
    def list_instances() -> Response:
        with asking() as (session, user):
            return _reply(
                reading.list_instances(backend, session, user, _limit(), request.args.get("cursor"))
            )

    @app.get("/api/instances/status")
    def read_status() -> Response:
        with asking() as (session, user):
            return _reply(reading.read_status(backend, session, user))

    @app.get("/api/templates")
    def list_templates() -> Response:
        return _reply(reading.list_templates(backend, _limit()))

    @app.post("/api/auth/login")
    def log_in() -> Response:
        body = LoginIn.model_validate_json(request.get_data())
        return _reply(accounts.log_in(backend, body, request.remote_addr, request.user_agent.string[:255]))

    @app.post("/api/instances")
    def deploy() -> Response:
        body = DeployIn.model_validate_json(request.get_data())
        with asking() as (session, user):
            operation = deploying.accept(backend, session, user, body, request.headers["Idempotency-Key"])
        answer = _reply(operation, HTTPStatus.ACCEPTED)
        answer.headers["Location"] = operation.links.self
        return answer

    app.extensions["stop"] = backend.close
    app.register_error_handler(RefusedError, _on_refused)
    app.register_error_handler(ValidationError, _on_invalid)
    return app


def _limit() -> int:
    """How many at most."""
    wanted = request.args.get("limit", 50, int)
    if not 1 <= wanted <= 200:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "limit must be from 1 to 200.")
    return wanted


def _reply(body: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(body.model_dump_json(), status, content_type="application/json")


def _on_refused(error: RefusedError) -> Response:
    return Response(json.dumps(error.problem()), error.status, content_type="application/problem+json")


def _on_invalid(_: ValidationError) -> Response:
    return _on_refused(RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "The body cannot be used."))
