"""A Railway on which instances only run: as lean as can be, so that a day of 10,000 of them is not the emulator's day.

It answers what a sweep, a usage collector and a click ask, in the shapes of the emulator (`instances_check.py` compares
them). All instances are alike: what one looks like is computed from its number, and only what differs is kept.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

ENDPOINT = "http://quiet-railway.localhost/graphql/v2"
POLICY = '"default";q=10000;w=3600'
MEASURES_PER_PROJECT = 12
DEPLOYING_S = 10.0

_KINDS = {"project": 1, "environment": 2, "service": 3, "deployment": 4, "other": 5}
_NUMBERS = 1 << 40
_ROOT_FIELDS = re.compile(r"\bop(\d+): (\w+)")
_FIRST_FIELD = re.compile(r"\{\s*(?:\w+\s*:\s*)?(\w+)")


@dataclass(frozen=True, slots=True)
class ServiceShape:
    """One service of the template."""

    key: str
    name: str
    image: str
    is_public: bool = False


SHAPES = (
    ServiceShape("a3a6a7b1-6f0e-4df7-8d6c-2a2f7c7c1f01", "App", "example/app:1", is_public=True),
    ServiceShape("b7d2a1c8-0f3d-4c55-9a39-5d7c6b1e2f02", "Postgres", "example/postgres:18"),
    ServiceShape("c9e4f3d2-5a6b-4e77-8b1c-6e8d7f2a3b03", "Redis", "example/redis:8"),
)
"""Those of `examples/templates/app-with-postgres-and-redis.json`."""


def id_of(kind: str, number: int) -> str:
    """Railway's id of the object of that number."""
    return str(UUID(int=_KINDS[kind] << 96 | 0x4000 << 64 | 0x8000 << 48 | number))


