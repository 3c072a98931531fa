"""Bringing the platform itself onto Railway with our own SDK, and bringing a new version of it there.

The first run makes a project from `railway_template.json`: web, worker, PostgreSQL, Redis, and generated secrets. Later
runs find that project by its name and the marker in its description, and change what differs: the image or branch, settings
that were given, settings that are new in this version, how services are started. What an operator set by hand, and every
generated secret, stays. Web goes first: it migrates the database, which the version before gets along with.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from railway_saas.errors import ConfigurationError, ProvisioningError
from railway_saas.instances import StackDeployer
from railway_saas.templates import Template, evaluate_functions
from reference_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from railway_saas import RailwayClient
    from railway_saas.instances import Stack, StackService
    from railway_saas.railway.models.projects import Project

TEMPLATE: Final = Path(__file__).with_name("railway_template.json")
MARKER: Final = "railway_saas platform, deployed by `railway-saas-server deploy`"
"""Stands in the project's description: a project of the same name without it is somebody else's."""
WEB: Final = "Web"
OURS: Final = (WEB, "Worker")
"""Services that run the server's image, in the order they are brought to a new version."""
_EACH_ITS_OWN: Final = frozenset({"HOST", "PORT", "WORKER_METRICS_PORT"})
"""Settings that web and worker do not share."""
_DEFAULTS: Final[dict[str, Any]] = {"restartPolicyType": "ON_FAILURE", "restartPolicyMaxRetries": 10}
"""Left out of a service's configuration by Railway, as they hold by themselves."""
_LOOK_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Source:
    """What the web and worker services run."""

    image: str | None = None
    repo: str | None = None
    branch: str | None = None

    def to_json(self) -> dict[str, str]:
        """In the words of Railway's configuration."""
        if (self.image is None) == (self.repo is None):
            raise ConfigurationError("give either an image or a repository")
        if self.image is not None:
            return {"image": self.image}
        return {"repo": cast("str", self.repo), **({"branch": self.branch} if self.branch else {})}


@dataclass(frozen=True, slots=True)
class Deployed:
    """How it went."""

    project_id: str
    environment_id: str
    url: str | None
    """Where customers reach it; None: it has no domain."""
    is_new: bool
    changed: tuple[str, ...] = ()
    """What was changed, in words; names of settings, never values."""
    services: tuple[str, ...] = field(default=())


class SelfDeployment:
    """Deploys the platform.

    Args:
        client: Of the Railway that it is to run on.
        workspace_id: Where its project is, or is to be.
        project_name: Its project.
        say: Told what happens.
        template: The document, for tests.
    """

    def __init__(
        self,
        client: RailwayClient,
        *,
        workspace_id: str,
        project_name: str,
        say: Callable[[str], None],
        template: Template | None = None,
    ) -> None:
        self._client = client
        self._workspace_id = workspace_id
        self._project_name = project_name
        self._say = say
        self._template = template or Template.parse(TEMPLATE.read_bytes())
        self._deployer = StackDeployer(client, on_event=lambda event: say(event.message))

    def run(self, source: Source, values: Mapping[str, str], *, timeout_s: float = 900.0) -> Deployed:
        """Make it, or bring it up to date.

        Args:
            source: What to run.
            values: Settings by name, for web and worker alike.
            timeout_s: Seconds until everything must run.

        Raises:
            ConfigurationError: The project cannot be told from another one, or is not whole.
            TemplateError: Required settings are missing. Nothing was done.
            ProvisioningError: A step failed, or a service did not come up.
            RailwayError: Railway refused something, or could not be reached.
        """
        document = with_values(with_source(self._template, source.to_json()), values)
        project = self._find()
        if project is None:
            return self._make(document, values, timeout_s)
        return self._update(project, document, values, timeout_s)

    # The first time ----------------------------------------------------------------------------------------------

    def _make(self, document: Template, values: Mapping[str, str], timeout_s: float) -> Deployed:
        filled = document.fill(
            {f"{WEB}.{name}": value for name, value in values.items()}
        )  # checks what is required
        stack = self._deployer.deploy(
            filled,
            project_name=self._project_name,
            workspace_id=self._workspace_id,
            description=MARKER,
            timeout_s=timeout_s,
        )
        return Deployed(
            stack.project_id,
            stack.environment_id,
            _address(stack),
            is_new=True,
            services=tuple(service.name for service in stack.services),
        )

    # Later -------------------------------------------------------------------------------------------------------

    def _find(self) -> Project | None:
        """Our project; None: there is none of that name."""
        named = [
            project
            for project in self._client.projects.list(workspace_id=self._workspace_id)
            if project.name == self._project_name
        ]
        ours = [project for project in named if MARKER in (project.description or "")]
        if len(ours) > 1 or (named and not ours):
            why = "several projects are" if len(ours) > 1 else "a project that this command did not make is"
            raise ConfigurationError(
                f"{why} named {self._project_name!r} ({', '.join(one.id for one in named)}): give another --project"
            )
        return self._client.projects.get(ours[0].id) if ours else None

    def _update(
        self, project: Project, document: Template, values: Mapping[str, str], timeout_s: float
    ) -> Deployed:
        environment_id = project.environments[0].id
        services = self._services(project.id, environment_id)
        config = self._client.environments.config(environment_id, decrypt=True).config
        changed: list[str] = []
        deadline = self._client.clock.monotonic() + timeout_s
        for name in OURS:
            service = services[name]
            patch, told = changes_of(
                document, name, _service_config(config, service.service_id), values if name == WEB else {}
            )
            if not patch:
                continue
            self._say(f"{name}: {', '.join(told)}")
            changed += [f"{name}: {one}" for one in told]
            self._client.environments.commit_patch(
                environment_id,
                {"services": {service.service_id: patch}},
                message="railway-saas-server deploy",
            )
            self._await_next(project.id, environment_id, service, deadline)
        stack = self._deployer.look(environment_id)
        return Deployed(
            project.id,
            environment_id,
            _address(stack),
            is_new=False,
            changed=tuple(changed),
            services=tuple(service.name for service in stack.services),
        )

    def _services(self, project_id: str, environment_id: str) -> dict[str, StackService]:
        found = {service.name: service for service in self._deployer.look(environment_id).services}
        missing = [service.name for service in self._template.services if service.name not in found]
        if missing:
            raise ConfigurationError(
                f"project {project_id} lacks {', '.join(missing)}: its first deployment was broken off, or they were deleted. "
                f"If it holds nothing of worth, `railway-saas delete {self._project_name}` and deploy again"
            )
        return found

    def _await_next(
        self, project_id: str, environment_id: str, before: StackService, deadline: float
    ) -> None:
        """Until the service runs a newer deployment than before.

        Raises:
            ProvisioningError: It failed, or took too long. The deployment before it is still in service.
        """
        while True:
            self._client.clock.sleep(_LOOK_S)
            now = next(
                one
                for one in self._deployer.look(environment_id).services
                if one.service_id == before.service_id
            )
            is_next = now.deployment_id != before.deployment_id
            if is_next and now.is_running:
                self._say(now.sentence)
                return
            late = self._client.clock.monotonic() > deadline
            if (is_next and now.has_failed) or late:
                raise ProvisioningError(
                    f"{now.sentence}; what was there before still serves"
                    if not late
                    else f"{now.name} did not come up in time",
                    step="deploy",
                    project_id=project_id,
                    services={now.name: now.status or "none"},
                )


