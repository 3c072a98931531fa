"""Mails as they are written: every template, and headers that nobody can inject into."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference_server.mail
from reference_server.mail.messages import TEMPLATES, Sender, UnsendableMailError, compose, mail

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
SENDER = Sender(address="Platform <platform@example.com>", base_url="https://platform.example.com")
DATA = {
    "link": "https://platform.example.com/verify?token=abc",
    "new_email": "new@example.com",
    "instance_id": "0199c1c2-6a4e-7f61-8a77-1f0f0e2f1b11",
    "name": "shop",
    "reason": "it crashed",
}


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_every_template_is_written_with_what_it_needs(template: str) -> None:
    data = {name: DATA[name] for name in TEMPLATES[template]}
    message = compose(mail("ann@example.com", template, data, key="k", now=NOW), SENDER)
    assert message["To"] == "ann@example.com"
    assert message["From"] == "Platform <platform@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"]
    body = message.get_content()
    assert "https://platform.example.com" in body
    assert "{{" not in body
    assert "{%" not in body
    for value in data.values():
        assert value in body or value in message["Subject"] or template == "instance_deleted"


def test_there_is_a_template_for_every_name_and_the_other_way_round() -> None:
    folder = Path(reference_server.mail.__file__).parent / "templates"
    assert {path.stem for path in folder.glob("[!_]*.txt")} == set(TEMPLATES)


def test_the_same_row_gives_the_same_message_id() -> None:
    row = mail("ann@example.com", "password_changed", {}, key="k", now=NOW)
    first, second = compose(row, SENDER), compose(row, SENDER)
    assert first["Message-ID"] == second["Message-ID"] == f"<{row.id}@example.com>"


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com\r\nBcc: all@example.com",
        "ann@example.com, bob@example.com",
        "ann@example.com\n",
        "Ann <ann@example.com>",
        "ann",
        "",
        "ann@",
        "@example.com",
    ],
)
def test_an_address_that_is_none_or_many_is_not_written_to(address: str) -> None:
    with pytest.raises(UnsendableMailError):
        compose(mail(address, "password_changed", {}, key="k", now=NOW), SENDER)


@given(st.text(max_size=200))
def test_no_name_of_an_instance_makes_a_header(name: str) -> None:
    data = {"instance_id": "1", "name": f"{name}\r\nBcc: all@example.com\r\n\r\nHello"}
    message = compose(mail("ann@example.com", "instance_deleted", data, key="k", now=NOW), SENDER)
    assert set(message.keys()) == {
        "To",
        "From",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    }
    head = message.as_bytes().partition(b"\r\n\r\n")[0]
    assert b"\nBcc:" not in head


def test_text_is_not_escaped_as_if_it_were_html() -> None:
    data = {"instance_id": "1", "name": "Tom & Jerry <3"}
    message = compose(mail("ann@example.com", "instance_deleted", data, key="k", now=NOW), SENDER)
    assert message["Subject"] == "Tom & Jerry <3 is deleted"


def test_what_a_template_needs_must_be_there_when_the_mail_is_written() -> None:
    with pytest.raises(ValueError, match="link"):
        mail("ann@example.com", "reset_password", {}, key="k", now=NOW)
    with pytest.raises(ValueError, match="template"):
        mail("ann@example.com", "unknown", {}, key="k", now=NOW)
