"""Custom domains: attach, remove, and see how far their DNS is. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from railway_saas.domain.instances import DomainState
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import OperationState
from railway_saas.instances.deciding.common import write
from railway_saas.instances.effects import with_dns
from railway_saas.instances.steps import EventDraft, Intent, Look, Sight, SightKind
from railway_saas.railway.models.domains import Domains

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.domain.instances import InstanceDomain
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Verdict

FIRST_REFRESH_S: Final = 30.0
LONGEST_REFRESH_S: Final = 3600.0
"""Whoever has not set the records after some hours will hardly do it this minute."""
_GROWTH: Final = 0.4


def domain_operation_keys(s: Situation) -> set[str]:
    """Keys of the operations of the instance's domains."""
    return {f"{verb}:{row.id}" for row in s.domains for verb in ("attach", "detach")}


def custom_domains(s: Situation) -> Verdict | None:
    """The first domain that needs something."""
    if s.observed.applied is None:
        return None
    for row in s.domains:
        verdict = _domain(s, row)
        if verdict is not None:
            return verdict
    return None


def next_refresh_at(s: Situation) -> datetime | None:
    """When DNS is to be looked at again; None: the usual looks are soon enough, and share their requests."""
    waiting = [row for row in s.domains if row.state is DomainState.ATTACHED and not row.verified]
    hurried = [row for row in waiting if _refresh_pause_s(row) < s.settings.check_interval_s]
    return min((_refresh_at(s, row) for row in hurried), default=None)


def _domain(s: Situation, row: InstanceDomain) -> Verdict | None:
    if row.state is DomainState.ATTACHING and row.railway_domain_id is None:
        return _attach(s, row)
    if row.state is DomainState.REMOVING:
        return _detach(s, row)
    if row.state is DomainState.ATTACHED and not row.verified and _refresh_at(s, row) <= s.now:
        return _refresh(s, row)
    return None


def _service_id(s: Situation, row: InstanceDomain) -> str | None:
    return next((one.railway_service_id for one in s.services if one.name == row.service), None)


def _attach(s: Situation, row: InstanceDomain) -> Verdict | None:
    service_id = _service_id(s, row)
    if service_id is None:
        refused = replace(
            row, state=DomainState.REFUSED, error=f"there is no service {row.service}", updated_at=s.now
        )
        return s.record(domains=(refused,))
    intent = Intent(
        kind=OperationKind.CUSTOM_DOMAIN_CREATE,
        key=f"attach:{row.id}",
        subject=row.service,
        request={"domain": row.domain, "service_id": service_id, "target_port": row.target_port},
    )
    return write(s, [intent], "domain", f"attached {row.domain}")


def _detach(s: Situation, row: InstanceDomain) -> Verdict | None:
    key = f"detach:{row.id}"
    if row.railway_domain_id is None or s.state_of(key) is OperationState.FAILED:
        return s.record(None, EventDraft("domain", f"removed {row.domain}"), domains_gone=(row,))
    intent = Intent(
        kind=OperationKind.CUSTOM_DOMAIN_DELETE,
        key=key,
        subject=row.service,
        request={"domain": row.domain, "domain_id": row.railway_domain_id},
    )
    return write(s, [intent], "domain", f"removed {row.domain}")


def _refresh_at(s: Situation, row: InstanceDomain) -> datetime:
    if not row.dns_records:
        return s.now
    return row.updated_at + timedelta(seconds=_refresh_pause_s(row))


def _refresh_pause_s(row: InstanceDomain) -> float:
    """Follows from the look before: it must not grow while one waits for its end."""
    age_s = (row.updated_at - row.created_at).total_seconds()
    return min(LONGEST_REFRESH_S, max(FIRST_REFRESH_S, _GROWTH * age_s))


def _refresh(s: Situation, row: InstanceDomain) -> Verdict | None:
    service_id = _service_id(s, row)
    if service_id is None:
        return None
    sight = Sight(SightKind.DOMAINS, service_id)
    if sight not in s.seen:
        return Look((sight,))
    domains = s.sight(sight, Domains)
    if domains is None:  # the look failed: the next one is soon enough
        return (
            s.record(domains=(replace(row, updated_at=s.now, dns_records=row.dns_records),))
            if row.dns_records
            else None
        )
    found = next((one for one in domains.custom_domains if one.domain == row.domain), None)
    if found is None:
        lost = replace(
            row, state=DomainState.REFUSED, error="Railway does not know it any more", updated_at=s.now
        )
        return s.record(None, EventDraft("error", f"{row.domain} is gone at Railway"), domains=(lost,))
    fresh = replace(with_dns(row, found), updated_at=s.now)
    told = (EventDraft("domain", f"{row.domain} is verified"),) if fresh.verified else ()
    if fresh.dns_records or fresh.verified:
        return s.record(None, *told, domains=(fresh,))
    return None
