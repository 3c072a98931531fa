"""The marketplace: which templates there are, and what became of them.

It is stocked with Railway's own databases (`postgres`, `redis`, `mysql`, `mongodb`, in documents of ours) and with every
template document of a folder. A document is a bare `serializedConfig`, or an object with `serializedConfig`, `code`,
`name`, `description`, `category`, `tags`, `image`, `readme` beside it; other JSON files in the folder are left alone.
"""

from __future__ import annotations

import json
import uuid
from copy import deepcopy
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from railway_saas.emulator import errors
from railway_saas.emulator.errors import Refusal
from railway_saas.emulator.registry import part
from railway_saas.emulator.sources import read_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from importlib.resources.abc import Traversable

    from railway_saas.emulator.world.accounts import User, Workspace
    from railway_saas.emulator.world.projects import Project
    from railway_saas.emulator.world.world import World

NAMESPACE = uuid.UUID("6d1f4b0e-5c3a-5e0d-8f57-0c6b6a1e7a10")
"""Ids of stocked templates follow from their codes."""

CODE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
CODE_LENGTH = 6

CATEGORIES = frozenset(
    {
        "AI/ML",
        "Analytics",
        "Authentication",
        "Automation",
        "Blogs",
        "Bots",
        "CMS",
        "Observability",
        "Other",
        "Starters",
        "Storage",
        "Queues",
    }
)
DESCRIPTION_LENGTHS = (25, 75)
README_LENGTHS = (250, 10_000)
"""Source: Railway CLI, which checks both before it publishes."""


@dataclass(slots=True, eq=False)
class Template:
    """One template. `config` is what Railway calls `serializedConfig`; it reads back as it was stored."""

    id: str
    code: str
    name: str
    config: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    status: str = "UNPUBLISHED"
    description: str | None = None
    category: str | None = None
    tags: list[str] | None = None
    image: str | None = None
    readme: str | None = None
    demo_project_id: str | None = None
    is_verified: bool = False
    workspace: Workspace | None = None
    creator: User | None = None
    source_project: Project | None = None
    deploys: list[tuple[datetime, Project]] = field(default_factory=list["tuple[datetime, Project]"])

    @property
    def workspace_id(self) -> str | None:
        """Id of the workspace that owns it; None for Railway's own."""
        return self.workspace.id if self.workspace else None


