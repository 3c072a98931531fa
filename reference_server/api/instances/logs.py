"""Log lines of an instance, as pages and as a stream."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from flask import Response
from pydantic import Field

from reference_server.api.authentication import needs, platform
from reference_server.api.describing import ApiModel, described, reply
from reference_server.api.instances.blueprint import InstancePath, api, owner
from reference_server.api.paging import Cursors
from reference_server.api.problems import invalid
from reference_server.api.streams import last_event_id, stream, wants_stream
from reference_server.instance_logs import LinePlace, LogFilter, lines_before
from reference_server.streaming import Message

if TYPE_CHECKING:
    from railway_saas.railway.models.logs import Log
    from reference_server.composition import Platform


class LinesQuery(ApiModel):
    """Which lines."""

    service: str | None = Field(
        None, min_length=1, max_length=255, description="Only this one of its services, by name."
    )
    level: Literal["debug", "info", "warn", "error"] | None = Field(
        None, description="Only lines of this level."
    )
    text: str | None = Field(
        None, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", description="Only lines that hold this phrase."
    )


class LogsQuery(LinesQuery):
    """Which page of which lines."""

    cursor: str | None = Field(None, max_length=400, description="`next_cursor` of the page before.")
    limit: int = Field(100, ge=1, le=1_000, description="How many lines at most.")


class LineModel(ApiModel):
    """A line."""

    id: str = Field(
        description="Where it stands: a stream goes on after it with `Last-Event-ID`.",
        examples=["1772366400000000~0123456789ab"],
    )
    at: datetime | None = Field(examples=["2026-03-01T12:00:00Z"])
    level: str | None = Field(examples=["info"])
    service: str | None = Field(examples=["App"])
    message: str = Field(examples=["listening on port 3000"])


class LogsModel(ApiModel):
    """A page of lines."""

    items: list[LineModel] = Field(description="Oldest first.")
    next_cursor: str | None = Field(
        None, description="`cursor` of the page of older lines; null where there are none.", examples=[None]
    )


class _Place:
    """Where at Railway an instance's lines are, as our database knows it: never from the request."""

    def __init__(self, instance_id: UUID, query: LinesQuery) -> None:
        manager = platform().manager
        services = manager.services(instance_id, user_id=owner())
        self.environment_id = manager.get(instance_id, user_id=owner()).observed.environment_id
        self.names = {one.railway_service_id: one.name for one in services}
        self.filter = LogFilter(
            text=query.text, level=query.level, railway_service_id=self._service_id(query.service)
        )

    def _service_id(self, name: str | None) -> str | None:
        if name is None:
            return None
        for railway_service_id, known in self.names.items():
            if known == name:
                return railway_service_id
        listed = ", ".join(sorted(self.names.values())) or "none yet"
        detail = f"There is none of that name; there are {listed}."
        raise invalid(f"service: {detail}", {"pointer": "#/service", "detail": detail})

    def model(self, line: Log) -> LineModel:
        """How a line is shown."""
        place = LinePlace.of(line)
        service_id = line.tags.service_id if line.tags else None
        return LineModel(
            id=str(place) if place else "",
            at=line.at,
            level=line.level,
            service=self.names.get(service_id or ""),
            message=line.message,
        )


@api.get("/<uuid:instance_id>/logs", **described("Read log lines", LogsModel, errors=(404,), streams=True))
@needs("instances:read")
def read_logs(path: InstancePath, query: LogsQuery) -> Response:
    """The newest lines of all its services, and page by page the older ones.

    With `Accept: text/event-stream` it answers as `/logs/stream` does.
    """
    place = _Place(path.instance_id, query)
    if wants_stream():
        return _stream(place)
    cursors = Cursors("logs", path.instance_id, query.service, query.level, query.text, check=_checked_place)
    before = cursors.read(query.cursor)
    if place.environment_id is None:
        return reply(LogsModel(items=[], next_cursor=None))
    page = lines_before(
        platform().railway,
        place.environment_id,
        place.filter,
        before=None if before is None else LinePlace.read(before),
        limit=query.limit,
    )
    older = None if page.older is None else str(page.older)
    return reply(LogsModel(items=[place.model(one) for one in page.lines], next_cursor=cursors.wrap(older)))


@api.get(
    "/<uuid:instance_id>/logs/stream",
    **described("Follow log lines", errors=(404,), streams=True),
)
@needs("instances:read")
def stream_logs(path: InstancePath, query: LinesQuery) -> Response:
    """Lines as server-sent events: the newest ones, then those that come.

    Each event `line` holds a line; its id goes into `Last-Event-ID` of the next request, as browsers do by themselves.
    The stream ends with an event `end` after a while, or when the session ends.
    """
    return _stream(_Place(path.instance_id, query))


def _stream(place: _Place) -> Response:
    return stream(_batches(platform(), place, _place_given()))


def _batches(of: Platform, place: _Place, after: LinePlace | None) -> Generator[Iterable[Message]]:
    if place.environment_id is None:  # nothing is deployed yet: the client comes again after a while
        yield from of.streams.polled(tuple[Message, ...])
        return
    for lines in of.log_tail.follow(place.environment_id, place.filter, after=after):
        yield [_message(place.model(line)) for line in lines]


def _message(line: LineModel) -> Message:
    return Message(event="line", data=line.model_dump(mode="json"), id=line.id or None)


def _place_given() -> LinePlace | None:
    given = last_event_id()
    if given is None:
        return None
    try:
        return LinePlace.read(given)
    except (ValueError, OverflowError):
        detail = "Not the id of a line of this stream."
        raise invalid(f"Last-Event-ID: {detail}", {"pointer": "#/Last-Event-ID", "detail": detail}) from None


def _checked_place(after: str) -> str:
    return str(LinePlace.read(after))
