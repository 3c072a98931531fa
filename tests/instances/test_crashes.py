"""Whatever a worker is doing when it is killed, another one ends it: one project or none, and nothing done twice.

Nothing is sampled: there is a run for the first point, one for the second, and so on, in which the process is killed
there by SIGKILL, until one comes through alive. `RAILWAY_SAAS_EVERY_CRASH=1` tries every point also where otherwise only
those around writes are tried.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.statuses import InstanceStatus
from tests.support.ground import REPEATABLE
from tests.support.mortal import DOMAIN, Point
from tests.support.stage import NEW_SHOP, SHOP, SHOP_WITH_OLD, Delay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.support.ground import Ground, Play

EVERYTHING = bool(os.environ.get("RAILWAY_SAAS_EVERY_CRASH"))
PARTS = 4
"""Into so many tests the points of a flow are divided, for several processors."""
ENOUGH = 8
"""Failures that are told at once."""
MOST = 400
"""More points than any flow has."""

RUNNING, FAILED, DELETED = InstanceStatus.RUNNING, InstanceStatus.FAILED, InstanceStatus.DELETED
SUSPENDED, STOPPED = InstanceStatus.SUSPENDED, InstanceStatus.STOPPED


@dataclass(frozen=True)
class Flow:
    """A piece of an instance's life, and how it may end."""

    life: str
    """What the process does: a name of `tests.support.mortal.LIVES`."""
    known: bool = True
    """Whether Railway deploys the template itself."""
    document: Mapping[str, Any] | None = None
    prepare: Callable[[Play], object] = lambda _: None
    disturb: Callable[[Play], object] | None = None
    """What goes wrong at Railway meanwhile, without changing what it comes to."""
    ends: InstanceStatus = RUNNING
    before: InstanceStatus | None = None
    """How it stands before, and stays when the process dies before the wish is committed; None: there is none."""

    def begin(self, ground: Ground) -> Play:
        """Everything up to the moment at which the process begins."""
        play = ground.play(self.document or SHOP, known=self.known)
        if self.before:
            play.run()
        self.prepare(play)
        if self.disturb is not None:
            self.disturb(play)
        return play


@dataclass(frozen=True)
class Undisturbed:
    """What a flow comes to when nobody is killed."""

    writes: Counter[str]
    deployments: Counter[str]
    things: Counter[tuple[str, str]]


def undisturbed(ground: Ground, flow: Flow) -> Undisturbed:
    """Run it once for all, and count."""
    flow = replace(flow, disturb=None)
    key = (ground.database_url, repr(flow))
    if key not in _KNOWN:
        play = flow.begin(ground)
        play.send(play.life(flow.life))
        play.finish()
        assert play.assert_sound() == [flow.ends]
        _KNOWN[key] = Undisturbed(play.writes(), play.scene.deployments(), play.scene.things())
    return _KNOWN[key]


_KNOWN: dict[tuple[str, str], Undisturbed] = {}


def lives(ground: Ground, flow: Flow, whole: Undisturbed, *deaths: Point) -> bool:
    """One worker after the other is killed at its point, another one takes over: everything is as it should be.

    Returns:
        Whether the last of them came through alive, as it has no such point.
    """
    play = flow.begin(ground)
    killed = True
    for count, point in enumerate(deaths):
        name = flow.life if count == 0 else "go on"
        [death] = play.send(play.life(name, worker=f"number {count}", dies=point))
        killed = death.killed
    play.finish()
    statuses = play.assert_sound()
    wished = deaths[0].number > 1 or deaths[0].moment not in {"any", "state"}
    if wished:
        assert statuses == [flow.ends]
        assert play.scene.deployments() == whole.deployments
        assert play.scene.things() == whole.things
        for name, count in play.writes().items():
            assert count <= whole.writes[name] + (len(deaths) if name in REPEATABLE else 0), name
    else:  # it was killed before the wish was committed
        assert statuses == ([flow.before] if flow.before else [])
        assert play.writes() == Counter()
    return not killed


def every_death(ground: Ground, flow: Flow, numbers: Iterable[int], *kinds: Point) -> None:
    """Try the points of these kinds by their numbers, until there are no more; tell of all that went wrong."""
    whole = undisturbed(ground, flow)
    wrong: list[str] = []
    killed = 0
    for kind in kinds:
        for number in numbers:
            point = replace(kind, number=number)
            try:
                if lives(ground, flow, whole, point):
                    break
                killed += 1
            except Exception as error:
                wrong.append(f"{point}: {type(error).__name__}: {str(error)[:600]}")
                if len(wrong) == ENOUGH:
                    raise AssertionError("\n".join(wrong)) from error
        else:
            raise AssertionError("there are more points than were tried")
    assert not wrong, "\n".join(wrong)
    assert killed > 0


