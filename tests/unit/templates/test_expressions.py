"""Cutting `${{...}}` into parts, and evaluating the functions among them."""

from __future__ import annotations

import random
import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.errors import TemplateError
from railway_saas.templates.expressions import (
    DEFAULT_ALPHABET,
    FunctionCall,
    Literal,
    Reference,
    evaluate_functions,
    evaluate_generator,
    parse_expressions,
    references,
)

EXPRESSIONS = st.lists(
    st.sampled_from(
        [
            "${{",
            "}}",
            "secret(",
            "randomInt(",
            ")",
            "A",
            ".",
            "B c",
            '"',
            "'",
            "\\",
            ",",
            "3",
            "-",
            " ",
            "x}",
            "$",
        ]
    ),
    max_size=25,
).map("".join)


def shape(text: str) -> list[tuple[object, ...]]:
    """The parts of a text, without their sources."""
    result: list[tuple[object, ...]] = []
    for part in parse_expressions(text):
        if isinstance(part, Literal):
            result.append((part.source,))
        elif isinstance(part, Reference):
            result.append((part.owner, part.name))
        else:
            result.append((part.name, part.arguments))
    return result


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("plain $VALUE ${NAME} {{name}} }}", [("plain $VALUE ${NAME} {{name}} }}",)]),
        ("${{NAME}}", [(None, "NAME")]),
        ("${{ NAME }}", [(None, "NAME")]),
        ("${{shared.NAME}}", [("shared", "NAME")]),
        ("${{ Clickhouse.DATABASE_URL }}", [("Clickhouse", "DATABASE_URL")]),
        ("${{My Service-2.URL}}", [("My Service-2", "URL")]),
        ("${{api.v2.URL}}", [("api.v2", "URL")]),
        ("${{@scope/name.URL}}", [("@scope/name", "URL")]),
        ("${{Bob's DB.URL}} isn't", [("Bob's DB", "URL"), (" isn't",)]),
        ("${{Cache (EU).URL}}", [("Cache (EU)", "URL")]),
        ("a${{B}}c${{D.E}}", [("a",), (None, "B"), ("c",), ("D", "E")]),
        ("${{secret()}}", [("secret", ())]),
        ("${{ secret( 32 ) }}", [("secret", (32,))]),
        ('${{secret(64, "abc")}}', [("secret", (64, "abc"))]),
        ("${{secret(4, 'a\"b')}}", [("secret", (4, 'a"b'))]),
        ('${{secret(4, "a\\"}}b")}}!', [("secret", (4, 'a"}}b')), ("!",)]),
        ('${{secret(4, "},) \'")}}', [("secret", (4, "},) '"))]),
        ("${{randomInt(-5, +5)}}", [("randomInt", (-5, 5))]),
        ("${{randomInt(10)}}", [("randomInt", (10,))]),
    ],
)
def test_text_is_cut_into_literals_references_and_calls(text: str, parts: list[tuple[object, ...]]) -> None:
    assert shape(text) == parts
    assert all(part.fault is None for part in parse_expressions(text))


@pytest.mark.parametrize(
    ("text", "parts", "faults"),
    [
        ("a ${{B", [("a ${{B",)], 1),
        ("${{A ${{B}}", [("${{A ",), (None, "B")], 1),
        ("${{secret(${{LENGTH}})}}", [("${{secret(",), (None, "LENGTH"), (")}}",)], 1),
        ("${{}}", [(None, "")], 1),
        ("${{.A}}", [(None, "A")], 1),
        ('${{secret(32, "abc)}} tail', [("secret", ()), (" tail",)], 1),
        ("${{uuid()}}", [("uuid", ())], 1),
        ("${{Secret(32)}}", [("Secret", (32,))], 1),
        ("${{secret(1,)}}", [("secret", ())], 1),
        ("${{secret(1 2)}}", [("secret", ())], 1),
        ("${{secret(99999999999999999999999)}}", [("secret", ())], 1),
    ],
)
def test_malformed_expressions_are_kept_with_their_fault(
    text: str, parts: list[tuple[object, ...]], faults: int
) -> None:
    assert shape(text) == parts
    assert sum(part.fault is not None for part in parse_expressions(text)) == faults


@given(EXPRESSIONS | st.text())
def test_the_parts_joined_give_the_text_again(text: str) -> None:
    assert "".join(part.source for part in parse_expressions(text)) == text


