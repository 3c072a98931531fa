"""Templates that a new platform offers, and how a folder of documents gets into the catalogue."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from railway_saas.domain import ServiceLimits
from railway_saas.errors import ConfigurationError
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from railway_saas.domain import CatalogueTemplate
    from railway_saas.instances import InstanceManager

OURS: Final = Path(__file__).parent
ABOUT: Final = "about.json"
"""Beside the documents: how each is shown, and what it may use, by the document's file name."""


class _Resources(BaseModel):
    model_config = ConfigDict(extra="forbid")

    vcpus: Decimal | None = None
    memory_gb: Decimal | None = None


class _About(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    description: str | None = None
    category: str | None = None
    price_tier: str | None = None
    resources: _Resources = _Resources()


_ABOUT: Final = TypeAdapter(dict[str, _About])


def publish_folder(manager: InstanceManager, folder: Path | None = None) -> Iterator[tuple[str, str]]:
    """Publish every document of a folder by its file name; what became of each.

    What is in the catalogue already, be it withdrawn, keeps its name and all else, and gets a new revision where its
    document changed.

    Raises:
        ConfigurationError: `about.json` cannot be read.
        TemplateError: A document has faults.
    """
    where = folder or OURS
    about, known = _about(where), _known(manager)
    for path in sorted(where.glob("*.json")):
        if path.name == ABOUT:
            continue
        template = Template.parse(path.read_bytes())
        key = f"local:{path.stem}"
        if key not in known:
            _publish(manager, template, key, about.get(path.stem) or _About())
            yield path.stem, "published"
            continue
        before = manager.latest_revision(known[key].id)
        after = manager.publish_revision(known[key].id, template)
        yield path.stem, "unchanged" if after.id == before.id else f"revision {after.number}"


def _publish(manager: InstanceManager, template: Template, key: str, about: _About) -> None:
    plain_name = key.removeprefix("local:").replace("-", " ").capitalize()
    manager.publish_template(
        template,
        name=about.name or plain_name,
        railway_template_id=key,
        description=about.description,
        category=about.category,
        price_tier=about.price_tier,
        resources=ServiceLimits(vcpus=about.resources.vcpus, memory_gb=about.resources.memory_gb),
    )


def _about(folder: Path) -> Mapping[str, _About]:
    path = folder / ABOUT
    if not path.is_file():
        return {}
    try:
        return _ABOUT.validate_python(json.loads(path.read_bytes()))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)
        )
        raise ConfigurationError(f"{path}: {faults}") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: is no JSON: {error}") from None


def _known(manager: InstanceManager) -> Mapping[str, CatalogueTemplate]:
    found: dict[str, CatalogueTemplate] = {}
    cursor: str | None = None
    while True:
        page = manager.templates(is_active=None, after=cursor, limit=200)
        found.update({one.railway_template_id: one for one in page.items})
        cursor = page.next_cursor
        if cursor is None:
            return found
