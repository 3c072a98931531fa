"""Where resolvers sign in: one function per field, found by its GraphQL name.

```python
@query("project")
def project(ctx: Context, *, id_: str) -> Project: ...

@field("Project", "environments")
def environments(project: Project, ctx: Context, *, first: int | None = None) -> Connection: ...

@subscription("deployment")
def deployment(ctx: Context, publish: Publish, *, id_: str) -> Stop: ...
```

GraphQL's names arrive in Python's spelling: `sizeMB` as `size_mb`, `id`, `in` and `filter` as `id_`, `in_` and
`filter_` (arguments only; keys of input objects are plain: `input_["in"]`). An argument that was left out is not
passed at all, so the default says what that means; `null` arrives as None.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from railway_saas.emulator.world.world import World

Resolver = Callable[..., Any]
R = TypeVar("R", bound=Resolver)
T = TypeVar("T", bound=type)

Publish = Callable[[Any], None]
"""Sends one value of a subscription's field to its client."""
Stop = Callable[[], None]
"""Ends a subscription's source."""


@dataclass(slots=True)
class Registry:
    """All resolvers, by type and field."""

    resolvers: dict[tuple[str, str], Resolver] = dataclass_field(
        default_factory=dict[tuple[str, str], Resolver]
    )
    subscriptions: dict[str, Resolver] = dataclass_field(default_factory=dict[str, Resolver])
    types: dict[str, type] = dataclass_field(default_factory=dict[str, type])
    """The Python class behind an object type; fields without a resolver are its attributes."""
    parts: list[Callable[[World], object]] = dataclass_field(
        default_factory=list["Callable[[World], object]"]
    )
    """What every new world begins with; see `part`."""
    absent: dict[str, str] = dataclass_field(default_factory=dict[str, str])
    """Object types of which there never is one here, and why."""

    def add(self, parent: str, name: str, resolver: Resolver) -> None:
        """Sign in a resolver.

        Raises:
            ValueError: There is one already.
        """
        if (parent, name) in self.resolvers:
            raise ValueError(f"{parent}.{name} has a resolver already")
        self.resolvers[parent, name] = resolver


registry = Registry()


def query(name: str) -> Callable[[R], R]:
    """The decorated function answers this field of `Query`: `(ctx, **arguments)`."""
    return _root("Query", name)


def mutation(name: str) -> Callable[[R], R]:
    """The decorated function answers this field of `Mutation`: `(ctx, **arguments)`."""
    return _root("Mutation", name)


def _root(parent: str, name: str) -> Callable[[R], R]:
    def sign_in(resolver: R) -> R:
        registry.add(parent, name, resolver)
        return resolver

    return sign_in


def field(parent: str, *names: str) -> Callable[[R], R]:
    """The decorated function answers these fields of an object type: `(source, ctx, **arguments)`."""

    def sign_in(resolver: R) -> R:
        for name in names:
            registry.add(parent, name, resolver)
        return resolver

    return sign_in


def constant(parent: str, **values: object) -> None:
    """These fields (by GraphQL name) always answer the same."""
    for name, value in values.items():
        registry.add(parent, name, _always(value))


def _always(value: object) -> Resolver:
    def resolve(_source: object, _ctx: object) -> object:
        return value

    return resolve


def subscription(name: str) -> Callable[[R], R]:
    """The decorated function starts a source of this field of `Subscription`: `(ctx, publish, **arguments) -> Stop`."""

    def sign_in(resolver: R) -> R:
        if name in registry.subscriptions:
            raise ValueError(f"Subscription.{name} has a resolver already")
        registry.subscriptions[name] = resolver
        return resolver

    return sign_in


def graphql_type(*names: str) -> Callable[[T], T]:
    """Objects of the decorated class are answers of these GraphQL types."""

    def sign_in(cls: T) -> T:
        for name in names:
            registry.types[name] = cls
        return cls

    return sign_in


def part(cls: T) -> T:
    """Every new world gets one of the decorated class: `cls(world)`, found again by `world.part(cls)`.

    Its constructor is the place to append to `world.hooks`.
    """
    registry.parts.append(cls)
    return cls


def never(why: str, *names: str) -> None:
    """There never is an object of these types here: every field that leads to one answers null or an empty list."""
    for name in names:
        registry.absent[name] = why


def snake_case(name: str) -> str:
    """`currentSizeMB` -> `current_size_mb`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def argument_name(name: str) -> str:
    """Python's spelling of an argument: `filter` -> `filter_`, because that is a built-in's name."""
    python = snake_case(name)
    return f"{python}_" if keyword.iskeyword(python) or hasattr(builtins, python) else python
