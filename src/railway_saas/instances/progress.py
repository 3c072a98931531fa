"""Telling what happens while a stack is deployed, and how much time is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.instances.showing import guarded, told_nobody
from railway_saas.instances.stack import StackEvent, status_changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.instances.stack import Stack


class Progress:
    """One deploy as it goes: events with elapsed time, and a deadline."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        on_event: Callable[[StackEvent], None] | None,
        *,
        total: int,
        timeout_s: float,
    ) -> None:
        self._monotonic = monotonic
        self._send: Callable[[StackEvent], None] = guarded(on_event) if on_event else told_nobody
        self._started = monotonic()
        self._deadline = self._started + timeout_s
        self.total = total
        self._seen: Stack | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the deploy began."""
        return self._monotonic() - self._started

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline; negative when it is over."""
        return self._deadline - self._monotonic()

    def pause_s(self, wanted_s: float) -> float:
        """A pause cut to the time that is left."""
        return max(0.0, min(wanted_s, self.remaining_s))

    def tell(self, step: str, message: str) -> None:
        """Report a step that was taken."""
        running = sum(service.is_running for service in self._seen.services) if self._seen else 0
        self._send(
            StackEvent(step=step, message=message, elapsed_s=self.elapsed_s, done=running, total=self.total)
        )

    def look(self, stack: Stack) -> None:
        """Report what changed since the last look."""
        running = sum(service.is_running for service in stack.services)
        for service in status_changes(self._seen, stack):
            self._send(
                StackEvent(
                    step="status",
                    message=service.sentence,
                    elapsed_s=self.elapsed_s,
                    service=service.name,
                    status=service.status,
                    done=running,
                    total=max(self.total, len(stack.services)),
                )
            )
        self._seen = stack


def look_delays(first_s: float = 8.0, factor: float = 1.5, longest_s: float = 20.0) -> Callable[[], float]:
    """Pauses between looks: growing, so that a slow deploy does not eat the rate budget.

    An image is up after 7 to 10 s (observed), so an earlier look is mostly wasted.
    """
    delay_s = first_s / factor

    def following() -> float:
        nonlocal delay_s
        delay_s = min(longest_s, delay_s * factor)
        return delay_s

    return following
