"""Encryption at rest: a ring of keys with ids, AES-256-GCM, every text bound to the place it stands in."""

from __future__ import annotations

import base64
import binascii
import os
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from railway_saas.errors import UndecipherableError

if TYPE_CHECKING:
    from reference_server.settings import KeyRing

VARIABLES: Final = "instance variables"
"""Purpose of what customers fill in."""
ANSWERS: Final = "idempotent answers"
"""Purpose of answers that are kept to be given again."""
BACKUPS: Final = "platform backups"

_VERSION: Final = "v1"
_NONCE_BYTES: Final = 12
"""Random nonces of 96 bits are safe for 2**32 texts under one key. Source: NIST SP 800-38D, section 8.3."""
_KEY_BYTES: Final = 32


def derived_key(secret: str, purpose: str) -> bytes:
    """A key of 256 bits for one purpose, so that one secret serves several without one telling of another.

    Source: RFC 5869.
    """
    return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode()).derive(
        secret.encode()
    )


class RingCipher:
    """Seals with the newest key of a ring, opens with any. See `railway_saas.repositories.sealing.VariableCipher`.

    Sealed text reads `v1.<key id>.<nonce and text in base64>`.

    Args:
        keys: The ring.
        purpose: What it is for; text of one purpose does not open for another.
    """

    def __init__(self, keys: KeyRing, *, purpose: str) -> None:
        self._current_id = keys.current[0]
        self._keys = {
            key_id: AESGCM(derived_key(secret.get_secret_value(), purpose)) for key_id, secret in keys.keys
        }

    def seal(self, plain: str, *, context: str) -> str:
        """Encrypt."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self._current_id].encrypt(
            nonce, plain.encode(), _bound(self._current_id, context)
        )
        return f"{_VERSION}.{self._current_id}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, context: str) -> str:
        """Decrypt.

        Raises:
            UndecipherableError: The key is gone, or the text was altered or stood elsewhere.
        """
        key_id = _key_id_of(sealed)
        key = self._keys.get(key_id)
        if key is None:
            raise UndecipherableError(
                f"{context}: is sealed with the key {key_id!r}, which ENCRYPTION_KEYS does not hold; put it back"
            )
        try:
            raw = base64.b64decode(sealed.rpartition(".")[2], validate=True)
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(key_id, context)).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise UndecipherableError(
                f"{context}: was altered, or the key {key_id!r} of ENCRYPTION_KEYS is another one than before"
            ) from None

    def is_current(self, sealed: str) -> bool:
        """Whether it was sealed with the newest key."""
        return _key_id_of(sealed) == self._current_id


def _key_id_of(sealed: str) -> str:
    version, _, rest = sealed.partition(".")
    key_id, separator, _ = rest.rpartition(".")
    if version != _VERSION or not separator:
        raise UndecipherableError(
            "sealed text that this version does not know; was it written by a newer one?"
        )
    return key_id


def _bound(key_id: str, context: str) -> bytes:
    return f"{_VERSION}\x00{key_id}\x00{context}".encode()
