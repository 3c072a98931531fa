"""Making, copying and deleting projects, environments, services and service instances."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from railway_saas.emulator import errors, lifecycle
from railway_saas.emulator.world.projects import (
    DEFAULT_SETTINGS,
    NO_VARIABLES,
    Environment,
    Project,
    RepoTrigger,
    Service,
    ServiceInstance,
    ServiceSettings,
    Variable,
    Variables,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from railway_saas.emulator.world.accounts import Workspace
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.world import World

LONGEST_NAME = 100
DEFAULT_ENVIRONMENT = "production"


def create_project(  # noqa: PLR0913 - keyword-only options
    world: World,
    workspace: Workspace,
    *,
    name: str | None = None,
    description: str | None = None,
    environment_name: str | None = None,
    is_public: bool = False,
    pr_deploys: bool = False,
) -> Project:
    """A new project with one environment; without a name Railway invents one.

    Raises:
        Refusal: Invalid project name.
    """
    if name is not None:
        check_project_name(name)
    now = world.clock.now()
    project = Project(
        id=world.ids.uuid(),
        name=world.ids.name() if name is None else name,
        description=description,
        workspace=workspace,
        created_at=now,
        updated_at=now,
        is_public=is_public,
        pr_deploys=pr_deploys,
    )
    world.projects[project.id] = project
    workspace.projects[project.id] = project
    add_environment(world, project, environment_name or DEFAULT_ENVIRONMENT)
    return project


def check_project_name(name: str) -> None:
    """Refuse a name that Railway would.

    Raises:
        Refusal: Invalid project name.
    """
    if not name.strip() or len(name) > LONGEST_NAME:
        raise errors.invalid("Invalid project name")


def touch(world: World, project: Project) -> None:
    """Note that something in the project changed."""
    project.updated_at = world.clock.now()


def add_environment(
    world: World,
    project: Project,
    name: str,
    *,
    is_ephemeral: bool = False,
    source: Environment | None = None,
) -> Environment:
    """A new environment, empty even when it has a source; see `copy_environment`.

    Raises:
        Refusal: The name is blank or taken.
    """
    check_environment_name(project, name)
    now = world.clock.now()
    environment = Environment(
        id=world.ids.uuid(),
        name=name,
        project=project,
        created_at=now,
        updated_at=now,
        is_ephemeral=is_ephemeral,
        source_environment=source,
    )
    world.environments[environment.id] = environment
    project.environments[environment.id] = environment
    touch(world, project)
    return environment


def check_environment_name(project: Project, name: str) -> None:
    """Refuse a name that Railway would.

    Raises:
        Refusal: The name is blank, too long or taken.
    """
    if not name.strip() or len(name) > LONGEST_NAME:
        raise errors.invalid("Invalid environment name")
    if any(one.name == name for one in project.environments.values()):
        raise errors.invalid(f'An environment named "{name}" already exists in this project')


def copy_environment(world: World, source: Environment, target: Environment) -> list[ServiceInstance]:
    """Bring services, settings and variables of one environment into another; sealed values stay behind."""
    target.shared_variables = copy_variables(world, source.shared_variables)
    copied = [
        add_instance(
            world,
            instance.service,
            target,
            settings=instance.settings,
            variables=copy_variables(world, instance.variables),
        )
        for instance in source.instances.values()
    ]
    for listener in world.hooks.environment_copied:
        listener(source, target)
    return copied


def copy_variables(world: World, variables: Variables) -> Variables:
    """The same variables under new ids, without the sealed ones."""
    now = world.clock.now()
    return {
        name: replace(variable, id=world.ids.uuid(), created_at=now, updated_at=now)
        for name, variable in variables.items()
        if not variable.is_sealed
    }


def make_variables(world: World, values: Mapping[str, object]) -> Variables:
    """Variables from plain names and values."""
    now = world.clock.now()
    return {name: Variable(world.ids.uuid(), name, _text(value), now, now) for name, value in values.items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def create_service(  # noqa: PLR0913 - keyword-only options
    world: World,
    project: Project,
    *,
    name: str | None = None,
    environments: Iterable[Environment] | None = None,
    settings: ServiceSettings = DEFAULT_SETTINGS,
    variables: Variables = NO_VARIABLES,
    icon: str | None = None,
    template_id: str | None = None,
    template_service_id: str | None = None,
    service_id: str | None = None,
) -> Service:
    """A new service, with an instance in each of the environments; nothing is deployed.

    Without `environments` it comes into every one that is not ephemeral. `service_id` is for ids that a config patch
    brings along.

    Raises:
        Refusal: The name is blank or taken.
    """
    if name is None:
        name = free_service_name(world, project)
    check_service_name(project, name)
    now = world.clock.now()
    service = Service(
        id=service_id or world.ids.uuid(),
        name=name,
        project=project,
        created_at=now,
        updated_at=now,
        icon=icon,
        template_id=template_id,
        template_service_id=template_service_id,
    )
    world.services[service.id] = service
    project.services[service.id] = service
    lasting = (one for one in project.environments.values() if not one.is_ephemeral)
    for environment in lasting if environments is None else environments:
        add_instance(world, service, environment, settings=settings, variables=variables)
    touch(world, project)
    return service


def free_service_name(world: World, project: Project, wanted: str | None = None) -> str:
    """An invented name, or the wanted one with a suffix when it is taken."""
    name = world.ids.name() if wanted is None else wanted
    while any(one.name == name for one in project.services.values()):
        name = f"{wanted or world.ids.name()}-{world.ids.text(4, 'abcdefghijklmnopqrstuvwxyz0123456789')}"
    return name


def check_service_name(project: Project, name: str) -> None:
    """Refuse a name that Railway would.

    Raises:
        Refusal: The name is blank, too long, or taken in this project.
    """
    if not name.strip() or len(name) > LONGEST_NAME:
        raise errors.invalid_field("name")
    if any(one.name == name for one in project.services.values()):
        raise errors.service_name_taken(name)


def add_instance(
    world: World,
    service: Service,
    environment: Environment,
    *,
    settings: ServiceSettings = DEFAULT_SETTINGS,
    variables: Variables = NO_VARIABLES,
) -> ServiceInstance:
    """Bring a service into an environment."""
    now = world.clock.now()
    instance = ServiceInstance(world.ids.uuid(), service, environment, now, now, settings, variables)
    environment.instances[service.id] = instance
    world.instances[instance.id] = instance
    connect_trigger(world, instance)
    return instance


def connect_trigger(world: World, instance: ServiceInstance) -> None:
    """Let pushes deploy a repository service; that takes Railway's GitHub App."""
    service, settings = instance.service, instance.settings
    service.repo_triggers = [
        one for one in service.repo_triggers if one.environment is not instance.environment
    ]
    if settings.repo and world.settings.github_app:
        trigger = RepoTrigger(
            world.ids.uuid(), settings.repo, settings.branch or "main", instance.environment, service
        )
        service.repo_triggers.append(trigger)


