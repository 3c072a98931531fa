"""The life of an instance, told through the instance manager, on a local Railway over real sockets: `make demo`.

Deploy, change a variable, kill the worker in the middle and let another one finish, hit a limit, upgrade, fail to upgrade
and roll back, see usage and cost, delete, and look whether anything is left. Everything is kept in an SQLite file; the
worker that is killed is a process of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import sessionmaker

from railway_saas import RailwayClient
from railway_saas.domain import Limits, Plan, Plans, owner_id
from railway_saas.emulator import Emulator
from railway_saas.errors import LimitExceededError
from railway_saas.instances import InstanceManager, Inventory, UsageCollector, UsageStatements
from railway_saas.repositories.sqlalchemy import SqlDatabase, create_database_engine, migrations
from railway_saas.templates import Template

if TYPE_CHECKING:
    from uuid import UUID

    from railway_saas.domain import CatalogueTemplate, InstanceEvent
    from railway_saas.emulator import RunningServer

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE / "templates"
CODE = "app-with-postgres-and-redis"
SPEED = 40
"""How many times faster than real time the local Railway runs."""

ADA, BOB = owner_id("ada"), owner_id("bob")
PLANS = Plans([Plan(name="free", limits=Limits(instances=1)), Plan(name="pro", limits=Limits(instances=20))])


class FastClock:
    """The local Railway's time, as a worker in another process lives by it."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._started = time.monotonic()

    def monotonic(self) -> float:
        return (time.monotonic() - self._started) * SPEED

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.monotonic())

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / SPEED)


def database_at(path: str) -> SqlDatabase:
    """The SQLite file, with its tables up to date."""
    engine = create_database_engine(f"sqlite:///{path}")
    migrations.upgrade(engine)
    return SqlDatabase(sessionmaker(engine))


def manager_of(railway: RailwayClient, database: SqlDatabase, workspace_id: str, who: str) -> InstanceManager:
    """A manager that tells what happens."""

    def tell(event: InstanceEvent) -> None:
        count = f"{event.done}/{event.total}" if event.step == "status" else "   "
        print(f"    {event.at:%H:%M:%S}  {who:9} {count}  {event.message}", flush=True)

    return InstanceManager(
        railway, database, workspace_id=workspace_id, plans=PLANS, on_event=tell, worker=who
    )


# The worker that is killed -------------------------------------------------------------------------------------------


def work(endpoint: str, token: str, workspace_id: str, path: str, began: str) -> None:
    """What a worker does: take what is due as far as it goes, again and again."""
    clock = FastClock(datetime.fromisoformat(began))
    with RailwayClient(token, endpoint=endpoint, clock=clock) as railway:
        manager = manager_of(railway, database_at(path), workspace_id, "worker 1")
        while True:
            report = manager.run_due()
            clock.sleep(1 if report.claimed else 2)


