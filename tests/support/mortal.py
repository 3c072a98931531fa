"""Processes that carry out a piece of an instance's life, and are killed at a chosen point of it.

`Undertaker` starts one warm Python that forks a process for each life: starting an interpreter for each of some hundred
points would take minutes. The points are counted here, around the commits of the database and the requests of the client;
production code knows nothing of them.
"""

from __future__ import annotations

import gc
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import traceback
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from sqlalchemy import event
from sqlalchemy.orm import sessionmaker

from railway_saas import RailwayClient
from railway_saas.domain.instances import ServiceLimits
from railway_saas.domain.plans import UNLIMITED, Limits, Plan, Plans
from railway_saas.errors import NeedsAttentionError, ProvisioningError, RailwaySaasError
from railway_saas.instances import InstanceManager
from railway_saas.repositories.sqlalchemy import Base, SqlDatabase, create_database_engine
from tests.support.stage import is_write

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from sqlalchemy import Engine

    from railway_saas.domain.instances import Instance
    from railway_saas.repositories import Database, UnitOfWork
    from tests.support.stage import Scene

ROOT = Path(__file__).resolve().parent.parent.parent

OWNER = UUID("00000000-0000-4000-8000-00000000000a")


# Points ---------------------------------------------------------------------------------------------------------------


class Points:
    """Calls `strike` at every point: before and after each commit, before each write and after its answer."""

    def __init__(self, strike: Callable[[str], object]) -> None:
        self._strike = strike

    def database(self, inner: Database) -> Database:
        """The same database, with points around its commits."""
        return _PointedDatabase(inner, self._strike)  # type: ignore[return-value]

    def transport(self, inner: httpx.BaseTransport) -> httpx.BaseTransport:
        """The same transport, with points around what is written to Railway."""
        return _PointedTransport(inner, self._strike)


class _PointedDatabase:
    def __init__(self, inner: Database, strike: Callable[[str], object]) -> None:
        self._inner = inner
        self._strike = strike

    @contextmanager
    def unit_of_work(self) -> Generator[UnitOfWork]:
        struck: list[str] = []
        with self._inner.unit_of_work() as work:
            yield _PointedUnit(work, self._strike, struck)  # type: ignore[misc]
        # What another connection does here must not wait for this one: its transaction is over only now.
        for label in struck:
            self._strike(label)


class _PointedUnit:
    def __init__(self, inner: UnitOfWork, strike: Callable[[str], object], struck: list[str]) -> None:
        self._inner = inner
        self._strike = strike
        self._struck = struck

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def commit(self) -> None:
        self._strike("before commit")
        self._inner.commit()
        self._struck.append("after commit")


_FIELD = re.compile(r"\b([a-z]\w+)\(")
"""A field that takes arguments: all root fields of mutations do."""


class _PointedTransport(httpx.BaseTransport):
    has_sockets = False

    def __init__(self, inner: httpx.BaseTransport, strike: Callable[[str], object]) -> None:
        self._inner = inner
        self._strike = strike

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        if not is_write(body):
            return self._inner.handle_request(request)
        name = " ".join(sorted(set(_FIELD.findall(json.loads(body)["query"]))))
        self._strike(f"before {name}")
        try:
            response = self._inner.handle_request(request)
            response.read()
        except httpx.TransportError:
            self._strike(f"after {name}")
            raise
        self._strike(f"after {name}")
        return response

    def close(self) -> None:
        self._inner.close()


# Workers --------------------------------------------------------------------------------------------------------------


def manager_for(
    client: RailwayClient,
    database: Database,
    *,
    workspace_id: str,
    worker: str,
    now: Callable[[], datetime],
    instances: int | None = None,
) -> InstanceManager:
    """A manager as these tests want it."""
    plans = UNLIMITED if instances is None else Plans([Plan(name="p", limits=Limits(instances=instances))])
    return InstanceManager(client, database, workspace_id=workspace_id, worker=worker, now=now, plans=plans)


@cache
def engine_for(url: str) -> Engine:
    """The one engine of this process for a database: what it has compiled serves all lives.

    It does not wait for the disk: no machine fails here, processes do.
    """
    engine = create_database_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return engine