def number_of(railway_id: str) -> int:
    """The number that an id was made from."""
    return int(railway_id[-12:], 16)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an instance stands that does not simply run."""

    status: str
    """Of its first service; all of them when they sleep."""
    since: datetime
    generation: int
    """Deployments that its first service had before this one."""


@dataclass(slots=True)
class QuietRailway:
    """Answers requests about so many instances.

    Attributes:
        now: What time it is there.
        instances: How many there are; instance 0 is the first.
        custom_domains: Numbers of the instances that have a domain of their own.
    """

    now: Callable[[], datetime]
    instances: int
    custom_domains: frozenset[int] = frozenset()
    requests: Counter[str] = field(default_factory=Counter[str])
    """By root field; a request of several is counted under `batch`."""
    looks: int = 0
    _standings: dict[int, Standing] = field(default_factory=dict[int, Standing])

    def domain_of(self, number: int) -> str:
        """Railway's own host name of an instance."""
        return f"app-production-{number}.up.railway.app"

    def custom_domain_of(self, number: int) -> str | None:
        """The domain that its owner attached."""
        return f"app-{number}.example.com" if number in self.custom_domains else None

    def deployment_of(self, number: int, service: int) -> str:
        """The newest deployment of one of its services."""
        standing = self._standings.get(number)
        generation = standing.generation if standing and service == 0 else 0
        return id_of("deployment", generation * _NUMBERS + number * len(SHAPES) + service)

    # What happens there ----------------------------------------------------------------------------------------

    def crash(self, number: int) -> None:
        """Its first service goes down."""
        self._stand(number, "CRASHED")

    def sleep(self, number: int) -> None:
        """All of its services fall asleep."""
        self._stand(number, "SLEEPING")

    def wake(self, number: int) -> None:
        """They are up again."""
        self._stand(number, "SUCCESS")

    def redeploy(self, number: int) -> None:
        """Its first service gets a new deployment."""
        self._stand(number, "DEPLOYING", again=True)

    def status_of(self, number: int, service: int = 0) -> str:
        """How a service stands now."""
        standing = self._standings.get(number)
        if standing is None or (service and standing.status != "SLEEPING"):
            return "SUCCESS"
        if standing.status == "DEPLOYING" and self.now() >= standing.since + timedelta(seconds=DEPLOYING_S):
            return "SUCCESS"
        return standing.status

    def _stand(self, number: int, status: str, *, again: bool = False) -> None:
        before = self._standings.get(number)
        generation = (before.generation if before else 0) + again
        self._standings[number] = Standing(status, self.now(), generation)

    # Answers ---------------------------------------------------------------------------------------------------

    def transport(self) -> httpx.BaseTransport:
        """For a client; answers at once."""
        return _Transport(self)

    def async_transport(self, answer_s: float = 0.0) -> httpx.AsyncBaseTransport:
        """The same for asyncio; every answer takes so long."""
        return _AsyncTransport(self, answer_s)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        asked = json.loads(request.content)
        query, variables = asked["query"], asked["variables"]
        parts = _ROOT_FIELDS.findall(query)
        if parts:
            self.requests["batch"] += 1
            answers = [f'"op{index}":{self._field(name, variables, f"_{index}")}' for index, name in parts]
            data = ",".join(answers)
        else:
            found = _FIRST_FIELD.search(query, query.index("{"))
            name = found[1] if found else ""
            self.requests[name] += 1
            data = f'"{name}":{self._field(name, variables, "")}'
        return httpx.Response(
            200,
            content=f'{{"data":{{{data}}}}}'.encode(),
            headers={"ratelimit-policy": POLICY},
            request=request,
        )

    def _field(self, name: str, variables: dict[str, Any], suffix: str) -> str:
        match name:
            case "environment":
                self.looks += 1
                return self.overview(number_of(variables[f"id{suffix}"]))
            case "domains":
                return self.domains(number_of(variables[f"projectId{suffix}"]))
            case "projectServiceUsage":
                return self.usage_page(variables.get("first", 50), variables.get("after"))
            case "deploymentRestart":
                number = number_of(variables[f"id{suffix}"]) % _NUMBERS // len(SHAPES)
                self._stand(number, "DEPLOYING")
                return "true"
            case "variableCollectionUpsert":
                return "true"
            case "serviceInstanceDeployV2":
                number = number_of(variables[f"serviceId{suffix}"]) // len(SHAPES)
                self.redeploy(number)
                return f'"{self.deployment_of(number, 0)}"'
            case _:
                raise AssertionError(f"the quiet Railway has no {name!r}")

    def overview(self, number: int) -> str:
        """`environment` of one instance."""
        standing = self._standings.get(number)
        since = f"{standing.since:%Y-%m-%dT%H:%M:%S.000Z}" if standing else "2026-11-02T08:00:00.000Z"
        custom = self.custom_domain_of(number)
        services = ",".join(
            _SERVICE
            % {
                "instance": id_of("other", number * 16 + position),
                "service": id_of("service", number * len(SHAPES) + position),
                "name": shape.name,
                "key": shape.key,
                "image": shape.image,
                "own": _domain(number, self.domain_of(number)) if shape.is_public else "",
                "custom": _domain(number, custom) if shape.is_public and custom else "",
                "deployment": self.deployment_of(number, position),
                "status": self.status_of(number, position),
                "since": since,
                "url": f'"{self.domain_of(number)}"' if shape.is_public else "null",
            }
            for position, shape in enumerate(SHAPES)
        )
        volumes = ",".join(
            _VOLUME
            % {
                "id": id_of("other", number * 16 + 8 + position),
                "volume": id_of("other", number * 16 + 10 + position),
                "service": id_of("service", number * len(SHAPES) + position),
            }
            for position in (1, 2)
        )
        return _ENVIRONMENT % {
            "id": id_of("environment", number),
            "project": id_of("project", number),
            "services": services,
            "volumes": volumes,
        }

    def domains(self, number: int) -> str:
        """`domains` of an instance's first service: a customer's own whose DNS is not set."""
        host = self.custom_domain_of(number)
        records = json.dumps(
            [
                {
                    "currentValue": "",
                    "fqdn": host,
                    "hostlabel": "app",
                    "purpose": "DNS_RECORD_PURPOSE_TRAFFIC_ROUTE",
                    "recordType": "DNS_RECORD_TYPE_CNAME",
                    "requiredValue": "waits.up.railway.app",
                    "status": "DNS_RECORD_STATUS_REQUIRES_UPDATE",
                    "zone": "example.com",
                }
            ]
        )
        return (
            f'{{"serviceDomains":[],"customDomains":[{{"id":"{id_of("other", number * 16 + 15)}",'
            f'"domain":"{host}","targetPort":3000,"status":{{"dnsRecords":{records},"verified":false}}}}]}}'
        )

    def usage_page(self, first: int, after: str | None) -> str:
        """`projectServiceUsage`: twelve values of each project, as the emulator has them for this template."""
        begin = int(after or 0)
        end = min(begin + first, self.instances)
        values = ",".join(_usage(number) for number in range(begin, end))
        more = "true" if end < self.instances else "false"
        return f'{{"usage":[{values}],"pageInfo":{{"hasNextPage":{more},"endCursor":"{end}"}}}}'


