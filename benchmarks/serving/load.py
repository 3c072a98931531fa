"""Visitors: locust in a process of its own, which gets orders as lines of JSON and answers each with a line of JSON.

Run as `python -m benchmarks.serving.load PEOPLE`; it ends when its standard input is closed. Visitors are a closed loop: each
asks as soon as it has its answer, over a connection that it keeps.
"""

from __future__ import annotations

# Before anything opens a socket: importing it makes sockets and threads gevent's.
from locust import FastHttpUser, constant  # isort: skip
from locust.env import Environment  # isort: skip

import itertools
import json
import random
import sys
import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import gevent  # type: ignore[import-untyped]

from benchmarks.serving.population import People

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.serving.population import Owner

DEADLINE_S = 20.0
"""Of a request: whoever waits longer has failed."""
MAX_FAULTS = 5
"""Failures that are told in full."""

_numbers: Iterator[int] = itertools.count()


class Visitor(FastHttpUser):
    """Somebody with a browser. Each is another one of the owners, and goes from instance to instance by chance."""

    abstract = True
    wait_time = constant(0)
    connection_timeout = DEADLINE_S
    network_timeout = DEADLINE_S
    people: People

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.luck = random.Random(next(_numbers))

    def reader(self) -> Owner:
        return self.luck.choice(self.people.readers)

    def get(self, name: str, path: str, owner: Owner | None) -> None:
        headers = {} if owner is None else {"Authorization": f"Bearer {owner.token}"}
        self.client.get(path, name=name, headers=headers)


def read(visitor: Visitor) -> None:
    owner = visitor.reader()
    visitor.get("read", f"/api/instances/{visitor.luck.choice(owner.instances)}", owner)


def list_(visitor: Visitor) -> None:
    visitor.get("list", "/api/instances?limit=20", visitor.reader())


def status(visitor: Visitor) -> None:
    visitor.get("status", "/api/instances/status", visitor.reader())


def catalogue(visitor: Visitor) -> None:
    visitor.get("catalogue", "/api/templates", None)


def login(visitor: Visitor) -> None:
    body = {"email": visitor.reader().email, "password": visitor.people.password}
    visitor.client.post("/api/auth/login", name="login", json=body)


def deploy(visitor: Visitor) -> None:
    people, key = visitor.people, str(uuid4())
    visitor.client.post(
        "/api/instances",
        name="deploy",
        json={"template_id": people.template_id, "name": f"shop-{key}", "inputs": people.inputs},
        headers={
            "Authorization": f"Bearer {visitor.luck.choice(people.deployers).token}",
            "Idempotency-Key": key,
        },
    )


TASKS: dict[str, Callable[[Visitor], None]] = {
    "read": read,
    "list": list_,
    "status": status,
    "catalogue": catalogue,
    "login": login,
    "deploy": deploy,
}


class Notes:
    """What became of every request of one order."""

    def __init__(self) -> None:
        self.took_ms: dict[str, array[float]] = {}
        self.failures: dict[str, int] = {}
        self.faults: list[str] = []

    def note(self, name: str, response_time: float, exception: BaseException | None, **_: Any) -> None:
        """As locust calls it after each request."""
        if exception is None:
            self.took_ms.setdefault(name, array("d")).append(response_time)
            return
        self.failures[name] = self.failures.get(name, 0) + 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(f"{name}: {exception!r}"[:300])

    def as_json(self) -> dict[str, Any]:
        names = sorted(self.took_ms.keys() | self.failures.keys())
        return {
            "faults": self.faults,
            "plays": {
                name: {
                    "requests": len(self.took_ms.get(name, ())),
                    "failures": self.failures.get(name, 0),
                    **_percentiles(sorted(self.took_ms.get(name, ()))),
                }
                for name in names
            },
            "all_ms": _percentiles(sorted(itertools.chain(*self.took_ms.values()))),
        }


def _percentiles(ordered: list[float]) -> dict[str, float]:
    if not ordered:
        return {}
    return {
        f"p{share}_ms": ordered[min(len(ordered) - 1, len(ordered) * share // 100)] for share in (50, 95, 99)
    }


def play(people: People, order: dict[str, Any]) -> dict[str, Any]:
    """So many visitors for so long; they finish what they have begun."""
    tasks = {TASKS[name]: weight for name, weight in order["plays"].items()}
    kind = type("Somebody", (Visitor,), {"tasks": tasks, "host": order["url"], "people": people})
    environment = Environment(user_classes=[kind], stop_timeout=DEADLINE_S)
    notes = Notes()
    environment.events.request.add_listener(notes.note)  # type: ignore[no-untyped-call]
    runner = environment.create_local_runner()
    begun, begun_cpu = time.perf_counter(), time.process_time()
    runner.start(order["visitors"], spawn_rate=100)
    gevent.sleep(order["seconds"])
    runner.stop()
    took, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    runner.quit()
    return {"took_s": took, "cpu_s": cpu, **notes.as_json()}


def main() -> None:
    """Order after order."""
    people = People.read(Path(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(play(people, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