def database_at(url: str) -> SqlDatabase:
    """The database behind an address."""
    return SqlDatabase(sessionmaker(engine_for(url)))


def clear(url: str) -> None:
    """Delete every row."""
    with engine_for(url).begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


def worker_in(
    scene: Scene,
    database: Database,
    *,
    worker: str,
    strike: Callable[[str], object] | None = None,
    instances: int | None = None,
) -> InstanceManager:
    """A worker in this process, without sockets."""
    transport: httpx.BaseTransport = scene.transport()
    if strike is not None:
        points = Points(strike)
        transport, database = points.transport(transport), points.database(database)
    client = scene.client(http_client=httpx.Client(transport=transport), rate_limit=None)
    return manager_for(
        client,
        database,
        workspace_id=scene.workspace_id,
        worker=worker,
        now=scene.clock.now,
        instances=instances,
    )


class FarClock:
    """The clock of an emulator in another process: waiting moves it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80)
        self._start = self.now()

    def now(self) -> datetime:
        return self._ask("GET", None)

    def monotonic(self) -> float:
        return (self.now() - self._start).total_seconds()

    def sleep(self, seconds: float) -> None:
        self._ask("POST", json.dumps({"advance": seconds}))

    def _ask(self, method: str, body: str | None) -> datetime:
        self._connection.request(method, "/_emulator/clock", body=body)
        answer = json.loads(self._connection.getresponse().read())
        self._connection.close()  # the server would, while this process waits for its turn
        return datetime.fromisoformat(answer["now"])


class LonelyClock(FarClock):
    """The same for a process that is the only one to move the clock: it knows the time without asking."""

    def __init__(self, url: str) -> None:
        self._known: datetime | None = None
        super().__init__(url)

    def _ask(self, method: str, body: str | None) -> datetime:
        if method == "POST" or self._known is None:
            self._known = super()._ask(method, body)
        return self._known


# Lives ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """The `number`-th moment of a kind, from 1, in the life of a process."""

    number: int
    moment: str = "any"
    """`any`: before or after a commit or a write. `state`: the same without those after a commit, as the next one finds
    the same database and the same Railway. `before`, `after`: a write is sent, is answered. `noted`: what came of it is
    committed."""
    field: str = ""
    """Only writes with this root field count; empty: all."""


class Fate:
    """Counts moments, and says when it is time to die."""

    def __init__(self, point: Point | None) -> None:
        self._point = point
        self._count = 0
        self._is_to_be_noted = False

    def has_come(self, label: str) -> bool:
        """Whether this is the point, `label` being as in `Points`."""
        point = self._point
        if point is None or not self._counts(label, point):
            return False
        self._count += 1
        return self._count == point.number

    def _counts(self, label: str, point: Point) -> bool:
        moment, _, what = label.partition(" ")
        if point.moment == "any":
            return True
        if point.moment == "state":
            return label != "after commit"
        if what != "commit":
            mine = point.field in what
            self._is_to_be_noted |= mine and moment == "after"
            return mine and moment == point.moment
        noted = self._is_to_be_noted and moment == "after"
        self._is_to_be_noted &= not noted
        return noted and point.moment == "noted"


@dataclass(frozen=True)
class Life:
    """What a process is to do, and where it dies."""

    name: str
    """A function of `LIVES`."""
    url: str
    """Where the emulator is served."""
    token: str = field(repr=False)
    workspace_id: str
    database_url: str
    worker: str = "first"
    arguments: dict[str, Any] = field(default_factory=dict)
    dies: Point | None = None
    """Where it is killed; None: it lives until it is done."""
    alone: bool = True
    """Whether no other process moves the clock meanwhile."""
    instances: int | None = None
    """How many instances the owner's plan allows."""


@dataclass(frozen=True)
class Death:
    """How a life ended."""

    killed: bool
    """By SIGKILL, at its point."""
    points: list[str]
    """Every point passed; empty when it was killed."""
    result: Any
    """What it came to."""


