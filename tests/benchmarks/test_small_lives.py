"""The benchmarks' instances live as the product's do: in small, without measuring anything."""

from __future__ import annotations

from typing import Any

from benchmarks.fleet import Mix
from benchmarks.queueing import deploy_all
from benchmarks.watching import cross_check, measure_day


def test_instances_at_rest_are_looked_at_and_what_happens_to_them_is_noticed() -> None:
    day = measure_day(Mix(20, waiting_domains=2), 1, 2)
    assert (day["failures"], day["unnoticed"], day["refused"]) == (0, 0, 0)
    assert day["looks"] > 20


def test_queued_deploys_come_up() -> None:
    queue = deploy_all(5, throttled=False, per_second=50).as_json()
    assert (queue["deploys"], queue["failed"], queue["refused"]) == (5, 0, 0)


def test_the_stand_in_answers_as_the_emulator_does() -> None:
    found = cross_check()
    assert found["same_shapes"]
    assert [pair["emulator"] for pair in _pairs(found)] == [pair["quiet"] for pair in _pairs(found)]


def _pairs(found: dict[str, Any]) -> list[dict[str, int]]:
    return [found["looks"], found["sweep_requests"], found["metering_requests"]]
