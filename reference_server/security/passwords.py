"""Passwords: bcrypt, with its limit of 72 bytes said instead of met."""

from __future__ import annotations

from typing import Final

import bcrypt

MAX_PASSWORD_BYTES: Final = 72
"""bcrypt looks at no more. Source: Provos and Mazières, "A Future-Adaptable Password Scheme", USENIX 1999."""
MIN_PASSWORD_CHARACTERS: Final = 10


class Passwords:
    """Hashes and checks.

    Args:
        rounds: bcrypt's cost: each one more doubles the time.
    """

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._nobodys = bcrypt.hashpw(bcrypt.gensalt(4), bcrypt.gensalt(rounds)).decode()

    def hash(self, password: str) -> str:
        """A new hash.

        Raises:
            ValueError: The password is longer than 72 bytes, or has a NUL.
        """
        encoded = password.encode()
        if len(encoded) > MAX_PASSWORD_BYTES or b"\x00" in encoded:
            raise ValueError(f"a password must have at most {MAX_PASSWORD_BYTES} bytes and no NUL")
        return bcrypt.hashpw(encoded, bcrypt.gensalt(self._rounds)).decode()

    def verify(self, password: str, hashed: str | None) -> bool:
        """Whether it is the one; without a hash it takes as long, and is not."""
        encoded = password.encode()
        fits = len(encoded) <= MAX_PASSWORD_BYTES and b"\x00" not in encoded
        matches = bcrypt.checkpw(encoded if fits else b"-", (hashed or self._nobodys).encode())
        return matches and fits and hashed is not None

    def needs_rehash(self, hashed: str) -> bool:
        """Whether it was made with another cost."""
        return hashed.split("$")[2:3] != [f"{self._rounds:02d}"]
