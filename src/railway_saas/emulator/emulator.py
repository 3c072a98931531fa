"""The emulator itself: one world, one clock, one way in for every front."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from graphql import OperationType

from railway_saas.emulator import control, errors
from railway_saas.emulator.auth import Caller, identify
from railway_saas.emulator.clients import make_async_client, make_client
from railway_saas.emulator.clock import EmulatorClock
from railway_saas.emulator.context import Context
from railway_saas.emulator.dns import Dns
from railway_saas.emulator.engine import Call, Engine, Operation
from railway_saas.emulator.faults import ANSWER_FAULTS, Faults
from railway_saas.emulator.ids import Ids
from railway_saas.emulator.limits import NO_LIMITS, LimitRules, Limits, Verdict
from railway_saas.emulator.messages import (
    MAXIMUM_BODY,
    Request,
    Response,
    json_response,
    read_json,
    text_response,
)
from railway_saas.emulator.registry import registry
from railway_saas.emulator.sources import push
from railway_saas.emulator.spoiling import cloudflare_1015, rate_limited, spoil
from railway_saas.emulator.traffic import visit
from railway_saas.emulator.volumes import Volumes
from railway_saas.emulator.webhooks import Webhooks
from railway_saas.emulator.world.accounts import TokenKind
from railway_saas.emulator.world.world import World, WorldSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    import httpx

    from railway_saas.emulator.registry import Stop
    from railway_saas.emulator.server import RunningServer
    from railway_saas.emulator.world.accounts import Token
    from railway_saas.railway import AsyncRailwayClient, RailwayClient

GRAPHQL_PATH = "/graphql/v2"
IN_PROCESS_ORIGIN = "http://railway.localhost"


@dataclass(slots=True)
class RequestCounter:
    """How many GraphQL requests came, as Railway counts them, and what they asked for."""

    count: int = 0
    operations: Counter[str] = field(default_factory=Counter[str])
    """Per root field and per operation name."""

    def add(self, operation: Operation | None) -> None:
        """Count one request."""
        self.count += 1
        if operation is not None:
            self.operations.update(operation.names)

    def reset(self) -> None:
        """Start counting anew."""
        self.count = 0
        self.operations.clear()


class Emulator:
    """A local Railway.

    ```python
    emulator = Emulator()
    client = emulator.client()
    project = client.projects.create(name="acme", workspace_id=emulator.workspace_id)
    emulator.clock.advance(10)
    ```

    Args:
        seed: Same seed, same requests: same ids, secrets, domains and timings.
        speed: None: time stands still until `clock.advance` is called. A number: time runs that many times as fast.
        templates: Folder with template documents; each is served under its file name (without a leading `template-`).
        plan: Plan of the workspace that is there at first: FREE, HOBBY or PRO.
        limits: False switches all rate limits and throttles off; `LimitRules` says in detail.
        start: First moment of the clock (aware).
        github_app: Whether Railway's GitHub App is installed.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(  # noqa: PLR0913 - keyword-only options
        self,
        *,
        seed: int = 7,
        speed: float | None = None,
        templates: Path | None = None,
        plan: str = "PRO",
        limits: bool | LimitRules = True,
        start: datetime | None = None,
        github_app: bool = True,
    ) -> None:
        if plan not in {"FREE", "HOBBY", "PRO"}:
            raise ValueError(f"plan must be FREE, HOBBY or PRO, not {plan!r}")
        ids = Ids(seed)
        self.clock = EmulatorClock(start=start, speed=speed)
        self.faults = Faults(ids.stream("luck"))
        self.world = World(self.clock, ids, self.faults, WorldSettings(templates, github_app))
        self.limits = Limits(self.clock, _rules(limits))
        self.requests = RequestCounter()
        self._engine = Engine(ids)
        self._origin = IN_PROCESS_ORIGIN
        self._user = self.world.add_user("Ada Owner", "ada@example.com")
        self._workspace = self.world.add_workspace("Ada's Projects", plan, self._user)
        self._api_token = self.world.add_token(TokenKind.ACCOUNT, "emulator", self._user)
        for make in registry.parts:
            self.world.part(make)
        self.webhooks = self.world.part(Webhooks)
        """`flush()` sends what is due, `sent` holds what was sent, `sender` is how."""
        self.dns = self.world.part(Dns)
        """`propagate("app.example.com")` says that the records of a custom domain are set now."""
        self.volumes = self.world.part(Volumes)
        """`fill(volume_instance_id, mb)` says how full a volume is; `restore(volume_instance_id)` undoes a deletion."""

    # What a client needs to know -------------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """Where GraphQL is answered. Over sockets the server sets it."""
        return f"{self._origin}{GRAPHQL_PATH}"

    @property
    def api_token(self) -> str:
        """An account token."""
        return self._api_token.secret

    @property
    def workspace_id(self) -> str:
        """The workspace that was there at first."""
        return self._workspace.id

    def add_workspace(self, name: str, *, plan: str = "PRO") -> str:
        """Make another workspace of the same user; its id."""
        with self.clock.lock:
            return self.world.add_workspace(name, plan, self._user).id

    def workspace_token(self, workspace_id: str | None = None) -> str:
        """A new token for one workspace; default: the first."""
        with self.clock.lock:
            workspace = self.world.workspaces[workspace_id or self.workspace_id]
            return self._new_token(TokenKind.WORKSPACE, workspace=workspace).secret

    def project_token(self, environment_id: str) -> str:
        """A new token for one environment.

        Raises:
            KeyError: There is no such environment.
        """
        with self.clock.lock:
            environment = self.world.environments[environment_id]
            return self._new_token(TokenKind.PROJECT, environment=environment).secret

    def _new_token(self, kind: TokenKind, **scope: Any) -> Token:
        return self.world.add_token(kind, f"{kind} token", self._user, **scope)

    def state(self) -> dict[str, Any]:
        """A summary of the world in numbers."""
        with self.clock.lock:
            self.clock.tick()
            world = self.world
            return {
                "now": self.clock.now().isoformat(),
                "projects": sum(1 for project in world.projects.values() if project.deleted_at is None),
                "environments": len(world.environments),
                "services": len(world.services),
                "deployments": dict(Counter(one.status for one in world.deployments.values())),
                "requests": self.requests.count,
                "faults": len(self.faults),
            }

    def visit(self, host: str) -> int:
        """Send a request to a public domain, as a browser would; wakes a sleeping service. The HTTP status."""
        with self.clock.lock:
            self.clock.tick()
            return visit(self.world, host)

    def push(self, repo: str, branch: str | None = None) -> str:
        """Push to a repository (`owner/name`): its services are deployed by their triggers. The new commit."""
        with self.clock.lock:
            self.clock.tick()
            return push(self.world, repo, branch)

    # The way in ---------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request. Safe to call from any thread."""
        with self.clock.lock:
            self.clock.tick()
            if len(request.body) > MAXIMUM_BODY:
                return text_response(413, "Payload Too Large")
            if request.path.startswith(control.PREFIX):
                return control.answer(self, request)
            if request.path.rstrip("/") == GRAPHQL_PATH:
                return self._graphql(request)
            return text_response(404, "Not Found")

    def execute(
        self, document: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None
    ) -> dict[str, Any]:
        """Run a document as the owner (or with another Bearer token), without HTTP around it; the JSON body."""
        headers = {"authorization": f"Bearer {token or self.api_token}"}
        payload = {"query": document, "variables": dict(variables or {})}
        request = Request.post(f"{self.endpoint}?source=execute", payload, headers)
        return cast("dict[str, Any]", self.handle(request).json())

    def subscribe(
        self, payload: Mapping[str, Any], headers: Mapping[str, str], send: Callable[[dict[str, Any]], None]
    ) -> Stop | None:
        """Start a subscription: `send` is called with each payload, under the clock's lock.

        Args:
            payload: `query`, `variables`, `operationName`.
            headers: Of the HTTP upgrade request, lower case.
            send: Takes one payload.

        Returns:
            What ends it, or None when it was refused or is a query or mutation: then `send` got the one answer.
        """
        with self.clock.lock:
            self.clock.tick()
            call = self._engine.call(payload)
            context = self._context(identify(self.world, headers), call.operation)
            if call.operation is not None and call.operation.kind is not OperationType.SUBSCRIPTION:
                send(self._engine.run(call, context).body)
                return None
            stop = self._engine.subscribe(call, context, send)
            return None if stop is None else self._locked(stop)

    def _locked(self, stop: Stop) -> Stop:
        def stop_locked() -> None:
            with self.clock.lock:
                stop()

        return stop_locked

    def _graphql(self, request: Request) -> Response:
        if request.method != "POST":
            return text_response(405, "Method Not Allowed")
        payload = _payload(request)
        if isinstance(payload, Response):
            return payload
        call = self._engine.call(payload)
        caller = identify(self.world, request.headers)
        self.requests.add(call.operation)
        verdict = self.limits.charge(caller.key, self._plan(caller), bare_url=not request.query)
        response = _refused(verdict) or self._run(call, caller)
        self._add_headers(response, verdict)
        return response

    def _run(self, call: Call, caller: Caller) -> Response:
        """Run, unless a fault strikes before; what reaches the client, unless a fault strikes after."""
        operation = call.operation
        fault = self.faults.take(ANSWER_FAULTS, operation.names if operation else ())
        if fault is not None and not fault.applied:
            return spoil(fault, None)
        answer = self._engine.run(call, self._context(caller, operation))
        response = json_response(answer.status, answer.body)
        return response if fault is None else spoil(fault, response)

    def _context(self, caller: Caller, operation: Operation | None) -> Context:
        reading = operation is None or operation.kind is not OperationType.MUTATION
        return Context(self.world, self.limits, caller, reading, operation.name if operation else None)

    def _plan(self, caller: Caller) -> str:
        token = caller.token
        if token is None:
            return "HOBBY"
        if token.environment is not None:
            return token.environment.project.workspace.plan
        plans = {workspace.plan for workspace in caller.workspaces()}
        return next((plan for plan in ("PRO", "HOBBY", "FREE") if plan in plans), "FREE")

    def _add_headers(self, response: Response, verdict: Verdict) -> None:
        """Railway: the policy header is on every answer of its own, in the syntax of the IETF draft."""
        response.headers.setdefault("ratelimit-policy", f'"default";q={verdict.quota.per_hour};w=3600')
        if self.limits.rules.rate_limit_headers:
            response.headers["x-ratelimit-limit"] = str(verdict.quota.per_hour)
            response.headers["x-ratelimit-remaining"] = str(verdict.remaining)
            response.headers["x-ratelimit-reset"] = str(int(verdict.resets_at.timestamp()))

    # Fronts -------------------------------------------------------------------------------------------------------

    def transport(self) -> httpx.BaseTransport:
        """For `httpx.Client(transport=...)`: answers in process, without sockets."""
        from railway_saas.emulator.transport import EmulatorTransport  # noqa: PLC0415 - keeps httpx optional here

        return EmulatorTransport(self)

    def async_transport(self) -> httpx.AsyncBaseTransport:
        """For `httpx.AsyncClient(transport=...)`: answers in process, without sockets."""
        from railway_saas.emulator.transport import AsyncEmulatorTransport  # noqa: PLC0415 - as above

        return AsyncEmulatorTransport(self)

    def client(self, token: str | None = None, **options: Any) -> RailwayClient:
        """A client of this SDK that calls in process and waits on this emulator's clock.

        Args:
            token: Another token than the emulator's own API token.
            options: Those of `RailwayClient`.
        """
        return make_client(self, in_process=True, token=token, options=options)

    def async_client(self, token: str | None = None, **options: Any) -> AsyncRailwayClient:
        """The same for asyncio."""
        return make_async_client(self, in_process=True, token=token, options=options)

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> AbstractContextManager[RunningServer]:
        """Serve HTTP and WebSocket from a thread until the context ends; port 0 takes a free one.

        ```python
        with emulator.serve() as server:
            print(server.endpoint)
        ```
        """
        from railway_saas.emulator.server import RunningServer  # noqa: PLC0415 - web servers only when asked for

        return RunningServer(self, host, port)

    def served_at(self, origin: str | None) -> None:
        """Note under which origin (`http://127.0.0.1:8765`) the emulator is reached; None: in process again."""
        self._origin = origin or IN_PROCESS_ORIGIN


def _rules(limits: bool | LimitRules) -> LimitRules:
    if isinstance(limits, LimitRules):
        return limits
    return LimitRules() if limits else NO_LIMITS


def _payload(request: Request) -> dict[str, Any] | Response:
    try:
        payload = read_json(request.body)
    except ValueError:
        return _bad_request("POST body is not valid JSON.")
    if not isinstance(payload, dict):
        return _bad_request("POST body must be a JSON object.")
    known = cast("dict[str, Any]", payload)
    if not isinstance(known.get("query"), str):
        return _bad_request(
            "GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension."
        )
    if not isinstance(known.get("variables") or {}, dict):
        return _bad_request("`variables` in a POST body must be an object if provided.")
    return known


def _bad_request(message: str) -> Response:
    return json_response(
        400, {"errors": [{"message": message, "extensions": {"code": errors.BAD_USER_INPUT}}]}
    )


def _refused(verdict: Verdict) -> Response | None:
    if verdict.blocked_by_cloudflare:
        return cloudflare_1015()
    return None if verdict.retry_after_s is None else rate_limited(verdict.retry_after_s)
