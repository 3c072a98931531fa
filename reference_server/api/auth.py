"""Registering, logging in and out, sessions, passwords.

Whatever could tell whether an address has an account answers the same for all: docs/adr/0014.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Response, g
from flask_openapi import APIBlueprint, Tag

from reference_server.api.authentication import platform, principal, public
from reference_server.api.describing import ApiModel, PageQuery, described, reply
from reference_server.api.paging import Cursors
from reference_server.api.people import (
    AddressBody,
    ChangePasswordBody,
    LoginBody,
    LogoutBody,
    RefreshBody,
    RegisterBody,
    ResetBody,
    SentModel,
    SessionModel,
    SessionPageModel,
    TokensModel,
    VerifyBody,
)
from reference_server.api.problems import not_found
from reference_server.data.accounts import Principal
from reference_server.security.rate_limits import guessable

api = APIBlueprint(
    "auth", __name__, url_prefix="/api/auth", abp_tags=[Tag(name="auth", description="Accounts and sessions")]
)

_SENT: Final = SentModel(detail="If the address is right, a mail is on its way to it.")
_SENT_EXAMPLE: Final = {"detail": "If the address is right, a mail is on its way to it."}


class SessionPath(ApiModel):
    """Which one."""

    session_id: UUID


@api.post("/register", **described("Register", SentModel, status=202, example=_SENT_EXAMPLE, is_public=True))
@public
@guessable
def register(body: RegisterBody) -> Response:
    """Ask for an account. The answer is always the same; the mail has a link, and following it gives the first tokens."""
    platform().accounts.register(body.email, body.password.get_secret_value(), name=body.name)
    return reply(_SENT, 202)


_FOLLOWED: Final = described("Follow the link of a mail", TokensModel, errors=(401,), is_public=True)
_FOLLOWED["responses"][204] = {"description": "The new address of your account holds."}


@api.post("/verify-email", **_FOLLOWED)
@public
@guessable
def verify_email(body: VerifyBody) -> Response:
    """Follow the link of a registration: the account is open, and you are logged in.

    The password shows which registration is yours: others may have registered your address as well.
    The link to a new address of an account is followed by its owner, logged in; then there is no body (204).
    """
    asking: Principal | None = g.get("principal")
    has_session = asking is not None and asking.session_id is not None
    tokens = platform().accounts.verify_email(
        body.token.get_secret_value(),
        password=None if body.password is None else body.password.get_secret_value(),
        asked_by=asking.user.id if asking and has_session else None,
    )
    return reply(None) if tokens is None else reply(TokensModel.of(tokens))


@api.post("/login", **described("Log in", TokensModel, errors=(401,), is_public=True))
@public
@guessable
def login(body: LoginBody) -> Response:
    """Get an access token for fifteen minutes and a refresh token for the next one."""
    tokens = platform().accounts.log_in(body.email, body.password.get_secret_value())
    return reply(TokensModel.of(tokens))


@api.post("/refresh", **described("Get new tokens", TokensModel, errors=(401,), is_public=True))
@public
@guessable
def refresh(body: RefreshBody) -> Response:
    """Give a refresh token back for new tokens. It is good once: used again, it ends the session, new tokens and all."""
    return reply(TokensModel.of(platform().accounts.refresh(body.refresh_token.get_secret_value())))


@api.post("/logout", **described("Log out", status=204))
def logout(body: LogoutBody) -> Response:
    """End this session, or all of yours. What they hold is not good any more, at once."""
    platform().accounts.log_out(principal(), everywhere=body.all)
    return reply(None)


@api.post(
    "/forgot-password",
    **described("Ask for another password", SentModel, status=202, example=_SENT_EXAMPLE, is_public=True),
)
@public
@guessable
def forgot_password(body: AddressBody) -> Response:
    """Have a link sent to your address. The answer is always the same."""
    platform().accounts.forget_password(body.email)
    return reply(_SENT, 202)


@api.post("/reset-password", **described("Set another password by a link", status=204, is_public=True))
@public
@guessable
def reset_password(body: ResetBody) -> Response:
    """Follow the link of a mail to another password. Ends all your sessions and API keys; log in with the new one."""
    platform().accounts.reset_password(body.token.get_secret_value(), body.password.get_secret_value())
    return reply(None)


@api.post("/change-password", **described("Change the password", status=204))
@guessable
def change_password(body: ChangePasswordBody) -> Response:
    """Set another password. Ends your other sessions."""
    platform().accounts.change_password(
        principal(),
        body.current_password.get_secret_value(),
        body.password.get_secret_value(),
        revoke_api_keys=body.revoke_api_keys,
    )
    return reply(None)


@api.get("/sessions", **described("List your sessions", SessionPageModel))
def list_sessions(query: PageQuery) -> Response:
    """Where you are logged in, oldest first."""
    asking = principal()
    cursors = Cursors("sessions", asking.user.id)
    after = cursors.read(query.cursor)
    rows = platform().accounts.list_sessions(
        asking.user.id, after=UUID(after) if after else None, limit=query.limit
    )
    shown = [SessionModel.of(row, asking.session_id) for row in rows[: query.limit]]
    has_more = len(rows) > query.limit
    return reply(
        SessionPageModel(items=shown, next_cursor=cursors.wrap(str(shown[-1].id) if has_more else None))
    )


@api.delete("/sessions/<uuid:session_id>", **described("End a session", status=204, errors=(404,)))
def end_session(path: SessionPath) -> Response:
    """Log out somewhere else."""
    if not platform().accounts.end_session(principal().user.id, path.session_id):
        raise not_found("session")
    return reply(None)
