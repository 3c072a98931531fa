"""A mail server, with a certificate that this process believes."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.server.jobs.conftest import worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["worker"]


@dataclass
class Post:
    """What arrived, and what to answer."""

    port: int = 0
    mails: list[Any] = field(default_factory=list[Any])
    answer: str = "250 OK"
    answer_to_recipient: str = "250 OK"
    logins: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    sessions: list[Any] = field(default_factory=list[Any])

    async def handle_RCPT(self, _: Any, session: Any, envelope: Any, address: str, __: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.sessions.append(session)
        if self.answer_to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer_to_recipient

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802 - as above
        if self.answer.startswith("250"):
            self.mails.append(envelope)
        return self.answer

    def authenticate(self, _: Any, __: Any, ___: Any, ____: str, data: Any) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss word", handled=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def believed(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def post(believed: ssl.SSLContext) -> Iterator[Post]:
    """STARTTLS before anything else, and a log-in."""
    yield from serving(
        Post(), tls_context=believed, require_starttls=True, auth_required=True, auth_require_tls=True
    )


@pytest.fixture
def open_post() -> Iterator[Post]:
    """Neither."""
    yield from serving(Post())


@pytest.fixture
def sealed_post(believed: ssl.SSLContext) -> Iterator[Post]:
    """Encrypted from the first byte."""
    yield from serving(Post(), ssl_context=believed)


class _Controller(Controller):
    def __init__(self, post: Post, options: dict[str, Any], ssl_context: ssl.SSLContext | None) -> None:
        self._options = options
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        super().__init__(post, hostname="127.0.0.1", port=port, ssl_context=ssl_context)

    def factory(self) -> SMTP:
        return SMTP(self.handler, hostname="localhost", **self._options)


def serving(post: Post, *, ssl_context: ssl.SSLContext | None = None, **options: Any) -> Iterator[Post]:
    if options.get("auth_required"):
        options["authenticator"] = post.authenticate
    controller = _Controller(post, options, ssl_context)
    controller.start()
    post.port = controller.port
    yield post
    controller.stop(no_assert=True)
