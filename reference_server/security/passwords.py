"""Passwords: bcrypt, with its limit of 72 bytes said instead of met; and which are too easily guessed."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

import bcrypt

from reference_server.security.common_passwords import COMMON

MAX_PASSWORD_BYTES: Final = 72
"""bcrypt looks at no more. Source: Provos and Mazières, "A Future-Adaptable Password Scheme", USENIX 1999."""
MIN_PASSWORD_CHARACTERS: Final = 10
UNUSABLE_HASH: Final = "!"
"""Of an account that has no password yet: no password matches it."""

_MIN_DIFFERENT: Final = 5
_MIN_OF_OWN_NAME: Final = 4
"""Shorter names are part of too many words to be refused."""
_NOT_LETTERS: Final = re.compile(r"[\W\d_]+")


def unfit(password: str) -> str | None:
    """The rule that a new password breaks, whoever it is for.

    Common ones are refused because they are tried first. Source: NIST SP 800-63B, section 3.1.1.2.
    """
    if len(password) < MIN_PASSWORD_CHARACTERS:
        return f"a password must have at least {MIN_PASSWORD_CHARACTERS} characters"
    if "\x00" in password:
        return "a password must not have a NUL character"
    if len(password.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES:
        return f"a password must have at most {MAX_PASSWORD_BYTES} bytes in UTF-8 (letters with accents have 2, most emoji 4)"
    if is_common(password):
        return "the password is one of the most common ones, or a pattern of few keys; choose another"
    return None


def unfit_for(password: str, *, email: str, name: str) -> str | None:
    """The rule that a new password breaks for this person: what everybody knows of them is no secret."""
    plain = _letters_and_digits(password)
    known = (email, email.partition("@")[0], name)
    if any(_is_made_of(plain, _letters_and_digits(one)) for one in known):
        return "the password must not be your address or your name"
    return unfit(password)


def is_common(password: str) -> bool:
    """Whether it is made of one common word, of digits only, of few characters, or of a run of neighbours."""
    plain = password.casefold()
    letters = _NOT_LETTERS.sub("", plain)
    return (
        len(set(plain)) < _MIN_DIFFERENT
        or not letters
        or any(_is_repeated(text, COMMON) for text in (letters, plain))
        or _is_run(plain)
    )


def _is_repeated(text: str, words: frozenset[str]) -> bool:
    """Whether a text is one of the words, once or several times."""
    shortest = next(size for size in range(1, len(text) + 1) if text == text[:size] * (len(text) // size))
    return any(text[: shortest * times] in words for times in range(1, len(text) // shortest + 1))


def _is_run(text: str) -> bool:
    """Whether all steps from one character to the next are the same: `abcdefghij`, `9876543210`."""
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return len(steps) == 1


def _letters_and_digits(text: str) -> str:
    return "".join(one for one in text.casefold() if one.isalnum())


def _is_made_of(plain: str, known: str) -> bool:
    """Whether it is what is known of somebody, forwards or backwards, with nothing but digits around it."""
    if len(known) < _MIN_OF_OWN_NAME:
        return False
    rest = plain.replace(known, "").replace(known[::-1], "")
    return rest != plain and (not rest or rest.isdigit())


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
        """Whether it is the one; without a hash it takes as long, and is not.

        A hash of a lower cost than the present one gets the rest of its time here, or time would tell that there is an
        account: 2^c and then 2^c, 2^(c+1), ... up to 2^(n-1) are 2^n. One of a higher cost takes longer until its owner logs
        in: lowering the cost shows which accounts are older than that.
        """
        usable = hashed if hashed is not None and hashed != UNUSABLE_HASH else None
        encoded = password.encode()
        fits = len(encoded) <= MAX_PASSWORD_BYTES and b"\x00" not in encoded
        matches = bcrypt.checkpw(encoded if fits else b"-", (usable or self._nobodys).encode())
        for rounds in range(_cost_of(usable) if usable else self._rounds, self._rounds):
            bcrypt.hashpw(b"-", bcrypt.gensalt(rounds))
        return matches and fits and usable is not None

    def needs_rehash(self, hashed: str) -> bool:
        """Whether it was made with another cost."""
        return _cost_of(hashed) != self._rounds


def _cost_of(hashed: str) -> int:
    """As it stands in a hash: `$2b$12$...`."""
    return int(hashed.split("$")[2])
