"""No secret survives the masker, in whatever form it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from reference_server.observability.masking import MASK, Masker, secrets_of
from reference_server.security.tokens import AccessTokens, new_secret
from reference_server.settings import KeyRing, Settings

if TYPE_CHECKING:
    from datetime import datetime

CANARY = "canary-Ω-0123456789-/+%\"'"


def secret_names() -> list[str]:
    """Every setting whose type says that it is secret."""
    return [name for name, field in Settings.model_fields.items() if _mentions(field.annotation, SecretStr)]


def _mentions(annotation: Any, wanted: type) -> bool:
    return annotation in {wanted, KeyRing} or any(_mentions(one, wanted) for one in get_args(annotation))


def test_there_are_secret_settings_of_all_three_kinds() -> None:
    assert {"sentry_dsn", "jwt_secret", "railway_webhook_secrets"} <= set(secret_names())


@pytest.mark.parametrize("name", secret_names())
def test_every_secret_setting_is_masked_in_every_form(name: str) -> None:
    annotation = Settings.model_fields[name].annotation
    value: Any = SecretStr(CANARY)
    if annotation is KeyRing:
        value = KeyRing(keys=(("old", SecretStr("something else")), ("new", SecretStr(CANARY))))
    elif "tuple" in str(annotation):
        value = (SecretStr(CANARY),)
    masker = Masker.of(Settings().model_copy(update={name: value}))
    for form in (CANARY, quote(CANARY, safe=""), json.dumps({"x": CANARY}), f"<{CANARY}>"):
        assert "canary" not in masker.text(f"before {form} after")
        assert masker.text(f"before {form} after").startswith("before ")


def test_passwords_of_urls_are_masked_also_by_themselves() -> None:
    settings = Settings.from_environment({"DATABASE_URL": "postgresql://app:s3cret%2Fpart@db.example/app"})
    masker = Masker.of(settings)
    assert {"s3cret%2Fpart", "s3cret/part"} <= set(secrets_of(settings))
    assert masker.text("role app, password s3cret/part") == f"role app, password {MASK}"


def test_a_password_of_any_url_is_masked_and_the_rest_of_the_url_stays() -> None:
    assert Masker().text("cannot reach redis://default:hunter2@redis.internal:6379/0") == (
        f"cannot reach redis://default:{MASK}@redis.internal:6379/0"
    )


def test_bearer_tokens_and_keys_of_ours_are_masked_wherever_they_stand() -> None:
    for token in (new_secret("rsk"), new_secret("rsr"), "Bearer abcdef123456", "bearer%20abcdef123456"):
        masked = Masker().text(f"got {token}, refused")
        assert masked.endswith(", refused")
        assert "abcdef" not in masked
        assert token.removeprefix("rsk_").removeprefix("rsr_") not in masked


def test_access_tokens_are_masked(now: datetime) -> None:
    keys = KeyRing(keys=(("1", SecretStr("k" * 40)),))
    tokens = AccessTokens(keys, issuer="https://x.example", lifetime_s=60, now=lambda: now)
    token = tokens.issue(*_two_ids())
    assert Masker().text(f"token={token};") == f"token={MASK};"


def test_what_stands_under_the_name_of_a_secret_is_masked_whatever_it_looks_like() -> None:
    event = {
        "password": "short",
        "headers": {"Authorization": "x", "Cookie": "y", "Accept": "json"},
        "items": [{"refresh_token": "z", "tokens_left": 7}],
        "token": None,
    }
    assert Masker().value(event) == {
        "password": MASK,
        "headers": {"Authorization": MASK, "Cookie": MASK, "Accept": "json"},
        "items": [{"refresh_token": MASK, "tokens_left": 7}],
        "token": None,
    }


def test_objects_become_text_and_are_masked_and_depth_has_an_end() -> None:
    nested: Any = "leaf"
    for _ in range(50):
        nested = [nested]
    assert MASK in str(Masker().value(nested))
    assert Masker(["hunter2"]).value(ValueError("it is hunter2")) == f"it is {MASK}"


def test_words_that_are_too_short_to_be_secrets_stay() -> None:
    assert Masker(["a", "no"]).text("a note") == "a note"


def _two_ids() -> tuple[Any, Any]:
    from uuid import UUID

    return UUID(int=1), UUID(int=2)
