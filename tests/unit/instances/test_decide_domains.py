"""Custom domains: attached, refused, looked after until their DNS is right, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.instances import DnsRecord, DomainState
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.effects import confirm, refuse
from railway_saas.instances.steps import Write
from railway_saas.railway.models.domains import Domains
from tests.support.situations import (
    NOW,
    Sight,
    SightKind,
    ago,
    custom_domain,
    decide,
    environment,
    instance,
    kinds,
    looked_at,
    no_answer,
    operation,
    recorded,
    rests,
    seen_service,
    sent,
    situation,
)

if TYPE_CHECKING:
    from railway_saas.domain.instances import InstanceDomain
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.steps import Verdict

DOMAINS = Sight(SightKind.DOMAINS, "svc-web")
RECORD = DnsRecord(record_type="CNAME", name="shop.example.com", value="x.up.railway.app")
ATTACHED = DomainState.ATTACHED


def at(
    *domains: InstanceDomain, told: Any = None, operations: tuple[ProviderOperation, ...] = (), **more: Any
) -> Verdict:
    sights = {} if told is None else {DOMAINS: told}
    return decide(
        situation(
            instance(**more), domains=domains, sights=sights, seen=environment("web"), operations=operations
        )
    )


def told(*, verified: bool = False, records: bool = True, host: str = "shop.example.com") -> Domains:
    """What Railway says of the domain."""
    record = {
        "recordType": "DNS_RECORD_TYPE_CNAME",
        "fqdn": host,
        "requiredValue": "x.up.railway.app",
        "status": "DNS_RECORD_STATUS_PROPAGATED" if verified else "DNS_RECORD_STATUS_REQUIRES_UPDATE",
    }
    status = {"verified": verified, "dnsRecords": [record] if records else []}
    if records:
        status |= {"verificationDnsHost": f"_railway-verify.{host}", "verificationToken": "railway-verify=1"}
    return Domains.model_validate({"customDomains": [{"id": "cd-1", "domain": host, "status": status}]})


# Attaching ------------------------------------------------------------------------------------------------------


def test_a_domain_is_attached_to_the_service_that_answers() -> None:
    row = custom_domain(target_port=8080)
    verdict = at(row)
    assert (sent(verdict), kinds(verdict)) == ((f"attach:{row.id}",), {OperationKind.CUSTOM_DOMAIN_CREATE})
    assert isinstance(verdict, Write)
    assert verdict.intents[0].request == {
        "domain": "shop.example.com",
        "service_id": "svc-web",
        "target_port": 8080,
    }


def test_domains_come_one_after_the_other() -> None:
    first, second = custom_domain("a.example.com"), custom_domain("b.example.com")
    assert sent(at(first, second)) == (f"attach:{first.id}",)


def test_a_domain_of_a_service_that_is_not_there_is_refused() -> None:
    (row,) = recorded(at(custom_domain(service="worker"))).domains
    assert (row.state, row.error) == (DomainState.REFUSED, "there is no service worker")


@pytest.mark.parametrize("status", [InstanceStatus.ACCEPTED, InstanceStatus.PROVISIONING])
def test_a_domain_waits_until_there_are_services(status: InstanceStatus) -> None:
    verdict = decide(situation(instance(status), domains=[custom_domain()]))
    assert kinds(verdict) <= {OperationKind.PROJECT_CREATE, OperationKind.TEMPLATE_DEPLOY}


@pytest.mark.parametrize("status", [InstanceStatus.STOPPED, InstanceStatus.SUSPENDED])
def test_a_domain_is_attached_while_it_is_off(status: InstanceStatus) -> None:
    of = instance(status, wanted=DesiredStatus(status))
    seen = environment(seen_service("web", "REMOVED"))
    verdict = decide(situation(of, domains=[custom_domain()], seen=seen))
    assert kinds(verdict) == {OperationKind.CUSTOM_DOMAIN_CREATE}


def test_a_refusal_is_the_domains_and_not_the_instances() -> None:
    row = custom_domain()
    attach = operation(OperationKind.CUSTOM_DOMAIN_CREATE, f"attach:{row.id}", request={"domain": row.domain})
    change = refuse(situation(domains=[row]), attach, "taken")
    (refused,) = change.domains
    assert (refused.state, refused.error) == (DomainState.REFUSED, "taken")
    assert change.instance.observed.error is None


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(DomainState.ATTACHING, ATTACHED, id="attached"),
        pytest.param(DomainState.REMOVING, DomainState.REMOVING, id="to be removed by now"),
    ],
)
def test_an_attached_domain_has_railways_id(before: DomainState, expected: DomainState) -> None:
    row = custom_domain(state=before)
    attach = operation(OperationKind.CUSTOM_DOMAIN_CREATE, f"attach:{row.id}", request={"domain": row.domain})
    (done,) = confirm(situation(domains=[row]), attach, {"domain_id": "cd-1"}).domains
    assert (done.state, done.railway_domain_id) == (expected, "cd-1")


def test_a_refused_domain_is_left_alone() -> None:
    assert rests(at(custom_domain(state=DomainState.REFUSED))) == 900


# DNS ------------------------------------------------------------------------------------------------------------


def attached(**more: Any) -> InstanceDomain:
    return custom_domain(**{"state": ATTACHED, "railway_domain_id": "cd-1", "dns_records": (RECORD,), **more})


def test_the_records_of_a_fresh_domain_are_read_at_once() -> None:
    assert looked_at(at(attached(dns_records=(), updated_at=NOW))) == {DOMAINS}


@pytest.mark.parametrize(
    ("age", "pause", "until"),
    [
        pytest.param(10, 30, 1, id="young: 30 s"),
        pytest.param(500, 200, 1, id="the older the rarer"),
        pytest.param(86_400, 3600, 900, id="an hour at most, and then with the usual look"),
    ],
)
def test_dns_is_looked_at_with_growing_pauses(age: float, pause: float, until: float) -> None:
    """What counts is how old it was at the look before: a pause that grew while one waits would never end."""
    due = attached(created_at=ago(age + pause), updated_at=ago(pause))
    assert looked_at(at(due)) == {DOMAINS}
    early = attached(created_at=ago(age + pause - 1), updated_at=ago(pause - 1))
    assert rests(at(early)) == until


def test_what_railway_says_of_dns_is_written_down() -> None:
    (row,) = recorded(at(attached(dns_records=()), told=told())).domains
    assert row.dns_records == (
        RECORD,
        DnsRecord(record_type="TXT", name="_railway-verify.shop.example.com", value="railway-verify=1"),
    )
    assert (row.verified, row.updated_at) == (False, NOW)


def test_a_verified_domain_is_told_and_looked_at_no_more() -> None:
    change = recorded(at(attached(), told=told(verified=True)))
    (row,) = change.domains
    assert row.verified
    assert all(record.is_set for record in row.dns_records)
    assert [event.message for event in change.events] == ["shop.example.com is verified"]
    assert rests(at(row)) == 900


def test_a_domain_that_railway_does_not_know_any_more_is_refused() -> None:
    change = recorded(at(attached(), told=told(host="other.example.com")))
    (row,) = change.domains
    assert (row.state, row.error) == (DomainState.REFUSED, "Railway does not know it any more")
    assert [event.step for event in change.events] == ["error"]


def test_a_look_that_failed_is_repeated_at_the_next_pause() -> None:
    (row,) = recorded(at(attached(), told=no_answer())).domains
    assert row == attached(updated_at=NOW)


@pytest.mark.parametrize("answer", [no_answer(), told(records=False)])
def test_a_fresh_domain_without_records_is_no_endless_loop(answer: Any) -> None:
    verdict = at(attached(dns_records=()), told=answer)
    assert (rests(verdict) or 0) > 0


# Removing -------------------------------------------------------------------------------------------------------


def test_a_domain_is_removed_at_railway() -> None:
    row = attached(state=DomainState.REMOVING)
    verdict = at(row)
    assert (sent(verdict), kinds(verdict)) == ((f"detach:{row.id}",), {OperationKind.CUSTOM_DOMAIN_DELETE})
    assert isinstance(verdict, Write)
    assert verdict.intents[0].request == {"domain": "shop.example.com", "domain_id": "cd-1"}


def test_a_domain_that_railway_never_had_is_simply_forgotten() -> None:
    row = custom_domain(state=DomainState.REMOVING)
    assert recorded(at(row)).domains_gone == (row,)


def test_a_domain_that_cannot_be_removed_is_forgotten() -> None:
    row = attached(state=DomainState.REMOVING)
    refused = operation(OperationKind.CUSTOM_DOMAIN_DELETE, f"detach:{row.id}", OperationState.FAILED)
    assert recorded(at(row, operations=(refused,))).domains_gone == (row,)


def test_a_removed_domain_is_forgotten_once_railway_has_done_it() -> None:
    row, other = attached(state=DomainState.REMOVING), custom_domain("other.example.com")
    removed = operation(
        OperationKind.CUSTOM_DOMAIN_DELETE, f"detach:{row.id}", request={"domain": row.domain}
    )
    assert confirm(situation(domains=[row, other]), removed, {}).domains_gone == (row,)