def with_source(template: Template, source: Mapping[str, str]) -> Template:
    """The document with what web and worker are to run."""
    document: Any = template.serialize()
    for service in document["services"].values():
        if service["name"] in OURS:
            service["source"] = dict(source)
    return Template.parse(document)


def with_values(template: Template, values: Mapping[str, str]) -> Template:
    """The document with a place for every setting that was given: at web, and at the worker, which refers to web's."""
    document: Any = template.serialize()
    for service in document["services"].values():
        for name in values:
            if service["name"] == WEB:
                service["variables"].setdefault(name, {"isOptional": True})
            elif service["name"] in OURS and name not in _EACH_ITS_OWN:
                service["variables"][name] = {"defaultValue": f"${{{{{WEB}.{name}}}}}", "isOptional": False}
    return Template.parse(document)


def changes_of(
    document: Template, name: str, current: Mapping[str, Any], values: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """What has to change of a service, as a patch of Railway's configuration; and in words.

    Args:
        document: How it should be.
        name: Of the service.
        current: Its configuration now.
        values: Settings that were given.
    """
    wanted = _wanted(document, name)
    patch: dict[str, Any] = {}
    told: list[str] = []
    source = _differing(wanted["source"], current.get("source") or {})
    if source:
        patch["source"] = source
        told.append("runs " + " ".join(str(value) for value in source.values()))
    deploy = _differing(wanted.get("deploy", {}), current.get("deploy") or {})
    if deploy:
        patch["deploy"] = deploy
        told.append("starts otherwise (" + ", ".join(sorted(deploy)) + ")")
    variables = _variables(wanted.get("variables", {}), current.get("variables") or {}, values)
    if variables:
        patch["variables"] = {key: {"value": value} for key, value in variables.items()}
        told.append("gets " + ", ".join(sorted(variables)))
    return patch, told


def _wanted(document: Template, name: str) -> dict[str, Any]:
    serialized: Any = document.serialize()
    return next(service for service in serialized["services"].values() if service["name"] == name)


def _differing(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in wanted.items()
        if value is not None and _plain(current.get(key, _DEFAULTS.get(key))) != _plain(value)
    }


def _plain(value: Any) -> Any:
    """One command may come as a list of one, or by itself."""
    match value:
        case [only]:
            return only
        case _:
            return value


def _variables(
    wanted: Mapping[str, Any], current: Mapping[str, Any], values: Mapping[str, str]
) -> dict[str, str]:
    """Those that were given and differ, and those that this version is the first to have."""
    given = {name: value for name, value in values.items() if (current.get(name) or {}).get("value") != value}
    random = secrets.SystemRandom()
    new = {
        name: evaluate_functions(variable["defaultValue"], random)
        for name, variable in wanted.items()
        if name not in current and name not in values and variable.get("defaultValue")
    }
    return {**new, **given}


def _service_config(config: Mapping[str, Any], service_id: str) -> Mapping[str, Any]:
    services = cast("Mapping[str, Any]", config.get("services") or {})
    return cast("Mapping[str, Any]", services.get(service_id) or {})


def _address(stack: Stack) -> str | None:
    hosts = next((service.hosts for service in stack.services if service.name == WEB), ())
    return f"https://{hosts[0]}" if hosts else None


def read_environment_file(text: str) -> dict[str, str]:
    """`NAME=value` lines; those that are empty, or begin with `#`, or give nothing, are passed over.

    Raises:
        ConfigurationError: A line has another form. It is named by its number: it may hold a secret.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, separator, value = stripped.partition("=")
        if not separator or not name.strip().isidentifier():
            raise ConfigurationError(f"line {number} of the environment file is not NAME=value")
        if _unquoted(value.strip()):
            values[name.strip()] = _unquoted(value.strip())
    return values


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value


def unknown_settings(values: Iterable[str]) -> list[str]:
    """Names that the server would not understand."""
    known = {field.alias or name for name, field in Settings.model_fields.items()}
    return sorted(set(values) - known)
