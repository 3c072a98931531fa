"""Counting what left in any stretch of time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


def most_in(times: list[float], length_s: float) -> int:
    """The most that fell into any stretch of this length, both ends included."""
    return max(
        (bisect_right(times, start + length_s) - bisect_left(times, start) for start in times), default=0
    )
