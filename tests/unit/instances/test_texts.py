"""Texts from outside, made fit to be kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.instances.texts import MAX_STORED, storable, storable_json


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain, ünïcode, \U0001f600", "plain, ünïcode, \U0001f600"),
        ("a\0b", "a?b"),
        ("half \ud83d", "half ?"),
        ("", ""),
    ],
)
def test_only_what_databases_refuse_is_replaced(text: str, kept: str) -> None:
    assert storable(text) == kept


def test_of_a_long_text_the_end_is_kept() -> None:
    assert storable("x" * MAX_STORED + "the end").endswith("the end")
    assert len(storable("x" * MAX_STORED + "the end")) == MAX_STORED


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_comes_can_be_kept(text: str) -> None:
    kept = storable(text)
    assert "\0" not in kept
    assert kept.encode().decode() == kept


def test_every_text_of_a_document_is_made_fit() -> None:
    found = {"a\0": ["b\0", {"c": "d\0", "n": 1}], "none": None, "yes": True}
    assert storable_json(found) == {"a?": ["b?", {"c": "d?", "n": 1}], "none": None, "yes": True}
