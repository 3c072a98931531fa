"""A platform as a worker has it, and an owner with an instance."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain import ServiceLimits, new_id
from reference_server.catalogue import publish_folder
from reference_server.composition import Platform, build_platform
from reference_server.data.accounts import User
from reference_server.data.engines import ConnectionRole
from reference_server.security.scope import SYSTEM, scoped
from reference_server.settings import Settings
from tests.server.conftest import migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from railway_saas.domain import Instance
    from railway_saas.emulator import Emulator

EMAIL = "ann@example.com"


@pytest.fixture
def worker(environment: dict[str, str], emulator: Emulator) -> Iterator[Platform]:
    settings = Settings.from_environment(environment)
    migrated(settings)
    built = build_platform(settings, ConnectionRole.WORKER, emulator=emulator)
    with scoped(SYSTEM):
        yield built
    built.close()


def owner_of(platform: Platform, email: str = EMAIL, *, role: str = "user") -> UUID:
    now = platform.now()
    user = User(
        id=new_id(now),
        email=email,
        name="Ann",
        role="admin" if role == "admin" else "user",
        email_verified=True,
        closing_at=None,
        created_at=now,
        updated_at=now,
    )
    with platform.database.unit_of_work() as work:
        work.users.add(user, password_hash="x")
        work.commit()
    return user.id


def deployed(platform: Platform, owner: UUID, name: str = "shop") -> Instance:
    """Accepted; a worker has yet to take it further."""
    list(publish_folder(platform.manager))
    template = next(one for one in platform.manager.templates() if one.railway_template_id == "local:web-app")
    return platform.manager.deploy(
        template_id=template.id,
        user_id=owner,
        name=name,
        limits=ServiceLimits(vcpus=Decimal(1), memory_gb=Decimal(1)),
        actor=str(owner),
    )
