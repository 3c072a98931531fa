"""What is answered where something is not done with an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_server import accounts
from reference_server.api.problems import (
    Problem,
    conflict,
    forbidden,
    invalid,
    not_found,
    respond,
    unauthenticated,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response


def register(app: Flask) -> None:
    """Answer them. `LoginRefusedError` is in the table of `problems`."""
    answers: dict[type[Exception], Callable[[Exception], Problem]] = {
        accounts.SessionOverError: lambda _: unauthenticated("The session is over; log in again."),
        accounts.LinkNotGoodError: lambda _: _field(
            "token", "The link is not good, was used, or is too old; ask for another."
        ),
        accounts.PasswordMissingError: lambda _: _field(
            "password", "Give the password that you registered with."
        ),
        accounts.NotRegisteredSoError: lambda _: _field(
            "password",
            "Nobody has registered this address with it lately. Register again; then this link is good for that as well.",
        ),
        accounts.WrongPasswordError: lambda _: _wrong_password(),
        accounts.PasswordRefusedError: lambda error: _field("password", str(error)),
        accounts.LastAdminError: lambda _: conflict(
            "There would be no administrator left; make somebody else one first.", kind="last-admin"
        ),
        accounts.UnknownUserError: lambda _: not_found("user"),
        accounts.UnknownPlanError: lambda error: _field("plan", str(error)),
        accounts.TooManyLinksError: lambda _: Problem(
            429,
            "too-many-requests",
            "Too many links",
            "You were sent as many links within the last hour as may be; follow one of them, or try again later.",
            headers={"Retry-After": "3600"},
        ),
        accounts.TooManyKeysError: lambda _: conflict(
            "You have as many API keys as an account may have; revoke one first.", kind="too-many-keys"
        ),
    }
    for kind, problem_of in answers.items():
        app.register_error_handler(kind, _answering(problem_of))


def _answering(problem_of: Callable[[Exception], Problem]) -> Callable[[Exception], Response]:
    return lambda error: respond(problem_of(error))


def _field(name: str, detail: str) -> Problem:
    return invalid(f"{name}: {detail}", {"pointer": f"#/{name}", "detail": detail})


def _wrong_password() -> Problem:
    problem = forbidden("The current password is wrong, or was given wrong too often; try again later.")
    problem.kind = "wrong-password"
    return problem