def _deploy(manager: InstanceManager, arguments: dict[str, Any]) -> str:
    instance = manager.deploy(user_id=OWNER, template_id=UUID(arguments["template_id"]), name="blog")
    return _outcome(manager, instance)


def _ask(
    wish: Callable[[InstanceManager, UUID], object],
) -> Callable[[InstanceManager, dict[str, Any]], str]:
    """Wish something of an instance, and see it through."""

    def life(manager: InstanceManager, arguments: dict[str, Any]) -> str:
        wish(manager, UUID(arguments["instance_id"]))
        return _outcome(manager, manager.get(UUID(arguments["instance_id"])))

    return life


def _go_on(manager: InstanceManager, arguments: dict[str, Any]) -> str:
    """What a worker does that finds what another one left."""
    finish(manager, manager._clock)
    return "finished"


def _take_turn(manager: InstanceManager, arguments: dict[str, Any]) -> list[str]:
    """One look at everything that is due, and one at the instance in particular."""
    kinds = [str(manager.reconcile(UUID(arguments["instance_id"])).kind)]
    report = manager.run_due()
    return [*kinds, *(["failed"] * len(report.failures))]


def _accept(manager: InstanceManager, arguments: dict[str, Any]) -> list[str]:
    """Ask for instances by these names, one after the other; nothing of them is built."""
    answers = []
    for name in arguments["names"]:
        try:
            manager.deploy(user_id=OWNER, template_id=UUID(arguments["template_id"]), name=name)
        except RailwaySaasError as error:
            answers.append(type(error).__name__)
        else:
            answers.append("accepted")
    return answers


def _delete_only(manager: InstanceManager, arguments: dict[str, Any]) -> str:
    try:
        manager.delete(UUID(arguments["instance_id"]))
    except RailwaySaasError as error:
        return type(error).__name__
    return "accepted"


LIVES: dict[str, Callable[[InstanceManager, dict[str, Any]], Any]] = {
    "deploy": _deploy,
    "delete": _ask(lambda manager, it: manager.delete(it)),
    "upgrade": _ask(lambda manager, it: manager.upgrade(it, allow_removals=True)),
    "suspend": _ask(lambda manager, it: manager.suspend(it)),
    "resume": _ask(lambda manager, it: manager.resume(it)),
    "stop": _ask(lambda manager, it: manager.stop(it)),
    "start": _ask(lambda manager, it: manager.start(it)),
    "restart": _ask(lambda manager, it: manager.restart(it)),
    "redeploy": _ask(lambda manager, it: manager.redeploy(it)),
    "change": _ask(lambda manager, it: manager.set_variables(it, {"Web": {"COLOUR": "blue"}})),
    "limit": _ask(lambda manager, it: manager.set_limits(it, ServiceLimits(memory_gb=Decimal(1)))),
    "attach": _ask(lambda manager, it: manager.attach_domain(it, DOMAIN)),
    "detach": _ask(lambda manager, it: manager.remove_domain(it, DOMAIN)),
    "back up": _ask(lambda manager, it: manager.back_up(it)),
    "restore": _ask(lambda manager, it: manager.restore(it, manager.backups(it)["Database"][0].id)),
    "preview": _ask(lambda manager, it: manager.preview_upgrade(it)),
    "go on": _go_on,
    "take turn": _take_turn,
    "accept": _accept,
    "delete only": _delete_only,
}

DOMAIN = "shop.example.com"


def _outcome(manager: InstanceManager, instance: Instance) -> str:
    try:
        return str(manager.wait(instance.id, timeout_s=7200).status)
    except (ProvisioningError, NeedsAttentionError) as error:
        return f"{type(error).__name__}: {error}"


def finish(manager: InstanceManager, clock: Any, *, seconds: float = 7200.0) -> None:
    """Work as a worker does, until nothing is left to be done soon."""
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        report = manager.run_due()
        if report.failures:
            raise AssertionError(f"turns broke off: {report.failures}")
        if report.next_due_at is None:
            return
        pause = (report.next_due_at - manager._now()).total_seconds()
        if pause > REST_S:
            return
        clock.sleep(max(0.0, pause))
    raise AssertionError(f"not at rest after {seconds:g} s")


