"""A shop for hosted templates, in FastAPI: everything asynchronous, in one process or in many.

    uvicorn examples.fastapi_app.app:app --port 8000
    curl -H "X-User: ann@example.com" localhost:8000/templates

With RAILWAY_API_TOKEN, RAILWAY_WORKSPACE_ID, DATABASE_URL and WEBHOOK_SECRET it works for real. Without a token it runs on
a local Railway that lives in this process, and says so.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from examples.answers import answer_to
from examples.fastapi_app.shop import POLL_S, Shop, open_shop
from railway_saas import RailwaySaasError
from railway_saas.domain import Instance, owner_id
from railway_saas.emulator import Emulator
from railway_saas.instances import OutcomeKind
from railway_saas.templates import Template

router = APIRouter()


def create_app(emulator: Emulator | None = None, *, worker: bool = True) -> FastAPI:
    """The application; `worker=False` for processes that only answer, while others work."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_shop(emulator) as app.state.shop:
            task = asyncio.create_task(app.state.shop.work()) if worker else None
            yield
            if task is not None:
                task.cancel()  # at any point: what was begun is found and finished at the next start
                await asyncio.wait([task])

    app = FastAPI(title="Shop", lifespan=lifespan)
    app.include_router(router)
    app.add_exception_handler(RailwaySaasError, on_error)
    app.add_exception_handler(RequestValidationError, on_bad_request)
    return app


async def on_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RailwaySaasError)
    status, body = answer_to(error)
    return JSONResponse(body, status)


async def on_bad_request(_: Request, error: Exception) -> JSONResponse:
    """What is wrong and where. FastAPI's own answer repeats the values, which may be secrets."""
    assert isinstance(error, RequestValidationError)
    faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return JSONResponse({"error": "BadRequest", "detail": faults}, 422)


def the_shop(request: Request) -> Shop:
    return request.app.state.shop


def the_owner(x_user: Annotated[str, Header()]) -> UUID:
    """Who asks. Take your session here: whatever names a user in your tables makes an owner."""
    return owner_id(x_user)


ShopOf = Annotated[Shop, Depends(the_shop)]
Owner = Annotated[UUID, Depends(the_owner)]


class Order(BaseModel):
    template_id: UUID
    name: str
    inputs: dict[str, str] = {}


def shown(shop: Shop, instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "name": instance.name,
        "status": instance.status,
        "address": instance.observed.domain and f"https://{instance.observed.domain}",
        "error": instance.observed.error,
        "can": shop.manager.allowed(instance, for_owner=True),
    }


@router.get("/templates")
async def catalogue(shop: ShopOf) -> list[dict[str, Any]]:
    offered = []
    for one in await shop.manager.templates():
        document = Template.parse((await shop.manager.latest_revision(one.id)).document)
        offered.append({"id": one.id, "name": one.name, "inputs": document.json_schema()})
    return offered


@router.post("/instances", status_code=202)
async def deploy(
    order: Order, shop: ShopOf, owner: Owner, idempotency_key: Annotated[str | None, Header()] = None
) -> dict[str, Any]:
    instance = await shop.manager.deploy(user_id=owner, idempotency_key=idempotency_key, **order.model_dump())
    shop.wish.set()
    return shown(shop, instance)


@router.get("/instances")
async def list_instances(shop: ShopOf, owner: Owner) -> list[dict[str, Any]]:
    return [shown(shop, instance) for instance in (await shop.manager.list_page(user_id=owner)).items]


@router.get("/instances/{instance_id}")
async def get_instance(instance_id: UUID, shop: ShopOf, owner: Owner) -> dict[str, Any]:
    return shown(shop, await shop.manager.get(instance_id, user_id=owner))


@router.put("/instances/{instance_id}/variables", status_code=202)
async def set_variables(
    instance_id: UUID, variables: dict[str, dict[str, str | None]], shop: ShopOf, owner: Owner
) -> dict[str, Any]:
    instance = await shop.manager.set_variables(instance_id, variables, user_id=owner)
    shop.wish.set()
    return shown(shop, instance)


@router.delete("/instances/{instance_id}", status_code=202)
async def delete(instance_id: UUID, shop: ShopOf, owner: Owner) -> dict[str, Any]:
    instance = await shop.manager.delete(instance_id, user_id=owner)
    shop.wish.set()
    return shown(shop, instance)


@router.get("/instances/{instance_id}/progress")
async def progress(instance_id: UUID, shop: ShopOf, owner: Owner) -> StreamingResponse:
    await shop.manager.get(instance_id, user_id=owner)  # a 404 has to come before the stream begins
    return StreamingResponse(_progress(shop, instance_id), media_type="text/event-stream")


async def _progress(shop: Shop, instance_id: UUID) -> AsyncIterator[str]:
    """Everything that happened, from the database: it does not matter which worker is at it."""
    last: str | None = None
    while True:
        outcome = await shop.manager.reconcile(instance_id)
        for event in await shop.manager.events(instance_id, after=last):
            last = str(event.id)
            told = {"step": event.step, "message": event.message, "done": event.done, "total": event.total}
            yield f"id: {last}\ndata: {json.dumps(told)}\n\n"
        if outcome.kind is OutcomeKind.SETTLED:
            return
        await shop.railway.clock.sleep(POLL_S)


@router.post("/webhooks/railway")
async def railway_webhook(request: Request, shop: ShopOf) -> dict[str, str]:
    receipt = await shop.intake.receive(request.headers, await request.body())
    shop.wish.set()
    return {"outcome": receipt.outcome}


app = create_app()