def killed_in_the_middle(server: RunningServer, emulator: Emulator, path: str) -> None:
    """Start a worker, and kill it as soon as it has told that Railway makes the services."""
    arguments = [
        server.endpoint,
        emulator.api_token,
        emulator.workspace_id,
        path,
        emulator.clock.present().isoformat(),
    ]
    command = [sys.executable, __file__, "worker", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        for line in worker.stdout or ():
            print(line, end="", flush=True)
            if "Railway is deploying" in line:
                worker.send_signal(signal.SIGKILL)
                break
    print("    worker 1 is killed with SIGKILL; its lease runs out, and worker 2 takes over")


# The story -----------------------------------------------------------------------------------------------------------


class Story:
    """Everything that the chapters share."""

    def __init__(self, server: RunningServer, emulator: Emulator, railway: RailwayClient, path: str) -> None:
        self.server = server
        self.emulator = emulator
        self.railway = railway
        self.path = path
        self.database = database_at(path)
        self.manager = manager_of(railway, self.database, emulator.workspace_id, "worker 2")

    def play(self) -> None:
        """One chapter after the other."""
        template = self.publish()
        blog = self.deploy(template)
        self.limit(template)
        self.change(blog)
        shop = self.crash(template)
        self.upgrade(template, blog)
        self.roll_back(template, blog)
        self.usage(blog, shop)
        self.delete(blog, shop)
        self.inventory()

    def publish(self) -> CatalogueTemplate:
        """Take a template from Railway's marketplace into the catalogue."""
        published = self.railway.templates.by_code(CODE)
        document = Template.parse(published.serialized_config)
        template = self.manager.publish_template(
            document, name="App", railway_template_id=published.id, price_tier="standard"
        )
        plan = document.plan()
        chapter("an operator offers a template")
        print(f"    {len(plan.services)} services, about ${plan.estimated_monthly_cost.total:.2f} a month")
        return template

    def deploy(self, template: CatalogueTemplate) -> UUID:
        """Ada deploys, and waits for it."""
        chapter("Ada deploys it")
        before = self.railway.stats.requests
        instance = self.manager.deploy(
            user_id=ADA,
            template_id=template.id,
            name="blog",
            inputs={"ADMIN_EMAIL": "ada@example.com"},
            wait=True,
        )
        print(
            f"    https://{instance.observed.domain}, {self.railway.stats.requests - before} requests to Railway"
        )
        return instance.id

    def limit(self, template: CatalogueTemplate) -> None:
        """The free plan allows one."""
        chapter("Ada wants a second one")
        inputs = {"ADMIN_EMAIL": "ada@example.com"}
        try:
            self.manager.deploy(user_id=ADA, template_id=template.id, name="second", inputs=inputs)
        except LimitExceededError as error:
            print(f"    refused: {error}")
        else:
            sys.exit("demo: a limit was not kept")

    def change(self, blog: UUID) -> None:
        """A new variable is deployed to the service it concerns."""
        chapter("Ada changes a variable")
        self.manager.set_variables(blog, {"App": {"GREETING": "hello"}}, user_id=ADA)
        self.manager.wait(blog)

    def crash(self, template: CatalogueTemplate) -> UUID:
        """Bob deploys; the worker dies in the middle, and nothing is made twice."""
        chapter("Bob deploys, and the worker is killed in the middle")
        instance = self.manager.deploy(
            user_id=BOB, template_id=template.id, name="shop", inputs={"ADMIN_EMAIL": "bob@example.com"}
        )
        killed_in_the_middle(self.server, self.emulator, self.path)
        instance = self.manager.wait(instance.id)
        projects = [
            project
            for project in self.railway.projects.list(workspace_id=self.emulator.workspace_id)
            if str(instance.id) in (project.description or "")
        ]
        print(f"    {instance.status}, and Railway has {len(projects)} project of it")
        if len(projects) != 1:
            sys.exit("demo: not exactly one project")
        return instance.id

    def upgrade(self, template: CatalogueTemplate, blog: UUID) -> None:
        """A new revision of the template, looked at before it is taken."""
        chapter("the operator publishes a new revision, and upgrades Ada's instance")
        self.manager.publish_revision(template.id, revised(self.railway, image_tag="2"))
        preview = self.manager.preview_upgrade(blog)
        print(f"    would deploy {', '.join(preview.deploys)}; removes nothing")
        self.manager.upgrade(blog)
        self.manager.wait(blog)

    def roll_back(self, template: CatalogueTemplate, blog: UUID) -> None:
        """A revision that does not become healthy."""
        chapter("the next revision does not become healthy")
        self.emulator.faults.add("healthcheck_fails", service="App")
        self.manager.publish_revision(template.id, revised(self.railway, image_tag="3"))
        self.manager.upgrade(blog)
        instance = self.manager.wait(blog)
        print(f"    {instance.status}: {instance.observed.error}")

    def usage(self, *instances: UUID) -> None:
        """Six hours pass, and are metered."""
        chapter("six hours later")
        clock = self.emulator.clock
        since = self.railway.clock.now()
        collector = UsageCollector(
            self.railway, self.database, workspace_id=self.emulator.workspace_id, since=since
        )
        collector.collect()
        clock.advance(6 * 3600)
        report = collector.collect()
        print(f"    {len(report.windows)} hours metered, {report.rows} values")
        statements = UsageStatements(self.database)
        for instance_id in instances:
            name = self.manager.get(instance_id).name
            statement = statements.of_instance(instance_id, start=since, end=self.railway.clock.now())
            print(f"    {name}: ${statement.cost_usd:.4f} at Railway's prices")

    def delete(self, *instances: UUID) -> None:
        """Everything goes."""
        chapter("Ada and Bob delete what they have")
        for instance_id in instances:
            self.manager.delete(instance_id)
            self.manager.wait(instance_id)

    def inventory(self) -> None:
        """Railway and the database agree."""
        chapter("an inventory")
        inventory = Inventory(
            self.railway,
            self.database,
            workspace_id=self.emulator.workspace_id,
            placement=self.manager.placement,
        )
        report = inventory.report()
        counts = f"{report.projects} projects at Railway, {report.instances} instances"
        print(f"    {counts}, {len(report.discrepancies)} discrepancies")
        left = list(self.railway.projects.list(workspace_id=self.emulator.workspace_id))
        if report.discrepancies or left:
            sys.exit("demo: something is left")


def revised(railway: RailwayClient, *, image_tag: str) -> Template:
    """The template with another image of the app."""
    document = Template.parse(railway.templates.by_code(CODE).serialized_config).serialize()
    for service in document["services"].values():
        if service["name"] == "App":
            service["source"] = {"image": f"ghcr.io/acme/app:{image_tag}"}
    return Template.parse(document)


def chapter(title: str) -> None:
    """A heading."""
    print(f"\n{title}", flush=True)


def main() -> None:
    """Start the local Railway, and play."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        emulator = Emulator(seed=7, speed=SPEED, templates=TEMPLATES)
        with emulator.serve() as server, server.client() as railway:
            print(f"a local Railway at {server.endpoint}, {SPEED} times faster than real time")
            Story(server, emulator, railway, os.path.join(folder, "demo.db")).play()  # noqa: PTH118
            print(f"\n{railway.stats.requests} requests in {time.monotonic() - started:.0f} s")
    print("demo: ok")


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        work(*sys.argv[2:])
    else:
        main()
