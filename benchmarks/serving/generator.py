"""Orders to the process that plays the visitors, and what came of them."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from typing import IO

    from benchmarks.serving.stage import Stage

VISITORS = 16
_SPARE_S = 90.0
"""How much longer than its order the generator may take, until it is given up."""


@dataclass(frozen=True, slots=True)
class Played:
    """What visitors saw."""

    took_s: float
    cpu_s: float
    """Of the process that played them."""
    plays: Mapping[str, Mapping[str, float]]
    all_ms: Mapping[str, float]
    faults: Sequence[str]
    """The first failures, in words."""

    @property
    def requests(self) -> int:
        """How many were answered well."""
        return int(sum(one["requests"] for one in self.plays.values()))

    @property
    def failures(self) -> int:
        """How many were not."""
        return int(sum(one["failures"] for one in self.plays.values()))

    @property
    def per_s(self) -> float:
        """Answers per second."""
        return self.requests / self.took_s


class LoadGenerator:
    """The other process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders: IO[str] = process.stdin
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()

    def _listen(self, output: IO[str]) -> None:
        for line in output:
            self._said.put(line)
        self._said.put("")  # it has ended

    def play(
        self,
        url: str,
        plays: Mapping[str, int],
        seconds: float,
        *,
        meanwhile: Callable[[], None] | None = None,
        every_s: float = 5.0,
    ) -> Played:
        """Let visitors play operations, by weight; `meanwhile` is called every so often.

        Raises:
            RuntimeError: The process ended, or did not come back in time.
        """
        order = {"url": url, "plays": plays, "visitors": VISITORS, "seconds": seconds}
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()
        found: dict[str, Any] = json.loads(self._answer(seconds + _SPARE_S, meanwhile, every_s))
        return Played(**found)

    def _answer(self, patience_s: float, meanwhile: Callable[[], None] | None, every_s: float) -> str:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            try:
                line = self._said.get(timeout=every_s)
            except queue.Empty:
                if meanwhile is not None:
                    meanwhile()
                continue
            if line:
                return line
            raise RuntimeError("the load generator has ended")
        raise RuntimeError("the load generator does not come back")


@contextmanager
def load_generator(stage: Stage) -> Generator[LoadGenerator]:
    """One for the length of the block."""
    command = [sys.executable, "-m", "benchmarks.serving.load", str(stage.people_file)]
    with subprocess.Popen(
        command, env=dict(stage.environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield LoadGenerator(process)
        finally:
            process.kill()
