"""The cache: one maker for many who miss, fresh after a change, and never in the way when Redis is gone."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from reference_server.cache import Cache
from reference_server.redis_clients import Absence, open_redis
from tests.support.redis_server import Cable, running_redis

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def redis_server() -> Iterator[object]:
    with running_redis() as server:
        yield server


@pytest.fixture(params=["own", "shared"])
def url(request: pytest.FixtureRequest) -> str | None:
    if request.param == "own":
        return None
    server = request.getfixturevalue("redis_server")
    return str(server.url)


@pytest.fixture
def asked() -> Counter[tuple[str, bool]]:
    return Counter()


@pytest.fixture
def cache(url: str | None, asked: Counter[tuple[str, bool]]) -> Iterator[Cache]:
    with ExitStack() as opened:
        client = None if url is None else opened.enter_context(open_redis(url))
        made = Cache(client, asked=lambda kind, hit: asked.update([(kind, hit)]))
        made.renew("catalogue")
        yield made


def test_what_was_made_is_not_made_again_and_look_ups_are_counted(
    cache: Cache, asked: Counter[tuple[str, bool]]
) -> None:
    made = iter(["first", "second"])
    answers = [cache.get_or_make("catalogue", "page", lambda: next(made)) for _ in range(3)]
    assert answers == ["first"] * 3
    assert asked == {("catalogue", False): 1, ("catalogue", True): 2}


def test_after_a_change_it_is_made_anew(cache: Cache) -> None:
    made = iter(["before", "after"])
    assert cache.get_or_make("catalogue", "page", lambda: next(made)) == "before"
    cache.renew("catalogue")
    assert cache.get_or_make("catalogue", "page", lambda: next(made)) == "after"


def test_a_group_is_renewed_for_itself(redis_server: object) -> None:
    with open_redis(redis_server.url) as client:  # type: ignore[attr-defined]
        cache = Cache(client, asked=lambda *_: None)
        made = iter(["anns", "bobs", "anns again", "?"])
        ask = partial(cache.get_or_make, "status", "mine", lambda: next(made))
        assert [ask(group="ann"), ask(group="bob")] == ["anns", "bobs"]
        cache.renew("status", "ann")
        assert [ask(group="ann"), ask(group="bob")] == ["anns again", "bobs"]


@pytest.mark.parametrize("stored", [b"garbage", b'{"ct": 1, "v": 1}|5', b'{"ct": 1, "v": 1}|\xff', b"", b"|"])
def test_what_cannot_be_read_is_made_anew(redis_server: object, stored: bytes) -> None:
    with open_redis(redis_server.url) as client:  # type: ignore[attr-defined]
        client.flushdb()
        cache = Cache(client, asked=lambda *_: None)
        assert cache.get_or_make("catalogue", "page", lambda: "good") == "good"
        (key,) = client.keys("railway-saas:cache:*page")
        client.set(key, stored)
        assert cache.get_or_make("catalogue", "page", lambda: "made anew") == "made anew"
        client.set("railway-saas:cache-generation:catalogue:", b"\xff")
        assert cache.get_or_make("catalogue", "page", lambda: "another generation") == "another generation"


def test_of_many_who_miss_at_once_one_makes_it(cache: Cache) -> None:
    together = Barrier(16)
    makers: list[int] = []

    def ask(number: int) -> str:
        together.wait()
        return cache.get_or_make("catalogue", "stampede", lambda: str(makers.append(number)))

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(ask, range(16)))
    assert (len(answers), len(makers)) == (1, 1)


def test_a_maker_that_fails_tells_who_asked_and_the_next_one_makes_it(cache: Cache) -> None:
    def fail() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cache.get_or_make("catalogue", "broken", fail)
    assert cache.get_or_make("catalogue", "broken", lambda: "mended") == "mended"


def test_two_processes_share_a_change_through_redis(redis_server: object) -> None:
    url = redis_server.url  # type: ignore[attr-defined]
    with open_redis(url) as first, open_redis(url) as second:
        one, other = (Cache(client, asked=lambda *_: None) for client in (first, second))
        one.renew("catalogue")
        assert one.get_or_make("catalogue", "shared", lambda: "old") == "old"
        assert other.get_or_make("catalogue", "shared", lambda: "new") == "old"
        one.renew("catalogue")
        assert other.get_or_make("catalogue", "shared", lambda: "new") == "new"


def test_without_redis_it_goes_on_alone_and_comes_back(
    redis_server: object, caplog: pytest.LogCaptureFixture
) -> None:
    cable = Cable(redis_server)  # type: ignore[arg-type]
    cable.mend()
    time = iter(range(0, 60, 3))
    with open_redis(cable.url) as client:
        cache = Cache(client, asked=lambda *_: None, absence=Absence(now=lambda: next(time)))
        cache.renew("catalogue")
        assert cache.get_or_make("catalogue", "k", lambda: "shared") == "shared"
        cable.cut()
        caplog.set_level("INFO", "reference_server.cache")
        assert cache.get_or_make("catalogue", "k", lambda: "own") == "own"
        cable.mend()
        found = [cache.get_or_make("catalogue", "k", lambda: "?") for _ in range(3)]
        assert (found[0], found[-1]) == ("own", "shared")  # it is left alone for a few seconds first
    assert ["Redis does not answer" in caplog.text, "Redis answers again" in caplog.text] == [True, True]
    cable.cut()


def test_a_change_is_told_to_redis_though_it_did_not_answer_a_moment_ago(redis_server: object) -> None:
    cable = Cable(redis_server)  # type: ignore[arg-type]
    cable.mend()
    url = redis_server.url  # type: ignore[attr-defined]
    with open_redis(cable.url) as client, open_redis(url) as direct:
        near, far = (Cache(one, asked=lambda *_: None) for one in (client, direct))
        assert far.get_or_make("catalogue", "told", lambda: "old") == "old"
        cable.cut()
        assert near.get_or_make("catalogue", "told", lambda: "own") == "own"
        cable.mend()
        near.renew("catalogue")
        assert far.get_or_make("catalogue", "told", lambda: "new") == "new"
        assert near.is_shared
    cable.cut()
