"""What an upgrade would do, before anybody says yes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.domain.catalogue import TemplateRevision
    from railway_saas.domain.plans import Resources
    from railway_saas.templates import TemplateDiff


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradePreview:
    """The changes of an upgrade."""

    revision: TemplateRevision
    """Where it would go."""
    diff: TemplateDiff
    """What changes in the document, before it is filled in; secrets in clear are not shown."""
    variables: Mapping[str, tuple[str, ...]]
    """Names of variables that would get another value, come or go, by name of a service that is there. Never values."""
    deploys: tuple[str, ...]
    """Names of the services that would be deployed anew."""
    removes: tuple[str, ...]
    """Names of the services that would be deleted, with their volumes."""
    resources: Resources
    """What the instance would hold of the owner's plan."""
    staged_changes: int
    """How many services and volumes Railway would change, as it says itself; 0 as well where changes of somebody else
    wait, which are left alone."""
