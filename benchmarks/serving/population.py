"""Who is on the platform: a catalogue, owners with instances, and owners who deploy; each with a session and its token.

Those who deploy own nothing at first and are never read, so that what is read stays as it is.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import insert

from benchmarks.serving.prototypes import INPUTS, TEMPLATE, Life, Prototypes, make_prototypes
from railway_saas.domain import ServiceLimits, new_id
from railway_saas.repositories.sealing import seal_instance
from railway_saas.repositories.sqlalchemy.mapping.instances import (
    deployment_values,
    event_values,
    instance_values,
    service_values,
)
from railway_saas.repositories.sqlalchemy.mapping.operations import operation_values
from railway_saas.repositories.sqlalchemy.models import (
    DeploymentRow,
    InstanceEventRow,
    InstanceRow,
    InstanceServiceRow,
    ProviderOperationRow,
)
from reference_server.catalogue import OURS, publish_folder
from reference_server.composition import build_platform
from reference_server.data.engines import ConnectionRole
from reference_server.data.models import SessionRow, UserRow
from reference_server.security.encryption import VARIABLES, RingCipher
from reference_server.security.scope import SYSTEM, scoped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from railway_saas.domain.catalogue import TemplateRevision
    from reference_server.composition import Platform
    from reference_server.settings import Settings

TEMPLATES_OFFERED = 20


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who is logged in."""

    email: str
    token: str
    instances: tuple[str, ...] = ()
    """Ids."""


@dataclass(frozen=True, slots=True)
class People:
    """What whoever plays them has to know."""

    password: str
    template_id: str
    inputs: Mapping[str, str]
    readers: tuple[Owner, ...]
    deployers: tuple[Owner, ...]

    def write(self, path: Path) -> None:
        """For another process. It can log in with it, so that nobody else may read it."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> Self:
        """What another process wrote."""
        found = json.loads(path.read_text())
        for role in ("readers", "deployers"):
            found[role] = tuple(Owner(**one) for one in found[role])
        return cls(**found)


def populate(settings: Settings, *, owners: int, instances_each: int) -> People:
    """Fill a migrated database; as many owners again deploy."""
    platform = build_platform(settings, ConnectionRole.WORKER, needs_railway=False)
    try:
        with scoped(SYSTEM):
            revision = _fill_catalogue(platform)
            return _Registry(platform).fill(revision, owners, instances_each)
    finally:
        platform.close()


def _fill_catalogue(platform: Platform) -> TemplateRevision:
    """What every platform begins with, and copies of it up to the size of a real catalogue."""
    names = [name for name, _ in publish_folder(platform.manager)]
    document = json.loads((OURS / f"{TEMPLATE}.json").read_bytes())
    for number in range(len(names), TEMPLATES_OFFERED):
        platform.manager.publish_template(
            document,
            name=f"App {number}",
            description="A web application with its database on a volume and a cache.",
            category="apps",
            resources=ServiceLimits(vcpus=Decimal("0.5"), memory_gb=Decimal("0.5")),
        )
    (entry,) = (
        one
        for one in platform.manager.templates(limit=200).items
        if one.railway_template_id == f"local:{TEMPLATE}"
    )
    return platform.manager.latest_revision(entry.id)


class _Registry:
    """Rows of many, a table at a time: one at a time would take minutes."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._cipher = RingCipher(platform.settings.encryption_keys, purpose=VARIABLES)
        self._now = platform.now()

    def fill(self, revision: TemplateRevision, owners: int, instances_each: int) -> People:
        password = secrets.token_urlsafe(12)
        hashed = self._platform.passwords.hash(password)
        readers = [self._user(f"reader-{number}@example.com", hashed) for number in range(owners)]
        deployers = [self._user(f"deployer-{number}@example.com", hashed) for number in range(owners)]
        prototypes = make_prototypes()
        lives = {
            user["id"]: list(self._lives(prototypes, user["id"], revision, instances_each))
            for user in readers
        }
        sessions = {user["id"]: self._session(user["id"]) for user in (*readers, *deployers)}
        self._insert(UserRow, [*readers, *deployers])
        self._insert(SessionRow, sessions.values())
        self._insert_lives(life for owned in lives.values() for life in owned)

        def owner(user: dict[str, Any]) -> Owner:
            token = self._platform.access_tokens.issue(user["id"], sessions[user["id"]]["id"])
            owned = tuple(str(life.instance.id) for life in lives.get(user["id"], ()))
            return Owner(user["email"], token, owned)

        return People(
            password=password,
            template_id=str(revision.template_id),
            inputs=INPUTS,
            readers=tuple(map(owner, readers)),
            deployers=tuple(map(owner, deployers)),
        )

    def _user(self, email: str, hashed: str) -> dict[str, Any]:
        return {
            "id": new_id(self._now),
            "email": email,
            "password_hash": hashed,
            "name": email.partition("@")[0],
            "role": "user",
            "email_verified": True,
            "closing_at": None,
            "created_at": self._now,
            "updated_at": self._now,
        }

    def _session(self, user_id: UUID) -> dict[str, Any]:
        return {
            "id": new_id(self._now),
            "user_id": user_id,
            "created_at": self._now,
            "expires_at": self._now + timedelta(days=1),
            "last_used_at": self._now,
        }

    def _lives(
        self, prototypes: Prototypes, owner: UUID, revision: TemplateRevision, count: int
    ) -> Iterator[Life]:
        for number, life in enumerate(prototypes.mix(count)):
            yield life.copied(
                owner=owner,
                name=f"shop-{number}",
                template_id=revision.template_id,
                revision_id=revision.id,
                at=self._at(number),
            )

    def _at(self, number: int) -> datetime:
        return self._now - timedelta(days=30) + timedelta(hours=number)

    def _insert_lives(self, lives: Iterable[Life]) -> None:
        known = list(lives)
        self._insert(
            InstanceRow, [instance_values(seal_instance(life.instance, self._cipher)) for life in known]
        )
        self._insert(InstanceServiceRow, [service_values(one) for life in known for one in life.services])
        self._insert(DeploymentRow, [deployment_values(one) for life in known for one in life.deployments])
        self._insert(InstanceEventRow, [event_values(one) for life in known for one in life.events])
        self._insert(
            ProviderOperationRow, [operation_values(one) for life in known for one in life.operations]
        )

    def _insert(self, model: type[Any], rows: Iterable[dict[str, Any]]) -> None:
        with self._platform.database.engine.begin() as connection:
            connection.execute(insert(model.__table__), list(rows))
