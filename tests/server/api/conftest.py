"""A catalogue, people, and instances that run: what most tests of the API begin with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain import ServiceLimits, Subscription, new_id
from reference_server.security.scope import SYSTEM, scoped

if TYPE_CHECKING:
    from reference_server.composition import Platform
    from tests.server.conftest import Person

WEB = "6d1a4d0e-2b6d-4a51-9c0a-0f6a53f5c001"
DATABASE = "6d1a4d0e-2b6d-4a51-9c0a-0f6a53f5c002"


def document(*, image: str = "ghcr.io/acme/web:1") -> dict[str, Any]:
    """A public web service with inputs of every kind, and a database with a volume."""
    return {
        "services": {
            WEB: {
                "name": "Web",
                "source": {"image": image},
                "deploy": {"healthcheckPath": "/health"},
                "variables": {
                    "PORT": {"defaultValue": "3000", "isOptional": False},
                    "ADMIN_EMAIL": {"description": "Who runs it.", "isOptional": False},
                    "API_TOKEN": {"description": "Of the mail service.", "isOptional": True},
                    "APP_SECRET": {"defaultValue": "${{secret(32)}}", "isOptional": False},
                    "DATABASE_URL": {"defaultValue": "${{Database.DATABASE_URL}}", "isOptional": False},
                },
                "networking": {"serviceDomains": {"<hasDomain>:3000": {"port": 3000}}},
            },
            DATABASE: {
                "name": "Database",
                "source": {"image": "postgres:17"},
                "variables": {
                    "POSTGRES_PASSWORD": {"defaultValue": "${{secret(16)}}", "isOptional": False},
                    "DATABASE_URL": {
                        "defaultValue": "postgresql://postgres:${{POSTGRES_PASSWORD}}@${{RAILWAY_PRIVATE_DOMAIN}}/db",
                        "isOptional": False,
                    },
                },
                "volumeMounts": {DATABASE: {"mountPath": "/var/lib/postgresql/data"}},
            },
        }
    }


@dataclass
class Stage:
    """The platform, seen from behind: what is published, who has which plan, what workers do."""

    platform: Platform

    def publish(self, name: str = "Acme", **options: Any) -> str:
        options.setdefault("resources", ServiceLimits(vcpus=Decimal("0.5"), memory_gb=Decimal("0.5")))
        with scoped(SYSTEM):
            published = self.platform.manager.publish_template(
                options.pop("document", document()), name=name, **options
            )
        return str(published.id)

    def give_plan(self, person: Person, plan: str = "pro") -> None:
        now = self.platform.now()
        with scoped(SYSTEM), self.platform.database.unit_of_work() as work:
            work.subscriptions.upsert(
                Subscription(
                    id=new_id(now),
                    user_id=person.user.id,
                    stripe_subscription_id=f"manual:{person.user.id}",
                    plan_name=plan,
                    status="active",
                    created_at=now,
                    updated_at=now,
                )
            )
            work.commit()

    def deploy(self, person: Person, template_id: str, name: str = "blog", **more: Any) -> str:
        """Ask for an instance; its id."""
        body = {"template_id": template_id, "name": name, "inputs": {"ADMIN_EMAIL": "ann@example.com"}}
        answer = person.post("/api/instances", {**body, **more})
        assert answer.status_code == 202, answer.text
        return str(answer.json["instance_id"])

    def settle(self, instance_id: str) -> None:
        """Have workers do all there is to do."""
        from uuid import UUID

        with scoped(SYSTEM):
            for _ in self.platform.manager.follow(UUID(instance_id)):
                pass

    def running(self, person: Person, name: str = "blog", **more: Any) -> str:
        """An instance that runs; its id."""
        self.give_plan(person)
        instance_id = self.deploy(person, self.publish(f"Acme for {name}"), name, **more)
        self.settle(instance_id)
        return instance_id


@pytest.fixture
def stage(platform: Platform) -> Stage:
    return Stage(platform)


@pytest.fixture
def path(stage: Stage, ann: Person) -> str:
    """Path of an instance of Ann's that no worker has taken up."""
    stage.give_plan(ann)
    answer = ann.post(
        "/api/instances",
        {"template_id": stage.publish(), "name": "blog", "inputs": {"Web.ADMIN_EMAIL": "ann@example.com"}},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json["links"]["instance"])