def delete_instance(world: World, instance: ServiceInstance) -> None:
    """Take a service out of one environment, with its deployments and domains; what it used stays on the bill."""
    for deployment in instance.deployments:
        lifecycle.discard(world, deployment)
        world.deployments.pop(deployment.id, None)
    for listener in world.hooks.instance_deleted:
        listener(instance)
    instance.deleted_at = world.clock.now()
    instance.service_domains.clear()
    instance.custom_domains.clear()
    instance.tcp_proxies.clear()
    instance.environment.instances.pop(instance.service.id, None)
    instance.project.deleted_instances.append(instance)
    world.instances.pop(instance.id, None)


def delete_service(world: World, service: Service, environments: Iterable[Environment]) -> None:
    """Take a service out of some environments; when it is in none any more, it is gone."""
    for environment in environments:
        instance = environment.instances.get(service.id)
        if instance is not None:
            delete_instance(world, instance)
    project = service.project
    touch(world, project)
    if any(service.id in environment.instances for environment in project.environments.values()):
        return
    for listener in world.hooks.service_deleted:
        listener(service)
    service.deleted_at = world.clock.now()
    project.services.pop(service.id, None)
    world.services.pop(service.id, None)


def delete_environment(world: World, environment: Environment) -> None:
    """Delete an environment and everything in it; services that are nowhere else go with it."""
    project = environment.project
    for instance in tuple(environment.instances.values()):
        delete_service(world, instance.service, [environment])
    for listener in world.hooks.environment_deleted:
        listener(environment)
    environment.deleted_at = world.clock.now()
    project.environments.pop(environment.id, None)
    world.environments.pop(environment.id, None)
    for token in [one for one in world.tokens.values() if one.environment is environment]:
        del world.tokens[token.secret]


def delete_project(world: World, project: Project) -> None:
    """Delete a project at once. It stays in lists that ask for deleted ones."""
    for environment in tuple(project.environments.values()):
        delete_environment(world, environment)
    for listener in world.hooks.project_deleted:
        listener(project)
    project.deleted_at = world.clock.now()
    project.scheduled_deletion = None


def update_settings(world: World, instance: ServiceInstance, settings: ServiceSettings) -> None:
    """Give a service instance other settings; they hold from its next deployment on."""
    instance.settings = settings
    instance.updated_at = world.clock.now()
    touch(world, instance.project)


def deploy_all(
    world: World, instances: Iterable[ServiceInstance], *, reason: str = "deploy"
) -> list[Deployment]:
    """Deploy every instance that has a source, all at once."""
    return [
        lifecycle.deploy_service_instance(world, instance, reason=reason)
        for instance in instances
        if instance.settings.source
    ]


def with_source(
    settings: ServiceSettings, *, image: str | None = None, repo: str | None = None, branch: str | None = None
) -> ServiceSettings:
    """The same settings with another source, or with none."""
    return replace(settings, image=image or None, repo=repo or None, branch=branch, commit_sha=None)
