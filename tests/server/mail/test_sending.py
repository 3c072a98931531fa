"""From the outbox to the mail server: once as far as SMTP allows, bounded, forgotten when it is out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from railway_saas.repositories.sqlalchemy.models import OutboxRow
from reference_server.jobs.port import SEND_MAIL
from reference_server.mail import sending
from reference_server.mail.messages import mail
from reference_server.mail.sending import (
    MAX_ATTEMPTS,
    MailGivenUpError,
    pause_s,
    revive_mail,
    send_mail,
    sweep_mail,
)
from reference_server.mail.transports import MailFailedError, MailRefusedError
from tests.server.jobs.test_queue import begin, queue_of, waiting

if TYPE_CHECKING:
    from email.message import EmailMessage
    from uuid import UUID

    from railway_saas.emulator import Emulator
    from reference_server.composition import Platform
    from tests.server.mail.conftest import Post

SECRET = "https://platform.example.com/reset?token=a-secret"


class Out:
    """A way out that is told how it goes."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.ids: list[str] = []

    def send(self, message: EmailMessage) -> None:
        self.ids.append(message["Message-ID"])
        if self.errors:
            raise self.errors.pop(0)

    def check(self) -> None:
        """All is well."""


def written(platform: Platform, template: str = "reset_password") -> UUID:
    data = {"link": SECRET} if template == "reset_password" else {}
    row = mail("ann@example.com", template, data, key=template, now=platform.now())
    with platform.database.unit_of_work() as work:
        work.outbox.add(row)
        work.commit()
    return row.id


def stored(platform: Platform, mail_id: UUID) -> OutboxRow:
    with platform.database.unit_of_work() as work:
        row = work.session.scalars(select(OutboxRow).where(OutboxRow.id == mail_id)).one()
        work.session.expunge(row)
    return row


def test_a_mail_goes_out_once_and_what_it_said_is_forgotten(
    worker: Platform, open_post: Post, environment: dict[str, str]
) -> None:
    del environment
    url = f"smtp://127.0.0.1:{open_post.port}?tls=off"
    platform = replace(worker, mail=sending_to(url))
    mail_id = written(platform)
    assert send_mail(platform, str(mail_id)) == "sent"
    assert send_mail(platform, str(mail_id)) == "not due, or sent already"
    assert len(open_post.mails) == 1
    row = stored(platform, mail_id)
    assert row.sent_at is not None
    assert row.payload == {"template": "reset_password", "wiped": True}


def sending_to(url: str) -> sending.MailTransport:
    from reference_server.mail.transports import transport_of
    from reference_server.settings import Settings

    return transport_of(Settings.from_environment({"MAIL_URL": url}))


def test_it_comes_again_later_and_later_with_one_message_id_and_then_has_failed(
    worker: Platform, emulator: Emulator
) -> None:
    out = Out(*[MailFailedError("the mail server is away")] * MAX_ATTEMPTS)
    platform = replace(worker, mail=out)
    mail_id = written(platform)
    for attempt in range(1, MAX_ATTEMPTS):
        assert send_mail(platform, str(mail_id)).startswith(f"attempt {attempt}")
        assert send_mail(platform, str(mail_id)) == "not due, or sent already"
        emulator.clock.advance(2.7 * 3600)
    with pytest.raises(MailGivenUpError, match="away"):
        send_mail(platform, str(mail_id))
    assert len(out.ids) == MAX_ATTEMPTS
    assert len(set(out.ids)) == 1
    row = stored(platform, mail_id)
    assert row.failed_at is not None
    assert row.error == "the mail server is away"
    assert "a-secret" not in str(row.payload)


def test_a_mail_that_the_server_will_never_take_fails_at_once(worker: Platform) -> None:
    platform = replace(worker, mail=Out(MailRefusedError("no such user")))
    mail_id = written(platform)
    with pytest.raises(MailGivenUpError, match="no such user"):
        send_mail(platform, str(mail_id))


def test_an_operator_may_have_a_failed_mail_sent_again(worker: Platform) -> None:
    out = Out(MailRefusedError("no such user"))
    platform = replace(worker, mail=out)
    mail_id = written(platform, "password_changed")
    with pytest.raises(MailGivenUpError):
        send_mail(platform, str(mail_id))
    revive_mail(platform, str(mail_id))
    assert send_mail(platform, str(mail_id)) == "sent"


def test_a_crash_between_sending_and_marking_sends_the_same_message_again(
    worker: Platform, emulator: Emulator
) -> None:
    out = Out(KeyboardInterrupt())  # what a kill looks like from within
    platform = replace(worker, mail=out)
    mail_id = written(platform)
    with pytest.raises(KeyboardInterrupt):
        send_mail(platform, str(mail_id))
    begin(platform)
    sweep_mail(platform, "")
    assert waiting(queue_of(platform)) == []  # it may still be on its way
    emulator.clock.advance(120)
    sweep_mail(platform, "")
    assert waiting(queue_of(platform)) == [(SEND_MAIL, str(mail_id))]
    assert send_mail(platform, str(mail_id)) == "sent"
    assert len(set(out.ids)) == 1


def test_a_mail_that_cannot_be_written_fails_at_once(worker: Platform) -> None:
    out = Out()
    platform = replace(worker, mail=out)
    row = mail("ann@example.com\nBcc: x@example.com", "password_changed", {}, key="k", now=worker.now())
    with platform.database.unit_of_work() as work:
        work.outbox.add(row)
        work.commit()
    with pytest.raises(MailGivenUpError, match="address"):
        send_mail(platform, str(row.id))
    assert out.ids == []


def test_pauses_grow_are_jittered_and_longer_than_one_attempt_takes() -> None:
    for attempt in range(1, MAX_ATTEMPTS):
        pauses = [pause_s(attempt) for _ in range(50)]
        assert min(pauses) >= sending.FIRST_PAUSE_S
        assert len(set(pauses)) > 1
    total = sum(pause_s(attempt) for attempt in range(1, MAX_ATTEMPTS))
    assert timedelta(hours=3) < timedelta(seconds=total) < timedelta(hours=7)
