"""What may be written, the same for every implementation: aware times, storable text, real JSON, exact decimals."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import is_dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision
from railway_saas.domain.instances import (
    Deployment,
    Instance,
    InstanceDomain,
    InstanceEvent,
    InstanceService,
    Observed,
)
from railway_saas.domain.operations import ProviderOperation
from railway_saas.domain.prices import EXACT
from railway_saas.domain.records import AuditEntry, IdempotencyKey, InboxEvent, OutboxMessage, Subscription
from railway_saas.domain.usage import UsageMetric
from railway_saas.errors import RepositoryError
from railway_saas.repositories.sealing import SealedMapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")

DECIMAL_PLACES: Final = 9
"""Amounts are kept to a billionth; finer ones are rounded half to even."""

LARGEST_AMOUNT: Final = Decimal(9_000_000_000)
"""What fits into 64 bits at that precision. In an hour, an instance cannot use that much of anything."""

_LARGEST_COUNT: Final = 2**31 - 1

LONGEST: Final[Mapping[type, Mapping[str, int]]] = {
    CatalogueTemplate: {"railway_template_id": 255, "name": 255, "category": 100, "price_tier": 50},
    TemplateRevision: {"content_hash": 255},
    Instance: {"name": 255, "lease_owner": 255},
    Observed: {"project_id": 255, "environment_id": 255, "primary_service_id": 255, "domain": 255},
    InstanceService: {
        "template_key": 255,
        "name": 255,
        "railway_service_id": 255,
        "railway_deployment_id": 255,
        "status": 50,
        "domain": 255,
    },
    InstanceDomain: {"domain": 255, "service": 255, "railway_domain_id": 255},
    InstanceEvent: {"step": 50, "service": 255},
    ProviderOperation: {"key": 500, "request_digest": 64, "trace_id": 255},
    Deployment: {"railway_deployment_id": 255, "service": 255, "status": 50},
    Subscription: {"stripe_subscription_id": 255, "plan_name": 100, "status": 50},
    UsageMetric: {"metric_type": 100, "unit": 50},
    OutboxMessage: {"topic": 100, "key": 255},
    InboxEvent: {"source": 100, "key": 255, "kind": 255},
    AuditEntry: {"actor": 255, "action": 100, "subject_type": 100, "subject_id": 255},
    IdempotencyKey: {"key": 255, "request_digest": 64},
}
"""How many characters fit, by class and field. Other text may be as long as it likes."""


def clean(row: T) -> T:
    """The row as a database gives it back: times in UTC, JSON copied, amounts to nine places.

    Raises:
        RepositoryError: A time without a zone, text with a NUL or half a character, text that is too long, or a
            value that is no JSON. It names the field; values are not quoted, as they may be secrets.
    """
    try:
        return _clean_row(row)
    except RecursionError as error:
        raise RepositoryError(f"{type(row).__name__}: its JSON is nested too deeply") from error


def detached(row: T) -> T:
    """The row with JSON of its own: who changes that does not change the stored one."""
    cls: type[Any] = type(row)
    changes: dict[str, Any] = {}
    for name in _names(cls):
        value = getattr(row, name)
        copied = _copied(value)
        if copied is not value:
            changes[name] = copied
    return _replaced(row, changes)


def utc(moment: datetime, name: str = "moment") -> datetime:
    """The same moment in UTC.

    Raises:
        RepositoryError: It has no time zone.
    """
    if moment.tzinfo is None:
        raise RepositoryError(f"{name}: {moment} has no time zone; give an aware datetime")
    return moment.astimezone(UTC)


def text(value: str, name: str = "text", longest: int | None = None) -> str:
    """The same text, once it is known that every database can hold it.

    Raises:
        RepositoryError: It holds a NUL or half a character, or has more than `longest` characters.
    """
    if "\0" in value:
        raise RepositoryError(f"{name}: holds a NUL character, which databases cannot store")
    try:
        value.encode()
    except UnicodeEncodeError:
        # Not chained: that error quotes the value.
        raise RepositoryError(
            f"{name}: holds half a character (a lone surrogate), which cannot be stored"
        ) from None
    if longest is not None and len(value) > longest:
        raise RepositoryError(f"{name}: has {len(value)} characters; at most {longest} fit")
    return value


def amount(value: Decimal, name: str = "amount") -> Decimal:
    """The amount to nine decimal places, without trailing zeros.

    Raises:
        RepositoryError: It is not finite, or too large to be kept exactly.
    """
    if not value.is_finite() or abs(value) > LARGEST_AMOUNT:
        raise RepositoryError(f"{name}: {value} is not between -{LARGEST_AMOUNT} and {LARGEST_AMOUNT}")
    return plain(value.quantize(Decimal(1).scaleb(-DECIMAL_PLACES), context=EXACT))


def plain(value: Decimal) -> Decimal:
    """An equal decimal without trailing zeros and exponent: people read `2`, not `2.000000000`."""
    whole = value.to_integral_value(context=EXACT)
    return whole if whole == value else value.normalize(EXACT)


def json_object(value: Mapping[str, object], name: str) -> dict[str, Any]:
    """A copy that is known to be JSON.

    Raises:
        RepositoryError: It is none, or holds text that cannot be stored.
    """
    copied: dict[str, Any] = _json(value, name)
    return copied


def name_key(name: str) -> str:
    """What is the same for names that differ in case only, in any script.

    Kept beside the name: the databases' own `lower` knows ASCII only (SQLite) or depends on the locale (PostgreSQL).
    """
    return unicodedata.normalize("NFC", name).casefold()


def _names(cls: Any) -> Iterable[str]:
    names: Iterable[str] = cls.__dataclass_fields__
    return names


def _clean_row(row: T) -> T:
    cls: type[Any] = type(row)
    longest = LONGEST.get(cls, {})
    changes: dict[str, Any] = {}
    for name in _names(cls):
        value = getattr(row, name)
        cleaned = _clean_value(value, f"{cls.__name__}.{name}", longest.get(name))
        if cleaned is not value:
            changes[name] = cleaned
    return _replaced(row, changes)


def _clean_value(value: Any, name: str, longest: int | None) -> Any:
    match value:
        case str():
            return text(value, name, longest)
        case datetime():
            return utc(value, name)
        case Decimal():
            return amount(value, name)
        case int() if not isinstance(value, bool):
            return _count(value, name)
        case _:
            return _clean_container(value, name)


def _clean_container(value: Any, name: str) -> Any:
    if _is(value, tuple):
        return tuple(_clean_value(item, name, None) for item in value)
    if is_dataclass(value):
        return _clean_row(value)
    if isinstance(value, SealedMapping):  # it was clean when it was sealed, and is not opened to be written
        return value
    return _json(value, name) if hasattr(value, "keys") else value


def _count(value: int, name: str) -> int:
    if abs(value) > _LARGEST_COUNT:
        raise RepositoryError(f"{name}: {value} does not fit into 32 bits")
    return value


def _json(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return text(value, name)
    if value is None or _is(value, int) or (_is(value, float) and math.isfinite(value)):
        return value
    if _is(value, list, tuple):
        return [_json(item, name) for item in value]
    if hasattr(value, "keys"):
        return {_json_key(key, name): _json(item, name) for key, item in value.items()}
    raise RepositoryError(f"{name}: holds a {type(value).__name__}, which is no JSON")


def _json_key(key: object, name: str) -> str:
    if not isinstance(key, str):
        raise RepositoryError(f"{name}: has a key that is a {type(key).__name__}; JSON has text only")
    return text(key, name)


def _copied(value: Any) -> Any:
    if _is(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if _is(value, list):
        return [_copied(item) for item in value]
    return detached(value) if hasattr(value, "__dataclass_fields__") else value


def _is(value: object, *kinds: type) -> bool:
    """`isinstance` that does not make a container of unknown things of what may be anything."""
    return isinstance(value, kinds)


def _replaced(row: T, changes: dict[str, Any]) -> T:
    return replace(row, **changes) if changes else row  # type: ignore[type-var] # every row is a dataclass
