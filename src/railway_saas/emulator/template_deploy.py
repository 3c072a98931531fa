"""Deploying a template: what `templateDeployV2` sets going.

The call itself only checks the config and makes the project. A workflow then makes the services one after the other, and
at last a config patch with everything else in it, which is committed (or, with `stageOnly`, staged): so a deployed
template and a hand-written patch do exactly the same things. The workflow is `Complete` when the deployments are queued.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors, structure
from railway_saas.emulator.buckets import REGIONS as BUCKET_REGIONS
from railway_saas.emulator.buckets import Buckets
from railway_saas.emulator.config_variables import generated
from railway_saas.emulator.domains import Domains
from railway_saas.emulator.environment_patches import Patches
from railway_saas.emulator.template_documents import TemplateDocument, TemplateService, read_template
from railway_saas.emulator.volumes import MAXIMUM_COUNT, MAXIMUM_SIZE_MB
from railway_saas.emulator.workflows import Workflow, Workflows
from railway_saas.templates.expressions import Reference, evaluate_functions, parse_expressions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.emulator.marketplace import Template
    from railway_saas.emulator.template_documents import TemplateVariable
    from railway_saas.emulator.world.accounts import User
    from railway_saas.emulator.world.projects import Environment, Service
    from railway_saas.emulator.world.world import World

KIND = "deployTemplate"
FIRST_SERVICE_S = 0.9
NEXT_SERVICE_S = 0.35
LAST_S = 0.8

_SECTIONS = ("source", "build", "deploy", "configFile", "groupId", "clusterRole", "clusterWiring")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a template goes, and how."""

    environment: Environment
    stage_only: bool = False
    existing_root: Service | None = None
    """An existing service that takes the place of the template's root service."""
    creator: User | None = None


def check_template(config: Mapping[str, Any], plan: str, *, volumes_there: int = 0) -> TemplateDocument:
    """Read a config, and refuse one that the plan does not allow.

    Raises:
        Refusal: See `read_template`; or there are more volumes than the plan allows.
    """
    document = read_template(config)
    most = MAXIMUM_COUNT[plan]
    if volumes_there + document.volume_count > most:
        raise errors.invalid(f"Your plan allows {most} volume{'s' if most > 1 else ''} per project")
    return document


def deploy_template(world: World, template: Template, document: TemplateDocument, target: Target) -> Workflow:
    """Begin to deploy a checked template."""
    run = _Run(world, template, document, target)
    steps = [
        (NEXT_SERVICE_S if number else FIRST_SERVICE_S, lambda one=service: run.make_service(one))
        for number, service in enumerate(document.services)
    ]
    project = target.environment.project
    template.deploys.append((world.clock.now(), project))
    return world.part(Workflows).start(KIND, project, [*steps, (LAST_S, run.finish)])


