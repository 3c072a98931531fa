"""Ways out: a mail server, encrypted or on this machine, and a folder."""

from __future__ import annotations

import logging
import socket
from datetime import UTC, datetime
from email import message_from_bytes
from typing import TYPE_CHECKING

import pytest

from railway_saas.errors import ConfigurationError
from reference_server.mail import transports
from reference_server.mail.messages import Sender, compose, mail
from reference_server.mail.transports import FolderTransport, MailFailedError, MailRefusedError, transport_of
from reference_server.settings import Settings

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from reference_server.mail.transports import MailTransport
    from tests.server.mail.conftest import Post

SECRET = "https://platform.example.com/reset?token=a-secret"


def a_mail(to: str = "ann@example.com") -> EmailMessage:
    row = mail(to, "reset_password", {"link": SECRET}, key="k", now=datetime(2026, 11, 2, tzinfo=UTC))
    return compose(row, Sender(address="Plätze <platform@example.com>", base_url="https://p.example.com"))


def at(url: str) -> MailTransport:
    return transport_of(Settings.from_environment({"MAIL_URL": url}))


def test_it_encrypts_before_it_logs_in(post: Post) -> None:
    transport = at(f"smtp://platform:p%40ss%20word@127.0.0.1:{post.port}")
    transport.check()
    transport.send(a_mail())
    assert post.logins == [(b"platform", b"p@ss word")] * 2
    assert all(session.ssl is not None for session in post.sessions)
    envelope = post.mails[0]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("platform@example.com", ["ann@example.com"])
    assert SECRET in message_from_bytes(envelope.content).get_payload()


def test_it_encrypts_from_the_first_byte(sealed_post: Post) -> None:
    at(f"smtps://127.0.0.1:{sealed_post.port}").send(a_mail())
    assert len(sealed_post.mails) == 1


def test_it_sends_nothing_in_clear_to_a_server_that_cannot_encrypt(open_post: Post) -> None:
    with pytest.raises(MailFailedError):
        at(f"smtp://127.0.0.1:{open_post.port}").send(a_mail())
    assert open_post.mails == []


def test_it_sends_in_clear_to_this_machine_where_it_is_told_so(open_post: Post) -> None:
    at(f"smtp://127.0.0.1:{open_post.port}?tls=off").send(a_mail())
    assert len(open_post.mails) == 1


@pytest.mark.parametrize(
    ("recipient", "data", "error"),
    [
        ("550 no such user", "250 OK", MailRefusedError),
        ("450 try later", "250 OK", MailFailedError),
        ("250 OK", "554 spam", MailRefusedError),
        ("250 OK", "451 try later", MailFailedError),
    ],
)
def test_what_the_server_says_decides_whether_to_try_again(
    open_post: Post, recipient: str, data: str, error: type[Exception]
) -> None:
    open_post.answer_to_recipient, open_post.answer = recipient, data
    with pytest.raises(error) as raised:
        at(f"smtp://localhost:{open_post.port}?tls=off").send(a_mail())
    assert "ann@" not in str(raised.value)


def test_a_wrong_password_is_not_the_mails_fault_and_not_told(post: Post) -> None:
    with pytest.raises(MailFailedError) as raised:
        at(f"smtp://platform:wrong@127.0.0.1:{post.port}").send(a_mail())
    assert "wrong" not in str(raised.value)


def test_a_certificate_that_nobody_knows_is_not_believed(
    sealed_post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(MailFailedError, match="SSLCertVerificationError"):
        at(f"smtps://127.0.0.1:{sealed_post.port}").send(a_mail())


def test_nobody_waits_for_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(MailFailedError):
        at(f"smtp://127.0.0.1:{silent.getsockname()[1]}").send(a_mail())


def test_a_folder_has_each_mail_once_and_the_log_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    message = a_mail()
    for _ in range(2):
        FolderTransport(tmp_path / "mailbox").send(message)
    files = list((tmp_path / "mailbox").iterdir())
    assert [file.suffix for file in files] == [".eml"]
    assert SECRET in message_from_bytes(files[0].read_bytes()).get_payload()
    assert "ann@example.com" in caplog.text
    assert "a-secret" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "smtp://",
        "smtp://host:port",
        "smtp://mail.example.com?tls=off",
        "smtps://localhost?tls=off",
        "smtp://user:hunter2@host?what=ever",
    ],
)
def test_a_mail_url_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="MAIL_URL") as raised:
        at(url)
    assert "hunter2" not in str(raised.value)


def test_the_password_is_not_shown() -> None:
    assert "hunter2" not in repr(at("smtp://user:hunter2@mail.example.com"))
