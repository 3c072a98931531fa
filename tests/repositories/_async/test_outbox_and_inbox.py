"""Messages out, once they are committed; events in, each once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from railway_saas.errors import NotFoundError
from tests.support.nouns import HOUR, NOW, inbox_event, message, next_id
from tests.support.together import all_async

if TYPE_CHECKING:
    from railway_saas.domain.records import OutboxMessage
    from railway_saas.repositories import AsyncDatabase


async def test_a_message_is_kept_once_per_topic(database: AsyncDatabase) -> None:
    made = message(payload={"n": 1})
    async with database.unit_of_work() as work:
        assert await work.outbox.add(made) is True
        assert await work.outbox.add(message(key=made.key, payload={"n": 2})) is False
        assert await work.outbox.add(message(key=made.key, topic="webhook")) is True
        assert (await work.outbox.list_page(topic="mail")).items == (made,)


async def claim(
    database: AsyncDatabase, limit: int = 10, now: object = NOW, topic: str = "mail"
) -> list[OutboxMessage]:
    async with database.unit_of_work() as work:
        found = await work.outbox.claim_due(topic, now=now, retry_at=NOW + HOUR, limit=limit)
        await work.commit()
    return list(found)


async def test_what_is_due_is_claimed_oldest_first(database: AsyncDatabase) -> None:
    due = [message(not_before=NOW - n * HOUR) for n in range(3)]
    others = [
        message(not_before=NOW + HOUR),
        message(sent_at=NOW),
        message(failed_at=NOW),
        message(topic="webhook"),
    ]
    async with database.unit_of_work() as work:
        for one in (*due, *others):
            await work.outbox.add(one)
        await work.commit()
    first = await claim(database, limit=2)
    assert first == [replace(one, attempts=1, not_before=NOW + HOUR) for one in due[:2]]
    assert [one.id for one in await claim(database)] == [due[2].id]
    assert await claim(database, limit=0) == []
    assert await claim(database) == []
    again = await claim(database, now=NOW + HOUR)
    assert [one.attempts for one in again] == [2, 2, 2, 1]


async def test_senders_at_once_never_claim_the_same(database: AsyncDatabase) -> None:
    due = [message() for _ in range(20)]
    async with database.unit_of_work() as work:
        for one in due:
            await work.outbox.add(one)
        await work.commit()
    shares = await all_async([lambda: claim(database, limit=5) for _ in range(4)])
    claimed = [one.id for share in shares for one in share] + [one.id for one in await claim(database, 20)]
    assert sorted(claimed) == [one.id for one in due]


async def test_a_message_is_sent_or_given_up(database: AsyncDatabase) -> None:
    made, other = message(), message()
    async with database.unit_of_work() as work:
        await work.outbox.add(made)
        await work.outbox.add(other)
        done = replace(made, attempts=3, error="e", not_before=NOW + HOUR, sent_at=NOW, failed_at=NOW)
        await work.outbox.save(replace(done, topic="x", key="y", payload={}, created_at=NOW + HOUR))
        assert (await work.outbox.list_page()).items == (done, other)
        assert (await work.outbox.list_page(failed=True)).items == (done,)
        assert (await work.outbox.list_page(failed=True, topic="mail")).items == (done,)
        assert (await work.outbox.list_page(failed=True, topic="webhook")).items == ()
        with pytest.raises(NotFoundError):
            await work.outbox.save(message())


async def test_an_event_is_kept_once_per_source(database: AsyncDatabase) -> None:
    made = inbox_event(payload={"n": 1})
    async with database.unit_of_work() as work:
        assert await work.inbox.add(made) is True
        assert await work.inbox.add(inbox_event(key=made.key, payload={"n": 2})) is False
        assert await work.inbox.add(inbox_event(key=made.key, source="stripe")) is True
        assert await work.inbox.list_unprocessed("railway") == [made]


async def test_of_the_same_event_at_once_one_is_kept(database: AsyncDatabase) -> None:
    async def receive() -> bool:
        async with database.unit_of_work() as work:
            is_new = await work.inbox.add(inbox_event(key="evt"))
            await work.commit()
        return is_new

    assert sorted(await all_async([receive for _ in range(6)])) == [False] * 5 + [True]


async def test_events_are_processed_then_forgotten(database: AsyncDatabase) -> None:
    events = [inbox_event(received_at=NOW + n * HOUR) for n in range(4)]
    async with database.unit_of_work() as work:
        for one in events:
            await work.inbox.add(one)
        assert await work.inbox.list_unprocessed("railway", limit=3) == events[:3]
        assert await work.inbox.list_unprocessed("stripe") == []
        for one in events[:3]:
            await work.inbox.save(replace(one, processed_at=NOW, outcome="woke", kind="x", payload={}))
        assert await work.inbox.list_unprocessed("railway") == [events[3]]
        assert await work.inbox.forget_before(NOW + 2 * HOUR, limit=1) == 1
        assert await work.inbox.forget_before(NOW + 2 * HOUR) == 1
        assert await work.inbox.forget_before(NOW + 9 * HOUR, limit=0) == 0
        assert await work.inbox.forget_before(NOW + 9 * HOUR) == 1
        assert await work.inbox.list_unprocessed("railway") == [events[3]]
        with pytest.raises(NotFoundError):
            await work.inbox.save(replace(inbox_event(), id=next_id()))


async def test_a_forgotten_event_may_come_again(database: AsyncDatabase) -> None:
    made = inbox_event(processed_at=NOW)
    async with database.unit_of_work() as work:
        await work.inbox.add(made)
        assert await work.inbox.forget_before(NOW + HOUR) == 1
        assert await work.inbox.add(replace(made, id=next_id())) is True
