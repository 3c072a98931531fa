"""Access tokens: what is one, and what only looks like one."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from reference_server.security.tokens import AUDIENCE, AccessTokens, InvalidTokenError
from reference_server.settings import KeyRing

OLD, NEW = "an old secret of 32 bytes or more..", "a new secret of 32 bytes or more..."
USER, SESSION = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ISSUER = "https://platform.example"


def tokens(keys: str = f"old:{OLD}", *, now: datetime = NOW, issuer: str = ISSUER) -> AccessTokens:
    return AccessTokens(KeyRing.parse(keys), issuer=issuer, lifetime_s=900, now=lambda: now)


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def forged(
    secret: str = OLD, hashed: str = "sha256", header: dict[str, Any] | None = None, **claims: Any
) -> str:
    """A token made by hand, since PyJWT refuses to make some of these; None takes a part away."""
    at = int(NOW.timestamp())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(USER), "sid": str(SESSION), "iat": at, "exp": at + 900}
    headers = {"alg": "HS256", "kid": "old", "typ": "at+jwt", **(header or {})}
    parts = [
        encoded({name: value for name, value in part.items() if value is not None})
        for part in (headers, {**good, **claims})
    ]
    seal = hmac.digest(secret.encode(), ".".join(parts).encode(), hashed)
    return ".".join([*parts, base64.urlsafe_b64encode(seal).decode().rstrip("=")])


def test_a_token_says_who_and_in_which_session() -> None:
    claims = tokens().read(tokens().issue(USER, SESSION))
    assert (claims.user_id, claims.session_id) == (USER, SESSION)
    assert tokens().read(forged()).user_id == USER  # so what is refused below is refused for its fault


def test_a_token_names_its_key_its_type_and_no_role() -> None:
    token = tokens().issue(USER, SESSION)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "kid": "old", "typ": "at+jwt"}
    assert set(jwt.decode(token, options={"verify_signature": False})) == {
        "iss", "aud", "sub", "sid", "jti", "iat", "exp",
    }  # fmt: skip


def test_a_token_of_an_older_key_is_good_as_long_as_the_key_is_there() -> None:
    token = tokens(f"old:{OLD}").issue(USER, SESSION)
    assert tokens(f"new:{NEW},old:{OLD}").read(token).user_id == USER
    with pytest.raises(InvalidTokenError):
        tokens(f"new:{NEW}").read(token)


def test_the_newest_key_signs() -> None:
    token = tokens(f"new:{NEW},old:{OLD}").issue(USER, SESSION)
    assert jwt.get_unverified_header(token)["kid"] == "new"


LOOKALIKES = {
    "unsigned": forged(header={"alg": "none"}).rpartition(".")[0] + ".",
    "unsigned, with a signature": forged(header={"alg": "none"}),
    "another algorithm": forged(hashed="sha512", header={"alg": "HS512"}),
    "another algorithm than it says": forged(hashed="sha512"),
    "another type": forged(header={"typ": "JWT"}),
    "no type": forged(header={"typ": None}),
    "another key's id": forged(header={"kid": "other"}),
    "no key's id": forged(header={"kid": None}),
    "another secret": forged(secret=NEW),
    "another audience": forged(aud="somebody-else"),
    "no audience": forged(aud=None),
    "another issuer": forged(iss="https://elsewhere.example"),
    "no issuer": forged(iss=None),
    "over": forged(exp=int(NOW.timestamp())),
    "never over": forged(exp=None),
    "over in words": forged(exp="tomorrow"),
    "from the future": forged(iat=int((NOW + timedelta(seconds=61)).timestamp())),
    "from no time": forged(iat=None),
    "nobody": forged(sub="nobody"),
    "no session": forged(sid=None),
    "a key that must be understood": forged(header={"crit": ["exp"]}),
    "altered": forged()[:-2] + "AA",
    "nonsense": "a.b.c",
    "empty": "",
    "not ASCII": "é.é.é",
}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_what_only_looks_like_one_is_refused(name: str) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        tokens().read(LOOKALIKES[name])
    assert OLD not in str(caught.value)


def test_another_clock_may_be_a_minute_ahead() -> None:
    ahead = tokens(now=NOW + timedelta(seconds=60)).issue(USER, SESSION)
    assert tokens().read(ahead).user_id == USER
