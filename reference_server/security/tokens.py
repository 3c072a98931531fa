"""Access tokens (JWT), and opaque ones: refresh tokens, API keys, links in mails."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import jwt

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_server.settings import KeyRing

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "railway-saas-api"


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
        return jwt.encode(claims, secret.get_secret_value(), algorithm=ALGORITHM, headers={"kid": key_id})

    def read(self, token: str) -> AccessClaims:
        """What a token says.

        Raises:
            InvalidTokenError: It is not ours, altered, of another algorithm, signed with a key that is gone, or over.
        """
        try:
            secret = self._keys.find(str(jwt.get_unverified_header(token).get("kid")))
            if secret is None:
                raise InvalidTokenError("signed with a key that is not ours")
            claims = jwt.decode(
                token,
                secret.get_secret_value(),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                # Times are compared below, with the clock that was given.
                options={"require": ["exp", "iat", "sub", "sid"], "verify_exp": False, "verify_iat": False},
            )
            found = AccessClaims(
                user_id=UUID(claims["sub"]),
                session_id=UUID(claims["sid"]),
                expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
            )
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise InvalidTokenError(type(error).__name__) from None  # the message may quote the token
        if found.expires_at <= self._now():
            raise InvalidTokenError("over")
        return found


def new_secret(prefix: str) -> str:
    """A token of 256 random bits. The prefix lets scanners of leaked secrets find it."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def digest(secret: str) -> str:
    """How a token of `new_secret` is stored. It is random, so that a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()
