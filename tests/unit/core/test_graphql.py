"""Whatever Railway, or Cloudflare in front of it, answers becomes the data or the exception that fits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas._core.graphql import THROTTLE_WAIT_S, Answer, graphql_error, read_data, retry_after_s
from railway_saas.errors import (
    RailwayAuthError,
    RailwayConflictError,
    RailwayError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayQueryError,
    RailwayRateLimitError,
    RailwayResponseError,
    RailwayStateError,
)

if TYPE_CHECKING:
    from pathlib import Path

CLOUDFLARE_PAGE = (
    b"<!DOCTYPE html>\n<title>Access denied | backboard.railway.com used Cloudflare to restrict access"
)
BAD_GATEWAY_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head><body>secret-variable-value</body></html>"
)


def answer(body: object = b"", status: int = 200, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def failure(message: str, code: str | None = None, **more: Any) -> dict[str, Any]:
    error: dict[str, Any] = {"message": message, "traceId": "485077830091315156", **more}
    if code is not None:
        error["extensions"] = {"code": code}
    return {"errors": [error], "data": None}


def read(answer: Answer, *, is_write: bool = False) -> dict[str, Any]:
    return read_data(answer, operation="projectCreate", is_write=is_write)


def refused(answer: Answer, *, is_write: bool = False) -> RailwayError:
    with pytest.raises(RailwayError) as caught:
        read(answer, is_write=is_write)
    assert caught.value.operation == "projectCreate"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None, "an exception in the context may hold what was sent"
    return caught.value


def test_data_without_errors_is_returned_as_it_came() -> None:
    assert read(answer({"data": {"me": {"id": "1"}}})) == {"me": {"id": "1"}}


def test_an_empty_list_of_errors_is_no_error() -> None:
    assert read(answer({"data": {"me": None}, "errors": []})) == {"me": None}


# message, code, class, transient, maybe applied (by a write)
KNOWN_MESSAGES = [
    ("Not Authorized", "INTERNAL_SERVER_ERROR", RailwayAuthError, False, False),
    ("Project Token not found", "INTERNAL_SERVER_ERROR", RailwayAuthError, False, False),
    ("Deployment not found", "INTERNAL_SERVER_ERROR", RailwayNotFoundError, False, False),
    ("Project not found", "INTERNAL_SERVER_ERROR", RailwayNotFoundError, False, False),
    ("ServiceInstance not found", "INTERNAL_SERVER_ERROR", RailwayNotFoundError, False, False),
    ("VolumeInstance not found", "INTERNAL_SERVER_ERROR", RailwayNotFoundError, False, False),
    ("NotificationRule not found", "INTERNAL_SERVER_ERROR", RailwayNotFoundError, False, False),
    ('A service named "x" already exists in this project', "BAD_USER_INPUT", RailwayConflictError, False, False),
    ('A service named "x" already exists in this project', "INTERNAL_SERVER_ERROR", RailwayConflictError, False, False),
    ("Error in numReplicas - Invalid input", "BAD_USER_INPUT", RailwayInputError, False, False),
    ("Deployment is not stoppable", "BAD_USER_INPUT", RailwayStateError, False, False),
    ("Deployment is not restartable", "BAD_USER_INPUT", RailwayStateError, False, False),
    ("Failed to create service domain, please try again", None, RailwayQueryError, True, False),
    ("not-a-domain is not a valid domain", None, RailwayInputError, False, False),
    ("Invalid project name", None, RailwayInputError, False, False),
    ("Commit not found", None, RailwayNotFoundError, False, False),
    ("Problem processing request", None, RailwayQueryError, True, True),
    ('[{"code": "unrecognized_keys", "keys": ["x"]}]', None, RailwayInputError, False, False),
    ("Service web does not have a source that can be used to generate a template", None, RailwayInputError, False, False),
    ("Two Factor Authentication Required", None, RailwayAuthError, False, False),
    ("You have been blocked from publishing templates for now", None, RailwayAuthError, False, False),
    ("You are creating environments too quickly. This workspace allows 1 environment per 30 seconds", "INTERNAL_SERVER_ERROR", RailwayRateLimitError, True, False),
    ("You are creating projects too quickly", None, RailwayRateLimitError, True, False),
    ("Rate limit exceeded", None, RailwayRateLimitError, True, False),
    ('Cannot query field "x" on type "Y". Did you mean "z"?', "GRAPHQL_VALIDATION_FAILED", RailwayQueryError, False, False),
    ("Syntax Error: Expected Name, found <EOF>.", "GRAPHQL_PARSE_FAILED", RailwayQueryError, False, False),
    ("You must be logged in", "UNAUTHENTICATED", RailwayAuthError, False, False),
    ("Value out of bounds", "BAD_USER_INPUT", RailwayInputError, False, False),
    ("Something nobody has seen before", "INTERNAL_SERVER_ERROR", RailwayQueryError, False, True),
]  # fmt: skip


@pytest.mark.parametrize(("message", "code", "kind", "transient", "maybe_applied"), KNOWN_MESSAGES)
def test_every_message_that_railway_is_known_to_send_has_its_class(
    message: str, code: str | None, kind: type[RailwayError], transient: bool, maybe_applied: bool
) -> None:
    error = refused(answer(failure(message, code)), is_write=True)
    assert type(error) is kind
    assert (error.transient, error.maybe_applied) == (transient, maybe_applied)
    assert error.trace_id == "485077830091315156"
    assert error.status_code == 200
    assert [(detail.message, detail.code) for detail in error.errors] == [(message, code)]
    assert str(error).startswith(f"projectCreate: {message}")


@pytest.mark.parametrize("message", [case[0] for case in KNOWN_MESSAGES])
def test_a_read_is_never_called_maybe_applied(message: str) -> None:
    assert not refused(answer(failure(message))).maybe_applied


def test_the_case_of_a_message_does_not_matter() -> None:
    assert type(refused(answer(failure("NOT AUTHORIZED")))) is RailwayAuthError


def test_a_creation_throttle_says_how_long_railways_window_is() -> None:
    error = refused(answer(failure("You are creating volumes too quickly")), is_write=True)
    assert isinstance(error, RailwayRateLimitError)
    assert error.retry_after_s == THROTTLE_WAIT_S == 30


def test_a_refused_field_is_named_as_the_argument() -> None:
    error = refused(answer(failure("Error in numReplicas - Invalid input", "BAD_USER_INPUT")))
    assert isinstance(error, RailwayInputError)
    assert error.argument == "numReplicas"


def test_an_authorization_error_says_what_to_check() -> None:
    text = str(refused(answer(failure("Not Authorized"))))
    assert "Check the token" in text
    assert "do not exist" in text


def test_a_changed_schema_says_which_command_shows_the_change() -> None:
    error = refused(answer(failure('Cannot query field "x" on type "Y".', "GRAPHQL_VALIDATION_FAILED"), 400))
    assert "railway-saas schema check" in str(error)
    assert error.status_code == 400


def test_a_document_that_was_not_run_is_never_mistaken_for_a_missing_object() -> None:
    error = refused(answer(failure('Fragment "not found" is unknown', "GRAPHQL_VALIDATION_FAILED"), 400))
    assert type(error) is RailwayQueryError


def test_path_code_and_trace_id_of_every_error_are_kept() -> None:
    body = {
        "errors": [
            {"message": "first", "path": ["op0", "edges", 3]},
            {"message": "second", "path": ["op1"], "extensions": {"code": "X"}, "traceId": 7},
        ],
        "data": None,
    }
    error = refused(answer(body))
    assert [detail.path for detail in error.errors] == [("op0", "edges", 3), ("op1",)]
    assert [detail.code for detail in error.errors] == [None, "X"]
    assert error.trace_id == "7", "the first that there is"


def test_data_beside_errors_is_kept_apart_from_the_message() -> None:
    body = {
        "errors": [{"message": "Deployment not found"}],
        "data": {"op0": {"secret": "hunter2"}, "op1": None},
    }
    error = refused(answer(body))
    assert error.partial_data == {"op0": {"secret": "hunter2"}, "op1": None}
    assert "hunter2" not in str(error) + repr(error)


@pytest.mark.parametrize(
    "entries",
    ["text", ["text"], [None], [[]], [{}], [{"message": None}], [{"message": 5, "path": "x", "extensions": []}], {"message": "m"}, 1, True],
)  # fmt: skip
def test_errors_of_an_unknown_shape_are_errors_all_the_same(entries: object) -> None:
    error = graphql_error({"errors": entries}, operation="x", is_write=True)
    assert type(error) is RailwayQueryError
    assert error.errors
    assert error.maybe_applied


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "an empty body"),
        (b"  \n", "an empty body"),
        (b'{"data": {"me": {"id"', "JSON that was cut short"),
        (b'[{"data"', "JSON that was cut short"),
        (b"upstream connect error", "plain text"),
        (BAD_GATEWAY_PAGE, "an HTML page"),
        (b"\xff\xfe\x00", "plain text"),
        (b"[" * 100_000, "JSON that was cut short"),
    ],
)
def test_a_body_that_is_not_json_is_described_and_never_shown(body: bytes, what: str) -> None:
    error = refused(answer(body), is_write=True)
    assert type(error) is RailwayResponseError
    assert str(error).startswith(f"projectCreate: HTTP 200 with {what} instead of JSON")
    assert error.transient
    assert error.maybe_applied
    assert "secret-variable-value" not in str(error)


@pytest.mark.parametrize(
    "body", [{"data": None}, {}, [], None, "text", 7, {"data": []}, {"data": None, "errors": None}]
)
def test_json_with_neither_data_nor_errors_is_an_error(body: object) -> None:
    error = refused(answer(body), is_write=True)
    assert type(error) is RailwayResponseError
    assert "neither data nor errors" in str(error)
    assert (error.transient, error.maybe_applied) == (False, True)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 521, 522, 524, 529])
@pytest.mark.parametrize("body", [BAD_GATEWAY_PAGE, b"", b"{}", b'{"error": "gateway"}'])
def test_a_gateways_error_passes_and_a_write_may_have_landed(status: int, body: bytes) -> None:
    error = refused(answer(body, status), is_write=True)
    assert type(error) is RailwayResponseError
    assert (error.status_code, error.transient, error.maybe_applied) == (status, True, True)
    assert not refused(answer(body, status)).maybe_applied


def test_a_graphql_error_with_a_gateways_status_passes_too() -> None:
    error = refused(answer(failure("Internal Server Error", "INTERNAL_SERVER_ERROR"), 500), is_write=True)
    assert (type(error), error.transient, error.maybe_applied) == (RailwayQueryError, True, True)


def test_data_with_a_status_other_than_200_is_not_trusted() -> None:
    assert type(refused(answer({"data": {"me": {}}}, 502))) is RailwayResponseError


@pytest.mark.parametrize("status", [301, 400, 404, 413])
def test_another_refusal_without_graphql_is_final(status: int) -> None:
    error = refused(answer(b"<html>no</html>", status), is_write=True)
    assert (type(error), error.transient, error.maybe_applied) == (RailwayResponseError, False, False)


@pytest.mark.parametrize("body", [b"", b"Unauthorized", b'{"error":"invalid_token"}', CLOUDFLARE_PAGE])
def test_status_401_means_the_token(body: bytes) -> None:
    error = refused(answer(body, 401), is_write=True)
    assert (type(error), error.transient, error.maybe_applied) == (RailwayAuthError, False, False)
    assert error.status_code == 401


def test_status_401_with_an_unknown_graphql_error_means_the_token_too() -> None:
    assert type(refused(answer(failure("jwt expired"), 401))) is RailwayAuthError


@pytest.mark.parametrize("body", [CLOUDFLARE_PAGE, b"error code: 1010", b""])
def test_status_403_from_cloudflare_says_that_railway_never_saw_the_request(body: bytes) -> None:
    error = refused(answer(body, 403), is_write=True)
    assert type(error) is RailwayResponseError
    assert (error.transient, error.maybe_applied) == (False, False)
    assert "did not reach Railway" in str(error)
    assert "Access denied" not in str(error)


def test_status_403_with_a_graphql_error_is_railways_own() -> None:
    assert type(refused(answer(failure("Not Authorized"), 403))) is RailwayAuthError


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html>slow down</html>",
        b'{"errors":[{"message":"Rate limit exceeded"}]}',
        b'{"data":{"x":1}}',
    ],
)
def test_status_429_is_a_rate_limit_whatever_the_body(body: bytes) -> None:
    error = refused(answer(body, 429, retry_after="17"), is_write=True)
    assert isinstance(error, RailwayRateLimitError)
    assert (error.retry_after_s, error.transient, error.maybe_applied) == (17.0, True, False)


@pytest.mark.parametrize("status", [429, 403, 200])
def test_cloudflares_1015_is_a_rate_limit_without_a_known_end(status: int) -> None:
    error = refused(answer(b"error code: 1015\n", status))
    assert isinstance(error, RailwayRateLimitError)
    assert error.retry_after_s is None
    assert "Cloudflare 1015" in str(error)


def test_a_log_line_that_quotes_cloudflare_is_data() -> None:
    lines = {"deploymentLogs": [{"message": "error code: 1015"}]}
    assert read(answer({"data": lines})) == lines


NOW = datetime(2026, 10, 21, 7, 28, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("1.5", 1.5),
        (" 30 ", 30.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("²", None),
        ("9" * 5000, 86_400.0),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:30", None),
    ],
)
def test_retry_after_is_read_in_every_form_and_never_trusted(value: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": value}, NOW) == seconds


def test_a_retry_after_date_is_read_against_the_answers_own_clock() -> None:
    headers = {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert retry_after_s(headers) == 30.0
    assert retry_after_s({"retry-after": headers["retry-after"]}) is None, (
        "without a date there is nothing to compare"
    )


SECRET = "hunter2-of-the-customer"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            f'Variable "$input" got invalid value {{ name: "{SECRET}", n: 1 }} at "input.variables"; Expected type "X".',
            'Variable "$input" got invalid value at input.variables (not shown)',
        ),
        (
            f'Variable "$v" got invalid value "{SECRET}; and at \\"{SECRET}"; String cannot represent a non string value: "{SECRET}"',
            'Variable "$v" got invalid value (not shown)',
        ),
        (f"Variable \"$v\" got invalid value '{SECRET}'", 'Variable "$v" got invalid value (not shown)'),
        (f"Variable \"$v\" got invalid value {{\n a: '{SECRET}'\n}}; no", 'Variable "$v" got invalid value (not shown)'),
        (f'Int cannot represent non-integer value: "{SECRET}"', "Int cannot represent non-integer value: (not shown)"),
    ],
)  # fmt: skip
def test_a_value_that_the_server_echoes_is_cut_out_of_the_message(message: str, shown: str) -> None:
    error = refused(answer(failure(message, "BAD_USER_INPUT"), 400))
    assert error.errors[0].message == shown
    assert SECRET not in f"{error}{error!r}{error.errors}"


def test_bodies_recorded_from_the_live_api_become_the_right_errors(reference_data: Path) -> None:
    recorded = json.loads((reference_data / "railway/examples/recorded-responses.json").read_text())
    kinds = {
        "Project Token not found": RailwayAuthError,
        "Deployment not found": RailwayNotFoundError,
        "Not Authorized": RailwayAuthError,
        'A service named "spin-probe-muvo9oh9" already exists in this project': RailwayConflictError,
        "Error in numReplicas - Invalid input": RailwayInputError,
        "Problem processing request": RailwayQueryError,
    }
    for entry in recorded["errors"]:
        error = refused(answer(entry["body"], entry.get("status", 200)), is_write=True)
        first = entry["body"]["errors"][0]
        assert type(error) is kinds.get(first["message"], type(error))
        assert (error.trace_id, error.errors[0].message) == (first.get("traceId"), first["message"])
        assert error.errors[0].path == tuple(first.get("path", ()))
    for entry in recorded["successes"]:
        assert read(answer(entry["body"])) == entry["body"]["data"]


def error_of(answer: Answer, *, is_write: bool = False) -> RailwayError | None:
    try:
        read(answer, is_write=is_write)
    except RailwayError as error:
        return error
    return None


@given(body=st.binary(max_size=200), status=st.integers(100, 599), is_write=st.booleans())
def test_no_answer_whatsoever_escapes_as_another_exception(body: bytes, status: int, is_write: bool) -> None:
    error = error_of(answer(body, status), is_write=is_write)
    assert error is None or (error.status_code == status and (is_write or not error.maybe_applied))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "errors", "message", "path", "extensions", "traceId", "x"]), inner
        )
    ),
    max_leaves=8,
)


@given(body=JSON)
def test_no_json_whatsoever_escapes_as_another_exception(body: object) -> None:
    error = error_of(answer(body))
    assert error is None or error.operation == "projectCreate"


def test_half_a_character_in_an_answer_does_not_make_it_unreadable() -> None:
    body = rb'{"data": {"logs": ["cut \ud83d", "whole \ud83d\ude00", "tail \ude00"]}}'
    data = read_data(Answer(200, {}, body), operation="deploymentLogs", is_write=False)
    assert data["logs"] == ["cut \ufffd", "whole 😀", "tail \ufffd"]


def test_an_endless_message_is_cut_before_anybody_searches_it() -> None:
    body = json.dumps({"errors": [{"message": "got invalid value " * 100_000}], "data": None}).encode()
    with pytest.raises(RailwayQueryError) as caught:
        read_data(Answer(200, {}, body), operation="projectCreate", is_write=True)
    assert len(str(caught.value)) < 3_000


@pytest.mark.parametrize("value", ["9" * 12, "1e9", "99999999999.5"])
def test_no_wait_of_more_than_a_day_is_believed(value: str) -> None:
    assert retry_after_s({"retry-after": value}) in {86_400.0, None}


def test_a_wait_with_many_digits_is_a_long_one_and_not_none() -> None:
    assert retry_after_s({"retry-after": "9" * 12}) == 86_400.0
