"""What the routes share, opened when the application starts and closed when it ends."""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import async_sessionmaker

from railway_saas import AsyncRailwayClient, RailwaySaasError
from railway_saas.domain import Limits, Plan, Plans
from railway_saas.emulator import Emulator
from railway_saas.errors import NameTakenError
from railway_saas.instances import AsyncInstanceManager, AsyncWebhookIntake
from railway_saas.repositories.sqlalchemy import AsyncSqlDatabase, create_async_database_engine, migrations
from railway_saas.templates import Template

log = logging.getLogger("shop")
TEMPLATES = Path(__file__).parent.parent / "templates"
PLANS = Plans([Plan(name="free", limits=Limits(instances=1)), Plan(name="pro", limits=Limits(instances=20))])
POLL_S = 1.0


@dataclass
class Shop:
    """One per process and event loop."""

    railway: AsyncRailwayClient
    database: AsyncSqlDatabase
    manager: AsyncInstanceManager
    intake: AsyncWebhookIntake
    wish: asyncio.Event = field(default_factory=asyncio.Event)

    async def fill_catalogue(self) -> None:
        for path in sorted(TEMPLATES.glob("*.json")):
            template = Template.parse(path.read_bytes())
            with suppress(NameTakenError):  # it has been there since the first start
                key = f"local:{path.stem}"
                await self.manager.publish_template(template, name=path.stem, railway_template_id=key)

    async def work(self) -> None:
        """Carry on with whatever is due, for ever. Any number of processes may do this at once."""
        while True:
            self.wish.clear()
            try:
                await self.manager.run_due()
            except RailwaySaasError:
                log.exception("the worker goes on")
            with suppress(TimeoutError):  # wishes that other processes took are seen at the next poll
                await asyncio.wait_for(self.wish.wait(), POLL_S)


@asynccontextmanager
async def open_shop(emulator: Emulator | None) -> AsyncIterator[Shop]:
    if emulator is None and "RAILWAY_API_TOKEN" not in os.environ:
        log.warning("RAILWAY_API_TOKEN is not set: this is a local Railway, which ends with the process")
        emulator = Emulator(speed=20)
    if emulator is not None:
        client, workspace_id = emulator.async_client(), emulator.workspace_id
        url = "sqlite://"  # in memory, as is the Railway that it tells about
    else:
        client, workspace_id = AsyncRailwayClient.from_environment(), os.environ["RAILWAY_WORKSPACE_ID"]
        url = os.environ["DATABASE_URL"]
    engine = create_async_database_engine(url)
    try:
        async with client as railway:
            async with engine.begin() as connection:
                await connection.run_sync(migrations.upgrade)
            database = AsyncSqlDatabase(async_sessionmaker(engine))
            manager = AsyncInstanceManager(railway, database, workspace_id=workspace_id, plans=PLANS)
            secret = os.environ.get("WEBHOOK_SECRET") or secrets.token_urlsafe()
            intake = AsyncWebhookIntake(database, secrets=[secret], now=railway.clock.now)
            shop = Shop(railway, database, manager, intake)
            await shop.fill_catalogue()
            yield shop
    finally:
        await engine.dispose()
