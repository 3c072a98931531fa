"""Templates that a new platform offers, and how a folder of documents gets into the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from railway_saas.instances import InstanceManager

OURS: Final = Path(__file__).parent


def publish_folder(manager: InstanceManager, folder: Path | None = None) -> Iterator[tuple[str, str]]:
    """Publish every document of a folder by its file name; what became of each."""
    known = {one.railway_template_id: one for one in manager.templates()}
    for path in sorted((folder or OURS).glob("*.json")):
        template = Template.parse(path.read_bytes())
        key = f"local:{path.stem}"
        if key not in known:
            manager.publish_template(
                template, name=path.stem.replace("-", " ").capitalize(), railway_template_id=key
            )
            yield path.stem, "published"
            continue
        before = manager.latest_revision(known[key].id)
        after = manager.publish_revision(known[key].id, template)
        yield path.stem, "unchanged" if after.id == before.id else f"revision {after.number}"
