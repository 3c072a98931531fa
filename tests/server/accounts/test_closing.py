"""Closing an account: nobody gets in any more, everything is deleted, and then it is gone."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain import DesiredStatus, InstanceStatus, ServiceLimits
from reference_server.catalogue import publish_folder
from reference_server.security.scope import SYSTEM, scoped
from tests.server.conftest import PASSWORD

if TYPE_CHECKING:
    from uuid import UUID

    from railway_saas.domain import Instance
    from tests.server.accounts.conftest import World
    from tests.server.conftest import Person


def deployed(world: World, person: Person, name: str = "mine", *, running: bool = True) -> UUID:
    manager = world.platform.manager
    with scoped(SYSTEM):
        list(publish_folder(manager, None))
        with world.platform.database.unit_of_work() as work:
            template = next(one for one in work.templates.list_page().items if one.name == "Web app")
        instance = manager.deploy(
            user_id=person.user.id,
            template_id=template.id,
            name=name,
            inputs=inputs_of(world, template.id),
            limits=ServiceLimits(vcpus=Decimal(1), memory_gb=Decimal(1)),
        )
        if running:
            manager.wait(instance.id)
    return instance.id


def inputs_of(world: World, template_id: UUID) -> dict[str, str]:
    from railway_saas.templates import Template

    with world.platform.database.unit_of_work() as work:
        revision = work.templates.latest_revision(template_id)
    assert revision is not None
    needed = [one for one in Template.parse(revision.document).inputs() if one.required]
    return {f"{one.service}.{one.name}": "value" for one in needed}


def instance(world: World, instance_id: UUID) -> Instance:
    with scoped(SYSTEM):
        return world.platform.manager.get(instance_id)


def finish(world: World, person: Person) -> bool:
    with scoped(SYSTEM):
        return world.platform.accounts.finish_closing(person.user.id)


def log_in(world: World) -> Any:
    return world.log_in("ann@example.com", PASSWORD)


def test_nobody_gets_in_any_more(world: World, ann: Person) -> None:
    made = ann.post("/api/users/api-keys", json={"name": "k", "scopes": ["profile:read"]}).json
    assert ann.delete(f"/api/users/{ann.user.id}").status_code == 204
    assert not world.is_good(ann.token)
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert world.browser.get("/api/users/profile", headers=headers).status_code == 401
    assert log_in(world).status_code == 401
    (entry,) = world.audit("user.close")
    assert (entry.actor, entry.details["sessions_ended"]) == (str(ann.user.id), 1)


def test_an_administrator_closes_somebody_elses_visibly(world: World, admin: Person, ann: Person) -> None:
    made = deployed(world, ann)
    assert admin.delete(f"/api/users/{ann.user.id}").status_code == 204
    assert admin.get(f"/api/users/{ann.user.id}").json["closing_at"] is not None
    for action in ("user.close", "instance.delete"):
        (entry,) = world.audit(action)
        assert entry.actor == str(admin.user.id)
        assert entry.details["origin"]["on_behalf_of"] == str(ann.user.id)
    assert instance(world, made).desired.status is DesiredStatus.DELETED


def test_it_is_gone_once_the_last_instance_is(world: World, ann: Person, bob: Person) -> None:
    made = deployed(world, ann)
    bobs = deployed(world, bob, running=False)
    assert ann.delete(f"/api/users/{ann.user.id}").status_code == 204
    assert not finish(world, ann)
    with scoped(SYSTEM):
        world.platform.manager.wait(made)
    assert instance(world, made).status is InstanceStatus.DELETED
    assert finish(world, ann)
    assert not finish(world, ann)
    with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
        assert work.users.find(ann.user.id) is None
        assert not work.instances.list_page(user_id=ann.user.id).items
        assert work.instances.find_owned(bobs, bob.user.id) is not None
    assert world.audit("user.remove")
    assert world.register("ann@example.com").status_code == 202
    assert world.mails("verify_email")


def test_an_account_that_nobody_closed_is_left_alone(world: World, ann: Person) -> None:
    made = deployed(world, ann, running=False)
    assert not finish(world, ann)
    assert instance(world, made).desired.status is DesiredStatus.RUNNING
    assert world.is_good(ann.token)


def test_an_instance_that_nobody_asked_to_delete_is_asked_for_again(world: World, ann: Person) -> None:
    """As after a crash between the two steps, or a deploy that was accepted at that moment."""
    ann.delete(f"/api/users/{ann.user.id}")
    made = deployed(world, ann, running=False)
    with scoped(SYSTEM):
        assert world.platform.accounts.closing_accounts() == [ann.user.id]
    assert not finish(world, ann)
    assert instance(world, made).desired.status is DesiredStatus.DELETED


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    def test_the_same(self, world: World, admin: Person, ann: Person) -> None:
        deployed(world, ann, running=False)
        assert ann.delete(f"/api/users/{ann.user.id}").status_code == 204
        assert not finish(world, ann)
        with scoped(SYSTEM):
            (made,) = world.platform.manager.list_page(user_id=ann.user.id).items
            world.platform.manager.wait(made.id)
        assert finish(world, ann)
        assert admin.get(f"/api/users/{ann.user.id}").status_code == 404
