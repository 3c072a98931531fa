"""Strongly connected parts and levels of a graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from railway_saas.templates.graph import levels, strongly_connected

GRAPHS = st.lists(st.lists(st.integers(0, 7), max_size=4), min_size=8, max_size=8)


def reachable(graph: list[list[int]], start: int) -> set[int]:
    found: set[int] = set()
    ahead = [*graph[start]]
    while ahead:
        node = ahead.pop()
        if node not in found:
            found.add(node)
            ahead.extend(graph[node])
    return found


@given(GRAPHS)
def test_components_are_the_groups_that_reach_each_other_and_come_after_what_they_lead_to(
    graph: list[list[int]],
) -> None:
    components = list(strongly_connected(range(8), graph.__getitem__))
    place = {node: n for n, component in enumerate(components) for node in component}
    reach = {node: reachable(graph, node) for node in range(8)}
    assert sorted(node for component in components for node in component) == list(range(8))
    for one in range(8):
        for other in reach[one]:
            assert place[other] <= place[one]
            assert (place[other] == place[one]) is (one in reach[other] or one == other)


@given(GRAPHS)
def test_levels_put_each_node_right_after_what_it_needs(graph: list[list[int]]) -> None:
    level = {node: n for n, nodes in enumerate(levels(range(8), graph.__getitem__)) for node in nodes}
    reach = {node: reachable(graph, node) for node in range(8)}
    for node in range(8):
        group = {other for other in reach[node] if node in reach[other]} | {node}
        outside = {level[need] for member in group for need in graph[member]} - {level[node]}
        assert level[node] == max(outside, default=-1) + 1


def test_depth_costs_no_recursion() -> None:
    chain = [[n + 1] for n in range(100_000)] + [[]]
    assert len(levels(range(100_001), chain.__getitem__)) == 100_001
