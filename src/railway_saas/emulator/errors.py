"""Railway's refusals, word for word where they are known.

Source: bodies recorded on the live API and messages handled by public clients. `INTERNAL_SERVER_ERROR` is what
Railway really answers for bad tokens and missing objects.
"""

from __future__ import annotations

BAD_USER_INPUT = "BAD_USER_INPUT"
INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"

NOT_AUTHORIZED = "Not Authorized"
PROJECT_TOKEN_NOT_FOUND = "Project Token not found"  # noqa: S105 - a message, not a token
PROBLEM_PROCESSING = "Problem processing request"


class Refusal(Exception):  # noqa: N818 - an answer that Railway gives, not a fault of the program
    """A GraphQL error that a resolver answers with.

    Args:
        message: What the caller reads.
        code: `extensions.code`; None leaves `extensions` out, as Railway does for its generic error.
        status: HTTP status; Railway answers nearly every refusal with 200.
    """

    def __init__(self, message: str, *, code: str | None = INTERNAL_SERVER_ERROR, status: int = 200) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status


def not_authorized() -> Refusal:
    """Bad token, no right, or no such object: Railway does not say which."""
    return Refusal(NOT_AUTHORIZED)


def not_found(noun: str) -> Refusal:
    """E.g. `Deployment not found`."""
    return Refusal(f"{noun} not found")


def project_token_not_found() -> Refusal:
    """The project token is unknown, or was sent as Bearer."""
    return Refusal(PROJECT_TOKEN_NOT_FOUND)


def service_name_taken(name: str) -> Refusal:
    """Service names are unique per project."""
    return Refusal(f'A service named "{name}" already exists in this project', code=BAD_USER_INPUT)


def invalid_field(field: str) -> Refusal:
    """A field of an update input holds a value that Railway does not take."""
    return Refusal(f"Error in {field} - Invalid input", code=BAD_USER_INPUT)


def invalid(message: str) -> Refusal:
    """Any other refusal of an input, e.g. `Invalid project name`."""
    return Refusal(message, code=BAD_USER_INPUT)


def wrong_state(verb: str) -> Refusal:
    """E.g. `Deployment is not stoppable`, for a sleeping deployment."""
    return Refusal(f"Deployment is not {verb}", code=BAD_USER_INPUT)


def problem_processing(*, status: int = 200) -> Refusal:
    """Railway's generic error; it comes without a code."""
    return Refusal(PROBLEM_PROCESSING, code=None, status=status)


def too_quickly(noun: str, *, count: int, window_s: int) -> Refusal:
    """A creation throttle, which comes as an ordinary GraphQL error with HTTP 200."""
    allowance = f"{count} {noun}{'' if count == 1 else 's'} per {window_s} seconds"
    return Refusal(f"You are creating {noun}s too quickly. This workspace allows {allowance}")
