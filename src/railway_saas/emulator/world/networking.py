"""Domains and TCP proxies of a service instance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.world.projects import ServiceInstance


@dataclass(slots=True, eq=False)
class ServiceDomain:
    """A domain under `up.railway.app`."""

    id: str
    domain: str
    instance: ServiceInstance
    created_at: datetime
    updated_at: datetime
    target_port: int | None = None
    sync_status: str = "CREATING"
    deleted_at: datetime | None = None

    @property
    def service_id(self) -> str:
        """Id of the service."""
        return self.instance.service.id

    @property
    def environment_id(self) -> str:
        """Id of the environment."""
        return self.instance.environment.id

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self.instance.project.id


@dataclass(slots=True, eq=False)
class CustomDomain:
    """A customer's own domain."""

    id: str
    domain: str
    instance: ServiceInstance
    created_at: datetime
    updated_at: datetime
    target_port: int | None = None
    cname_target: str = ""
    """What its CNAME record must say."""
    verification_token: str = field(default="", repr=False)
    """What its TXT record must say."""
    verified: bool = False
    """Whether both records were seen."""
    certificate_status: str = "CERTIFICATE_STATUS_TYPE_VALIDATING_OWNERSHIP"
    certificate_issued_at: datetime | None = None
    attempt: int = 0
    """Goes up whenever something overtakes what was queued for its certificate."""
    sync_status: str = "CREATING"
    deleted_at: datetime | None = None

    @property
    def service_id(self) -> str:
        """Id of the service."""
        return self.instance.service.id

    @property
    def environment_id(self) -> str:
        """Id of the environment."""
        return self.instance.environment.id

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self.instance.project.id


@dataclass(slots=True, eq=False)
class TcpProxy:
    """A public port that leads to a port of the service."""

    id: str
    domain: str
    proxy_port: int
    application_port: int
    instance: ServiceInstance
    created_at: datetime
    updated_at: datetime
    sync_status: str = "CREATING"
    deleted_at: datetime | None = None

    @property
    def service_id(self) -> str:
        """Id of the service."""
        return self.instance.service.id

    @property
    def environment_id(self) -> str:
        """Id of the environment."""
        return self.instance.environment.id

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self.instance.project.id
