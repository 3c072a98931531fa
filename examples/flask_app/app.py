"""A shop for hosted templates, in Flask: blocking code, one client per process.

    flask --app examples.flask_app.app run
    curl -H "X-User: ann@example.com" localhost:5000/templates

With RAILWAY_API_TOKEN, RAILWAY_WORKSPACE_ID, DATABASE_URL and WEBHOOK_SECRET it works for real, under gunicorn, and
`flask --app examples.flask_app.app run-worker` beside it does the work, in as many processes as you like. Without a token it
runs on a local Railway that lives in this process with a worker of its own, and says so.
"""

import logging
import os
import threading
from typing import Any
from uuid import UUID

import click
from flask import Blueprint, Flask, Response, abort, current_app, jsonify, request

from examples.answers import answer_to
from examples.flask_app.shop import Shop, open_shop
from railway_saas import RailwaySaasError
from railway_saas.domain import Instance, owner_id
from railway_saas.emulator import Emulator
from railway_saas.errors import InstanceInputError
from railway_saas.templates import Template

log = logging.getLogger("shop")
routes = Blueprint("shop", __name__)
_opening = threading.Lock()


def create_app(emulator: Emulator | None = None, *, worker: bool | None = None) -> Flask:
    """The application; `worker`: whether this process has a worker thread, by default with a local Railway only."""
    app = Flask(__name__)
    if emulator is None and "RAILWAY_API_TOKEN" not in os.environ:
        log.warning("RAILWAY_API_TOKEN is not set: this is a local Railway, which ends with the process")
        emulator = Emulator(speed=20)
    app.config.update(EMULATOR=emulator, WORKER=emulator is not None if worker is None else worker)
    app.register_blueprint(routes)
    app.register_error_handler(RailwaySaasError, on_error)
    app.cli.add_command(run_worker)
    return app


def the_shop() -> Shop:
    """This process's, opened when it is first needed: connections must not be shared across a fork."""
    with _opening:
        shop: Shop | None = current_app.extensions.get("shop")
        if shop is None:
            shop = current_app.extensions["shop"] = open_shop(current_app.config["EMULATOR"])
            if current_app.config["WORKER"]:
                shop.work_beside()
    return shop


def on_error(error: RailwaySaasError) -> tuple[Response, int]:
    status, body = answer_to(error)
    return jsonify(body), status


@click.command("run-worker")
@click.option("--once", is_flag=True, help="Do what is due now and return: for cron.")
def run_worker(*, once: bool) -> None:
    """Carry on with whatever is due."""
    if once:
        click.echo(the_shop().manager.run_due())
    else:
        the_shop().work()


def the_owner() -> UUID:
    """Who asks. Take your session here: whatever names a user in your tables makes an owner."""
    return owner_id(request.headers.get("X-User") or abort(401))


def the_body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise InstanceInputError("body: must be a JSON object", argument="body")
    return body


def as_id(value: object, argument: str) -> UUID:
    """Everything else in a request the SDK checks itself."""
    try:
        return UUID(str(value))
    except ValueError:
        raise InstanceInputError(f"{argument}: must be a UUID", argument=argument) from None


def shown(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "name": instance.name,
        "status": instance.status,
        "address": instance.observed.domain and f"https://{instance.observed.domain}",
        "error": instance.observed.error,
        "can": the_shop().manager.allowed(instance, for_owner=True),
    }


@routes.get("/templates")
def catalogue() -> Response:
    manager = the_shop().manager
    offered = []
    for one in manager.templates():
        document = Template.parse(manager.latest_revision(one.id).document)
        offered.append({"id": one.id, "name": one.name, "inputs": document.json_schema()})
    return jsonify(offered)


@routes.post("/instances")
def deploy() -> tuple[Response, int]:
    order = the_body()
    instance = the_shop().manager.deploy(
        user_id=the_owner(),
        template_id=as_id(order.get("template_id"), "template_id"),
        name=order.get("name", ""),
        inputs=order.get("inputs"),
        idempotency_key=request.headers.get("Idempotency-Key"),
    )
    return _accepted(instance)


def _accepted(instance: Instance) -> tuple[Response, int]:
    the_shop().wish.set()
    return jsonify(shown(instance)), 202


@routes.get("/instances")
def list_instances() -> Response:
    return jsonify([shown(one) for one in the_shop().manager.list_page(user_id=the_owner()).items])


@routes.get("/instances/<uuid:instance_id>")
def get_instance(instance_id: UUID) -> Response:
    return jsonify(shown(the_shop().manager.get(instance_id, user_id=the_owner())))


@routes.get("/instances/<uuid:instance_id>/events")
def events(instance_id: UUID) -> Response:
    """What happened since the event `after`: for a page that asks now and then."""
    after = request.args.get("after")
    return jsonify(the_shop().manager.events(instance_id, user_id=the_owner(), after=after))


@routes.put("/instances/<uuid:instance_id>/variables")
def set_variables(instance_id: UUID) -> tuple[Response, int]:
    manager = the_shop().manager
    return _accepted(manager.set_variables(instance_id, the_body(), user_id=the_owner()))


@routes.delete("/instances/<uuid:instance_id>")
def delete(instance_id: UUID) -> tuple[Response, int]:
    return _accepted(the_shop().manager.delete(instance_id, user_id=the_owner()))


@routes.post("/webhooks/railway")
def railway_webhook() -> Response:
    receipt = the_shop().intake.receive(request.headers, request.get_data())
    the_shop().wish.set()
    return jsonify(outcome=receipt.outcome)
