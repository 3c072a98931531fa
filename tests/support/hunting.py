"""Looking for the token wherever an exception could carry it."""

from __future__ import annotations

import copy
import pickle
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

from railway_saas.errors import RailwaySaasError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

CANARY = "canary-7f3a91d2-never-shown"
"""The token of every client in these tests."""

E = TypeVar("E", bound=RailwaySaasError)


@contextmanager
def refusal(kind: type[E], match: str | None = None) -> Generator[pytest.ExceptionInfo[E]]:
    """Expect exactly this exception, from this SDK, and without the token in anything that hangs on it."""
    with pytest.raises(kind, match=match) as caught:
        yield caught
    assert type(caught.value) is kind
    assert_no_token_in(caught.value)


def assert_no_token_in(error: BaseException) -> None:
    """Nothing that prints, logs, pickles or copies this exception gives the token away."""
    for link in chain(error):
        for text in appearances(link):
            assert CANARY not in text, f"the token shows in {type(link).__name__}: {text[:2000]}"


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception with every cause and context, suppressed or not."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [link.__cause__, link.__context__]


def appearances(error: BaseException) -> Iterator[str]:
    yield from (str(error), repr(error), f"{error}", repr(error.args), repr(vars(error)))
    yield "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    if isinstance(error, RailwaySaasError):
        yield repr(pickle.dumps(error))
        yield repr(vars(pickle.loads(pickle.dumps(error))))
        yield repr(copy.copy(error))
        yield repr(copy.deepcopy(error))
