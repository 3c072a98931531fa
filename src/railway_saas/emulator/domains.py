"""Public domains: Railway's own, customers' own, and TCP proxies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from railway_saas.emulator import errors, structure
from railway_saas.emulator.dns import Dns
from railway_saas.emulator.registry import part
from railway_saas.emulator.slugs import LONGEST_LABEL, slug
from railway_saas.emulator.world.networking import CustomDomain, ServiceDomain, TcpProxy

if TYPE_CHECKING:
    from collections.abc import Collection

    from railway_saas.emulator.world.projects import Environment, ServiceInstance
    from railway_saas.emulator.world.world import World

SUFFIX = "up.railway.app"
HEXADECIMAL = "0123456789abcdef"
SYNC_S = 1.0
"""Until a new domain or proxy says ACTIVE."""

CUSTOM_DOMAINS_PER_SERVICE = {"FREE": 1, "HOBBY": 2, "PRO": 20}
"""Source: Railway's documentation."""

PROXY_WORDS = [
    "autorack",
    "ballast",
    "caboose",
    "centerbeam",
    "crossover",
    "gondola",
    "hopper",
    "interchange",
    "junction",
    "mainline",
    "maglev",
    "metro",
    "monorail",
    "nozomi",
    "roundhouse",
    "shinkansen",
    "shortline",
    "shuttle",
    "switchback",
    "switchyard",
    "tramway",
    "trolley",
    "turntable",
    "viaduct",
]
PROXY_PORTS = (10_000, 59_999)
HIGHEST_PORT = 65_535
LONGEST_DOMAIN = 253
"""Source: RFC 1035."""
OWN_ZONES = (".railway.app", ".railway.internal")

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:\*\.)?(?:{_LABEL}\.)+[a-z]{{2,63}}")
_RAILWAY_DOMAIN = re.compile(rf"{_LABEL}\.up\.railway\.app")


