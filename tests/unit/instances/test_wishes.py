"""What becomes of what was asked for when something else is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain.instances import Wish
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus
from railway_saas.instances.verbs import Verb
from railway_saas.instances.wishes import DEPLOY, MOST, wishes_after
from tests.support.situations import instance

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance

RUNNING, STOPPED, SUSPENDED, DELETED = DesiredStatus


def wishing(of: Instance, *wishes: Wish) -> Instance:
    """The instance with these wishes, the last one being of its generation."""
    return replace(of, desired=replace(of.desired, wishes=wishes, generation=wishes[-1].number))


def then(of: Instance, verb: Verb, wanted: DesiredStatus) -> list[tuple[int, str, bool]]:
    return [(one.number, one.verb, one.replaced) for one in wishes_after(of, verb, wanted)]


STARTING = instance(InstanceStatus.STOPPED)
STARTED = instance()
CHANGING = instance(variables={"web": {"A": "1"}})


@pytest.mark.parametrize(
    ("of", "before", "verb", "wanted", "expected"),
    [
        pytest.param(STARTING, "start", Verb.STOP, STOPPED, [(3, "start", True), (4, "stop", False)], id="undone"),
        pytest.param(STARTED, "start", Verb.STOP, STOPPED, [(4, "stop", False)], id="done"),
        pytest.param(STARTING, "start", Verb.SUSPEND, SUSPENDED, [(3, "start", True), (4, "suspend", False)], id="by another switch"),
        pytest.param(
            CHANGING, "set_variables", Verb.STOP, STOPPED,
            [(3, "set_variables", False), (4, "stop", False)], id="what waits until it is on again",
        ),
        pytest.param(
            CHANGING, "set_variables", Verb.SET_VARIABLES, RUNNING,
            [(3, "set_variables", False), (4, "set_variables", False)], id="what is added to",
        ),
        pytest.param(
            CHANGING, "set_limits", Verb.SET_LIMITS, RUNNING,
            [(3, "set_limits", True), (4, "set_limits", False)], id="what is set anew",
        ),
        pytest.param(CHANGING, "set_variables", Verb.DELETE, DELETED, [(3, "set_variables", True)], id="by its end"),
        pytest.param(CHANGING, "set_variables", Verb.DELETE, RUNNING, [(3, "set_variables", False)], id="an end that comes later"),
        pytest.param(STARTED, "set_variables", Verb.DELETE, DELETED, [], id="settled before its end"),
        pytest.param(
            instance(variables={"web": {"A": "1"}}, error="no"), "set_variables", Verb.DELETE, DELETED, [], id="refused before its end",
        ),
        pytest.param(
            instance(InstanceStatus.PROVISIONING), DEPLOY, Verb.DELETE, DELETED, [(3, DEPLOY, True)], id="a deploy",
        ),
        pytest.param(STARTING, "start", Verb.BACK_UP, RUNNING, [(3, "start", False)], id="what has rows of its own"),
    ],
)  # fmt: skip
def test_what_contradicts_takes_the_place_of_what_was_not_done(
    of: Instance, before: str, verb: Verb, wanted: DesiredStatus, expected: list[tuple[int, str, bool]]
) -> None:
    assert then(wishing(of, Wish(number=3, verb=before)), verb, wanted) == expected


def test_what_was_replaced_stays_so() -> None:
    of = wishing(STARTED, Wish(number=2, verb="start", replaced=True), Wish(number=3, verb="start"))
    assert then(of, Verb.STOP, STOPPED) == [(2, "start", True), (4, "stop", False)]


def test_only_the_latest_are_kept() -> None:
    of: Instance = STARTING
    for _ in range(MOST):
        for verb, wanted in ((Verb.STOP, STOPPED), (Verb.START, RUNNING)):
            desired = replace(of.desired, status=wanted, wishes=wishes_after(of, verb, wanted))
            of = replace(of, desired=replace(desired, generation=desired.generation + 1))
    assert len(of.desired.wishes) == MOST
    assert of.desired.wishes[-1].number == of.desired.generation
    assert of.desired.is_replaced(of.desired.generation - 2)
    assert not of.desired.is_replaced(of.desired.generation)
