"""Accounts: registering, logging in, sessions, passwords, API keys, what administrators may do. No HTTP here.

One module per kind of flow; `Accounts` has them all. Every flow is one transaction, with its audit entry and its mails in
it; bcrypt is never run inside one, since it takes longer than everything else together.
"""

from __future__ import annotations

from reference_server.accounts.administering import Administering
from reference_server.accounts.base import Account, AccountSettings, Tokens
from reference_server.accounts.changing import Changing
from reference_server.accounts.closing import Closing
from reference_server.accounts.failures import (
    LastAdminError,
    LinkNotGoodError,
    LoginRefusedError,
    NotRegisteredSoError,
    PasswordMissingError,
    PasswordRefusedError,
    SessionOverError,
    TooManyKeysError,
    TooManyLinksError,
    UnknownPlanError,
    UnknownUserError,
    WrongPasswordError,
)
from reference_server.accounts.keys import KeyKeeping, NewApiKey
from reference_server.accounts.logging_in import LoggingIn
from reference_server.accounts.registering import Registering
from reference_server.accounts.resetting import Resetting
from reference_server.accounts.sessions import SessionKeeping

__all__ = [
    "Account",
    "AccountSettings",
    "Accounts",
    "LastAdminError",
    "LinkNotGoodError",
    "LoginRefusedError",
    "NewApiKey",
    "NotRegisteredSoError",
    "PasswordMissingError",
    "PasswordRefusedError",
    "SessionOverError",
    "Tokens",
    "TooManyKeysError",
    "TooManyLinksError",
    "UnknownPlanError",
    "UnknownUserError",
    "WrongPasswordError",
]


class Accounts(
    Registering, LoggingIn, SessionKeeping, Resetting, Changing, KeyKeeping, Administering, Closing
):
    """What people do with their accounts, and administrators with other people's."""