@part
class Domains:
    """Every public name in use, in the whole world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names: dict[str, ServiceDomain | CustomDomain] = {}
        self._by_id: dict[str, ServiceDomain | CustomDomain | TcpProxy] = {}
        self._proxies: dict[tuple[str, int], TcpProxy] = {}
        world.hooks.instance_deleted.append(self._forget_instance)
        world.hooks.environment_copied.append(self._copy_environment)

    # Looking up ---------------------------------------------------------------------------------------------------

    def find(self, name: str) -> ServiceDomain | CustomDomain | None:
        """The domain of this name."""
        return self._names.get(name)

    def service_domain(self, domain_id: str) -> ServiceDomain | None:
        """One of Railway's own, by id."""
        found = self._by_id.get(domain_id)
        return found if isinstance(found, ServiceDomain) else None

    def custom_domain(self, domain_id: str) -> CustomDomain | None:
        """A customer's own, by id."""
        found = self._by_id.get(domain_id)
        return found if isinstance(found, CustomDomain) else None

    def tcp_proxy(self, proxy_id: str) -> TcpProxy | None:
        """A proxy by id."""
        found = self._by_id.get(proxy_id)
        return found if isinstance(found, TcpProxy) else None

    def free_name(self, instance: ServiceInstance, *, beside: Collection[str] = ()) -> str:
        """A name that is neither in use nor among those `beside`.

        Railway: `<service>-<environment>.up.railway.app`; when taken, four hexadecimal digits are added.
        """
        label = slug(f"{instance.service.name}-{instance.environment.name}")
        name = f"{label}.{SUFFIX}"
        while name in self._names or name in beside:
            tail = self._world.ids.text(4, HEXADECIMAL, stream="domain")
            name = f"{label[: LONGEST_LABEL - 5]}-{tail}.{SUFFIX}"
        return name

    # Railway's own ------------------------------------------------------------------------------------------------

    def add_service_domain(
        self, instance: ServiceInstance, *, name: str | None = None, target_port: int | None = None
    ) -> ServiceDomain:
        """One more domain under `up.railway.app`; without a name Railway makes one.

        Raises:
            Refusal: The name is none, or is taken; the port is none.
        """
        check_port(target_port)
        if name is not None:
            self.check_service_domain(name)
        now = self._world.clock.now()
        chosen = self.free_name(instance) if name is None else name
        domain = ServiceDomain(self._world.ids.uuid(), chosen, instance, now, now, target_port)
        instance.service_domains.append(domain)
        self._keep(domain)
        return domain

    def check_service_domain(self, name: str) -> None:
        """Refuse a name that Railway would.

        Raises:
            Refusal: It is not one under `up.railway.app`, or is taken.
        """
        if not _RAILWAY_DOMAIN.fullmatch(name):
            raise errors.invalid(f"{name} is not a valid domain")
        self._check_free(name)

    def update_service_domain(self, domain: ServiceDomain, *, name: str, target_port: int | None) -> None:
        """Rename a domain, or lead it to another port.

        Raises:
            Refusal: The name is none, or is taken; the port is none.
        """
        check_port(target_port)
        if name != domain.domain:
            self.check_service_domain(name)
            del self._names[domain.domain]
            domain.domain = name
            self._names[name] = domain
        domain.target_port = target_port
        domain.updated_at = self._world.clock.now()

    # Customers' own -----------------------------------------------------------------------------------------------

    def add_custom_domain(
        self, instance: ServiceInstance, name: str, *, target_port: int | None = None
    ) -> CustomDomain:
        """A domain that works once its DNS records are set.

        Raises:
            Refusal: The name is none, or is taken; the port is none; the plan allows no more.
        """
        check_port(target_port)
        self.check_custom_domain(name)
        most = CUSTOM_DOMAINS_PER_SERVICE[instance.project.workspace.plan]
        if len(instance.custom_domains) >= most:
            raise errors.invalid(
                f"Your plan allows {most} custom domain{'s' if most > 1 else ''} per service"
            )
        ids, now = self._world.ids, self._world.clock.now()
        domain = CustomDomain(
            id=ids.uuid(),
            domain=name,
            instance=instance,
            created_at=now,
            updated_at=now,
            target_port=target_port,
            cname_target=f"{ids.text(8, HEXADECIMAL, stream='domain')}.{SUFFIX}",
            verification_token=f"railway-verify={ids.text(40, HEXADECIMAL, stream='domain')}",
        )
        instance.custom_domains.append(domain)
        self._keep(domain)
        self._world.part(Dns).expect(domain)
        return domain

    def check_custom_domain(self, name: str) -> None:
        """Refuse a name that Railway would.

        Raises:
            Refusal: It is not a domain, is one of Railway's, or is taken.
        """
        if not _DOMAIN.fullmatch(name) or len(name) > LONGEST_DOMAIN or name.endswith(OWN_ZONES):
            raise errors.invalid(f"{name} is not a valid domain")
        self._check_free(name)

    def update_custom_domain(self, domain: CustomDomain, target_port: int | None) -> None:
        """Lead it to another port.

        Raises:
            Refusal: The port is none.
        """
        check_port(target_port)
        domain.target_port = target_port
        domain.updated_at = self._world.clock.now()

    # TCP proxies --------------------------------------------------------------------------------------------------

    def add_tcp_proxy(self, instance: ServiceInstance, application_port: int) -> TcpProxy:
        """A public port for a port of the service. Railway: one per service instance.

        Raises:
            Refusal: There is one already; the port is none.
        """
        check_port(application_port)
        if instance.tcp_proxies:
            raise errors.invalid("A TCP proxy already exists for this service")
        now = self._world.clock.now()
        host, port = self._free_proxy()
        proxy = TcpProxy(self._world.ids.uuid(), host, port, application_port, instance, now, now)
        instance.tcp_proxies.append(proxy)
        self._proxies[host, port] = proxy
        self._by_id[proxy.id] = proxy
        self._sync(proxy)
        return proxy

    def _free_proxy(self) -> tuple[str, int]:
        stream = self._world.ids.stream("tcp-proxy")
        while True:
            place = (f"{stream.choice(PROXY_WORDS)}.proxy.rlwy.net", stream.randint(*PROXY_PORTS))
            if place not in self._proxies:
                return place

    # Deleting and copying -----------------------------------------------------------------------------------------

    def delete(self, found: ServiceDomain | CustomDomain | TcpProxy) -> None:
        """Take a domain or proxy away."""
        instance = found.instance
        if isinstance(found, TcpProxy):
            instance.tcp_proxies.remove(found)
        elif isinstance(found, ServiceDomain):
            instance.service_domains.remove(found)
        else:
            instance.custom_domains.remove(found)
        self._forget(found)
        structure.touch(self._world, instance.project)

    def _keep(self, domain: ServiceDomain | CustomDomain) -> None:
        self._names[domain.domain] = domain
        self._by_id[domain.id] = domain
        self._sync(domain)

    def _sync(self, found: ServiceDomain | CustomDomain | TcpProxy) -> None:
        def synchronised() -> None:
            if found.deleted_at is None:
                found.sync_status = "ACTIVE"

        self._world.clock.call_later(SYNC_S, synchronised)
        structure.touch(self._world, found.instance.project)

    def _forget(self, found: ServiceDomain | CustomDomain | TcpProxy) -> None:
        found.deleted_at = self._world.clock.now()
        found.sync_status = "DELETED"
        self._by_id.pop(found.id, None)
        if isinstance(found, TcpProxy):
            self._proxies.pop((found.domain, found.proxy_port), None)
        else:
            self._names.pop(found.domain, None)

    def _forget_instance(self, instance: ServiceInstance) -> None:
        for domain in instance.service_domains:
            self._forget(domain)
        for custom in instance.custom_domains:
            self._forget(custom)
        for proxy in instance.tcp_proxies:
            self._forget(proxy)

    def _copy_environment(self, source: Environment, target: Environment) -> None:
        """A copied service gets domains and proxies of its own; customers' domains stay where they are."""
        for instance in source.instances.values():
            copied = target.instances.get(instance.service.id)
            if copied is None:
                continue
            for domain in instance.service_domains:
                self.add_service_domain(copied, target_port=domain.target_port)
            for proxy in instance.tcp_proxies:
                self.add_tcp_proxy(copied, proxy.application_port)

    def _check_free(self, name: str) -> None:
        if name in self._names:
            raise errors.invalid(f"The domain {name} is already taken")


def read_port(text: str, field: str = "targetPort") -> int:
    """A port that came as text.

    Raises:
        Refusal: Error in <field> - Invalid input.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= HIGHEST_PORT):
        raise errors.invalid_field(field)
    return int(text)


def check_port(port: int | None) -> None:
    """Refuse a number that is no port.

    Raises:
        Refusal: Error in targetPort - Invalid input.
    """
    if port is not None and not 1 <= port <= HIGHEST_PORT:
        raise errors.invalid_field("targetPort")
