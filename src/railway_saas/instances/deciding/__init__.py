"""What to do next with an instance: one pure function, in parts.

Every rule takes a `Situation` and gives a verdict, or None where it has nothing to say. The first one that speaks wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from railway_saas.instances.deciding.actions import next_action
from railway_saas.instances.deciding.building import build, building_keys, come_up
from railway_saas.instances.deciding.changing import apply_changes, changing_keys, settings_first
from railway_saas.instances.deciding.clocks import set_right
from railway_saas.instances.deciding.common import note_view
from railway_saas.instances.deciding.deleting import DELETE_KEY, delete
from railway_saas.instances.deciding.domains import custom_domains, domain_operation_keys
from railway_saas.instances.deciding.doubts import resolve_doubts
from railway_saas.instances.deciding.resting import finished, lost_services, parked, recovery_keys, watch
from railway_saas.instances.deciding.switching import switch_power, switching_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Verdict

__all__ = ["decide", "keys_of_interest"]

_RULES: Final[tuple[Callable[[Situation], Verdict | None], ...]] = (
    finished,
    parked,
    set_right,
    resolve_doubts,
    note_view,
    delete,
    build,
    come_up,
    lost_services,
    settings_first,
    switch_power,
    apply_changes,
    custom_domains,
    next_action,
)


def decide(situation: Situation) -> Verdict:
    """The next step of an instance, or how long there is none. Pure: same situation, same verdict (but new ids)."""
    for rule in _RULES:
        verdict = rule(situation)
        if verdict is not None:
            return verdict
    return watch(situation)


def keys_of_interest(situation: Situation) -> set[str]:
    """Keys of the operations that a decision may ask about, besides those that are open."""
    keys = {DELETE_KEY} | domain_operation_keys(situation)
    if situation.observed.power is None:
        return keys | building_keys(situation)
    return keys | changing_keys(situation) | switching_keys(situation) | recovery_keys(situation)
