"""`client.domains`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import domains as ops
from railway_saas.railway.operations._build import UNSET, Unset

if TYPE_CHECKING:
    from railway_saas.railway.models import domains as models


class AsyncDomains(AsyncResource):
    """Domains of a service: Railway's own (service domains) and customers' (custom domains)."""

    async def list(self, *, project_id: str, environment_id: str, service_id: str) -> models.Domains:
        """All domains of a service in one environment: `.service_domains`, and `.custom_domains` with DNS state."""
        return await self._client.run(
            ops.list_(project_id=project_id, environment_id=environment_id, service_id=service_id)
        )

    async def service_domain_create(
        self, *, service_id: str, environment_id: str, target_port: int | None = None
    ) -> models.ServiceDomain:
        """Give a service one more domain of Railway's own. Not idempotent: every call adds one.

        Args:
            service_id: Which service.
            environment_id: Where.
            target_port: Where requests go; Railway detects the port when None.

        Raises:
            RailwayConnectionError: With `maybe_applied` set, `list` the domains before trying again.
        """
        return await self._client.run(
            ops.service_domain_create(
                service_id=service_id, environment_id=environment_id, target_port=target_port
            )
        )

    async def service_domain_update(
        self,
        service_domain_id: str,
        *,
        service_id: str,
        environment_id: str,
        domain: str,
        target_port: int | Unset | None = UNSET,
    ) -> bool:
        """Rename a domain of Railway's own, or change its port.

        Args:
            service_domain_id: Which domain.
            service_id: Whose.
            environment_id: Where.
            domain: The full name, `<label>.up.railway.app`; the present one to keep it.
            target_port: Where requests go; None lets Railway detect the port.

        Raises:
            RailwayConflictError: The name is taken.
            RailwayInputError: It is no host name. Nothing was sent.
        """
        return await self._client.run(
            ops.service_domain_update(
                service_domain_id,
                service_id=service_id,
                environment_id=environment_id,
                domain=domain,
                target_port=target_port,
            )
        )

    async def service_domain_delete(self, service_domain_id: str) -> bool:
        """Delete a domain of Railway's own."""
        return await self._client.run(ops.service_domain_delete(service_domain_id))

    async def service_domain_available(self, domain: str) -> models.DomainAvailability:
        """Whether a name under Railway's own domain is free."""
        return await self._client.run(ops.service_domain_available(domain))

    async def custom_domain_create(
        self,
        *,
        project_id: str,
        environment_id: str,
        service_id: str,
        domain: str,
        target_port: int | None = None,
    ) -> models.CustomDomain:
        """Give a service a customer's domain. `dns_records` of the result is what its owner must set.

        Args:
            project_id: Where.
            environment_id: Where.
            service_id: Which service.
            domain: `app.example.com`, or `*.example.com`.
            target_port: Where requests go; Railway detects the port when None.

        Raises:
            RailwayInputError: It is no host name, or Railway takes no such domain.
            RailwayConflictError: Another project has it.
        """
        return await self._client.run(
            ops.custom_domain_create(
                project_id=project_id,
                environment_id=environment_id,
                service_id=service_id,
                domain=domain,
                target_port=target_port,
            )
        )

    async def custom_domain_get(self, custom_domain_id: str, *, project_id: str) -> models.CustomDomain:
        """A customer's domain: `.dns_records`, `.verified`, `.is_ready` and, under `.status`, the certificate."""
        return await self._client.run(ops.custom_domain_get(custom_domain_id, project_id=project_id))

    async def custom_domain_update(
        self, custom_domain_id: str, *, environment_id: str, target_port: int | None
    ) -> bool:
        """Change the port that a customer's domain leads to; None lets Railway detect it."""
        return await self._client.run(
            ops.custom_domain_update(custom_domain_id, environment_id=environment_id, target_port=target_port)
        )

    async def custom_domain_delete(self, custom_domain_id: str) -> bool:
        """Take a customer's domain away from its service."""
        return await self._client.run(ops.custom_domain_delete(custom_domain_id))

    async def custom_domain_issue_certificate(self, custom_domain_id: str) -> bool:
        """Try again to issue a certificate, where `status.certificate_retryable` says it may help."""
        return await self._client.run(ops.custom_domain_issue_certificate(custom_domain_id))

    async def custom_domain_available(self, domain: str) -> models.DomainAvailability:
        """Whether a customer's domain can be added, or is taken by another project."""
        return await self._client.run(ops.custom_domain_available(domain))