@dataclass(slots=True)
class _Run:
    """One deploy on its way."""

    world: World
    template: Template
    document: TemplateDocument
    target: Target
    services: dict[str, Service] = field(default_factory=dict[str, "Service"])
    """By key."""
    renamed: dict[str, str] = field(default_factory=dict[str, str])
    """Services and buckets that could not have their name: references to them are rewritten."""

    def make_service(self, wanted: TemplateService) -> None:
        """Make a service, still without source; a name that is taken gets a suffix."""
        service = self._existing(wanted) or self._new(wanted)
        service.template_id = self.template.id
        service.template_service_id = wanted.key
        self.services[wanted.key] = service
        if service.name != wanted.name:
            self.renamed[wanted.name] = service.name

    def finish(self) -> None:
        """Make buckets, and commit or stage all the rest."""
        patch = self._patch()
        patches, environment = self.world.part(Patches), self.target.environment
        if self.target.stage_only:
            patches.stage(environment, patch, merge=True)
        else:
            patches.commit(environment, patch, message=f"Deploy {self.template.name}", by=self.target.creator)

    def _existing(self, wanted: TemplateService) -> Service | None:
        root = next((one for one in self.document.services if one.is_root), self.document.services[0])
        return self.target.existing_root if wanted is root else None

    def _new(self, wanted: TemplateService) -> Service:
        environment = self.target.environment
        return structure.create_service(
            self.world,
            environment.project,
            name=structure.free_service_name(self.world, environment.project, wanted.name),
            environments=[environment],
            icon=wanted.icon,
        )

    def _patch(self) -> dict[str, Any]:
        buckets = {self._bucket(entry): entry for entry in self.document.buckets.values()}
        services: dict[str, Any] = {}
        volumes: dict[str, Any] = {}
        for wanted in self.document.services:
            mounts = {self.world.ids.uuid(): mount for mount in wanted.mounts.values()}
            volumes |= {volume_id: self._volume(mount) for volume_id, mount in mounts.items()}
            services[self.services[wanted.key].id] = self._service(wanted, mounts)
        patch = {
            "services": services,
            "volumes": volumes,
            "buckets": {bucket_id: _bucket_config(entry) for bucket_id, entry in buckets.items()},
            "sharedVariables": self._variables(self.document.shared_variables),
        }
        return {name: entries for name, entries in patch.items() if entries}

    def _service(self, wanted: TemplateService, mounts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        config = {name: wanted.config[name] for name in _SECTIONS if wanted.config.get(name) is not None}
        parent = self.services.get(wanted.config.get("parentServiceId") or "")
        if parent is not None:
            config["parentServiceId"] = parent.id
        config["variables"] = self._variables(wanted.variables)
        config["networking"] = self._networking(wanted)
        config["volumeMounts"] = {volume_id: _mount(mount) for volume_id, mount in mounts.items()}
        return {**config, "isCreated": True}

    def _networking(self, wanted: TemplateService) -> dict[str, Any]:
        instance = self.target.environment.instances[self.services[wanted.key].id]
        domains = self.world.part(Domains)
        named: dict[str, dict[str, int]] = {}
        for port in wanted.domain_ports:
            name = domains.free_name(instance, beside=named)
            named[name] = {} if port is None else {"port": port}
        return {"serviceDomains": named, "tcpProxies": {str(port): {} for port in wanted.tcp_ports}}

    def _volume(self, mount: Mapping[str, Any]) -> dict[str, Any]:
        """Railway: a size is cut to what the deployer's plan allows."""
        plan = self.target.environment.project.workspace.plan
        size_mb = mount.get("sizeMB")
        size = {} if size_mb is None else {"sizeMB": min(int(size_mb), MAXIMUM_SIZE_MB[plan])}
        return {**size, "isCreated": True}

    def _bucket(self, entry: Mapping[str, Any]) -> str:
        buckets, project = self.world.part(Buckets), self.target.environment.project
        wanted = entry.get("name") or self.world.ids.name()
        name = buckets.free_name(project, wanted)
        if name != wanted:
            self.renamed[wanted] = name
        return buckets.create(project, name).id

    def _variables(self, variables: Mapping[str, TemplateVariable]) -> dict[str, Any]:
        return {name: self._variable(variable) for name, variable in variables.items()}

    def _variable(self, variable: TemplateVariable) -> dict[str, Any]:
        """Railway: `secret()` and `randomInt()` run once, now; their result takes the call's place."""
        if variable.text is None:
            value = generated(self.world, variable.generator or "")
        else:
            value = self._rewritten(evaluate_functions(variable.text, self.world.ids.stream("secret")))
        return {"value": value, **({"isSealed": True} if variable.is_sealed else {})}

    def _rewritten(self, text: str) -> str:
        """References to a service that got another name follow it."""
        if not self.renamed:
            return text
        return "".join(
            f"${{{{{self.renamed[one.owner]}.{one.name}}}}}"
            if isinstance(one, Reference) and one.owner in self.renamed
            else one.source
            for one in parse_expressions(text)
        )


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mount[name] for name in ("mountPath", "backupSchedules") if mount.get(name) is not None}


def _bucket_config(entry: Mapping[str, Any]) -> dict[str, Any]:
    region = entry.get("region")
    return {"isCreated": True, **({"region": region} if region in BUCKET_REGIONS else {})}
