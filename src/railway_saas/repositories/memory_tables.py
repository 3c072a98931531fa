"""The tables of a memory database: dicts with indexes, and a journal that undoes what was not committed. No I/O."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from railway_saas.domain.instances import DomainState
from railway_saas.domain.statuses import GONE, OPEN
from railway_saas.errors import ConflictError, NotFoundError
from railway_saas.repositories.values import clean, detached, name_key, text

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision
    from railway_saas.domain.instances import (
        Deployment,
        Instance,
        InstanceDomain,
        InstanceEvent,
        InstanceService,
    )
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.domain.records import (
        AuditEntry,
        IdempotencyKey,
        InboxEvent,
        OutboxMessage,
        Subscription,
    )
    from railway_saas.domain.usage import UsageMetric

V = TypeVar("V")
Order = tuple[Any, ...]

EVERYTHING = "everything"
"""The group of an index that holds all rows."""


class Journal:
    """How to undo what was done since the last commit."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def note(self, undo: Callable[[], None]) -> None:
        """Remember how to undo a change."""
        self._undo.append(undo)

    def forget(self) -> None:
        """Commit."""
        self._undo.clear()

    def roll_back(self) -> None:
        """Undo everything, the latest change first."""
        while self._undo:
            self._undo.pop()()


class Index(Generic[V]):
    """Keys of rows by group, sorted within each.

    Args:
        group: Which group a row is in; None: none.
        order: What its group is sorted by. Its last part is the row's key.
    """

    def __init__(self, group: Callable[[V], Hashable | None], order: Callable[[V], Order]) -> None:
        self._group = group
        self._order = order
        self._groups: defaultdict[Hashable, list[Order]] = defaultdict(list)

    def add(self, row: V) -> None:
        """Put a row where it belongs."""
        if (group := self._group(row)) is not None:
            entries, order = self._groups[group], self._order(row)
            if entries and order < entries[-1]:
                insort(entries, order)
            else:
                entries.append(order)  # what is new mostly comes last

    def discard(self, row: V) -> None:
        """Take a row out again."""
        if (group := self._group(row)) is not None:
            entries, order = self._groups[group], self._order(row)
            del entries[bisect_left(entries, order)]
            if not entries:
                del self._groups[group]

    def keys_backwards(self, group: Hashable, after: Order = ()) -> Iterator[Any]:
        """Keys of a group, the last one first: those before `after` (the first parts of an order)."""
        entries = self._groups.get(group, [])
        end = bisect_left(entries, after, key=lambda order: order[: len(after)]) if after else len(entries)
        for position in range(end - 1, -1, -1):
            yield entries[position][-1]

    def keys(self, group: Hashable, after: Order = (), *, inclusive: bool = False) -> Iterator[Any]:
        """Keys of a group: those beyond `after` (the first parts of an order), or from it on."""
        entries = self._groups.get(group, [])
        find = bisect_left if inclusive or not after else bisect_right
        start = find(entries, after, key=lambda order: order[: len(after)])
        for position in range(start, len(entries)):
            yield entries[position][-1]

    def last(self, group: Hashable) -> Any:
        """The last key of a group; None when it is empty."""
        entries = self._groups.get(group)
        return entries[-1][-1] if entries else None

    def count(self, group: Hashable) -> int:
        """How many rows a group has."""
        return len(self._groups.get(group, ()))


