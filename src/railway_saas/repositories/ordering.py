"""An order of events that no clock can break. No I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from railway_saas.domain.ids import id_above

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from railway_saas.domain.instances import InstanceEvent


def in_order(events: Iterable[InstanceEvent], newest: Mapping[UUID, UUID]) -> Sequence[InstanceEvent]:
    """The same events with ids above what their instances have, each above the one before.

    Args:
        events: In the order in which they happened.
        newest: The newest id of each instance that has events already.
    """
    latest = dict(newest)
    ordered: list[InstanceEvent] = []
    for event in events:
        identity = id_above(latest.get(event.instance_id), event.id)
        latest[event.instance_id] = identity
        ordered.append(event if identity == event.id else replace(event, id=identity))
    return ordered