@given(EXPRESSIONS)
def test_evaluating_changes_sound_calls_only(text: str) -> None:
    evaluated = evaluate_functions(text, random.Random(1))
    rest = [
        part.source for part in parse_expressions(text) if not isinstance(part, FunctionCall) or part.fault
    ]
    position = 0
    for source in rest:
        position = evaluated.index(source, position) + len(source)


def test_references_are_listed_in_order_with_repeats() -> None:
    found = references("${{A}}-${{B.C}}-${{secret(2)}}-${{A}}")
    assert [(item.owner, item.name) for item in found] == [(None, "A"), ("B", "C"), (None, "A")]


def test_a_secret_has_the_length_and_alphabet_asked_for() -> None:
    source = random.Random(7)
    assert re.fullmatch(r"[A-Za-z0-9]{32}", evaluate_functions("${{secret()}}", source))
    assert re.fullmatch(r"[A-Za-z0-9]{5}", evaluate_functions("${{secret(5)}}", source))
    assert re.fullmatch(r"[abc]{200}", evaluate_functions('${{secret(200, "abc")}}', source))


def test_a_random_int_lies_between_its_bounds_with_both_possible() -> None:
    source = random.Random(7)
    assert {evaluate_functions("${{randomInt(1, 3)}}", source) for _ in range(100)} == {"1", "2", "3"}
    assert {int(evaluate_functions("${{randomInt()}}", source)) for _ in range(3_000)} == set(range(101))
    assert int(evaluate_functions("${{randomInt(100)}}", source)) == 100


def test_the_documented_uuid_recipe_gives_uuids() -> None:
    hexes = "0123456789abcdef"
    recipe = (
        f'${{{{secret(8, "{hexes}")}}}}-${{{{secret(4, "{hexes}")}}}}-4${{{{secret(3, "{hexes}")}}}}-'
        f'${{{{secret(1, "89ab")}}}}${{{{secret(3, "{hexes}")}}}}-${{{{secret(12, "{hexes}")}}}}'
    )
    made = evaluate_functions(recipe, secrets.SystemRandom())
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made)


def test_references_and_malformed_calls_stay_as_they_are() -> None:
    text = "${{A.B}} ${{secret(0)}} ${{uuid()}} ${{"
    assert evaluate_functions(text, random.Random(7)) == text


def test_the_same_seed_makes_the_same_values_and_each_call_its_own() -> None:
    text = "${{secret(16)}}:${{secret(16)}}:${{randomInt()}}"
    made = evaluate_functions(text, random.Random(7))
    assert made == evaluate_functions(text, random.Random(7))
    first, second, _ = made.split(":")
    assert first != second


@pytest.mark.parametrize(
    ("generator", "pattern"),
    [
        ("secret(16)", r"[A-Za-z0-9]{16}"),
        (' secret( 8, "ab" ) ', r"[ab]{8}"),
        ("randomInt(5, 5)", "5"),
        ("${{secret(3)}}-${{secret(2)}}", r"\w{3}-\w{2}"),
    ],
)
def test_a_generator_is_the_same_call_without_braces(generator: str, pattern: str) -> None:
    assert re.fullmatch(pattern, evaluate_generator(generator, random.Random(7)))


@pytest.mark.parametrize("generator", ["", "32", "secret(-1)", "uuid()", "secret(1) secret(2)", "secret(1"])
def test_a_generator_of_another_form_is_refused(generator: str) -> None:
    with pytest.raises(TemplateError, match="generator: "):
        evaluate_generator(generator, random.Random(7))


def test_the_default_alphabet_needs_no_escaping_in_addresses() -> None:
    assert DEFAULT_ALPHABET.isascii()
    assert DEFAULT_ALPHABET.isalnum()
    assert len(set(DEFAULT_ALPHABET)) == 62


@pytest.mark.parametrize(
    "hostile",
    [
        "${{" * 60_000,
        '${{a(\\"}}' * 20_000,
        "${{a('" * 30_000 + "}}",
        '${{a("' * 30_000,
        "${{ " * 40_000 + "}}",
    ],
)
def test_hostile_text_is_cut_in_linear_time(hostile: str) -> None:
    # Quadratic behaviour would not fail here, it would hang.
    assert "".join(part.source for part in parse_expressions(hostile)) == hostile
