"""What becomes of what was asked for when something else is asked for. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from railway_saas.domain.instances import POWER_OF, Wish
from railway_saas.domain.statuses import DesiredStatus
from railway_saas.errors import UndecipherableError
from railway_saas.instances.verbs import Verb

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance

DEPLOY: Final = "deploy"
"""The first wish of all; no verb of an instance."""
MOST: Final = 50
"""Wishes that are kept of an instance. Most are done before the next one comes, and go."""

_SWITCHES: Final = frozenset({Verb.START, Verb.STOP, Verb.SUSPEND, Verb.RESUME})
_KEPT: Final = _SWITCHES | {Verb.SET_VARIABLES, Verb.SET_LIMITS, Verb.UPGRADE}
"""What is done once, on somebody's word, is not among them: its own rows say whether it was dropped."""


def wishes_after(instance: Instance, verb: Verb, wanted: DesiredStatus) -> tuple[Wish, ...]:
    """The wishes of an instance once this one is added, for the next generation.

    Args:
        instance: As it stands before.
        verb: What is asked for.
        wanted: The status that is wanted from now on.
    """
    before = (
        replace(wish, replaced=wish.replaced or _takes_its_place(wish, verb, wanted))
        for wish in instance.desired.wishes
        if wish.replaced or not _is_done(instance, wish)
    )
    number = instance.desired.generation + 1
    added = (Wish(number=number, verb=verb.value),) if verb in _KEPT else ()
    return (*before, *added)[-MOST:]


def _takes_its_place(wish: Wish, verb: Verb, wanted: DesiredStatus) -> bool:
    """Variables are merged, and an upgrade waits for the one before: only what contradicts is dropped."""
    if wanted is DesiredStatus.DELETED:
        return True
    if verb in _SWITCHES:
        return wish.verb in _SWITCHES
    return verb is Verb.SET_LIMITS and wish.verb == verb


def _is_done(instance: Instance, wish: Wish) -> bool:
    """Whether it was done, or refused: it counts as settled wherever its owner was told so."""
    if wish.verb == DEPLOY or wish.verb in _SWITCHES:
        return instance.observed.power is POWER_OF.get(instance.desired.status)
    try:
        return not instance.is_changing
    except UndecipherableError:  # what cannot be compared must not be in the way of a deletion
        return True
