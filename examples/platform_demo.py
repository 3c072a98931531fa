"""The whole platform, played over HTTP: `make demo`.

An operator fills the catalogue; two customers register, verify their addresses by mail, log in, deploy, hit their limit, watch
logs, set a variable, attach a domain, see usage; one cannot see the other; the process that does the work is killed in the
middle; the operator repairs a deploy that got stuck; everything is deleted, and nothing is left at Railway.

    python examples/platform_demo.py              # as `railway-saas-server serve` has it: SQLite, one process, a local Railway
    python examples/platform_demo.py --full       # PostgreSQL of DATABASE_URL, Redis of REDIS_URL, two web processes, two workers

The platform is a stranger here: whatever is done is done over HTTP, as a customer or an operator would.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from railway_saas.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = secrets.token_urlsafe(12)
PATIENCE_S = 600.0
TEMPLATE = "web-app"
SERVER = [sys.executable, "-m", "reference_server"]


def step(sentence: str) -> None:
    print(f"\n== {sentence}", flush=True)


def say(sentence: str) -> None:
    print(f"   {sentence}", flush=True)


def until(sentence: str, look: Callable[[], Any]) -> Any:
    """Look until there is something to see."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    sys.exit(f"demo: waited {PATIENCE_S:.0f} s in vain: {sentence}")


def check(whether: object, sentence: str) -> None:
    if not whether:
        sys.exit(f"demo: this should not be: {sentence}")


# The platform ----------------------------------------------------------------------------------------------------------


@dataclass
class Process:
    """A process of the platform, and what it prints."""

    name: str
    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list[str])

    @classmethod
    def start(cls, name: str, command: list[str], environment: dict[str, str]) -> Process:
        popen = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        process = cls(name, popen)
        threading.Thread(target=process._read, daemon=True).start()
        return process

    def _read(self) -> None:
        assert self.popen.stdout is not None
        self.lines.extend(self.popen.stdout)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def check(self) -> None:
        if self.popen.poll() not in {None, 0}:
            sys.exit(f"demo: {self.name} ended with {self.popen.returncode}:\n{self.text[-3000:]}")

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            self.popen.wait(60)


@dataclass
class Platform:
    """Where it is, and what only its operator can do."""

    url: str
    railway: str
    """Origin of the local Railway."""
    mailbox: Path
    operator: tuple[str, str]
    kill_worker: Callable[[], str]
    """Kill the process that works, with SIGKILL; what will go on instead."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def embedded(folder: Path) -> Iterator[Platform]:
    """`railway-saas-server serve`, with nothing set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RAILWAY_", "DATABASE_", "REDIS_"))
    }
    environment = {**kept, "DATA_DIR": str(folder), "PORT": "0", "LOG_LEVEL": "WARNING"}
    serve = Process.start("serve", [*SERVER, "serve"], environment)
    try:
        until("the platform comes up", lambda: serve.check() or "Ctrl-C stops everything." in serve.text)
        told = serve.text

        def kill() -> str:
            worker = children(children(serve.popen.pid)[0])[-1]
            os.kill(worker, signal.SIGKILL)
            return f"the process that serves and works ({worker}) is dead; gunicorn starts another one"

        yield Platform(
            url=found(r"API +(\S+)", told),
            railway=found(r"emulated at (\S+)", told).rpartition("/graphql")[0],
            mailbox=Path(found(r"Mails +(\S+)", told)),
            operator=(found(r"Log in as +(\S+)", told), found(r"Password +(\S+)", told)),
            kill_worker=kill,
        )
        serve.check()
    finally:
        serve.stop()


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    check(match, f"{pattern} in {text}")
    return match[1] if match else ""


