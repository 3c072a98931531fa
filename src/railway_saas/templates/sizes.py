"""How long a variable's text is once its functions are evaluated: known before anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.templates.inputs import MAX_VALUE_BYTES
from railway_saas.templates.syntax import (
    DEFAULT_RANDOM_INT,
    DEFAULT_SECRET_LENGTH,
    FunctionCall,
    parse_call,
    parse_expressions,
    with_defaults,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas.templates.syntax import Expression

__all__ = ["MAX_CALLS", "evaluated_bytes", "fault_of_functions", "fault_of_generator"]

MAX_CALLS = 100
"""Most function calls in one value. Our limit; Railway documents none, and its own longest recipe has six."""


def evaluated_bytes(text: str) -> int:
    """At most so many bytes of UTF-8 come of a text. References count as they are written."""
    return sum(map(_bytes_of, parse_expressions(text)))


def fault_of_functions(text: str) -> str | None:
    """What is wrong with the number of a text's function calls, or with what they make; None: nothing."""
    return _fault(parse_expressions(text))


def fault_of_generator(text: str) -> str | None:
    """The same for a `generator`, which holds a call without braces."""
    call = parse_call(text, text)
    return _fault(parse_expressions(text) if call is None else (call,))


def _fault(parts: Sequence[Expression]) -> str | None:
    calls = sum(isinstance(part, FunctionCall) for part in parts)
    if not calls:
        return None
    if calls > MAX_CALLS:
        return f"calls {calls} functions; at most {MAX_CALLS} are accepted"
    size = sum(map(_bytes_of, parts))
    if size > MAX_VALUE_BYTES:
        return (
            f"is {size} bytes long once its functions are evaluated; at most {MAX_VALUE_BYTES} are accepted"
        )
    return None


def _bytes_of(part: Expression) -> int:
    if not isinstance(part, FunctionCall) or part.fault is not None:
        return _bytes(part.source)
    if part.name == "secret":
        length, alphabet = with_defaults(part.arguments, (DEFAULT_SECRET_LENGTH, "-"))
        return int(length) * max(map(_bytes, str(alphabet)))
    return max(len(str(bound)) for bound in with_defaults(part.arguments, DEFAULT_RANDOM_INT))


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))  # halves of characters are refused elsewhere