class Table(Generic[V]):
    """Rows by key.

    Args:
        name: For messages.
        journal: Where changes are noted.
        key: The key of a row.
        unique: What must differ between rows, by name; None: does not matter for this row.
        indexes: What is looked up, by name.
    """

    def __init__(
        self,
        name: str,
        journal: Journal,
        *,
        key: Callable[[V], Any],
        unique: Mapping[str, Callable[[V], Hashable | None]] | None = None,
        indexes: Mapping[str, Index[V]] | None = None,
    ) -> None:
        self._name = name
        self._journal = journal
        self._key = key
        self._rows: dict[Any, V] = {}
        self._unique = dict(unique or {})
        self._taken: dict[str, dict[Hashable, Any]] = {name: {} for name in self._unique}
        self._indexes = dict(indexes or {})

    def get(self, key: Any) -> V:
        """By key.

        Raises:
            NotFoundError: There is none.
        """
        self.need(key)
        return detached(self._rows[key])

    def find(self, key: Any) -> V | None:
        """By key."""
        return self.get(key) if key in self._rows else None

    def find_by(self, unique: str, value: Hashable) -> V | None:
        """By something unique."""
        _check_text(value)
        key = self._taken[unique].get(value)
        return None if key is None else self.get(key)

    def need(self, key: Any) -> None:
        """Refuse to refer to a row that does not exist.

        Raises:
            NotFoundError: There is none.
        """
        if key not in self._rows:
            raise NotFoundError(f"{self._name}: there is no row {key}")

    def rows(
        self, index: str, group: Hashable = EVERYTHING, after: Order = (), *, inclusive: bool = False
    ) -> Iterator[V]:
        """Rows of a group, in the order of the index. As they are stored: to look through, not to hand out."""
        _check_text(group)
        return (self._rows[key] for key in self._indexes[index].keys(group, after, inclusive=inclusive))

    def rows_by_id(self, index: str, group: Hashable, after: Order, *, newest_first: bool) -> Iterator[V]:
        """The same, where the index is one of ids, in either direction."""
        if not newest_first:
            return self.rows(index, group, after)
        _check_text(group)
        return (self._rows[key] for key in self._indexes[index].keys_backwards(group, after))

    def all_of(self, index: str, group: Hashable) -> list[V]:
        """Rows of a group, in the order of the index."""
        return [detached(row) for row in self.rows(index, group)]

    def first(
        self, index: str, wanted: Callable[[V], bool], limit: int, *, group: Hashable = EVERYTHING
    ) -> list[V]:
        """The rows a group begins with that are wanted, at most so many; a copy, so that they may be removed."""
        found = islice(takewhile(wanted, self.rows(index, group)), max(limit, 0))
        return [detached(row) for row in found]

    def last(self, index: str, group: Hashable) -> V | None:
        """The last row of a group."""
        return self.find(self._indexes[index].last(group))

    def count(self, index: str, group: Hashable) -> int:
        """How many rows a group has."""
        return self._indexes[index].count(group)

    def add(self, row: V) -> None:
        """Insert.

        Raises:
            ConflictError: Its key, or something else that is unique, is taken.
        """
        row = clean(row)
        key = self._key(row)
        if key in self._rows:
            raise ConflictError(f"{self._name}: a row of that key is there already")
        self._refuse_taken(key, row)
        self._exchange(key, row)

    def replace(self, row: V) -> None:
        """Update.

        Raises:
            NotFoundError: There is no row of its key.
            ConflictError: Something unique is taken.
        """
        row = clean(row)
        key = self._key(row)
        self.need(key)
        self._refuse_taken(key, row)
        self._exchange(key, row)

    def put(self, row: V) -> None:
        """Insert or update by key."""
        (self.replace if self._key(row) in self._rows else self.add)(row)

    def remove(self, key: Any) -> None:
        """Delete, if it is there."""
        if key in self._rows:
            self._exchange(key, None)

    def _refuse_taken(self, key: Any, row: V) -> None:
        for name, value_of in self._unique.items():
            holder = self._taken[name].get(value_of(row), key)
            if holder != key:
                raise ConflictError(f"{self._name}: a row of that {name} is there already")

    def _exchange(self, key: Any, row: V | None) -> None:
        old = self._rows.get(key)
        self._set(key, old, row)
        self._journal.note(lambda: self._set(key, row, old))

    def _set(self, key: Any, old: V | None, new: V | None) -> None:
        if old is not None:
            del self._rows[key]
            for index in self._indexes.values():
                index.discard(old)
            for name, value_of in self._unique.items():
                self._taken[name].pop(value_of(old), None)
        if new is not None:
            self._rows[key] = new
            for index in self._indexes.values():
                index.add(new)
            for name, value_of in self._unique.items():
                if (value := value_of(new)) is not None:
                    self._taken[name][value] = key


def _check_text(value: Any) -> None:
    """Refuse to look for text that no database can hold, as a real one does."""
    if isinstance(value, str):
        text(value)
    elif hasattr(value, "__iter__"):
        for part in value:
            _check_text(part)


def _by_id(row: Any) -> UUID:
    identity: UUID = row.id
    return identity


def _everything(_: object) -> str:
    return EVERYTHING


def _by(group: Callable[[V], Hashable | None], order: Callable[[V], Order] | None = None) -> Index[V]:
    return Index(group, order or (lambda row: (_by_id(row),)))


