"""Ways out for mails: a mail server, or a folder."""

from __future__ import annotations

import logging
import smtplib
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Generator
    from email.message import EmailMessage
    from pathlib import Path

    from reference_server.settings import Settings

log = logging.getLogger("reference_server.mail")

TIMEOUT_S: Final = 20.0
"""Of connecting, and of each answer of the mail server."""
_PORTS: Final = {"smtp": 587, "smtps": 465}
_HOW_URLS_LOOK: Final = "must be like smtp://user:password@host:587 or smtps://user:password@host:465"
_PERMANENT: Final = range(500, 600)
"""RFC 5321, section 4.2.1: the command must not be repeated as it is."""


class MailRefusedError(Exception):
    """The mail server will never take it."""


class MailFailedError(Exception):
    """It could not be sent now; perhaps later."""


class MailTransport(Protocol):
    """Sends one mail."""

    def send(self, message: EmailMessage) -> None:
        """Hand the mail over.

        Raises:
            MailRefusedError: It will never be taken.
            MailFailedError: Not now.
        """
        ...

    def check(self) -> None:
        """See whether mails would get out, without sending one.

        Raises:
            MailFailedError: They would not.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpTransport:
    """A mail server: `smtps://` is encrypted from the start, `smtp://` after STARTTLS."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    from_start: bool = False
    """Encrypted from the first byte."""
    in_clear: bool = False
    """Not encrypted at all: `?tls=off`, for a mail server on this machine."""

    def send(self, message: EmailMessage) -> None:
        """See `MailTransport`."""
        recipient, sender = _address(message, "To"), _address(message, "From")
        with _translated(), self._connected() as server:
            server.send_message(message, from_addr=sender, to_addrs=[recipient])

    def check(self) -> None:
        """See `MailTransport`."""
        with _translated(), self._connected() as server:
            server.noop()

    @contextmanager
    def _connected(self) -> Generator[smtplib.SMTP]:
        context = ssl.create_default_context()
        server = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
            if self.from_start
            else smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        )
        with server:
            if not self.from_start and not self.in_clear:
                server.starttls(context=context)
            if self.user is not None:
                server.login(self.user, self.password or "")
            yield server


@dataclass(frozen=True, slots=True)
class FolderTransport:
    """A folder of `.eml` files, for one laptop. A mail that is sent twice is one file: its name comes from the Message-ID."""

    folder: Path

    def send(self, message: EmailMessage) -> None:
        """See `MailTransport`."""
        name = message["Message-ID"].strip("<>").partition("@")[0]
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self.folder / f".{name}.part"
            draft.write_bytes(message.as_bytes())
            target = draft.rename(self.folder / f"{name}.eml")
        except OSError as error:
            raise MailFailedError(f"the mailbox folder cannot be written ({type(error).__name__})") from error
        # The body is no matter for a log: it may hold a link that logs somebody in.
        log.info("mail to %s: %s: %s", message["To"], message["Subject"], target)

    def check(self) -> None:
        """See `MailTransport`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise MailFailedError(f"the mailbox folder cannot be made ({type(error).__name__})") from error


def transport_of(settings: Settings) -> MailTransport:
    """What `MAIL_URL` says; a folder in `DATA_DIR` without it."""
    if settings.mail_url is None:
        return FolderTransport(settings.data_dir / "mailbox")
    return smtp_of(settings.mail_url.get_secret_value())


def smtp_of(url: str) -> SmtpTransport:
    """The mail server of a URL.

    Raises:
        ValueError: It cannot be read. It is not quoted: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        options = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        raise ValueError(_HOW_URLS_LOOK) from None
    if parts.scheme not in _PORTS or not host or options.keys() - {"tls"}:
        raise ValueError(_HOW_URLS_LOOK)
    in_clear = options.get("tls") == ["off"]
    if in_clear and (parts.scheme == "smtps" or host not in {"localhost", "127.0.0.1", "::1"}):
        raise ValueError("tls=off goes with smtp:// and a mail server on this machine only")
    return SmtpTransport(
        host=host,
        port=port or _PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        from_start=parts.scheme == "smtps",
        in_clear=in_clear,
    )


def _address(message: EmailMessage, header: str) -> str:
    return parseaddr(str(message[header]))[1]


@contextmanager
def _translated() -> Generator[None]:
    """Errors of the mail server in our words: its own may quote the address or the log-in."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        if all(code in _PERMANENT for code in codes):
            raise MailRefusedError(f"the mail server refuses the recipient ({_said(codes)})") from error
        raise MailFailedError(f"the mail server does not take the recipient now ({_said(codes)})") from error
    except smtplib.SMTPAuthenticationError as error:
        # Not the mail's fault: it goes out once somebody has put MAIL_URL right.
        raise MailFailedError(f"the mail server refuses our log-in ({error.smtp_code})") from error
    except smtplib.SMTPDataError as error:
        if error.smtp_code in _PERMANENT:
            raise MailRefusedError(f"the mail server refuses the mail ({error.smtp_code})") from error
        raise MailFailedError(f"the mail server does not take the mail now ({error.smtp_code})") from error
    except smtplib.SMTPResponseException as error:
        raise MailFailedError(f"the mail server says {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise MailFailedError(f"the mail server cannot be used ({type(error).__name__})") from error


def _said(codes: set[int]) -> str:
    return ", ".join(str(code) for code in sorted(codes))
