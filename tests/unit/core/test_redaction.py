"""A secret is shown by `reveal` alone, and what people see of one is not enough to use it."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas._core.redaction import MASK, Secret, mask, scrub
from railway_saas.errors import GraphQLErrorDetail, RailwayQueryError, RailwayResponseError

TEXT = "canary-4f1d5b9e-token"


@dataclass
class Holder:
    secret: Secret


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>40}".format, "%s".__mod__, ascii])
def test_no_way_of_printing_shows_a_secret(show: object) -> None:
    assert callable(show)
    assert TEXT not in show(Secret(TEXT))
    assert TEXT not in show(Holder(Secret(TEXT)))


def test_reveal_gives_it_away() -> None:
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_neither_pickled_nor_copied(duplicate: object) -> None:
    assert callable(duplicate)
    with pytest.raises(TypeError, match="create the client anew"):
        duplicate(Secret(TEXT))


def test_a_secret_is_no_json() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(TEXT))


def test_a_tracebacks_locals_do_not_show_a_secret() -> None:
    def fail(secret: Secret) -> None:
        raise RuntimeError(repr(secret))

    with pytest.raises(RuntimeError) as caught:
        fail(Secret(TEXT))
    frame = caught.value.__traceback__.tb_next  # type: ignore[union-attr]
    shown = "".join(traceback.StackSummary.extract(traceback.walk_tb(frame), capture_locals=True).format())
    assert "secret = " in shown
    assert TEXT not in shown


def test_a_log_record_does_not_hold_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").error("with %s and %r", Secret(TEXT), Secret(TEXT))
    assert TEXT not in caplog.text


def test_secrets_compare_by_what_they_hide() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_server_that_quotes_the_token_is_not_passed_on() -> None:
    error = RailwayQueryError(
        f"token {TEXT} has expired",
        errors=[GraphQLErrorDetail(f"token {TEXT} has expired", "X", ("me",), "1")],
    )
    scrub(error, Secret(TEXT))
    assert str(error) == f"token {MASK} has expired"
    assert error.errors == (GraphQLErrorDetail(f"token {MASK} has expired", "X", ("me",), "1"),)


def test_an_error_without_the_token_stays_as_it_was() -> None:
    error = RailwayResponseError("HTTP 502", operation="me")
    scrub(error, Secret(TEXT))
    assert str(error) == "me: HTTP 502"


def test_a_long_value_is_recognised_by_its_last_four_letters() -> None:
    assert mask("sk_live_51HxyzABCDEF0123456789") == f"{MASK}6789"


def test_an_empty_value_stays_empty() -> None:
    assert mask("") == ""


@given(value=st.text(min_size=1, max_size=60))
def test_a_masked_value_never_shows_more_than_four_letters(value: str) -> None:
    shown = mask(value)
    assert shown in {MASK, MASK + value[-4:]}
    assert len(value) >= 24 or shown == MASK


def test_a_token_is_taken_out_of_everything_a_server_may_quote() -> None:
    detail = GraphQLErrorDetail(
        "canary-token said", code="canary-token", path=("canary-token", 1), trace_id="canary-token"
    )
    error = RailwayQueryError(
        "canary-token", trace_id="canary-token", errors=[detail], partial_data={"echo": ["canary-token"]}
    )
    scrub(error, Secret("canary-token"))
    assert "canary-token" not in f"{error} {error.__dict__}"
    assert error.errors[0].path[1] == 1