REST_S = 600.0
"""A pause this long means that an instance is only being watched."""


def live(life: Life) -> tuple[list[str], Any]:
    """Carry it out in this process; the points passed, and what it came to."""
    passed: list[str] = []

    fate = Fate(life.dies)

    def strike(label: str) -> None:
        passed.append(label)
        if fate.has_come(label):
            os.kill(os.getpid(), signal.SIGKILL)

    points = Points(strike)
    clock = (LonelyClock if life.alone else FarClock)(life.url)
    transport = points.transport(httpx.HTTPTransport(verify=False))
    with httpx.Client(transport=transport) as http_client:
        client = RailwayClient(
            life.token,
            endpoint=f"{life.url}/graphql/v2",
            clock=clock,
            rate_limit=None,
            http_client=http_client,
        )
        manager = manager_for(
            client,
            points.database(database_at(life.database_url)),
            workspace_id=life.workspace_id,
            worker=life.worker,
            now=clock.now,
            instances=life.instances,
        )
        return passed, LIVES[life.name](manager, life.arguments)


# The warm process -----------------------------------------------------------------------------------------------------


class Undertaker:
    """Sends processes into life and says how they ended. A context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.support.mortal"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.stdin.close()  # type: ignore[union-attr]

    def rehearse(self, *lives: Life) -> None:
        """Let the warm process itself live, so that those it forks find everything loaded and compiled."""
        self._ask(lives, forked=False)

    def send(self, *lives: Life) -> list[Death]:
        """Let them live, all at once.

        Raises:
            RuntimeError: One of them broke off, and not because it was killed.
        """
        return [Death(end["killed"], end["points"], end["result"]) for end in self._ask(lives, forked=True)]

    def _ask(self, lives: Sequence[Life], *, forked: bool) -> list[dict[str, Any]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = {"lives": [asdict(life) for life in lives], "forked": forked}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        ends: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        for end in ends:
            if end["failure"]:
                raise RuntimeError(end["failure"])
        return ends


def _main() -> None:
    for line in sys.stdin:
        question = json.loads(line)
        lives = [_life(values) for values in question["lives"]]
        sys.stdout.write(json.dumps(_run(lives) if question["forked"] else _rehearse(lives)) + "\n")
        sys.stdout.flush()


def _life(values: dict[str, Any]) -> Life:
    dies = values.pop("dies")
    return Life(dies=Point(**dies) if dies else None, **values)


def _rehearse(lives: Sequence[Life]) -> list[dict[str, Any]]:
    gc.unfreeze()
    ends = [_said(life) for life in lives]
    for life in lives:
        engine_for(life.database_url).dispose()  # forked processes must not share connections
    gc.collect()
    gc.freeze()  # what is never looked at by the collector is never copied
    return [{"killed": False, **end} for end in ends]


def _run(lives: Sequence[Life]) -> list[dict[str, Any]]:
    """Fork a process for each; none begins before all of them are there."""
    gate_read, gate_write = os.pipe()
    started: list[tuple[int, int]] = []
    for life in lives:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(gate_write)
            os.read(gate_read, 1)
            _be(life, write)
        os.close(write)
        started.append((pid, read))
    os.close(gate_read)
    os.close(gate_write)
    return [_end_of(pid, read) for pid, read in started]


def _said(life: Life) -> dict[str, Any]:
    try:
        points, result = live(life)
    except BaseException:  # noqa: BLE001 - told to the test
        return {"points": [], "result": None, "failure": traceback.format_exc()}
    return {"points": points, "result": result, "failure": None}


def _be(life: Life, write: int) -> None:
    """All of a forked process; it never returns."""
    with os.fdopen(write, "w") as pipe:
        json.dump(_said(life), pipe)
    os._exit(0)


def _end_of(pid: int, read: int) -> dict[str, Any]:
    with os.fdopen(read) as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return {"killed": True, "points": [], "result": None, "failure": None}
    if not said:
        return {"killed": False, "failure": f"a process ended with status {status} and said nothing"}
    return {"killed": False, **json.loads(said)}


if __name__ == "__main__":
    _main()
