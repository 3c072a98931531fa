"""What both fronts stand on: a pool, the scope of a transaction, who asks, and the seal on what customers fill in."""

from __future__ import annotations

import base64
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import create_engine, make_url, select
from sqlalchemy.orm import Session, sessionmaker

from reference_server.data.models import SessionRow, UserRow

if TYPE_CHECKING:
    from collections.abc import Generator

AUDIENCE = "railway-saas-api"
ALGORITHM = "HS256"
SET_SCOPE = "SELECT set_config('app.role', %s, true), set_config('app.user_id', %s, true)"
NONCE_BYTES = 12


class RefusedError(Exception):
    """A request that is answered with a problem."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def problem(self) -> dict[str, Any]:
        return {"title": self.status.phrase, "status": int(self.status), "detail": self.detail}


class Seal:
    """AES-256-GCM under a key of its own for each purpose; text is bound to the place it stands in."""

    def __init__(self, key_id: str, secret: str, purpose: str) -> None:
        derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive
        self._key_id = key_id
        self._key = AESGCM(derive(secret.encode()))

    def open(self, sealed: str, place: str) -> Any:
        raw = base64.b64decode(sealed.rpartition(".")[2])
        return json.loads(self._key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], self._bound(place)))

    def seal(self, plain: object, place: str) -> str:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._key.encrypt(nonce, json.dumps(plain).encode(), self._bound(place))
        return f"v1.{self._key_id}.{base64.b64encode(nonce + sealed).decode()}"

    def _bound(self, place: str) -> bytes:
        return f"v1\0{self._key_id}\0{place}".encode()


@dataclass(frozen=True, slots=True)
class Backend:
    """What a process keeps between requests."""

    sessions: sessionmaker[Session]
    jwt_key_id: str
    jwt_key: str
    issuer: str
    access_token_s: int
    inputs: Seal
    answers: Seal
    instances_allowed: int = 1_000_000

    @classmethod
    def from_environment(cls) -> Self:
        environment = os.environ
        engine = create_engine(
            make_url(environment["DATABASE_URL"]).set(drivername="postgresql+psycopg"),
            pool_size=int(environment["DATABASE_POOL_SIZE"]),
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"options": "-c role=railway_saas_app -c statement_timeout=15000"},
        )
        jwt_key_id, _, jwt_key = environment["JWT_SECRET"].partition(":")
        key_id, _, secret = environment["ENCRYPTION_KEYS"].partition(":")
        return cls(
            sessions=sessionmaker(engine),
            jwt_key_id=jwt_key_id,
            jwt_key=jwt_key,
            issuer=environment["BASE_URL"],
            access_token_s=int(environment["ACCESS_TOKEN_SECONDS"]),
            inputs=Seal(key_id, secret, "instance variables"),
            answers=Seal(key_id, secret, "idempotent answers"),
        )

    def close(self) -> None:
        """Give the connections back."""
        self.sessions.kw["bind"].dispose()

    @contextmanager
    def asking(self, authorization: str | None) -> Generator[tuple[Session, UserRow]]:
        """One transaction, in the scope of whoever asks."""
        user_id, session_id = self._claims(authorization)
        with self.sessions() as session:
            set_scope(session, "user", str(user_id))
            user = session.scalar(
                select(UserRow)
                .join(SessionRow, SessionRow.user_id == UserRow.id)
                .where(
                    SessionRow.id == session_id,
                    UserRow.id == user_id,
                    SessionRow.revoked_at.is_(None),
                    SessionRow.expires_at > datetime.now(UTC),
                    UserRow.closing_at.is_(None),
                )
            )
            if user is None:
                raise RefusedError(HTTPStatus.UNAUTHORIZED, "The session is over.")
            yield session, user

    def _claims(self, authorization: str | None) -> tuple[UUID, UUID]:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "Nobody is logged in.")
        try:
            claims = jwt.decode(
                token,
                self.jwt_key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self.issuer,
                options={"require": ["exp", "iat", "sub", "sid"]},
            )
            return UUID(claims["sub"]), UUID(claims["sid"])
        except (jwt.PyJWTError, ValueError) as error:
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "The token is not good.") from error


def set_scope(session: Session, role: str, user_id: str = "") -> None:
    """Row level security goes by it until the transaction ends."""
    session.connection().exec_driver_sql(SET_SCOPE, (role, user_id))
