"""Live events and logs by server-sent events."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from reference_server.app import create_app
from reference_server.streaming import Ended, Message, StreamLimits, Streams, StreamsFullError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from railway_saas.emulator import Emulator
    from reference_server.composition import Platform
    from tests.server.api.conftest import Stage
    from tests.server.conftest import Person

SSE = {"Accept": "text/event-stream"}
LIMITS = StreamLimits(
    per_process=3, per_user=2, longest_s=30.0, pause_s=0.01, heartbeat_s=15.0, recheck_s=0.0
)


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """Streams that look often, so that no test waits."""
    platform.streams.limits = LIMITS
    return platform


@pytest.fixture
def app(platform: Platform) -> Flask:
    return create_app(platform)


class Events:
    """What a browser's EventSource makes of an answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self._pieces: Iterator[bytes] = iter(answer.response)

    def next(self) -> tuple[str, Any, str | None]:
        """The next event: its name, data and id."""
        while True:
            fields = dict(
                line.split(": ", 1)
                for line in next(self._pieces).decode().splitlines()
                if ": " in line and not line.startswith(":")
            )
            if "event" in fields:
                return fields["event"], json.loads(fields["data"]), fields.get("id")

    def until_end(self) -> list[tuple[str, Any, str | None]]:
        seen = [self.next()]
        while seen[-1][0] != "end":
            seen.append(self.next())
        return seen


def follow(person: Person, path: str, **headers: str) -> Events:
    answer = person.get(path, headers={**SSE, **headers})
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream"), answer.text
    return Events(answer)


def test_events_come_as_they_happen_and_go_on_where_the_client_was_cut_off(stage: Stage, ann: Person) -> None:
    stage.give_plan(ann)
    instance_id = stage.deploy(ann, stage.publish())
    path = f"/api/instances/{instance_id}/events"
    events = follow(ann, path)
    name, data, place = events.next()
    assert (name, data["step"], place) == ("event", "accepted", data["id"])
    stage.settle(instance_id)
    assert events.next()[1]["step"] == "project"
    events.answer.close()
    assert place is not None
    again = follow(ann, path, **{"Last-Event-ID": place})
    assert again.next()[1]["step"] == "project"
    told = [one["id"] for one in ann.get(path).json["items"]]
    assert again.next()[2] == told[2]


def test_a_stream_ends_soon_after_its_session(stage: Stage, ann: Person) -> None:
    path = f"/api/instances/{stage.deploy(ann, stage.publish())}/events"
    events = follow(ann, path)
    assert events.next()[0] == "event"
    ann.post("/api/auth/logout", {})
    assert events.until_end()[-1][1] == {"reason": "session"}


def test_a_stream_ends_after_its_time_and_at_shutdown(stage: Stage, ann: Person, platform: Platform) -> None:
    path = f"/api/instances/{stage.deploy(ann, stage.publish())}/events"
    platform.streams.limits = replace(LIMITS, longest_s=0.0)
    assert follow(ann, path).until_end()[-1][1] == {"reason": "time"}
    platform.streams.limits = LIMITS
    events = follow(ann, path)
    platform.streams.close()
    assert events.until_end()[-1][1] == {"reason": "shutdown"}
    assert ann.get(path, headers=SSE).status_code == 503


def test_streams_are_few_so_that_requests_find_a_thread(
    stage: Stage, ann: Person, bob: Person, platform: Platform
) -> None:
    path = f"/api/instances/{stage.deploy(ann, stage.publish())}/events"
    bobs = f"/api/instances/{stage.deploy(bob, stage.publish('Other'), 'bobs')}/events"
    open_ones = [follow(ann, path), follow(ann, path), follow(bob, bobs)]
    refused = ann.get(path, headers=SSE)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert refused.json["type"].rpartition(":")[2] == "too-many-streams"
    assert platform.streams.count == 3
    for one in open_ones:
        one.answer.close()
    assert platform.streams.count == 0
    unread = ann.get(path, headers=SSE)
    unread.close()
    assert platform.streams.count == 0


def test_asking_only_for_the_head_keeps_no_stream_open(stage: Stage, ann: Person, platform: Platform) -> None:
    path = f"/api/instances/{stage.deploy(ann, stage.publish())}/events"
    headers = {"Authorization": f"Bearer {ann.token}", **SSE}
    answer = ann.browser.head(path, headers=headers)
    assert (answer.status_code, answer.data, platform.streams.count) == (200, b"", 0)


