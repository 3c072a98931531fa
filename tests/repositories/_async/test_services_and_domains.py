"""Services and custom domains of instances."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain.instances import DnsRecord, DomainState
from railway_saas.errors import ConflictError, NotFoundError
from tests.support.nouns import HOUR, NOW, Stock, added_async, domain, next_id, service

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase


async def test_services_are_replaced_as_a_whole(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    web, db = service(instance.id, name="web"), service(instance.id, name="db")
    async with database.unit_of_work() as work:
        await work.services.replace(instance.id, [web, db])
        assert await work.services.list_for(instance.id) == [db, web]
        seen = replace(
            web,
            id=next_id(),
            template_key="key",
            name="a-web",
            railway_deployment_id="d",
            status="SUCCESS",
            stopped=True,
            domain="web.up.railway.app",
            updated_at=NOW + HOUR,
        )
        cache = service(instance.id, name="cache")
        await work.services.replace(instance.id, [cache, seen])
        assert await work.services.list_for(instance.id) == [replace(seen, id=web.id), cache]
        await work.services.replace(instance.id, [])
        assert await work.services.list_for(instance.id) == []


async def test_a_service_belongs_to_one_instance(database: AsyncDatabase, stock: Stock) -> None:
    mine, other = stock.instance(), stock.instance()
    await added_async(database, mine, other)
    taken, own = service(other.id), service(mine.id)
    async with database.unit_of_work() as work:
        await work.services.replace(other.id, [taken])
        await work.services.replace(mine.id, [own])
        with pytest.raises(ConflictError):
            await work.services.replace(mine.id, [replace(taken, instance_id=mine.id), service(mine.id)])
        with pytest.raises(ConflictError):
            await work.services.replace(mine.id, [own, replace(own, id=next_id())])
        assert await work.services.list_for(mine.id) == [own]
        assert await work.services.list_for(other.id) == [taken]


async def test_services_of_no_instance_are_refused(database: AsyncDatabase) -> None:
    nobody = next_id()
    async with database.unit_of_work() as work:
        for services in ([], [service(nobody)]):
            with pytest.raises(NotFoundError):
                await work.services.replace(nobody, services)


async def test_services_and_domains_of_several_at_once(database: AsyncDatabase, stock: Stock) -> None:
    first, second, bare = stock.instance(), stock.instance(), stock.instance()
    await added_async(database, first, second, bare)
    services = [service(first.id, name="b"), service(first.id, name="a"), service(second.id)]
    domains = [domain(first.id), domain(first.id), domain(second.id)]
    async with database.unit_of_work() as work:
        await work.services.replace(first.id, services[:2])
        await work.services.replace(second.id, services[2:])
        for one in domains:
            await work.domains.add(one)
        assert await work.services.list_for_many([first.id, bare.id]) == {
            first.id: [services[1], services[0]],
            bare.id: [],
        }
        assert await work.domains.list_for_many([first.id, second.id, bare.id]) == {
            first.id: domains[:2],
            second.id: domains[2:],
            bare.id: [],
        }
        assert await work.services.list_for_many([]) == {}
        assert await work.domains.list_for_many([]) == {}


async def test_a_domain_comes_back_as_it_was(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    made = domain(instance.id)
    changed = replace(
        made,
        target_port=8080,
        state=DomainState.ATTACHED,
        railway_domain_id="rd",
        dns_records=(
            DnsRecord(record_type="CNAME", name="www.example.com", value="x.up.railway.app", is_set=True),
            DnsRecord(record_type="TXT", name="_v.example.com", value="=v"),
        ),
        verified=True,
        error="none",
        updated_at=NOW + HOUR,
    )
    async with database.unit_of_work() as work:
        await work.domains.add(made)
        assert await work.domains.find(made.domain) == made
        await work.domains.save(changed)
        assert await work.domains.find(made.domain) == changed
        assert await work.domains.list_for(instance.id) == [changed]
        await work.domains.delete(made.id)
        await work.domains.delete(made.id)
        assert await work.domains.find(made.domain) is None
        with pytest.raises(NotFoundError):
            await work.domains.save(made)


async def test_a_domain_is_had_by_one_instance(database: AsyncDatabase, stock: Stock) -> None:
    first, second = stock.instance(), stock.instance()
    await added_async(database, first, second)
    taken, other = domain(first.id), domain(second.id)
    async with database.unit_of_work() as work:
        await work.domains.add(taken)
        await work.domains.add(other)
        with pytest.raises(ConflictError):
            await work.domains.add(domain(second.id, domain=taken.domain))
        with pytest.raises(ConflictError):
            await work.domains.save(replace(other, domain=taken.domain))
        with pytest.raises(NotFoundError):
            await work.domains.add(domain(next_id()))
        assert await work.domains.list_for(second.id) == [other]
