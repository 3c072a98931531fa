"""What Railway evaluates once, when a template is deployed: `secret()` and `randomInt()`."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Protocol

from railway_saas.errors import TemplateError
from railway_saas.templates.syntax import (
    DEFAULT_RANDOM_INT,
    DEFAULT_SECRET_LENGTH,
    OPEN,
    FunctionCall,
    parse_call,
    parse_expressions,
    with_defaults,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "DEFAULT_ALPHABET",
    "GENERATOR_FORM",
    "RandomSource",
    "calls_secret",
    "evaluate_functions",
    "evaluate_generator",
    "generates_secret",
]

DEFAULT_ALPHABET = string.ascii_letters + string.digits
"""Railway does not document the alphabet of `secret()`; letters and digits are safe in URLs and shells."""


class RandomSource(Protocol):
    """Where randomness comes from: `secrets.SystemRandom()` for real, `random.Random(seed)` to repeat."""

    def choice(self, seq: Sequence[str], /) -> str:
        """Pick one element."""
        ...

    def randint(self, a: int, b: int, /) -> int:
        """Pick a whole number from `a` to `b`, both included."""
        ...


def evaluate_functions(text: str, random: RandomSource) -> str:
    """Replace every function call in a variable's text by what it makes.

    References stay for later, and so does a call that is malformed: `Template.check` reports it.
    """
    if OPEN not in text:
        return text
    return "".join(
        _call(part, random) if isinstance(part, FunctionCall) and part.fault is None else part.source
        for part in parse_expressions(text)
    )


def evaluate_generator(text: str, random: RandomSource) -> str:
    """Carry out a `generator`, which holds the same call without braces: `secret(32, "abc")`.

    Raises:
        TemplateError: It is not a call of a function that Railway knows, or its arguments do not fit.
    """
    call = parse_call(text, text)
    if call is not None and call.fault is None:
        return _call(call, random)
    if call is None and OPEN in text:
        return evaluate_functions(text, random)
    raise TemplateError(f"generator: {call.fault if call else GENERATOR_FORM}")


GENERATOR_FORM = 'must be a function call without braces, e.g. secret(32) or secret(32, "abc")'


def calls_secret(text: str) -> bool:
    """Whether a variable's text makes a secret when the template is deployed."""
    return any(isinstance(part, FunctionCall) and part.name == "secret" for part in parse_expressions(text))


def generates_secret(generator: str) -> bool:
    """Whether a `generator` makes a secret when the template is deployed."""
    call = parse_call(generator, generator)
    return calls_secret(generator) if call is None else call.name == "secret"


def _call(call: FunctionCall, random: RandomSource) -> str:
    return _secret(call, random) if call.name == "secret" else _random_int(call, random)


def _secret(call: FunctionCall, random: RandomSource) -> str:
    length, alphabet = with_defaults(call.arguments, (DEFAULT_SECRET_LENGTH, DEFAULT_ALPHABET))
    return "".join(random.choice(str(alphabet)) for _ in range(int(length)))


def _random_int(call: FunctionCall, random: RandomSource) -> str:
    low, high = with_defaults(call.arguments, DEFAULT_RANDOM_INT)
    return str(random.randint(int(low), int(high)))