@part
class Marketplace:
    """All templates."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._by_id: dict[str, Template] = {}
        self._by_code: dict[str, Template] = {}
        own = files("railway_saas.emulator").joinpath("marketplace_documents")
        for document in sorted(own.iterdir(), key=lambda one: one.name):
            self._stock(document, verified=True)
        folder = world.settings.templates
        if folder is not None:
            if not folder.is_dir():
                raise ValueError(f"templates: {folder} is not a folder")
            for path in sorted(folder.glob("*.json")):
                self._stock(path, verified=False)

    def __iter__(self) -> Iterator[Template]:
        return iter(tuple(self._by_id.values()))

    def find(
        self,
        *,
        template_id: str | None = None,
        code: str | None = None,
        repo: str | None = None,
    ) -> Template | None:
        """A template by id, by code, or by the repository (`owner/name`) that one of its services is built from."""
        if template_id is not None:
            return self._by_id.get(template_id)
        if code is not None:
            return self._by_code.get(code)
        return next((one for one in self if repo in repositories(one.config)), None)

    def published(self) -> list[Template]:
        """What the marketplace shows, the most deployed first."""
        shown = [one for one in self if one.status == "PUBLISHED"]
        return sorted(shown, key=lambda one: len(one.deploys), reverse=True)

    def add(
        self,
        name: str,
        config: Mapping[str, Any],
        *,
        workspace: Workspace,
        creator: User,
        source_project: Project | None = None,
        **details: Any,
    ) -> Template:
        """A new template of a workspace, not published yet."""
        now = self._world.clock.now()
        template = Template(
            id=self._world.ids.uuid(),
            code=self._free_code(),
            name=name,
            config=deepcopy(dict(config)),
            created_at=now,
            updated_at=now,
            workspace=workspace,
            creator=creator,
            source_project=source_project,
            **details,
        )
        self._keep(template)
        return template

    def publish(self, template: Template, details: Mapping[str, Any]) -> None:
        """Put a template on show.

        Raises:
            Refusal: Category, or length of description or readme, does not fit.
        """
        if details["category"] not in CATEGORIES:
            raise errors.invalid_field("category")
        for name, (least, most) in (("description", DESCRIPTION_LENGTHS), ("readme", README_LENGTHS)):
            if not least <= len(details[name]) <= most:
                raise errors.invalid_field(name)
        for name in ("category", "description", "readme", "image", "demo_project_id"):
            if name in details:
                setattr(template, name, details[name])
        template.status = "PUBLISHED"
        template.updated_at = self._world.clock.now()

    def unpublish(self, template: Template) -> None:
        """Take a template off show; it stays readable by its code."""
        template.status = "UNPUBLISHED"
        template.updated_at = self._world.clock.now()

    def delete(self, template: Template) -> None:
        """Delete a template. What was deployed from it goes on running."""
        del self._by_id[template.id]
        del self._by_code[template.code]

    def set_volume_size(
        self, template: Template, service_key: str, volume_key: str, size_mb: int | None
    ) -> None:
        """Say how big a volume of a template is going to be; None: the plan's default.

        Raises:
            Refusal: There is no such volume.
        """
        service: dict[str, Any] = template.config["services"].get(service_key) or {}
        mounts: dict[str, dict[str, Any]] = service.get("volumeMounts") or {}
        if volume_key not in mounts:
            raise errors.not_found("TemplateVolume")
        mount = {name: value for name, value in mounts[volume_key].items() if name != "sizeMB"}
        mounts[volume_key] = mount if size_mb is None else {**mount, "sizeMB": size_mb}
        template.updated_at = self._world.clock.now()

    def _free_code(self) -> str:
        while True:
            code = self._world.ids.text(CODE_LENGTH, CODE_ALPHABET, stream="template")
            if code not in self._by_code:
                return code

    def _keep(self, template: Template) -> None:
        self._by_id[template.id] = template
        self._by_code[template.code] = template

    def _stock(self, path: Traversable, *, verified: bool) -> None:
        document = _read(path)
        config = document.get("serializedConfig", document)
        if not isinstance(config, dict) or not isinstance(config.get("services"), dict):  # pyright: ignore[reportUnknownMemberType]
            return
        default_code = path.name.removeprefix("template-").removesuffix(".json")
        about = document if "serializedConfig" in document else {}
        code = str(about.get("code") or default_code)
        now = self._world.clock.now()
        template = Template(
            id=str(about.get("id") or uuid.uuid5(NAMESPACE, code)),
            code=code,
            name=str(about.get("name") or default_code),
            config=cast("dict[str, Any]", config),
            created_at=now,
            updated_at=now,
            status="PUBLISHED",
            description=about.get("description"),
            category=about.get("category") or "Other",
            tags=about.get("tags"),
            image=about.get("image"),
            readme=about.get("readme"),
            is_verified=verified,
        )
        self._keep(template)


def repositories(config: Mapping[str, Any]) -> set[str]:
    """The repositories (`owner/name`) that a template's services are built from."""
    found: set[str] = set()
    services: dict[str, dict[str, Any] | None] = config.get("services") or {}
    for service in services.values():
        source: dict[str, Any] = (service or {}).get("source") or {}
        try:
            found.add(read_repository(source.get("repo") or "")[0])
        except Refusal:  # an image, or a repository that is none
            continue
    return found


def _read(path: Traversable) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"templates: {path.name} is not JSON: {error}") from error
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}
