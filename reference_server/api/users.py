"""Profiles, API keys, and accounts as administrators see them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import Field

from reference_server.accounts import Account
from reference_server.api.authentication import admins_only, needs, platform, principal
from reference_server.api.describing import ApiModel, PageQuery, described, reply
from reference_server.api.idempotency import derived_key, idempotent
from reference_server.api.paging import Cursors
from reference_server.api.people import (
    AccountModel,
    ApiKeyBody,
    ApiKeyModel,
    ApiKeyPageModel,
    NewApiKeyModel,
    ProfileBody,
    Role,
    UserBody,
    UserModel,
    UserPageModel,
)
from reference_server.api.preconditions import reply_with_etag, require_match, updates
from reference_server.api.problems import forbidden, invalid, not_found
from reference_server.security.rate_limits import guessable

api = APIBlueprint(
    "users",
    __name__,
    url_prefix="/api/users",
    abp_tags=[Tag(name="users", description="People and their keys")],
)


class UserPath(ApiModel):
    """Which one."""

    user_id: UUID


class KeyPath(ApiModel):
    """Which one."""

    key_id: UUID


class UserQuery(PageQuery):
    """Which users."""

    role: Role | None = None
    email: str | None = Field(None, max_length=255, description="Those whose address begins so.")
    closing: bool | None = Field(None, description="Those that were closed, or those that were not.")


def _require_unchanged(account: Account) -> None:
    require_match(AccountModel.of_account(account))


def _shown(account: Account) -> Response:
    return reply_with_etag(AccountModel.of_account(account))


@api.get("/profile", **described("Read your profile", AccountModel))
@needs("profile:read")
def read_profile() -> Response:
    """Yourself."""
    return _shown(platform().accounts.account(principal().user.id))


@api.put("/profile", **described("Change your profile", AccountModel, errors=(412, 428)))
@updates
@guessable
def change_profile(body: ProfileBody) -> Response:
    """Change your name, or ask for another address, which holds once its owner follows the link in the mail to it."""
    asking, accounts = principal(), platform().accounts
    if body.email is not None and body.email != asking.user.email:
        if body.current_password is None:
            detail = "Needed for another address."
            raise invalid(f"current_password: {detail}", {"pointer": "#/current_password", "detail": detail})
        _require_unchanged(accounts.account(asking.user.id))
        accounts.ask_for_address(asking, body.email, body.current_password.get_secret_value())
    return _shown(accounts.change(asking.user.id, by=asking, name=body.name, check=_require_unchanged))


@api.get("/api-keys", **described("List your API keys", ApiKeyPageModel))
def list_api_keys(query: PageQuery) -> Response:
    """Your API keys, oldest first, without their secrets."""
    user_id = principal().user.id
    cursors = Cursors("api-keys", user_id)
    after = cursors.read(query.cursor)
    rows = platform().accounts.list_api_keys(user_id, after=UUID(after) if after else None, limit=query.limit)
    shown = [ApiKeyModel.of(row) for row in rows[: query.limit]]
    has_more = len(rows) > query.limit
    return reply(
        ApiKeyPageModel(items=shown, next_cursor=cursors.wrap(str(shown[-1].id) if has_more else None))
    )


@api.post("/api-keys", **described("Make an API key", NewApiKeyModel, status=201, errors=(409,)))
@idempotent
def create_api_key(body: ApiKeyBody) -> Response:
    """Make a key for a program. It may do what its scopes say and no more, and is shown this once."""
    made = platform().accounts.create_api_key(
        principal(),
        name=body.name,
        scopes=body.scopes,
        lifetime=timedelta(days=body.expires_in_days),
        made_under=derived_key(),
    )
    return reply(NewApiKeyModel.of_new(made.row, made.secret), 201)


@api.delete("/api-keys/<uuid:key_id>", **described("Revoke an API key", status=204, errors=(404,)))
def revoke_api_key(path: KeyPath) -> Response:
    """End a key, at once."""
    if not platform().accounts.revoke_api_key(principal().user.id, path.key_id):
        raise not_found("API key")
    return reply(None)


@api.get("", **described("List users", UserPageModel))
@admins_only
def list_users(query: UserQuery) -> Response:
    """Everybody, oldest first."""
    cursors = Cursors("users", query.role, query.email, query.closing)
    after = cursors.read(query.cursor)
    found = platform().accounts.list_users(
        role=query.role,
        email=query.email,
        closing=query.closing,
        after=UUID(after) if after else None,
        limit=query.limit,
    )
    shown = [UserModel.of(user) for user in found[: query.limit]]
    has_more = len(found) > query.limit
    return reply(
        UserPageModel(items=shown, next_cursor=cursors.wrap(str(shown[-1].id) if has_more else None))
    )


@api.get("/<uuid:user_id>", **described("Read a user", AccountModel, errors=(404,)))
def read_user(path: UserPath) -> Response:
    """Yourself; administrators: anybody."""
    _refuse_strangers(path.user_id)
    return _shown(platform().accounts.account(path.user_id))


@api.put("/<uuid:user_id>", **described("Change a user", AccountModel, errors=(404, 409, 412, 428)))
@updates
def change_user(path: UserPath, body: UserBody) -> Response:
    """Change a name; administrators also the role and the plan, of anybody."""
    _refuse_strangers(path.user_id)
    asking = principal()
    if (body.role is not None or body.plan is not None) and not asking.user.is_admin:
        raise forbidden("Role and plan are for administrators to give.")
    changed = platform().accounts.change(
        path.user_id,
        by=asking,
        name=body.name,
        role=body.role,
        plan=body.plan,
        check=_require_unchanged,
    )
    return _shown(changed)


@api.delete("/<uuid:user_id>", **described("Close an account", status=204, errors=(404, 409)))
def close_user(path: UserPath) -> Response:
    """Close your account; administrators: anybody's. Every instance is deleted, and then the account itself."""
    _refuse_strangers(path.user_id)
    platform().accounts.close(path.user_id, by=principal())
    return reply(None)


def _refuse_strangers(user_id: UUID) -> None:
    """Somebody else is answered exactly like nobody."""
    user = principal().user
    if user.id != user_id and not user.is_admin:
        raise not_found("user")