EACH = Point(0)
EACH_STATE = Point(0, "state")
AROUND_WRITES = (Point(0, "before"), Point(0, "after"), Point(0, "noted"))
UNNOTED = (Point(0, "after"),)
"""Railway has done it, and nobody has written that down."""


def part_of(part: int) -> range:
    """The numbers of a part of the points."""
    return range(part + 1, MOST, PARTS)


def fault(kind: str, operation: str | None = None, **options: Any) -> Callable[[Play], object]:
    """Something goes wrong at Railway."""
    return lambda play: play.scene.faults.add(kind, operation, **options)


def late(operation: str, seconds: float) -> Callable[[Play], object]:
    """The gateway gives up, and Railway carries the write out so much later."""
    return lambda play: play.scene.delays.append(Delay(operation, seconds))


def new_revision(play: Play, *further: Callable[[Play], object]) -> None:
    """There is something to upgrade to."""
    play.worker("publisher").publish_revision(play.template_id, NEW_SHOP)
    for prepare in further:
        prepare(play)


def backed_up(play: Play) -> None:
    """There is something to restore."""
    first("back_up")(play)
    play.replaced = 1


def backed_up_and_suspended(play: Play) -> None:
    """The same, and nothing runs."""
    backed_up(play)
    first("suspend")(play)


def first(verb: str, *arguments: str) -> Callable[[Play], object]:
    """Something was done with it before."""

    def prepare(play: Play) -> None:
        getattr(play.worker("zeroth"), verb)(play.instances()[0].id, *arguments)
        play.finish("zeroth")
        play.scene.sent.clear()

    return prepare


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
    "resume": Flow("resume", before=SUSPENDED, prepare=first("suspend")),
    "stop": Flow("stop", before=RUNNING, ends=STOPPED),
    "start": Flow("start", before=STOPPED, prepare=first("stop")),
    "restart": Flow("restart", before=RUNNING),
    "redeploy": Flow("redeploy", before=RUNNING),
    "new variables": Flow("change", before=RUNNING),
    "new limits": Flow("limit", before=RUNNING),
    "attach a domain": Flow("attach", before=RUNNING),
    "back up": Flow("back up", before=RUNNING),
    "restore": Flow("restore", before=RUNNING, prepare=backed_up),
    "restore what is suspended": Flow(
        "restore", before=SUSPENDED, prepare=backed_up_and_suspended, ends=SUSPENDED
    ),
    "preview": Flow("preview", known=False, before=RUNNING, prepare=new_revision),
    "remove a domain": Flow("detach", before=RUNNING, prepare=first("attach_domain", DOMAIN)),
}


NOT_BY_RAILWAY = {
    "refused": Flow("deploy", prepare=fault("template_deploy_refused", times=None)),
    "unclear error": Flow("deploy", prepare=fault("problem_processing", "templateDeployV2", times=None)),
}
"""Railway knows the template and does not deploy it: it is built from single calls."""
DEPLOYS = ("deploy by Railway", "deploy from single calls")
THOROUGHLY = ("undo by Railway", "delete", "upgrade")
AROUND = ("undo from single calls", "upgrade that fails", "restore", "preview")
IN_PARTS = [(name, part) for name in (*DEPLOYS, *THOROUGHLY) for part in range(PARTS)]


@pytest.mark.parametrize(("name", "part"), IN_PARTS)
def test_whatever_is_killed_at_any_point_ends_as_it_was_meant_to(
    sqlite_ground: Ground, name: str, part: int
) -> None:
    kind = EACH if EVERYTHING or name in DEPLOYS else EACH_STATE
    every_death(sqlite_ground, FLOWS[name], part_of(part), kind)


@pytest.mark.parametrize("name", [name for name in FLOWS if name not in {*DEPLOYS, *THOROUGHLY}])
def test_whatever_is_killed_around_a_write_ends_as_it_was_meant_to(sqlite_ground: Ground, name: str) -> None:
    kinds = (EACH,) if EVERYTHING else AROUND_WRITES if name in AROUND else UNNOTED
    every_death(sqlite_ground, FLOWS[name], range(1, MOST), *kinds)


