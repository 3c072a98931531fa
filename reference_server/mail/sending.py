"""Sending the outbox's mails.

A mail is claimed in one transaction, sent, and marked in a second one. A process that dies between the two leaves a mail
that is sent again, with the same Message-ID: SMTP has no way to ask whether it arrived.
"""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from reference_server.jobs.port import SEND_MAIL
from reference_server.mail.messages import TOPIC, WITH_SECRET, Sender, UnsendableMailError, compose
from reference_server.mail.transports import MailFailedError, MailRefusedError

if TYPE_CHECKING:
    from railway_saas.domain.records import OutboxMessage
    from reference_server.composition import Platform

log = logging.getLogger("reference_server.mail")

MAX_ATTEMPTS: Final = 8
FIRST_PAUSE_S: Final = 60.0
"""Longer than one attempt may take, so that a mail is never with two workers."""
GROWTH: Final = 2.5
LONGEST_PAUSE_S: Final = 2 * 3600.0
SWEEP: Final = 200
"""Mails per sweep."""


class MailGivenUpError(Exception):
    """It was not sent, and will not be."""


def pause_s(attempt: int) -> float:
    """Seconds between an attempt and the next one: growing, with a jitter upwards so that it is never too short."""
    return min(FIRST_PAUSE_S * GROWTH ** (attempt - 1), LONGEST_PAUSE_S) * random.uniform(1.0, 1.3)  # noqa: S311


def send_mail(platform: Platform, subject: str) -> str:
    """Send one mail, if it is due.

    Raises:
        MailGivenUpError: This was the last attempt.
    """
    mail = _claimed(platform, UUID(subject))
    if mail is None:
        return "not due, or sent already"
    try:
        platform.mail.send(compose(mail, sender_of(platform)))
    except (UnsendableMailError, MailRefusedError) as error:
        raise _given_up(platform, mail, str(error)) from error
    except MailFailedError as error:
        if mail.attempts >= MAX_ATTEMPTS:
            raise _given_up(platform, mail, str(error)) from error
        _note(platform, replace(mail, error=str(error)))
        return f"attempt {mail.attempts}: {error}"
    _mark_sent(platform, mail)
    return "sent"


def sender_of(platform: Platform) -> Sender:
    """On whose behalf."""
    return Sender(address=platform.settings.mail_from, base_url=platform.settings.base_url)


def _claimed(platform: Platform, message_id: UUID) -> OutboxMessage | None:
    now = platform.now()
    with platform.database.unit_of_work() as work:
        mail = work.outbox.claim(message_id, now=now)
        if mail is not None:
            attempt = mail.attempts + 1
            mail = replace(
                mail, attempts=attempt, not_before=now + timedelta(seconds=pause_s(attempt)), error=None
            )
            work.outbox.save(mail)
        work.commit()
    return mail


def _note(platform: Platform, mail: OutboxMessage) -> None:
    with platform.database.unit_of_work() as work:
        work.outbox.save(mail)
        work.commit()


def _mark_sent(platform: Platform, mail: OutboxMessage) -> None:
    """And forget what it said: links in it log people in."""
    with platform.database.unit_of_work() as work:
        work.outbox.save(replace(mail, sent_at=platform.now(), error=None))
        work.outbox.wipe(mail.id)
        work.commit()


def _given_up(platform: Platform, mail: OutboxMessage, reason: str) -> MailGivenUpError:
    log.error("mail %s (%s) is given up: %s", mail.id, mail.payload.get("template"), reason)
    with platform.database.unit_of_work() as work:
        work.outbox.save(replace(mail, error=reason, failed_at=platform.now()))
        if mail.payload.get("template") in WITH_SECRET:
            work.outbox.wipe(mail.id)
        work.commit()
    return MailGivenUpError(f"given up after {mail.attempts} attempts: {reason}")


def revive_mail(platform: Platform, subject: str) -> None:
    """Let a mail that was given up be sent again, from the first attempt."""
    with platform.database.unit_of_work() as work:
        work.outbox.revive(UUID(subject), now=platform.now())
        work.commit()


def is_mail_due(platform: Platform) -> bool:
    """Whether a mail waits to be sent."""
    with platform.database.unit_of_work() as work:
        return bool(work.outbox.due_ids(TOPIC, now=platform.now(), limit=1))


def sweep_mail(platform: Platform, _: str) -> str:
    """Wish for every mail that is due to be sent."""
    with platform.database.unit_of_work() as work:
        due = work.outbox.due_ids(TOPIC, now=platform.now(), limit=SWEEP)
        for message_id in due:
            platform.jobs.enqueue(work.session, SEND_MAIL, str(message_id))
        work.commit()
    return f"{len(due)} due"
