"""Whether something is still to be done at Railway for an instance that its own row does not tell.

What is done once, on somebody's word (restart, redeploy, roll back, back up, restore), and custom domains have rows of their
own. A preview changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, exists, or_, select

from railway_saas.domain import DomainState, OperationKind
from railway_saas.domain.statuses import OPEN
from railway_saas.repositories.sqlalchemy import Base

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from sqlalchemy import CompoundSelect, Select

_instances = Base.metadata.tables["instances"]
_operations = Base.metadata.tables["provider_operations"]
_domains = Base.metadata.tables["instance_domains"]

_WRITE_IS_OPEN: Final = (
    # As an expression, or PostgreSQL may take the index of states: short as a rule, and as long as the backlog when it counts.
    (_operations.c.state + "").in_([state.value for state in sorted(OPEN)]),
    _operations.c.kind != OperationKind.PREVIEW.value,
)
_DOMAIN_MOVES: Final = (_domains.c.state.in_([DomainState.ATTACHING.value, DomainState.REMOVING.value]),)

ONE: Final[Select[Any]] = select(
    *_instances.c,
    or_(
        exists().where(_operations.c.instance_id == _instances.c.id, *_WRITE_IS_OPEN),
        exists().where(_domains.c.instance_id == _instances.c.id, *_DOMAIN_MOVES),
    ).label("is_under_way"),
).where(_instances.c.id == bindparam("instance_id"))
"""An instance's row, and whether something is under way, in one statement: it is what is asked most."""


def of_many(instance_ids: Collection[UUID]) -> CompoundSelect[Any]:
    """The ids of those for which something is under way."""
    writes = select(_operations.c.instance_id).where(
        _operations.c.instance_id.in_(instance_ids), *_WRITE_IS_OPEN
    )
    domains = select(_domains.c.instance_id).where(_domains.c.instance_id.in_(instance_ids), *_DOMAIN_MOVES)
    return writes.union(domains)
