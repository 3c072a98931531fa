"""How often a worker comes by while Railway is at work."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from railway_saas.instances import OutcomeKind
from railway_saas.repositories import MemoryDatabase
from tests.support.mortal import DOMAIN, OWNER, worker_in
from tests.support.stage import CODE, SHOP, Scene, offer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("known", [True, False], ids=["by Railway", "from single calls"])
def test_every_turn_after_a_wait_asks_railway_something(tmp_path: Path, known: bool) -> None:
    scene = Scene(offer(tmp_path, CODE, SHOP))
    manager = worker_in(scene, MemoryDatabase(), worker="only")
    template = manager.publish_template(
        SHOP, name="Shop", railway_template_id=scene.template_id if known else None
    )
    instance = manager.deploy(user_id=OWNER, template_id=template.id, name="blog")
    asked = []
    while (outcome := manager.reconcile(instance.id)).kind is OutcomeKind.WAITING:
        asked.append(scene.requests.count)
        assert outcome.next_check_at is not None
        scene.clock.advance_to(outcome.next_check_at)
    asked.append(scene.requests.count)
    assert asked == sorted(set(asked))
    assert len(asked) >= 3


def test_a_domain_that_waits_for_its_records_is_looked_at_more_and_more_rarely(tmp_path: Path) -> None:
    scene = Scene(offer(tmp_path, CODE, SHOP))
    scene.dns.automatic_after_s = None
    manager = worker_in(scene, MemoryDatabase(), worker="only")
    template = manager.publish_template(SHOP, name="Shop")
    instance = manager.deploy(user_id=OWNER, template_id=template.id, name="blog", wait=True)
    manager.attach_domain(instance.id, DOMAIN)
    began, asked = scene.clock.now(), []
    while scene.clock.now() - began < timedelta(hours=6):
        outcome = manager.reconcile(instance.id)
        asked.append(scene.requests.count)
        assert outcome.next_check_at is not None
        scene.clock.advance_to(outcome.next_check_at)
    assert asked == sorted(set(asked))
    checks = timedelta(hours=6) / timedelta(seconds=manager.settings.check_interval_s)
    assert len(asked) < checks + 15
