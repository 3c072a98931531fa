"""Strongly connected parts of a graph: start order and reference cycles both rest on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["levels", "strongly_connected"]

Node = TypeVar("Node")


@dataclass(slots=True)
class _Walk(Generic[Node]):
    """Tarjan's algorithm with its own stack instead of Python's, so that depth costs nothing."""

    successors: Callable[[Node], Iterable[Node]]
    index: dict[Node, int] = field(default_factory=dict[Node, int])
    low: dict[Node, int] = field(default_factory=dict[Node, int])
    path: list[Node] = field(default_factory=list[Node])
    on_path: set[Node] = field(default_factory=set[Node])
    work: list[tuple[Node, Iterator[Node]]] = field(default_factory=list[tuple[Node, Iterator[Node]]])

    def components(self, root: Node) -> Iterator[tuple[Node, ...]]:
        self._enter(root)
        while self.work:
            node, pending = self.work[-1]
            if self._descend(node, pending):
                continue
            self.work.pop()
            if self.work:
                parent = self.work[-1][0]
                self.low[parent] = min(self.low[parent], self.low[node])
            if self.low[node] == self.index[node]:
                yield self._leave(node)

    def _descend(self, node: Node, pending: Iterator[Node]) -> bool:
        for successor in pending:
            if successor not in self.index:
                self._enter(successor)
                return True
            if successor in self.on_path:
                self.low[node] = min(self.low[node], self.index[successor])
        return False

    def _enter(self, node: Node) -> None:
        self.index[node] = self.low[node] = len(self.index)
        self.path.append(node)
        self.on_path.add(node)
        self.work.append((node, iter(self.successors(node))))

    def _leave(self, node: Node) -> tuple[Node, ...]:
        component: list[Node] = []
        while not component or component[-1] != node:
            component.append(self.path.pop())
        self.on_path.difference_update(component)
        return tuple(reversed(component))


def strongly_connected(
    roots: Iterable[Node], successors: Callable[[Node], Iterable[Node]]
) -> Iterator[tuple[Node, ...]]:
    """Yield the strongly connected components reachable from `roots`, each after those it leads to.

    `successors` is called once per node, and may rely on every component yielded so far being dealt with.
    """
    walk = _Walk(successors)
    for root in roots:
        if root not in walk.index:
            yield from walk.components(root)


def levels(nodes: Iterable[Node], needs: Callable[[Node], Iterable[Node]]) -> list[list[Node]]:
    """Sort nodes into levels: each one after everything it needs, those on a cycle together."""
    ordered = list(nodes)
    level_of: dict[Node, int] = {}
    for component in strongly_connected(ordered, needs):
        members = set(component)
        outside = [level_of[need] for node in component for need in needs(node) if need not in members]
        level_of.update(dict.fromkeys(component, max(outside, default=-1) + 1))
    result: list[list[Node]] = [[] for _ in range(max(level_of.values(), default=-1) + 1)]
    for node in ordered:
        result[level_of[node]].append(node)
    return result