def children(pid: int) -> list[int]:
    """Processes that a process started, oldest first."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return sorted(int(one) for one in listed.split())


@contextmanager
def full(folder: Path) -> Iterator[Platform]:
    """PostgreSQL, Redis, two web processes and two workers, all of them processes of their own."""
    port = free_port()
    with ExitStack() as stack:
        railway = stack.enter_context(Emulator(speed=1.0, limits=False).serve())
        environment = {
            **os.environ,
            "DATA_DIR": str(folder),
            "PORT": str(port),
            "BASE_URL": f"http://127.0.0.1:{port}",
            "LOG_LEVEL": "WARNING",
            "RAILWAY_API_TOKEN": railway.emulator.api_token,
            "RAILWAY_WORKSPACE_ID": railway.emulator.workspace_id,
            "RAILWAY_ENDPOINT": railway.endpoint,
            "WEB_PROCESSES": "2",
            "WORKER_IN_PROCESS": "false",
        }
        operator = ("operator@example.com", secrets.token_urlsafe(12))
        run("migrate", environment)
        run("seed", environment)
        run("admin", environment, "create", operator[0], "--password-from-stdin", told=operator[1])
        gunicorn = [
            "-m",
            "gunicorn",
            "-c",
            "python:reference_server.gunicorn_conf",
            "reference_server.wsgi:create()",
        ]
        processes = [Process.start("web", [sys.executable, *gunicorn], environment)]
        processes += [
            Process.start(name, [*SERVER, "worker", "--executor-id", name], environment)
            for name in ("worker-1", "worker-2")
        ]
        for process in processes:
            stack.callback(process.stop)

        def is_up() -> bool:
            for process in processes:
                process.check()
            try:
                return httpx.get(f"{environment['BASE_URL']}/readyz", timeout=5).is_success
            except httpx.HTTPError:
                return False

        until("the platform comes up", is_up)

        def kill() -> str:
            processes[1].popen.kill()
            processes[1].popen.wait()
            processes.remove(processes[1])
            return "worker-1 is dead; worker-2 takes its work over"

        origin = railway.endpoint.rpartition("/graphql")[0]
        yield Platform(environment["BASE_URL"], origin, folder / "mailbox", operator, kill)
        for process in processes:
            process.check()


def run(command: str, environment: dict[str, str], *arguments: str, told: str = "") -> None:
    done = subprocess.run(
        [*SERVER, command, *arguments],
        env=environment,
        input=f"{told}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    check(done.returncode == 0, f"{command}: {done.stdout}{done.stderr}")


# People ----------------------------------------------------------------------------------------------------------------


class Person:
    """Somebody at a browser, or at a terminal with curl."""

    def __init__(self, platform: Platform, address: str) -> None:
        self.platform = platform
        self.address = address
        self._http = httpx.Client(base_url=platform.url, timeout=60)

    def ask(self, method: str, path: str, expect: int = 200, **options: Any) -> Any:
        """One request; everything but the expected status ends the demo. A process that has just been killed is asked again."""
        answer = until(f"{method} {path} is answered", lambda: self._try(method, path, options))
        check(
            answer.status_code == expect,
            f"{method} {path}: {answer.status_code} instead of {expect}: {answer.text}",
        )
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer

    def _try(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response | None:
        try:
            return self._http.request(method, path, **options)
        except httpx.TransportError:
            return None

    def change(self, path: str, body: dict[str, Any], expect: int = 200) -> Any:
        """Change something as it was just read: what somebody else changed meanwhile is not overwritten."""
        seen = self._http.get(path)
        return self.ask("PUT", path, expect, json=body, headers={"If-Match": seen.headers["ETag"]})

    def register(self) -> None:
        body = {"email": self.address, "password": PASSWORD, "name": self.address.partition("@")[0].title()}
        self.ask("POST", "/api/auth/register", 202, json=body)
        token = until("the mail comes", self._token_of_mail)
        self.use(self.ask("POST", "/api/auth/verify-email", json={"token": token, "password": PASSWORD}))

    def _token_of_mail(self) -> str | None:
        for file in sorted(self.platform.mailbox.glob("**/*.eml")):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            body = message.get_body(("plain",))
            if self.address in str(message["To"]) and body is not None:
                match = re.search(r"token=([\w-]+)", body.get_content())
                if match:
                    return match[1]
        return None

    def log_in(self, password: str = PASSWORD) -> None:
        self.use(self.ask("POST", "/api/auth/login", json={"email": self.address, "password": password}))

    def use(self, tokens: dict[str, Any]) -> None:
        self._http.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    def deploy(self, template: str, name: str, expect: int = 202) -> Any:
        entry = self.template(template)
        body = {"template_id": entry["id"], "name": name, "inputs": self._inputs(entry["id"])}
        # The key makes a repeat harmless, e.g. after the process that answers was killed.
        return self.ask(
            "POST", "/api/templates/deploy", expect, json=body, headers={"Idempotency-Key": f"deploy-{name}"}
        )

    def template(self, name: str) -> Any:
        items = self.ask("GET", "/api/templates")["items"]
        return next(one for one in items if one["railway_template_id"] == f"local:{name}")

    def _inputs(self, template_id: str) -> dict[str, str]:
        """Something for whatever has to be filled in."""
        form = self.ask("GET", f"/api/templates/{template_id}")["inputs"]
        return dict.fromkeys(form.get("required", []), "demo@example.com")

    def instance(self, name: str) -> Any:
        return next((one for one in self.ask("GET", "/api/instances")["items"] if one["name"] == name), None)

    def wait_for(self, instance_id: str, wanted: str) -> Any:
        def look() -> Any:
            instance = self.ask("GET", f"/api/instances/{instance_id}")
            check(
                wanted == "failed" or instance["status"] != "failed",
                f"{instance['name']} failed: {instance['error']}",
            )
            return instance if instance["status"] == wanted and not instance["changing"] else None

        return until(f"the instance is {wanted}", look)


# The play --------------------------------------------------------------------------------------------------------------


def play(platform: Platform) -> None:
    operator = Person(platform, platform.operator[0])
    ann, bob = Person(platform, "ann@example.com"), Person(platform, "bob@example.com")

    step("The operator looks at the catalogue")
    operator.log_in(platform.operator[1])
    for template in operator.ask("GET", "/api/templates")["items"]:
        say(template["name"])

    step("Ann and Bob register, follow the links in their mails, and log in")
    for person in (ann, bob):
        person.register()
        person.log_in()
        say(f"{person.address}: {person.ask('GET', '/api/users/profile')['name']}")

    step("Ann deploys; the process that works is killed in the middle")
    operation = ann.deploy(TEMPLATE, "shop")
    shop = operation["instance_id"]
    until("Railway has begun", lambda: ann.ask("GET", f"/api/instances/{shop}/events")["items"][1:])
    say(platform.kill_worker())
    running = ann.wait_for(shop, "running")
    say(f"it runs all the same: https://{running['domain']}")
    check(len(projects_of(operator)) == 1, "there is one project, not several")
    for event in ann.ask("GET", f"/api/instances/{shop}/events")["items"]:
        say(f"{event['at'][11:19]}  {event['message']}")

    limits_and_borders(operator, ann, bob, shop)
    change_and_watch(ann, shop)
    blog = repair(platform, operator, bob)

    step("Both delete everything; nothing is left at Railway")
    for person, instance in ((ann, shop), (bob, blog)):
        person.ask("DELETE", f"/api/instances/{instance}", 202)
    for person, instance in ((ann, shop), (bob, blog)):
        person.wait_for(instance, "deleted")
    until("Railway's projects are gone", lambda: not projects_of(operator))
    say(f"instances: {operator.ask('GET', '/api/instances/status')['counts']}; projects at Railway: 0")
    say(f"{len(list(platform.mailbox.glob('**/*.eml')))} mails were sent")


def limits_and_borders(operator: Person, ann: Person, bob: Person, shop: str) -> None:
    step("Ann hits the limit of her plan")
    refusal = ann.deploy(TEMPLATE, "second", expect=403)
    say(refusal["detail"])

    step("Bob does not see what is Ann's")
    check(bob.ask("GET", "/api/instances")["items"] == [], "Bob sees Ann's instance in his list")
    say(bob.ask("GET", f"/api/instances/{shop}", 404)["detail"])
    bob.ask("DELETE", f"/api/instances/{shop}", 404)

    step("The operator gives Ann a larger plan")
    user = operator.ask("GET", "/api/users", params={"email": ann.address})["items"][0]
    operator.change(f"/api/users/{user['id']}", {"plan": "pro"})
    say(f"{user['email']} has the plan pro")


def usage_of(person: Person, instance_id: str) -> Any:
    """Of the hour that is not over; None while there is nothing to tell."""
    answer = person.ask("GET", f"/api/instances/{instance_id}/metrics", params={"running": "true"})
    used = answer["running"]
    return used if any(float(one["value"]) > 0 for one in used["totals"]) else None


def change_and_watch(ann: Person, shop: str) -> None:
    step("Ann sets a variable, attaches a domain, and looks at logs and usage")
    service = ann.ask("GET", f"/api/instances/{shop}/variables")["items"][0]["service"]
    ann.change(f"/api/instances/{shop}/variables", {"variables": {service: {"GREETING": "hello"}}}, 202)
    ann.wait_for(shop, "running")
    domain = ann.ask("POST", f"/api/instances/{shop}/domains", 202, json={"domain": "shop.example.com"})
    say(f"{domain['domain']} is being attached")
    records = until(
        "there are DNS records",
        lambda: next(
            (
                one["dns_records"]
                for one in ann.ask("GET", f"/api/instances/{shop}/domains")["items"]
                if one["dns_records"]
            ),
            None,
        ),
    )
    for record in records:
        say(f"set {record['type']} {record['name']} -> {record['value']}")
    for line in ann.ask("GET", f"/api/instances/{shop}/logs", params={"limit": 3})["items"]:
        say(f"log: {line['message']}")
    used = until("Railway has measured something", lambda: usage_of(ann, shop))
    for one in used["totals"]:
        say(f"used since the last full hour: {one['value']} {one['unit']} of {one['metric_type']}")
    say(f"which costs {used['cost_usd']} US dollars at Railway")


def repair(platform: Platform, operator: Person, bob: Person) -> str:
    step("A deploy of Bob's gets stuck; the operator repairs it")
    httpx.post(
        f"{platform.railway}/_emulator/faults",
        json={"kind": "not_authorized", "operation": "projectCreate", "times": 3},
        timeout=30,
    ).raise_for_status()
    blog = bob.deploy(TEMPLATE, "blog")["instance_id"]

    def parked() -> Any:
        waiting = operator.ask("GET", "/api/instances", params={"needs_attention": "true"})["items"]
        return next((one for one in waiting if one["id"] == blog), None)

    say(f"it waits for an operator: {until('it is parked', parked)['error']}")
    operator.ask("POST", f"/api/instances/{blog}/retry", 202)
    say(f"after a retry it runs: https://{bob.wait_for(blog, 'running')['domain']}")

    return str(blog)


def projects_of(operator: Person) -> list[Any]:
    listed = operator.ask("GET", "/api/railway/projects")["items"]
    return [project for project in listed if project["deleted_at"] is None]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--full", action="store_true", help="on PostgreSQL and Redis, with two web processes and two workers"
    )
    wanted = parser.parse_args()
    begun = time.monotonic()
    stack = full if wanted.full else embedded
    with tempfile.TemporaryDirectory(prefix="railway-saas-demo-") as folder, stack(Path(folder)) as platform:
        print(f"The platform is at {platform.url}, its Railway at {platform.railway}.")
        play(platform)
    print(f"\nplatform demo: ok ({time.monotonic() - begun:.0f} s)")


if __name__ == "__main__":
    main()
