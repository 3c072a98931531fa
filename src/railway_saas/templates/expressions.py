"""Everything about `${{...}}`: reading it, evaluating functions once, resolving references."""

from __future__ import annotations

from railway_saas.templates.functions import (
    DEFAULT_ALPHABET,
    RandomSource,
    evaluate_functions,
    evaluate_generator,
)
from railway_saas.templates.rendering import MAX_RENDERED_CHARACTERS, VariableScope, render
from railway_saas.templates.syntax import (
    Expression,
    FunctionCall,
    Literal,
    Reference,
    parse_expressions,
    references,
)

__all__ = [
    "DEFAULT_ALPHABET",
    "MAX_RENDERED_CHARACTERS",
    "Expression",
    "FunctionCall",
    "Literal",
    "RandomSource",
    "Reference",
    "VariableScope",
    "evaluate_functions",
    "evaluate_generator",
    "parse_expressions",
    "references",
    "render",
]
