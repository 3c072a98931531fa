"""What a resolver works with: the world, who is asking, and look-ups that refuse as Railway does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from railway_saas.emulator import errors

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.auth import Caller
    from railway_saas.emulator.faults import Faults
    from railway_saas.emulator.ids import Ids
    from railway_saas.emulator.limits import Limits
    from railway_saas.emulator.world.accounts import User, Workspace
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.projects import Environment, Project, Service, ServiceInstance
    from railway_saas.emulator.world.world import World


@dataclass(slots=True)
class Context:
    """One operation on its way through the resolvers."""

    world: World
    limits: Limits
    caller: Caller
    reading: bool = True
    """Whether this is a query or subscription."""
    operation_name: str | None = None
    _lagging: set[str] = field(default_factory=set[str])

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.world.clock.now()

    @property
    def ids(self) -> Ids:
        """Where new ids come from."""
        return self.world.ids

    @property
    def faults(self) -> Faults:
        """The faults that are switched on."""
        return self.world.faults

    @property
    def user(self) -> User:
        """The user whose token this is, whatever its kind."""
        return self.caller.require().user

    def workspace(self, workspace_id: str) -> Workspace:
        """A workspace the caller may use.

        Raises:
            Refusal: Not Authorized.
        """
        workspace = self.world.workspaces.get(workspace_id)
        if workspace is None or not self.caller.may_use_workspace(workspace):
            raise errors.not_authorized()
        return workspace

    def project(self, project_id: str, *, manage: bool = False) -> Project:
        """A project the caller may see; with `manage`, one whose own properties it may change.

        Raises:
            Refusal: Project not found, Not Authorized.
        """
        self.caller.require()
        project = self.world.projects.get(project_id)
        if project is None or project.deleted_at is not None:
            raise errors.not_found("Project")
        allowed = self.caller.may_manage_project if manage else self.caller.may_use_project
        if not allowed(project):
            raise errors.not_authorized()
        self._wait_for_rights(project)
        return project

    def environment(self, environment_id: str) -> Environment:
        """An environment the caller may use.

        Raises:
            Refusal: Not Authorized.
        """
        self.caller.require()
        environment = self.world.environments.get(environment_id)
        if environment is None or not self.caller.may_use_environment(environment):
            raise errors.not_authorized()
        self._wait_for_rights(environment.project)
        return environment

    def service(self, service_id: str) -> Service:
        """A service the caller may use.

        Raises:
            Refusal: Not Authorized: Railway answers so for services that do not exist, too.
        """
        self.caller.require()
        service = self.world.services.get(service_id)
        if service is None or not self.caller.may_use_project(service.project):
            raise errors.not_authorized()
        self._wait_for_rights(service.project)
        return service

    def service_instance(self, service_id: str, environment_id: str) -> ServiceInstance:
        """What a service is in an environment.

        Raises:
            Refusal: Not Authorized, ServiceInstance not found.
        """
        environment = self.environment(environment_id)
        self.service(service_id)
        instance = environment.instances.get(service_id)
        if instance is None:
            raise errors.not_found("ServiceInstance")
        return instance

    def deployment(self, deployment_id: str) -> Deployment:
        """A deployment the caller may use.

        Raises:
            Refusal: Deployment not found, Not Authorized.
        """
        self.caller.require()
        deployment = self.world.deployments.get(deployment_id)
        if deployment is None:
            raise errors.not_found("Deployment")
        if not self.caller.may_use_environment(deployment.environment):
            raise errors.not_authorized()
        self._wait_for_rights(deployment.project)
        return deployment

    def environments_of(self, project: Project) -> list[Environment]:
        """The environments of a project that the caller may use, oldest first."""
        return [one for one in project.environments.values() if self.caller.may_use_environment(one)]

    def _wait_for_rights(self, project: Project) -> None:
        """Railway: rights spread to a new project with a delay; first reads may answer Not Authorized."""
        if not self.reading:
            return
        if project.unreadable_times > 0 and project.id not in self._lagging:
            project.unreadable_times -= 1
            self._lagging.add(project.id)
        if project.id in self._lagging:
            raise errors.not_authorized()
