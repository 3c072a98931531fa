"""Whatever a worker is doing when it is killed, another one ends it: one project or none, and nothing done twice.

Every point is tried: a first run counts the commits and the writes, then there is one run for each moment before and
after each of them, in which the process is killed by SIGKILL there. `RAILWAY_SAAS_EVERY_CRASH=1` tries every point also
where otherwise only those around writes are tried.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.statuses import InstanceStatus
from tests.support.ground import REPEATABLE
from tests.support.stage import NEW_SHOP, SHOP, SHOP_WITH_OLD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.support.ground import Ground, Play

EVERYTHING = bool(os.environ.get("RAILWAY_SAAS_EVERY_CRASH"))
PARTS = 4
"""Into so many tests the points of a flow are divided, for several processors."""

RUNNING, FAILED, DELETED = InstanceStatus.RUNNING, InstanceStatus.FAILED, InstanceStatus.DELETED
SUSPENDED = InstanceStatus.SUSPENDED


@dataclass(frozen=True)
class Flow:
    """A piece of an instance's life, and how it may end."""

    life: str
    """What the process does: a name of `tests.support.mortal.LIVES`."""
    known: bool = True
    """Whether Railway deploys the template itself."""
    document: Mapping[str, Any] | None = None
    prepare: Callable[[Play], object] = lambda _: None
    ends: InstanceStatus = RUNNING
    before: InstanceStatus | None = None
    """How it stands before, and stays when the process dies before the wish is committed; None: there is none."""

    def begin(self, ground: Ground) -> Play:
        """Everything up to the moment at which the process begins."""
        play = ground.play(self.document or SHOP, known=self.known)
        if self.before:
            play.run()
        self.prepare(play)
        return play


@dataclass(frozen=True)
class Undisturbed:
    """What a flow comes to when nobody is killed."""

    points: list[str]
    writes: Counter[str]
    deployments: Counter[str]
    things: Counter[tuple[str, str]]


def undisturbed(ground: Ground, flow: Flow) -> Undisturbed:
    """Run it once, and count."""
    play = flow.begin(ground)
    [death] = play.send(play.life(flow.life))
    play.finish()
    assert play.assert_sound() == [flow.ends]
    things = Counter(thing for thing in play.scene.things() if thing[0] != "project")
    return Undisturbed(death.points, play.writes(), play.scene.deployments(), things)


def around_writes(points: list[str]) -> list[int]:
    """Numbers of the points before a write, after its answer, and after that was committed."""
    return [
        number
        for index, label in enumerate(points, start=1)
        if "commit" not in label and label.startswith("before")
        for number in (index, index + 1, index + 3)
    ]


def die_and_be_followed(ground: Ground, flow: Flow, whole: Undisturbed, *deaths: int) -> None:
    """One worker after the other is killed at its point; the last one lives, and everything must be as it should."""
    play = flow.begin(ground)
    for count, dies_at in enumerate(deaths):
        life = flow.life if count == 0 else "go on"
        [death] = play.send(play.life(life, worker=f"number {count}", dies_at=dies_at))
        assert death.killed is (count == 0 or death.killed)
    play.finish()
    wished = deaths[0] > 1
    statuses = play.assert_sound()
    if not wished:
        assert statuses == ([flow.before] if flow.before else [])
        assert play.writes() == Counter()
        return
    assert statuses == [flow.ends]
    assert play.scene.deployments() == whole.deployments
    assert Counter(thing for thing in play.scene.things() if thing[0] != "project") == whole.things
    for name, count in play.writes().items():
        assert count <= whole.writes[name] + (len(deaths) if name in REPEATABLE else 0), name


def every_death(ground: Ground, flow: Flow, whole: Undisturbed, deaths: Iterable[tuple[int, ...]]) -> None:
    """Try all of them, and tell of all that went wrong."""
    wrong: dict[str, str] = {}
    tried = 0
    for numbers in deaths:
        tried += 1
        try:
            die_and_be_followed(ground, flow, whole, *numbers)
        except Exception as error:  # noqa: BLE001 - told below, with the point
            label = whole.points[numbers[0] - 1]
            wrong[f"killed at {numbers} ({label})"] = f"{type(error).__name__}: {str(error)[:600]}"
    assert not wrong, "\n".join(f"{point}: {what}" for point, what in wrong.items())
    assert tried > 0


def fault(kind: str, operation: str | None = None, **options: Any) -> Callable[[Play], object]:
    """Something goes wrong at Railway."""
    return lambda play: play.scene.faults.add(kind, operation, **options)


def new_revision(play: Play, *further: Callable[[Play], object]) -> None:
    """There is something to upgrade to."""
    play.worker("publisher").publish_revision(play.template_id, NEW_SHOP)
    for prepare in further:
        prepare(play)


def suspended(play: Play) -> None:
    """It was suspended before."""
    play.worker("zeroth").suspend(play.instances()[0].id)
    play.finish("zeroth")
    play.scene.sent.clear()


WEB_FAILS = fault("healthcheck_fails", service="Web")
UPGRADE = Flow("upgrade", document=SHOP_WITH_OLD, known=False, before=RUNNING, prepare=new_revision)
FLOWS = {
    "deploy by Railway": Flow("deploy"),
    "deploy from single calls": Flow("deploy", known=False),
    "undo by Railway": Flow("deploy", prepare=WEB_FAILS, ends=FAILED),
    "undo from single calls": Flow("deploy", known=False, prepare=WEB_FAILS, ends=FAILED),
    "delete": Flow("delete", before=RUNNING, ends=DELETED),
    "upgrade": UPGRADE,
    "upgrade that fails": Flow(
        "upgrade",
        document=SHOP_WITH_OLD,
        known=False,
        before=RUNNING,
        prepare=lambda play: new_revision(play, WEB_FAILS),
    ),
    "suspend": Flow("suspend", before=RUNNING, ends=SUSPENDED),
    "resume": Flow("resume", before=SUSPENDED, prepare=suspended),
    "new variables": Flow("change", before=RUNNING),
}


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", FLOWS)
def test_killed_at_any_point(sqlite_ground: Ground, name: str, part: int) -> None:
    flow = FLOWS[name]
    whole = undisturbed(sqlite_ground, flow)
    every = range(1, len(whole.points) + 1)
    every_death(sqlite_ground, flow, whole, [(number,) for number in every if number % PARTS == part])