def _domain(number: int, host: str) -> str:
    return f'{{"id":"{id_of("other", number * 16 + 7)}","domain":"{host}","targetPort":3000}}'


def _usage(number: int) -> str:
    project = id_of("project", number)
    return ",".join(
        _USED
        % {
            "measure": measure,
            "value": f"{(number % 97 + 1) * (position + 1) / 7:.9f}",
            "project": project,
            "service": id_of("service", number * len(SHAPES) + position),
        }
        for position, shape in enumerate(SHAPES)
        for measure in _MEASURES[shape.name]
    )


_ALWAYS = ("MEMORY_USAGE_GB", "CPU_USAGE", "NETWORK_TX_GB")
_STORED = (*_ALWAYS, "DISK_USAGE_GB")
_MEASURES = {"App": _ALWAYS, "Postgres": (*_STORED, "BACKUP_USAGE_GB"), "Redis": _STORED}

_ENVIRONMENT = (
    '{"id":"%(id)s","name":"production","projectId":"%(project)s","serviceInstances":{"edges":[%(services)s]},'
    '"volumeInstances":{"edges":[%(volumes)s]}}'
)
_SERVICE = (
    '{"node":{"id":"%(instance)s","serviceId":"%(service)s","serviceName":"%(name)s","cronSchedule":null,'
    '"service":{"templateId":"12935f03-cac5-5c77-90f7-f0b9ab655aea","templateServiceId":"%(key)s"},'
    '"source":{"image":"%(image)s","repo":null},"domains":{"serviceDomains":[%(own)s],"customDomains":[%(custom)s]},'
    '"latestDeployment":{"id":"%(deployment)s","status":"%(status)s","deploymentStopped":false,'
    '"statusUpdatedAt":"%(since)s","createdAt":"2026-11-02T07:59:40.000Z","staticUrl":%(url)s},'
    '"activeDeployments":[{"id":"%(deployment)s","status":"%(status)s","deploymentStopped":false}]}}'
)
_VOLUME = (
    '{"node":{"id":"%(id)s","volumeId":"%(volume)s","serviceId":"%(service)s","mountPath":"/data","sizeMB":5000,'
    '"isPendingDeletion":false,"state":"READY"}}'
)
_USED = (
    '{"measurement":"%(measure)s","value":%(value)s,"tags":{"projectId":"%(project)s","environmentId":null,'
    '"serviceId":"%(service)s","deploymentId":null,"deploymentInstanceId":null,"region":null,"volumeId":null,'
    '"volumeInstanceId":null}}'
)


class _Transport(httpx.BaseTransport):
    has_sockets = False

    def __init__(self, railway: QuietRailway) -> None:
        self._railway = railway

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._railway.answer(request)


class _AsyncTransport(httpx.AsyncBaseTransport):
    has_sockets = False

    def __init__(self, railway: QuietRailway, answer_s: float) -> None:
        self._railway = railway
        self._answer_s = answer_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if self._answer_s:
            await asyncio.sleep(self._answer_s)
        return self._railway.answer(request)
