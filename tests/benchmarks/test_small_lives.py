"""The benchmarks' instances live as the product's do: in small, without measuring anything."""

from __future__ import annotations

from benchmarks.fleet import Mix
from benchmarks.queueing import deploy_all
from benchmarks.watching import measure_day


def test_instances_at_rest_are_looked_at_and_what_happens_to_them_is_noticed() -> None:
    day = measure_day(Mix(20, waiting_domains=2), 1, 2)
    assert (day["failures"], day["unnoticed"], day["refused"]) == (0, 0, 0)
    assert day["looks"] > 20


def test_queued_deploys_come_up() -> None:
    queue = deploy_all(5, throttled=False, per_second=50).as_json()
    assert (queue["deploys"], queue["failed"], queue["refused"]) == (5, 0, 0)
