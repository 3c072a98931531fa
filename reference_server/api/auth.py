"""Logging in and out."""

from __future__ import annotations

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import EmailStr, Field, SecretStr

from reference_server.api.authentication import platform, public
from reference_server.api.describing import ApiModel, described, reply

api = APIBlueprint(
    "auth", __name__, url_prefix="/api/auth", abp_tags=[Tag(name="auth", description="Accounts and sessions")]
)


class LoginBody(ApiModel):
    """Address and password."""

    email: EmailStr = Field(max_length=255, examples=["ann@example.com"])
    password: SecretStr = Field(max_length=1000, examples=["correct horse battery"])


class TokensModel(ApiModel):
    """What a log-in gives."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int = Field(description="Seconds until the access token is over.")
    refresh_token: str = Field(description="Gives new tokens, once.")


@api.post("/login", **described("Log in", TokensModel, errors=(401,), is_public=True))
@public
def login(body: LoginBody) -> Response:
    """Get an access token for fifteen minutes and a refresh token for the next one."""
    tokens = platform().accounts.log_in(body.email, body.password.get_secret_value())
    return reply(
        TokensModel(access_token=tokens.access, expires_in=tokens.expires_in, refresh_token=tokens.refresh)
    )
