"""A local Railway that remembers every write it got, and whose world can be exchanged while it is served."""

from __future__ import annotations

import json
import re
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import Emulator
from railway_saas.emulator.emulator import GRAPHQL_PATH
from railway_saas.emulator.messages import text_response

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from railway_saas.emulator.messages import Request, Response
    from railway_saas.emulator.world import Project

CODE = "shop"
"""Code of the template that the marketplace of a scene offers."""

WEB = "10000000-0000-4000-8000-000000000001"
DATABASE = "10000000-0000-4000-8000-000000000002"
OLD = "10000000-0000-4000-8000-000000000003"
CACHE = "10000000-0000-4000-8000-000000000004"
FILES = "10000000-0000-4000-8000-000000000005"


def _service(name: str, image: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "source": {"image": image}, "deploy": {}, "variables": {}, **more}


def _volume(key: str, path: str) -> dict[str, Any]:
    return {"volumeMounts": {key: {"mountPath": path, "sizeMB": 1000}}}


def _web(version: int) -> dict[str, Any]:
    return _service(
        "Web",
        f"ghcr.io/acme/web:{version}",
        deploy={"healthcheckPath": "/health", "healthcheckTimeout": 10},
        variables={"DATABASE_URL": {"defaultValue": "postgresql://${{Database.RAILWAY_PRIVATE_DOMAIN}}"}},
        networking={"serviceDomains": {"<hasDomain>:3000": {"port": 3000}}},
    )


_POSTGRES = _service(
    "Database",
    "postgres:18",
    variables={"POSTGRES_PASSWORD": {"defaultValue": "${{secret(16)}}"}},
    **_volume(DATABASE, "/var/lib/postgresql/data"),
)
SHOP: dict[str, Any] = {
    "services": {WEB: _web(1), DATABASE: _POSTGRES},
    "buckets": {FILES: {"name": "Files", "region": "sjc"}},
}
"""A web application with its database and a bucket."""
SHOP_WITH_OLD: dict[str, Any] = {
    "services": {WEB: _web(1), OLD: _service("Old", "ghcr.io/acme/old:1")},
    "buckets": {},
}
NEW_SHOP: dict[str, Any] = {
    "services": {WEB: _web(2), CACHE: _service("Cache", "redis:8", **_volume(CACHE, "/data"))},
    "buckets": {},
}
"""A later revision of it: one service changed, one new with a volume, one gone."""


def offer(folder: Path, code: str, document: dict[str, Any]) -> Path:
    """Put a document into a folder that a marketplace serves; the folder."""
    (folder / f"template-{code}.json").write_text(json.dumps(document))
    return folder


@dataclass(frozen=True)
class Sent:
    """One write as Railway got it."""

    fields: tuple[str, ...]
    """Its root fields, aliases left out."""
    variables: str
    succeeded: bool
    """Whether Railway answered without an error."""


@dataclass
class Delay:
    """A write whose answer is a 504 and that Railway carries out so much later."""

    operation: str
    seconds: float
    times: int = 1


_KNOWN_DOCUMENTS: OrderedDict[str, Any] = OrderedDict()
"""Parsed once for all scenes: parsing takes longer than anything else they do."""


class Scene(Emulator):
    """A local Railway that keeps a record of what is written to it."""

    def __init__(self, templates: Path | None = None, **options: Any) -> None:
        super().__init__(seed=7, templates=templates, **options)
        self._engine._documents = _KNOWN_DOCUMENTS
        self.sent: list[Sent] = []
        self.delays: list[Delay] = []

    def handle(self, request: Request) -> Response:
        if request.path != GRAPHQL_PATH or not is_write(request.body):
            return super().handle(request)
        payload = json.loads(request.body)
        fields = self._engine.prepare(payload["query"]).operations[0].fields
        delay = next((one for one in self.delays if one.times and one.operation in fields), None)
        if delay is not None:
            delay.times -= 1
            self._note(fields, payload, succeeded=False)
            handle = super().handle
            self.clock.call_later(delay.seconds, lambda: handle(request))
            return text_response(504, "Gateway time-out", "text/html")
        response = super().handle(request)
        well = not response.dropped and response.status == 200
        body = response.json() if well and response.body.startswith(b"{") else {"errors": True}
        self._note(fields, payload, succeeded=not body.get("errors") and body.get("data") is not None)
        return response

    def _note(self, fields: tuple[str, ...], payload: dict[str, Any], *, succeeded: bool) -> None:
        variables = json.dumps(payload.get("variables"), sort_keys=True)
        self.sent.append(Sent(fields, variables, succeeded))

    # What became of it ----------------------------------------------------------------------------------------------

    @property
    def template_id(self) -> str:
        """Railway's id of the template on offer."""
        answer = self.execute("query($code: String!) { template(code: $code) { id } }", {"code": CODE})
        return str(answer["data"]["template"]["id"])

    def projects(self, *, deleted: bool = False) -> list[Project]:
        """Those that are there, or all that ever were."""
        return [one for one in self.world.projects.values() if deleted or one.deleted_at is None]

    def things(self) -> Counter[tuple[str, str]]:
        """What is in the projects that are there, by kind and name."""
        return sum((Counter(_things(project)) for project in self.projects()), Counter())

    def things_made_twice(self) -> list[tuple[str, str]]:
        """Things of one project that have the same kind and name."""
        counts = [Counter(_things(project)) for project in self.projects()]
        return [thing for count in counts for thing, number in count.items() if number > 1]

    def detached_volumes(self) -> list[str]:
        """Where volumes were mounted that are mounted nowhere any more, and that Railway bills."""
        volumes = [
            volume
            for project in self.projects()
            for environment in project.environments.values()
            for volume in environment.volume_instances.values()
        ]
        return [one.mount_path for one in volumes if one.deleted_at is None and one.service is None]

    def deployments(self) -> Counter[str]:
        """How often each service was deployed, by name."""
        return Counter(
            {
                instance.service.name: len(instance.deployments)
                for project in self.projects()
                for environment in project.environments.values()
                for instance in environment.instances.values()
                if instance.deployments
            }
        )


def _things(project: Project) -> Iterator[tuple[str, str]]:
    for service in project.services.values():
        yield "service", service.name
    for bucket in project.buckets.values():
        yield "bucket", bucket.name
    for environment in project.environments.values():
        for volume in environment.volume_instances.values():
            if volume.deleted_at is None:
                yield "volume", f"{volume.service and volume.service.name}:{volume.mount_path}"
        for instance in environment.instances.values():
            for _ in instance.service_domains:
                yield "domain", instance.service.name


class Stage(Emulator):
    """Serves one scene after the other at one address."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()

    def handle(self, request: Request) -> Response:
        return self.scene.handle(request)


_MUTATION = re.compile(r"^\s*mutation\b", re.MULTILINE)


def is_write(body: bytes) -> bool:
    """Whether a GraphQL request changes something."""
    return _MUTATION.search(json.loads(body)["query"]) is not None
