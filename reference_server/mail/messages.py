"""From an outbox row to a mail: templates, headers that nobody can inject into."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError, select_autoescape

from railway_saas.domain import new_id
from railway_saas.domain.records import OutboxMessage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

TOPIC: Final = "mail"

TEMPLATES: Final[dict[str, frozenset[str]]] = {
    "verify_email": frozenset({"link"}),
    "verify_new_email": frozenset({"link"}),
    "already_registered": frozenset(),
    "reset_password": frozenset({"link"}),
    "password_changed": frozenset(),
    "account_locked": frozenset(),
    "session_reused": frozenset(),
    "email_changed": frozenset({"new_email"}),
    "instance_running": frozenset({"instance_id", "name"}),
    "instance_failed": frozenset({"instance_id", "name"}),
    "instance_crashed": frozenset({"instance_id", "name"}),
    "instance_deleted": frozenset({"instance_id", "name"}),
    "needs_attention": frozenset({"instance_id", "name", "reason"}),
}
"""Name, and what its data must have. More may be there: what the texts can use they use."""

WITH_SECRET: Final = frozenset(name for name, needed in TEMPLATES.items() if "link" in needed)
"""Their link logs somebody in, once: they are forgotten even when they are given up."""

_MAX_LINE: Final = 2000
_MAX_SUBJECT: Final = 150
_MAX_SMTP_LINE: Final = 998
"""RFC 5322, section 2.1.1."""
_SPACES: Final = re.compile(r"\s+")


class UnsendableMailError(Exception):
    """No attempt can send it: the address or the data cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """On whose behalf mails go out."""

    address: str
    """As in the header From, e.g. `Platform <platform@example.com>`."""
    base_url: str
    """Where the platform is."""

    @property
    def domain(self) -> str:
        """Of the address: message ids end with it."""
        return parseaddr(self.address)[1].rpartition("@")[2] or "localhost"


def mail(
    to: str,
    template: str,
    data: Mapping[str, Any],
    *,
    key: str,
    now: datetime,
    delay_until: datetime | None = None,
) -> OutboxMessage:
    """An outbox row for a mail. Written twice under one key, it is kept, and sent, once.

    Raises:
        ValueError: There is no such template, or the data lacks something.
    """
    missing = TEMPLATES[template] - data.keys() if template in TEMPLATES else {"the template itself"}
    if missing:
        raise ValueError(f"mail {template!r} lacks {', '.join(sorted(missing))}")
    return OutboxMessage(
        id=new_id(now),
        topic=TOPIC,
        key=key,
        payload={"to": to, "template": template, "data": dict(data)},
        not_before=delay_until or now,
        created_at=now,
    )


def compose(row: OutboxMessage, sender: Sender) -> EmailMessage:
    """The mail of an outbox row. The same row gives the same Message-ID, so that a repeated one can be told.

    Raises:
        UnsendableMailError: It cannot be written.
    """
    to, template = str(row.payload.get("to", "")), str(row.payload.get("template", ""))
    data: Mapping[str, Any] | None = row.payload.get("data")
    if template not in TEMPLATES or data is None:
        raise UnsendableMailError(f"there is no template {template[:50]!r}, or what it said is forgotten")
    subject, body = _render(template, data, sender)
    message = EmailMessage(policy=SMTP)
    try:
        # `Address` takes exactly one address; the policy refuses line breaks in every header.
        message["To"] = Address(addr_spec=to)
        message["From"] = sender.address
    except (ValueError, IndexError, MessageError) as error:
        raise UnsendableMailError(f"the address cannot be used ({type(error).__name__})") from None
    message["Subject"] = subject
    message["Date"] = format_datetime(row.created_at)
    message["Message-ID"] = f"<{row.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notices in return
    # As it is where that is possible: links stay in one piece, in a file as well.
    is_plain = body.isascii() and max(map(len, body.splitlines())) <= _MAX_SMTP_LINE
    message.set_content(body, cte="7bit" if is_plain else "quoted-printable")
    return message


def _render(template: str, data: Mapping[str, Any], sender: Sender) -> tuple[str, str]:
    """Subject and body: the first line of a template begins with `Subject:`."""
    try:
        text = (
            _environment()
            .get_template(f"{template}.txt")
            .render({"base_url": sender.base_url, **_harmless(data)})
        )
    except TemplateError as error:
        raise UnsendableMailError(f"template {template}: {type(error).__name__}") from None
    head, _, body = text.partition("\n")
    return one_line(head.removeprefix("Subject:"))[:_MAX_SUBJECT], body.strip() + "\n"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reference_server.mail"),
        autoescape=select_autoescape(["html"]),  # a text is no place for `&amp;`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _harmless(data: Mapping[str, Any]) -> dict[str, Any]:
    """What customers chose (names) stays in its line, whatever it holds."""
    return {key: one_line(value) if isinstance(value, str) else value for key, value in data.items()}


def one_line(text: str) -> str:
    """Without line breaks and control characters, and not too long."""
    seen = "".join(
        " " if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs"} else char for char in text
    )
    return _SPACES.sub(" ", seen).strip()[:_MAX_LINE]
