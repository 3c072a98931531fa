"""What the routes share: opened in each process when it is first needed, so also after gunicorn's fork."""

import logging
import os
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from railway_saas import RailwayClient, RailwaySaasError
from railway_saas.domain import Limits, Plan, Plans
from railway_saas.emulator import Emulator
from railway_saas.errors import NameTakenError
from railway_saas.instances import InstanceManager, WebhookIntake
from railway_saas.repositories.sqlalchemy import SqlDatabase, create_database_engine, migrations
from railway_saas.templates import Template

log = logging.getLogger("shop")
TEMPLATES = Path(__file__).parent.parent / "templates"
PLANS = Plans([Plan(name="free", limits=Limits(instances=1)), Plan(name="pro", limits=Limits(instances=20))])
POLL_S = 1.0


@dataclass
class Shop:
    """One per process, shared by its threads."""

    railway: RailwayClient
    engine: Engine
    database: SqlDatabase
    manager: InstanceManager
    intake: WebhookIntake
    wish: threading.Event = field(default_factory=threading.Event)
    worker: threading.Thread | None = None
    closing: bool = False

    def fill_catalogue(self) -> None:
        for path in sorted(TEMPLATES.glob("*.json")):
            template = Template.parse(path.read_bytes())
            with suppress(NameTakenError):  # it has been there since the first start
                key = f"local:{path.stem}"
                self.manager.publish_template(template, name=path.stem, railway_template_id=key)

    def work(self) -> None:
        """Carry on with whatever is due, until it is closed. Any number of threads and processes may do this at once."""
        while not self.closing:
            self.wish.clear()
            try:
                self.manager.run_due()
            except RailwaySaasError:
                log.exception("the worker goes on")
            self.wish.wait(POLL_S)  # wishes that other processes took are seen at the next poll

    def work_beside(self) -> None:
        self.worker = threading.Thread(target=self.work, name="worker", daemon=True)
        self.worker.start()

    def close(self) -> None:
        self.closing = True
        self.wish.set()
        if self.worker is not None:
            self.worker.join()
        self.railway.close()
        self.engine.dispose()


def open_shop(emulator: Emulator | None) -> Shop:
    if emulator is not None:
        railway, workspace_id = emulator.client(), emulator.workspace_id
        url = "sqlite://"  # in memory, as is the Railway that it tells about
    else:
        railway, workspace_id = RailwayClient.from_environment(), os.environ["RAILWAY_WORKSPACE_ID"]
        url = os.environ["DATABASE_URL"]
    engine = create_database_engine(url)
    migrations.upgrade(engine)
    database = SqlDatabase(sessionmaker(engine))
    manager = InstanceManager(railway, database, workspace_id=workspace_id, plans=PLANS)
    secret = os.environ.get("WEBHOOK_SECRET") or secrets.token_urlsafe()
    intake = WebhookIntake(database, secrets=[secret], now=railway.clock.now)
    shop = Shop(railway, engine, database, manager, intake)
    shop.fill_catalogue()
    return shop
