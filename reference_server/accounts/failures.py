"""Why something is not done with an account."""

from __future__ import annotations


class LoginRefusedError(Exception):
    """The address or the password is wrong, or the address is not verified, or it is locked: nobody learns which."""


class SessionOverError(Exception):
    """A refresh token is unknown, used, too old, or of a session that was ended."""


class LinkNotGoodError(Exception):
    """A link of a mail is unknown, used, or too old."""


class PasswordMissingError(Exception):
    """The link of a registration is followed without the password of the registration."""


class NotRegisteredSoError(Exception):
    """Nobody has registered the address of a link with this password lately."""


class WrongPasswordError(Exception):
    """Somebody who is logged in gave a wrong password, or gave one too often."""


class PasswordRefusedError(Exception):
    """A new password breaks a rule; the message says which, and does not quote it."""


class LastAdminError(Exception):
    """There would be no administrator left."""


class UnknownUserError(Exception):
    """There is no such account."""


class UnknownPlanError(Exception):
    """There is no plan of that name; the message names those that there are."""


class TooManyLinksError(Exception):
    """Somebody was sent as many links within the last hour as they may be."""


class TooManyKeysError(Exception):
    """There are as many API keys as one account may have."""
