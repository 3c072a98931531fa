"""Models of accounts, for the operations of `auth` and `users`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, EmailStr, Field, SecretStr, StringConstraints, model_validator

from reference_server.accounts import Account, Tokens
from reference_server.api.describing import ApiModel
from reference_server.data.accounts import User, plain_email
from reference_server.data.models import ApiKeyRow, SessionRow
from reference_server.security.passwords import MIN_PASSWORD_CHARACTERS, unfit, unfit_for

MAX_EMAIL: Final = 255
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _plain(email: str) -> str:
    plain = plain_email(email)
    if len(plain) > MAX_EMAIL:  # some letters become two when they are made small
        raise ValueError(f"must have at most {MAX_EMAIL} characters")
    return plain


def _without_controls(name: str) -> str:
    if not name.strip():
        raise ValueError("must not be blank")
    if _CONTROL.search(name):
        raise ValueError("must not have line breaks or control characters")
    return name.strip()


def _fit(password: SecretStr) -> SecretStr:
    reason = unfit(password.get_secret_value())
    if reason is not None:
        raise ValueError(reason)
    return password


Email = Annotated[EmailStr, AfterValidator(_plain), Field(max_length=MAX_EMAIL, examples=["ann@example.com"])]
PersonName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    AfterValidator(_without_controls),
    Field(examples=["Ann Example"], description="To be shown, as its owner writes it."),
]
Password = Annotated[SecretStr, Field(max_length=1000, examples=["correct horse battery"])]
"""One that is to be compared: whatever it is, the answer is the same."""
NewPassword = Annotated[
    SecretStr,
    AfterValidator(_fit),
    Field(
        min_length=MIN_PASSWORD_CHARACTERS,
        max_length=72,
        examples=["correct horse battery"],
        description="10 characters or more, 72 bytes in UTF-8 or fewer; no common password, not your name or address.",
    ),
]
LinkToken = Annotated[
    SecretStr, Field(min_length=1, max_length=100, description="`token` of the link in the mail.")
]


class RegisterBody(ApiModel):
    """Who wants an account."""

    email: Email
    password: NewPassword
    name: PersonName

    @model_validator(mode="after")
    def _not_what_everybody_knows(self) -> Self:
        reason = unfit_for(self.password.get_secret_value(), email=self.email, name=self.name)
        if reason is not None:
            raise ValueError(f"password: {reason}")
        return self


class AddressBody(ApiModel):
    """An address."""

    email: Email


class LoginBody(ApiModel):
    """Address and password."""

    email: Email
    password: Password


class RefreshBody(ApiModel):
    """A refresh token, which is good once."""

    refresh_token: SecretStr = Field(min_length=1, max_length=100)


class LogoutBody(ApiModel):
    """Which sessions."""

    all: bool = Field(default=False, description="Every session of yours, not only this one.")


class LinkBody(ApiModel):
    """The link of a mail."""

    token: LinkToken


class VerifyBody(LinkBody):
    """The link of a mail, and for a registration its password."""

    password: SecretStr | None = Field(
        None,
        max_length=1_000,
        description="The one that you registered with; not for a new address of an account.",
        examples=["correct horse battery"],
    )


class ResetBody(ApiModel):
    """The link of a mail, and another password."""

    token: LinkToken
    password: NewPassword


class ChangePasswordBody(ApiModel):
    """The password that holds, and another."""

    current_password: Password
    password: NewPassword
    revoke_api_keys: bool = Field(default=False, description="End your API keys as well.")


class SentModel(ApiModel):
    """A mail tells the rest."""

    detail: str = Field(examples=["If the address is right, a mail is on its way to it."])


class TokensModel(ApiModel):
    """What a log-in gives."""

    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJhdCtqd3QifQ.e30.c2ln"])
    token_type: str = Field(default="Bearer", examples=["Bearer"])
    expires_in: int = Field(description="Seconds until the access token is over.", examples=[900])
    refresh_token: str = Field(description="Gives new tokens, once.", examples=["rsr_2m3pX0"])

    @classmethod
    def of(cls, tokens: Tokens) -> Self:
        """How tokens are shown."""
        return cls(access_token=tokens.access, expires_in=tokens.expires_in, refresh_token=tokens.refresh)


class SessionModel(ApiModel):
    """A log-in."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str | None = Field(examples=["curl/8.5.0"])
    address: str | None = Field(description="Of the network it began from.", examples=["192.0.2.7"])
    is_current: bool = Field(description="Whether it is the one that asks.")

    @classmethod
    def of(cls, row: SessionRow, current: UUID | None) -> Self:
        """How a session is shown."""
        return cls(
            id=row.id,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
            user_agent=row.user_agent,
            address=row.address,
            is_current=row.id == current,
        )


