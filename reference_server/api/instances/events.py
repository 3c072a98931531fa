"""What happens to an instance, as pages and as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Response
from pydantic import Field

from reference_server.api.authentication import needs, platform, principal
from reference_server.api.describing import ApiModel, SortedPageQuery, described, reply
from reference_server.api.instances.blueprint import InstancePath, api, owner
from reference_server.api.instances.models import EventModel, event_model
from reference_server.api.paging import Cursors
from reference_server.api.problems import invalid
from reference_server.api.streams import in_scope_of, last_event_id, stream, wants_stream
from reference_server.streaming import Message

if TYPE_CHECKING:
    from railway_saas.instances import InstanceManager

BATCH = 100


class EventPageModel(ApiModel):
    """A page of events."""

    items: list[EventModel]
    next_cursor: str | None = Field(None, examples=[None])


@api.get(
    "/<uuid:instance_id>/events",
    **described("Read what happened", EventPageModel, errors=(404,), streams=True),
)
@needs("instances:read")
def list_events(path: InstancePath, query: SortedPageQuery) -> Response:
    """What happened to an instance.

    With `Accept: text/event-stream` it answers with server-sent events: what happened after `Last-Event-ID`, or from
    the beginning, then what comes. Each event is named `event`; the stream ends with an event `end` after a while, or
    when the session ends.
    """
    if wants_stream():
        return _stream(path.instance_id)
    cursors = Cursors("events", path.instance_id, query.newest_first or None)
    after = cursors.read(query.cursor)
    found = platform().manager.events(
        path.instance_id,
        user_id=owner(),
        after=after,
        limit=query.limit + 1,
        newest_first=query.newest_first,
    )
    items, is_last = found[: query.limit], len(found) <= query.limit
    return reply(
        EventPageModel(
            items=[event_model(one) for one in items],
            next_cursor=None if is_last else cursors.wrap(str(items[-1].id)),
        )
    )


def _stream(instance_id: UUID) -> Response:
    after, who = _place_given(), principal()
    platform().manager.get(instance_id, user_id=owner())
    look = in_scope_of(who, _looking(platform().manager, instance_id, owner(), after))
    return stream(platform().streams.polled(look))


def _looking(
    manager: InstanceManager, instance_id: UUID, user_id: UUID | None, after: str | None
) -> Callable[[], Iterable[Message]]:
    seen = after

    def look() -> Iterable[Message]:
        nonlocal seen
        found = manager.events(instance_id, user_id=user_id, after=seen, limit=BATCH)
        if found:
            seen = str(found[-1].id)
        return [
            Message(event="event", data=event_model(one).model_dump(mode="json"), id=str(one.id))
            for one in found
        ]

    return look


def _place_given() -> str | None:
    given = last_event_id()
    if given is None:
        return None
    try:
        return str(UUID(given))
    except ValueError:
        detail = "Not the id of an event."
        raise invalid(f"Last-Event-ID: {detail}", {"pointer": "#/Last-Event-ID", "detail": detail}) from None
