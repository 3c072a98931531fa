"""Logging in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import bcrypt
import jwt
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from benchmarks.serving.bare.answers import LoginIn, TokensOut
from benchmarks.serving.bare.database import ALGORITHM, AUDIENCE, Backend, RefusedError, set_scope
from railway_saas.domain.ids import new_id
from railway_saas.repositories.sqlalchemy.models import AuditRow
from reference_server.data.models import LoginFailureRow, RefreshTokenRow, SessionRow, UserRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

REFRESH_TOKEN_S = 30 * 86_400
NOBODYS = bcrypt.hashpw(bcrypt.gensalt(4), bcrypt.gensalt(12))
"""Compared where an address has no account, so that it takes as long."""


def log_in(backend: Backend, body: LoginIn, address: str | None, user_agent: str | None) -> TokensOut:
    """The password is compared outside a transaction; what may have changed meanwhile is looked at again."""
    email = body.email.strip().lower()
    with backend.sessions() as session:
        set_scope(session, "auth")
        user = session.scalar(select(UserRow).where(UserRow.email == email))
    hashed = user.password_hash.encode() if user else NOBODYS
    if not bcrypt.checkpw(body.password.encode()[:72], hashed) or user is None:
        _note_failure(backend, email)
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "Address or password are wrong.")
    with backend.sessions.begin() as session:
        set_scope(session, "auth")
        return _enter(backend, session, user, address, user_agent)


def _enter(
    backend: Backend, session: Session, user: UserRow, address: str | None, user_agent: str | None
) -> TokensOut:
    now = datetime.now(UTC)
    failures = session.scalar(
        select(LoginFailureRow).where(LoginFailureRow.email_digest == _digest(user.email)).with_for_update()
    )
    found = session.scalar(select(UserRow).where(UserRow.id == user.id).with_for_update())
    is_locked = failures is not None and failures.locked_until is not None and failures.locked_until > now
    if (
        is_locked
        or found is None
        or found.password_hash != user.password_hash
        or not found.email_verified
        or found.closing_at is not None
    ):
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "Address or password are wrong.")
    if failures is not None:
        session.execute(delete(LoginFailureRow).where(LoginFailureRow.email_digest == failures.email_digest))
    refresh = f"rsr_{secrets.token_urlsafe(32)}"
    entry = SessionRow(
        id=new_id(now),
        user_id=user.id,
        user_agent=user_agent,
        address=address,
        created_at=now,
        expires_at=now + timedelta(seconds=REFRESH_TOKEN_S),
        last_used_at=now,
    )
    session.add(entry)
    session.flush()
    session.add_all(
        [
            RefreshTokenRow(digest=_digest(refresh), session_id=entry.id, created_at=now),
            audit_row("auth.login", ("user", user.id), user.id, now, {"address": address}),
        ]
    )
    return TokensOut(
        access_token=_access_token(backend, user.id, entry.id, now),
        expires_in=backend.access_token_s,
        refresh_token=refresh,
    )


def _access_token(backend: Backend, user_id: UUID, session_id: UUID, now: datetime) -> str:
    issued = int(now.timestamp())
    claims = {
        "iss": backend.issuer,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "sid": str(session_id),
        "jti": uuid4().hex,
        "iat": issued,
        "exp": issued + backend.access_token_s,
    }
    headers = {"kid": backend.jwt_key_id, "typ": "at+jwt"}
    return jwt.encode(claims, backend.jwt_key, algorithm=ALGORITHM, headers=headers)


def _note_failure(backend: Backend, email: str) -> None:
    now = datetime.now(UTC)
    statement = insert(LoginFailureRow).values(
        email_digest=_digest(email), failures=1, window_began_at=now, locks=0, last_at=now
    )
    with backend.sessions.begin() as session:
        set_scope(session, "auth")
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[LoginFailureRow.email_digest],
                set_={"failures": LoginFailureRow.failures + 1, "last_at": now},
            )
        )


def audit_row(
    action: str, subject: tuple[str, UUID], user_id: UUID, now: datetime, details: dict[str, Any]
) -> AuditRow:
    return AuditRow(
        id=new_id(now),
        at=now,
        actor=str(user_id),
        action=action,
        subject_type=subject[0],
        subject_id=str(subject[1]),
        user_id=user_id,
        details=details,
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
