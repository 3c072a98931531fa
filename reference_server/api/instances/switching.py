"""Switching instances on and off, and starting them anew."""

from __future__ import annotations

from flask import Response
from pydantic import Field

from reference_server.api.authentication import admins_only, needs, platform
from reference_server.api.describing import ApiModel
from reference_server.api.idempotency import idempotent
from reference_server.api.instances.blueprint import (
    InstancePath,
    ServiceQuery,
    accepted,
    accepting,
    actor,
    api,
    owner,
)


class RollbackBody(ApiModel):
    """Where to go back to."""

    deployment_id: str = Field(
        min_length=1,
        max_length=255,
        description="`railway_deployment_id` of one of its deployments.",
        examples=["5a1f7c0e-2b9b-4f52-9c59-5f8a6b1d7e21"],
    )


@api.post("/<uuid:instance_id>/restart", **accepting("Restart an instance"))
@needs("instances:write")
@idempotent
def restart(path: InstancePath, query: ServiceQuery) -> Response:
    """Start the processes anew; deployments stay the same."""
    instance = platform().manager.restart(
        path.instance_id, service=query.service, user_id=owner(), actor=actor()
    )
    return accepted(instance, "will be restarted")


@api.post("/<uuid:instance_id>/redeploy", **accepting("Deploy an instance anew"))
@needs("instances:write")
@idempotent
def redeploy(path: InstancePath, query: ServiceQuery) -> Response:
    """Deploy the services anew from their settings as they are."""
    instance = platform().manager.redeploy(
        path.instance_id, service=query.service, user_id=owner(), actor=actor()
    )
    return accepted(instance, "will be deployed anew")


@api.post("/<uuid:instance_id>/rollback", **accepting("Go back to an earlier deployment"))
@needs("instances:write")
@idempotent
def rollback(path: InstancePath, body: RollbackBody) -> Response:
    """Give a service the image and the variables of one of its earlier deployments."""
    instance = platform().manager.rollback(
        path.instance_id, body.deployment_id, user_id=owner(), actor=actor()
    )
    return accepted(instance, "will be rolled back")


@api.post("/<uuid:instance_id>/stop", **accepting("Stop an instance"))
@needs("instances:write")
@idempotent
def stop(path: InstancePath) -> Response:
    """Switch an instance off; its deployments are kept and start again at once."""
    return accepted(
        platform().manager.stop(path.instance_id, user_id=owner(), actor=actor()), "will be stopped"
    )


@api.post("/<uuid:instance_id>/start", **accepting("Start an instance"))
@needs("instances:write")
@idempotent
def start(path: InstancePath) -> Response:
    """Switch a stopped instance on again."""
    return accepted(
        platform().manager.start(path.instance_id, user_id=owner(), actor=actor()), "will be started"
    )


@api.post("/<uuid:instance_id>/suspend", **accepting("Suspend an instance"))
@admins_only
@needs("instances:write")
@idempotent
def suspend(path: InstancePath) -> Response:
    """Take an instance off Railway's bill; its volumes are kept. For administrators."""
    return accepted(platform().manager.suspend(path.instance_id, actor=actor()), "will be suspended")


@api.post("/<uuid:instance_id>/resume", **accepting("Resume an instance"))
@admins_only
@needs("instances:write")
@idempotent
def resume(path: InstancePath) -> Response:
    """Let a suspended instance run again. For administrators."""
    return accepted(platform().manager.resume(path.instance_id, actor=actor()), "will run again")