class SessionPageModel(ApiModel):
    """A page of sessions."""

    items: list[SessionModel]
    next_cursor: str | None = Field(None, description="`cursor` of the next page; none on the last.")


Role = Literal["user", "admin"]


class UserModel(ApiModel):
    """Somebody with an account."""

    id: UUID
    email: str = Field(examples=["ann@example.com"])
    name: str = Field(examples=["Ann Example"])
    role: Role
    email_verified: bool
    closing_at: datetime | None = Field(description="When the account was closed; it goes once nothing runs.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """How a user is shown."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            role=user.role,
            email_verified=user.email_verified,
            closing_at=user.closing_at,
            created_at=user.created_at,
            updated_at=user.updated_at,
        )


class AccountModel(UserModel):
    """Somebody with an account, and the plan they have."""

    plan: str = Field(examples=["free"])

    @classmethod
    def of_account(cls, account: Account) -> Self:
        """How an account is shown."""
        return cls(**UserModel.of(account.user).model_dump(), plan=account.plan)


class UserPageModel(ApiModel):
    """A page of users."""

    items: list[UserModel]
    next_cursor: str | None = Field(None, description="`cursor` of the next page; none on the last.")


class ProfileBody(ApiModel):
    """What you may change of yourself."""

    name: PersonName
    email: Email | None = Field(
        None, description="Another address holds once you follow the link in the mail to it, logged in."
    )
    current_password: Password | None = Field(None, description="Needed for another address.")


class UserBody(ApiModel):
    """What may be changed of an account."""

    name: PersonName | None = None
    role: Role | None = Field(None, description="Administrators only; ends all sessions and API keys.")
    plan: str | None = Field(None, max_length=100, description="Administrators only.", examples=["pro"])


KeyScope = Literal[
    "billing:read",
    "instances:read",
    "instances:write",
    "profile:read",
    "railway:read",
    "railway:write",
    "templates:read",
    "templates:write",
    "usage:read",
]


class ApiKeyBody(ApiModel):
    """What a key is for, what it may do, and how long."""

    name: PersonName
    scopes: list[KeyScope] = Field(min_length=1, max_length=20, examples=[["instances:read"]])
    expires_in_days: int = Field(90, ge=1, le=366)


class ApiKeyModel(ApiModel):
    """A key for programs."""

    id: UUID
    name: str = Field(examples=["backup script"])
    hint: str = Field(description="Its first characters, to know it by.", examples=["rsk_Zk3x"])
    scopes: list[str] = Field(examples=[["instances:read"]])
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: ApiKeyRow) -> Self:
        """How a key is shown."""
        return cls(
            id=row.id,
            name=row.name,
            hint=row.hint,
            scopes=row.scopes,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )


class NewApiKeyModel(ApiKeyModel):
    """A key with its secret, which is shown this once."""

    key: str = Field(description="Send it as `Authorization: Bearer`. It is not shown again.")

    @classmethod
    def of_new(cls, row: ApiKeyRow, secret: str) -> Self:
        """How a new key is shown."""
        return cls(**ApiKeyModel.of(row).model_dump(), key=secret)


class ApiKeyPageModel(ApiModel):
    """A page of API keys."""

    items: list[ApiKeyModel]
    next_cursor: str | None = Field(None, description="`cursor` of the next page; none on the last.")