class MemoryTables:
    """Every table, with the keys and indexes that the repositories ask for."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.watermarks: dict[str, datetime] = {}
        self._catalogue()
        self._instances()
        self._records()

    def set_watermark(self, name: str, until: datetime) -> None:
        """Note up to when a collector is done."""
        old = self.watermarks.get(name)
        self.watermarks[name] = until
        self.journal.note(
            lambda: self.watermarks.__setitem__(name, old) if old else self.watermarks.__delitem__(name)
        )

    def _catalogue(self) -> None:
        self.templates: Table[CatalogueTemplate] = Table(
            "templates",
            self.journal,
            key=_by_id,
            unique={"railway_template_id": lambda row: row.railway_template_id},
            indexes={
                "all": _by(_everything),
                "category": _by(lambda row: row.category),
                "is_active": _by(lambda row: row.is_active),
            },
        )
        self.revisions: Table[TemplateRevision] = Table(
            "template_revisions",
            self.journal,
            key=_by_id,
            unique={
                "number": lambda row: (row.template_id, row.number),
                "content_hash": lambda row: (row.template_id, row.content_hash),
            },
            indexes={
                "template_id": _by(lambda row: row.template_id),
                "number": _by(lambda row: row.template_id, lambda row: (row.number, row.id)),
            },
        )

    def _instances(self) -> None:
        self.instances: Table[Instance] = Table(
            "instances",
            self.journal,
            key=_by_id,
            unique={
                "name": lambda row: None if row.status in GONE else (row.user_id, name_key(row.name)),
                "railway_project_id": lambda row: row.observed.project_id,
                "railway_service_id": lambda row: row.observed.primary_service_id,
            },
            indexes={
                "all": _by(_everything),
                "user_id": _by(lambda row: row.user_id),
                "template_id": _by(lambda row: row.template_id),
                "status": _by(lambda row: row.status),
                "attention": _by(lambda row: EVERYTHING if row.observed.attention is not None else None),
                "slots": _by(lambda row: row.user_id if row.holds_slot else None),
                "due": _by(
                    lambda row: EVERYTHING if row.next_check_at is not None else None,
                    lambda row: (row.next_check_at, row.id),
                ),
            },
        )
        self.services: Table[InstanceService] = Table(
            "instance_services",
            self.journal,
            key=_by_id,
            unique={"railway_service_id": lambda row: row.railway_service_id},
            indexes={"instance_id": _by(lambda row: row.instance_id, lambda row: (row.name, row.id))},
        )
        self.domains: Table[InstanceDomain] = Table(
            "instance_domains",
            self.journal,
            key=_by_id,
            unique={"domain": lambda row: row.domain},
            indexes={
                "instance_id": _by(lambda row: row.instance_id),
                "slots": _by(lambda row: None if row.state is DomainState.REFUSED else row.instance_id),
            },
        )
        self.operations: Table[ProviderOperation] = Table(
            "provider_operations",
            self.journal,
            key=_by_id,
            unique={"key": lambda row: (row.instance_id, row.key)},
            indexes={
                "all": _by(_everything),
                "instance_id": _by(lambda row: row.instance_id),
                "state": _by(lambda row: row.state),
                "open": _by(lambda row: row.instance_id if row.state in OPEN else None),
            },
        )
        self.deployments: Table[Deployment] = Table(
            "deployments",
            self.journal,
            key=_by_id,
            unique={"railway_deployment_id": lambda row: row.railway_deployment_id},
            indexes={"instance_id": _by(lambda row: row.instance_id)},
        )
        self.events: Table[InstanceEvent] = Table(
            "instance_events",
            self.journal,
            key=_by_id,
            indexes={
                "instance_id": _by(lambda row: row.instance_id),
                "at": _by(_everything, lambda row: (row.at, row.id)),
            },
        )
        self.usage: Table[UsageMetric] = Table(
            "usage_metrics",
            self.journal,
            key=_usage_key,
            indexes={
                "instance_id": _by(
                    lambda row: row.instance_id,
                    lambda row: (row.recorded_at, row.metric_type, _usage_key(row)),
                )
            },
        )

    def _records(self) -> None:
        self.subscriptions: Table[Subscription] = Table(
            "subscriptions",
            self.journal,
            key=_by_id,
            unique={"stripe_subscription_id": lambda row: row.stripe_subscription_id},
            indexes={
                "all": _by(_everything),
                "user_id": _by(lambda row: row.user_id),
                "status": _by(lambda row: row.status),
            },
        )
        self.outbox: Table[OutboxMessage] = Table(
            "outbox",
            self.journal,
            key=_by_id,
            unique={"key": lambda row: (row.topic, row.key)},
            indexes={
                "all": _by(_everything),
                "topic": _by(lambda row: row.topic),
                "failed": _by(lambda row: EVERYTHING if row.failed_at is not None else None),
                "due": _by(
                    lambda row: row.topic if row.sent_at is None and row.failed_at is None else None,
                    lambda row: (row.not_before, row.id),
                ),
            },
        )
        self.inbox: Table[InboxEvent] = Table(
            "inbox",
            self.journal,
            key=_by_id,
            unique={"key": lambda row: (row.source, row.key)},
            indexes={
                "unprocessed": _by(lambda row: row.source if row.processed_at is None else None),
                "processed": _by(
                    lambda row: None if row.processed_at is None else EVERYTHING,
                    lambda row: (row.received_at, row.id),
                ),
            },
        )
        self.audit: Table[AuditEntry] = Table(
            "audit_log",
            self.journal,
            key=_by_id,
            indexes={
                "all": _by(_everything),
                "user_id": _by(lambda row: row.user_id),
                "subject_type": _by(lambda row: row.subject_type),
                "subject_id": _by(lambda row: row.subject_id),
            },
        )
        self.idempotency_keys: Table[IdempotencyKey] = Table(
            "idempotency_keys",
            self.journal,
            key=_idempotency_key,
            indexes={
                "expiry": _by(_everything, lambda row: (row.expires_at, _idempotency_key(row))),
            },
        )


def _usage_key(row: UsageMetric) -> tuple[UUID, datetime, str]:
    return row.instance_id, row.recorded_at, row.metric_type


def _idempotency_key(row: IdempotencyKey) -> tuple[UUID, str]:
    return row.user_id, row.key
