"""Who changed what; and the same key gives the same answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from railway_saas.errors import NotFoundError
from tests.support.nouns import HOUR, NOW, audit_entry, idempotency_key
from tests.support.together import all_async

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase


async def test_entries_are_listed_and_filtered(database: AsyncDatabase) -> None:
    owner = uuid4()
    rows = [
        audit_entry(user_id=owner, subject_id="1", details={"variables": ["A"]}),
        audit_entry(user_id=owner, subject_type="plan", subject_id="1"),
        audit_entry(subject_id="2"),
    ]
    async with database.unit_of_work() as work:
        for row in rows:
            await work.audit.append(row)
        assert (await work.audit.list_page()).items == tuple(rows)
        assert (await work.audit.list_page(user_id=owner)).items == tuple(rows[:2])
        assert (await work.audit.list_page(subject_type="instance")).items == (rows[0], rows[2])
        assert (await work.audit.list_page(subject_id="1")).items == tuple(rows[:2])
        one = await work.audit.list_page(subject_type="plan", subject_id="1", user_id=owner)
        assert one.items == (rows[1],)
        assert (await work.audit.list_page(subject_type="plan", subject_id="2")).items == ()


async def test_the_first_reserves_the_key_and_the_others_get_what_it_stored(database: AsyncDatabase) -> None:
    made = idempotency_key(uuid4())
    again = replace(made, request_digest="cd" * 32, created_at=NOW + HOUR)
    async with database.unit_of_work() as work:
        assert await work.idempotency_keys.reserve(made) is None
        assert await work.idempotency_keys.reserve(again) == made
        await work.idempotency_keys.complete(made.user_id, made.key, {"id": "x", "n": [1]})
        assert await work.idempotency_keys.reserve(again) == replace(made, response={"id": "x", "n": [1]})
        assert await work.idempotency_keys.reserve(replace(made, user_id=uuid4())) is None


async def test_an_expired_key_is_replaced(database: AsyncDatabase) -> None:
    made = idempotency_key(uuid4(), expires_at=NOW + HOUR, response={"old": True})
    again = replace(
        made, request_digest="cd" * 32, response=None, created_at=NOW + HOUR, expires_at=NOW + 2 * HOUR
    )
    async with database.unit_of_work() as work:
        assert await work.idempotency_keys.reserve(made) is None
        assert await work.idempotency_keys.reserve(replace(again, created_at=NOW + HOUR / 2)) == made
        assert await work.idempotency_keys.reserve(again) is None
        assert await work.idempotency_keys.reserve(again) == again


async def test_of_the_same_key_at_once_one_is_reserved(database: AsyncDatabase) -> None:
    made = idempotency_key(uuid4())

    async def reserve() -> bool:
        async with database.unit_of_work() as work:
            stored = await work.idempotency_keys.reserve(made)
            await work.commit()
        return stored is None

    assert sorted(await all_async([reserve for _ in range(6)])) == [False] * 5 + [True]


async def test_there_is_nothing_to_complete(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        with pytest.raises(NotFoundError):
            await work.idempotency_keys.complete(uuid4(), "key", {})


async def test_what_is_expired_is_forgotten(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        for hours in (1, 2, 3):
            await work.idempotency_keys.reserve(idempotency_key(uuid4(), expires_at=NOW + hours * HOUR))
        assert await work.idempotency_keys.forget_expired(NOW + 2 * HOUR, limit=1) == 1
        assert await work.idempotency_keys.forget_expired(NOW + 2 * HOUR) == 1
        assert await work.idempotency_keys.forget_expired(NOW + 2 * HOUR) == 0
        assert await work.idempotency_keys.forget_expired(NOW + 9 * HOUR, limit=0) == 0
