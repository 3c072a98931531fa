"""Access tokens (JWT), and opaque ones: refresh tokens, API keys, links in mails."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import jwt

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_server.settings import KeyRing

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "railway-saas-api"
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105
"""Says that it is an access token, so that no other JWT passes for one. Source: RFC 9068, section 2.1."""
_KNOWN_TOKENS: Final = 4_096
"""Tokens whose signature a process remembers to be good: half a kilobyte each. Refused ones are not remembered."""
MAX_SKEW_S: Final = 60
"""How far ahead the clock of another of our machines may be."""


class InvalidTokenError(Exception):
    """A token that is not good (any more). The message is for logs: callers answer all of them alike."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says: who, in which session. The role is not in it; the database knows."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime


class AccessTokens:
    """Issues and reads access tokens.

    Args:
        keys: Signing keys by id.
        issuer: Who makes them out: the platform's address.
        lifetime_s: How long they are good.
        now: The present moment, aware.
    """

    def __init__(self, keys: KeyRing, *, issuer: str, lifetime_s: int, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._issuer = issuer
        self._now = now
        self._verified = lru_cache(maxsize=_KNOWN_TOKENS)(self._verify)
        self.lifetime_s = lifetime_s

    def issue(self, user_id: UUID, session_id: UUID) -> str:
        """A token for a session of a user."""
        key_id, secret = self._keys.current
        now = self._now()
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": uuid4().hex,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(seconds=self.lifetime_s)).timestamp()),
        }
        headers = {"kid": key_id, "typ": TOKEN_TYPE}
        return jwt.encode(claims, secret.get_secret_value(), algorithm=ALGORITHM, headers=headers)

    def read(self, token: str) -> AccessClaims:
        """What a token says.

        Raises:
            InvalidTokenError: It is not ours, altered, of another algorithm or type, signed with a key that is gone, from
                the future, or over.
        """
        issued_at, claims = self._verified(token)
        now = self._now()
        if issued_at > now + timedelta(seconds=MAX_SKEW_S):
            raise InvalidTokenError("from the future")
        if claims.expires_at <= now:
            raise InvalidTokenError("over")
        return claims

    def _verify(self, token: str) -> tuple[datetime, AccessClaims]:
        """When it was issued and what it says; both never change, so that a process looks at a token once."""
        try:
            header = jwt.get_unverified_header(token)
            secret = self._keys.find(str(header.get("kid")))
            if secret is None or header.get("typ") != TOKEN_TYPE:
                raise InvalidTokenError("of another type, or signed with a key that is not ours")
            claims = jwt.decode(
                token,
                secret.get_secret_value(),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                # Times are compared above, with the clock that was given.
                options={"require": ["exp", "iat", "sub", "sid"], "verify_exp": False, "verify_iat": False},
            )
            found = AccessClaims(
                user_id=UUID(claims["sub"]),
                session_id=UUID(claims["sid"]),
                expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
            )
            return datetime.fromtimestamp(int(claims["iat"]), UTC), found
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise InvalidTokenError(type(error).__name__) from None  # the message may quote the token


def new_secret(prefix: str) -> str:
    """A token of 256 random bits. The prefix lets scanners of leaked secrets find it."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def digest(secret: str) -> str:
    """How a token of `new_secret` is stored. It is random, so that a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()