def test_a_place_that_cannot_be_one_is_refused(stage: Stage, ann: Person) -> None:
    base = f"/api/instances/{stage.deploy(ann, stage.publish())}"
    for path in ("events", "logs/stream"):
        for place in ("nonsense", "1~2", "9" * 400):
            refused = ann.get(f"{base}/{path}", headers={**SSE, "Last-Event-ID": place})
            assert refused.status_code == 422, (path, place)


def test_lines_come_without_loss_or_repeats(
    stage: Stage, ann: Person, platform: Platform, emulator: Emulator
) -> None:
    instance_id = stage.running(ann)
    emulator.clock.advance(300)
    path = f"/api/instances/{instance_id}/logs"
    known = [one["id"] for one in ann.get(f"{path}?limit=100").json["items"]]
    events = follow(ann, path)
    seen = [events.next()[2] for _ in known]
    assert seen == known
    events.answer.close()
    ann.post(f"/api/instances/{instance_id}/restart")
    stage.settle(instance_id)
    emulator.clock.advance(300)
    later = [one["id"] for one in ann.get(f"{path}?limit=1000").json["items"]]
    fresh = later[later.index(known[-1]) + 1 :]
    assert fresh
    again = follow(ann, f"{path}/stream", **{"Last-Event-ID": known[-1]})
    assert [again.next()[2] for _ in fresh] == fresh


def test_lines_are_pushed_over_a_real_connection(
    stage: Stage, ann: Person, platform: Platform, emulator: Emulator
) -> None:
    from reference_server.instance_logs import LogTail

    instance_id = stage.running(ann)
    emulator.clock.advance(300)
    path = f"/api/instances/{instance_id}/logs"
    known = [one["id"] for one in ann.get(f"{path}?limit=100").json["items"]]
    with emulator.serve() as server, server.client() as client:
        tail = LogTail(client, platform.streams, has_sockets=True)
        object.__setattr__(platform, "log_tail", tail)
        events = follow(ann, f"{path}/stream")
        assert [events.next()[2] for _ in known] == known
        events.answer.close()
        half = len(known) // 2
        again = follow(ann, f"{path}/stream", **{"Last-Event-ID": known[half]})
        assert [again.next()[2] for _ in known[half + 1 :]] == known[half + 1 :]
        again.answer.close()


class TestPlaces:
    """Streams of one process, without HTTP."""

    def test_threads_never_have_more_places_than_there_are(self) -> None:
        streams, user = Streams(replace(LIMITS, per_process=5, per_user=5)), uuid4()
        most, errors = [0], []

        def take_and_give() -> None:
            for _ in range(200):
                try:
                    give_back = streams.take(user)
                except StreamsFullError:
                    continue
                most[0] = max(most[0], streams.count)
                give_back()
                give_back()  # twice is once
            if streams.count < 0:
                errors.append(streams.count)

        threads = [threading.Thread(target=take_and_give) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert (streams.count, errors, most[0] <= 5) == (0, [], True)

    def test_silence_is_broken_by_a_sign_of_life(self) -> None:
        times = iter(range(0, 1000, 10))
        limits = replace(LIMITS, longest_s=60.0, heartbeat_s=15.0, recheck_s=1000.0)
        streams = Streams(limits, monotonic=lambda: float(next(times)))
        pieces = list(streams.run(iter([()] * 100), may_go_on=lambda: True))
        assert None in pieces
        assert pieces[-1] == Ended("time")

    def test_half_of_the_threads_at_most_are_streams(self) -> None:
        found = [
            (limits.per_process, limits.per_user)
            for limits in (
                StreamLimits.for_threads(threads, most=most, longest_s=1)
                for threads, most in ((8, 0), (1, 0), (8, 6))
            )
        ]
        assert found == [(4, 2), (1, 1), (6, 3)]

    def test_what_fails_ends_the_stream_and_is_not_told(self) -> None:
        from railway_saas.errors import RepositoryError

        def fail() -> Iterator[list[Message]]:
            yield []
            raise RepositoryError("password=canary")

        pieces = list(Streams(LIMITS).run(fail(), may_go_on=lambda: True))
        assert pieces == [Ended("error")]


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    def test_the_scope_of_whoever_asked_holds_in_the_stream(self, stage: Stage, ann: Person) -> None:
        """Row level security shows nothing outside a scope: the stream looks after the request's own is left."""
        path = f"/api/instances/{stage.deploy(ann, stage.publish())}/events"
        events = follow(ann, path)
        assert events.next()[1]["step"] == "accepted"
        events.answer.close()
