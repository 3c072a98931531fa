"""Ids, secrets and made-up names: random to look at, the same again for the same seed.

Each kind of value draws from its own stream, so that, for example, one more trace id does not change every
id that follows it.
"""

from __future__ import annotations

import random
import string
import uuid

LETTERS_AND_DIGITS = string.ascii_letters + string.digits

ADJECTIVES = [
    "amazing",
    "ample",
    "balanced",
    "brave",
    "bright",
    "calm",
    "capable",
    "charming",
    "clever",
    "considerate",
    "cooperative",
    "courageous",
    "curious",
    "dazzling",
    "eager",
    "earnest",
    "elegant",
    "enchanting",
    "energetic",
    "fearless",
    "friendly",
    "generous",
    "gentle",
    "glad",
    "graceful",
    "happy",
    "humble",
    "joyful",
    "keen",
    "kind",
    "lively",
    "loyal",
    "lucid",
    "marvelous",
    "merry",
    "mindful",
    "modest",
    "noble",
    "patient",
    "perfect",
    "pleasant",
    "proud",
    "quiet",
    "radiant",
    "reliable",
    "satisfied",
    "serene",
    "sincere",
    "spirited",
    "steady",
    "sunny",
    "thoughtful",
    "tranquil",
    "upbeat",
    "valiant",
    "vibrant",
    "warm",
    "wise",
    "wonderful",
    "zealous",
]

NOUNS = [
    "acorn",
    "amber",
    "anchor",
    "arbor",
    "aurora",
    "beacon",
    "birch",
    "breeze",
    "brook",
    "canyon",
    "cedar",
    "cliff",
    "clover",
    "comet",
    "coral",
    "creek",
    "delta",
    "dune",
    "ember",
    "falcon",
    "fern",
    "fjord",
    "forest",
    "garden",
    "glacier",
    "grove",
    "harbor",
    "hawk",
    "heron",
    "horizon",
    "island",
    "juniper",
    "lagoon",
    "lantern",
    "laurel",
    "lily",
    "maple",
    "meadow",
    "mesa",
    "mountain",
    "nectar",
    "oak",
    "ocean",
    "orchid",
    "otter",
    "pebble",
    "pine",
    "prairie",
    "quartz",
    "rain",
    "reef",
    "ridge",
    "river",
    "sage",
    "shore",
    "sparrow",
    "spruce",
    "star",
    "stone",
    "summit",
    "thicket",
    "tide",
    "tulip",
    "valley",
    "violet",
    "willow",
]


class Ids:
    """The source of everything random in one emulator."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._streams: dict[str, random.Random] = {}

    def stream(self, name: str) -> random.Random:
        """The named stream of random numbers; the same seed and name always give the same numbers."""
        if name not in self._streams:
            self._streams[name] = random.Random(f"{self._seed}:{name}")  # noqa: S311 - repeatable on purpose
        return self._streams[name]

    def uuid(self) -> str:
        """A new id in the form of Railway's: UUID v4 text."""
        return str(uuid.UUID(int=self.stream("uuid").getrandbits(128), version=4))

    def trace_id(self) -> str:
        """A new trace id. Railway: decimal digits in a string."""
        return str(self.stream("trace").getrandbits(63))

    def text(self, length: int, alphabet: str = LETTERS_AND_DIGITS, *, stream: str = "text") -> str:
        """Random text, e.g. a template code or the hexadecimal tail of a domain."""
        return "".join(self.stream(stream).choices(alphabet, k=length))

    def secret(self, length: int = 32, alphabet: str = LETTERS_AND_DIGITS) -> str:
        """What `${{secret(length, alphabet)}}` and new tokens are made of."""
        return self.text(length, alphabet, stream="secret")

    def name(self) -> str:
        """Two words, as Railway calls a project or service that was given no name."""
        stream = self.stream("name")
        return f"{stream.choice(ADJECTIVES)}-{stream.choice(NOUNS)}"

    def between(self, low: float, high: float, *, stream: str = "timing") -> float:
        """A number of seconds inside a span that was seen on the real platform."""
        return self.stream(stream).uniform(low, high)
