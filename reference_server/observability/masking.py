"""Secrets never leave in a log line, a traceback or a report: one masker for all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

from reference_server.settings import KeyRing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reference_server.settings import Settings

MASK: Final = "***"
_MIN_LENGTH: Final = 4
"""Anything shorter would take ordinary words with it; no secret that is fit for use is so short."""
_MAX_DEPTH: Final = 12
_NAMES: Final = 1_024
"""Of fields, that are looked at once."""

_PATTERNS: Final = (
    # The header's value, whatever it is a token of.
    ("bearer", re.compile(r"(?i)\b(bearer)(\s+|%20)[A-Za-z0-9._~+/=-]{6,}"), rf"\1\2{MASK}"),
    ("basic", re.compile(r"(?i)\b(basic)(\s+|%20)[A-Za-z0-9._~+/=-]{6,}"), rf"\1\2{MASK}"),
    # JSON Web Tokens begin with a JSON object, `{"` in base64url. Source: RFC 7519, section 3.1.
    ("eyj", re.compile(r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*"), MASK),
    # Our own API keys, refresh tokens and links in mails: `security.tokens.new_secret`.
    ("rs", re.compile(r"\brs[a-z]_[A-Za-z0-9_-]{8,}"), MASK),
    # The password of a URL.
    (
        "://",
        re.compile(r"(?P<user>[a-z][a-z0-9+.-]*://[^\s/:@'\"]*):[^\s@'\"]+@", re.IGNORECASE),
        rf"\g<user>:{MASK}@",
    ),
)
"""What every match has in it, in small letters; how it looks; what stands for it. The first is found in a tenth of the time."""
_SECRET_NAME: Final = re.compile(
    r"(?i)(^|[_.-])(password|passwd|secret|secrets|token|authorization|cookie|set-cookie|dsn|api[_-]?key)$"
)


class Masker:
    """Replaces secrets in texts and in whatever holds texts.

    Args:
        secrets: Values to look for literally, beside what is known by its form.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _MIN_LENGTH}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._literal = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._shortest = min(map(len, forms), default=0)
        self._name = lru_cache(_NAMES)(self._look_at_name)  # lines have the same ones again and again

    @classmethod
    def of(cls, settings: Settings) -> Masker:
        """One that knows every secret of the settings."""
        return cls(secrets_of(settings))

    def text(self, text: str) -> str:
        """A text without secrets."""
        if self._literal is not None and len(text) >= self._shortest:
            text = self._literal.sub(MASK, text)
        small = text.casefold()
        for sign, pattern, mask in _PATTERNS:
            if sign in small:
                text = pattern.sub(mask, text)
        return text

    def value(self, value: Any, *, depth: int = 0) -> Any:
        """Anything JSON knows, without secrets; what it does not know becomes text first."""
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if depth > _MAX_DEPTH:
            return MASK
        if isinstance(value, Mapping):
            return self._mapping(cast("Mapping[Any, Any]", value), depth)  # type: ignore[redundant-cast]  # not for pyright
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(inner, depth=depth + 1) for inner in cast("Iterable[Any]", value)]
        return self.text(value if isinstance(value, str) else str(value))

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        """What stands under the name of a secret is one, whatever it looks like."""
        masked: dict[str, Any] = {}
        for name, inner in value.items():
            shown, is_secret = self._name(str(name))
            masked[shown] = MASK if is_secret and inner is not None else self.value(inner, depth=depth + 1)
        return masked

    def _look_at_name(self, name: str) -> tuple[str, bool]:
        """The name without secrets, and whether what stands under it is one."""
        return self.text(name), _SECRET_NAME.search(name) is not None


def secrets_of(settings: Settings) -> Iterator[str]:
    """Every value of a secret setting, the parts of a URL that are secret by themselves included."""
    for name in type(settings).model_fields:
        for secret in _secrets_in(getattr(settings, name)):
            yield secret
            yield from _passwords_in(secret)


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, KeyRing):
        yield from (secret.get_secret_value() for _, secret in value.keys)
    elif isinstance(value, tuple):
        for inner in cast("tuple[Any, ...]", value):  # type: ignore[redundant-cast]  # not for pyright
            yield from _secrets_in(inner)


def _passwords_in(text: str) -> Iterator[str]:
    """Of a URL; what is no URL has none."""
    try:
        password = urlsplit(text).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)


def _forms(secret: str) -> Iterator[str]:
    """How a secret may stand in a text: as it is, in a URL, in JSON."""
    yield secret
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