@pytest.mark.parametrize("name", FLOWS if EVERYTHING else (*DEPLOYS, "delete"))
def test_the_same_on_postgresql(postgres_ground: Ground, name: str) -> None:
    kinds = (EACH,) if EVERYTHING else AROUND_WRITES
    every_death(postgres_ground, FLOWS[name], range(1, MOST), *kinds)


@pytest.mark.parametrize("name", NOT_BY_RAILWAY)
def test_killed_on_the_way_from_railways_own_deploy_to_single_calls(sqlite_ground: Ground, name: str) -> None:
    asked = [replace(kind, field="templateDeployV2") for kind in AROUND_WRITES]
    kinds = (EACH,) if EVERYTHING else asked
    every_death(sqlite_ground, NOT_BY_RAILWAY[name], range(1, MOST), *kinds)


# Railway's own mishaps on top of it -----------------------------------------------------------------------------------


LOST = {
    "504, done": lambda operation: fault("gateway_error", operation, status=504, applied=True),
    "dropped, done": lambda operation: fault("drop", operation, applied=True),
    "dropped": lambda operation: fault("drop", operation),
    "504, done later": lambda operation: late(operation, 20.0),
}
"""The answer is lost; the write was done, or not, or will be."""
REFUSED = {
    "throttled": lambda operation: fault("too_quickly", operation),
    "over the limit": lambda operation: fault("rate_limited", operation, retry_after_s=17),
    "not authorized": lambda operation: fault("not_authorized", operation),
}
"""Nothing was done, and later it will be."""
MISHAPS: dict[str, dict[str, tuple[str, Callable[[Play], object]]]] = {
    "deploy by Railway": {
        **{
            f"{name} at {field}": (field, make(field))
            for name, make in {**LOST, **REFUSED}.items()
            for field in ("projectCreate", "templateDeployV2")
        },
        "permissions spread": ("projectCreate", fault("permission_lag", reads=3)),
        "no workflow id": ("templateDeployV2", fault("workflow_id_null")),
        "workflow not found": ("templateDeployV2", fault("workflow_not_found", times=2)),
    },
    "deploy from single calls": {
        f"{name} at {field}": (field, make(field))
        for name, make in {**LOST, **REFUSED}.items()
        for field in (
            "serviceCreate",
            "volumeCreate",
            "bucketCreate",
            "serviceDomainCreate",
            "serviceInstanceDeployV2",
        )
        if EVERYTHING or name in {"504, done", "dropped"} or (name, field) == ("throttled", "volumeCreate")
    },
    "delete": {
        f"{name} at projectDelete": ("projectDelete", make("projectDelete")) for name, make in LOST.items()
    },
}


@pytest.mark.parametrize(
    ("name", "mishap"), [(name, mishap) for name, mishaps in MISHAPS.items() for mishap in mishaps]
)
def test_killed_around_a_write_that_went_wrong(sqlite_ground: Ground, name: str, mishap: str) -> None:
    field, disturb = MISHAPS[name][mishap]
    kinds = [
        replace(kind, field="" if EVERYTHING else field)
        for kind in AROUND_WRITES
        if EVERYTHING or kind.moment != "before"  # up to there nothing has gone wrong yet
    ]
    every_death(sqlite_ground, replace(FLOWS[name], disturb=disturb), range(1, MOST), *kinds)


# Again and again ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DEPLOYS)
@pytest.mark.parametrize("second", [1, 3, 6, 9, 14])
def test_killed_and_killed_again(sqlite_ground: Ground, name: str, second: int) -> None:
    """At the first death around each write, and at a second one early or late in what the next worker does."""
    flow = FLOWS[name]
    whole = undisturbed(sqlite_ground, flow)
    firsts = [replace(kind, number=number) for number in (1, 2) for kind in AROUND_WRITES]
    for first in firsts if EVERYTHING else firsts[second % 2 :: 2]:
        lives(sqlite_ground, flow, whole, first, Point(second, "state"))


def test_killed_once_more_at_every_step_until_nothing_is_left_to_do(sqlite_ground: Ground) -> None:
    """No worker gets further than its third point, and yet it comes up."""
    flow = FLOWS["deploy from single calls"]
    whole = undisturbed(sqlite_ground, flow)
    lives(sqlite_ground, flow, whole, *(Point(5, "state") for _ in range(12)))
