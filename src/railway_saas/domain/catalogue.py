"""What is offered: templates with their price tier, and the revisions of their documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from railway_saas.domain.instances import ServiceLimits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

LOCAL_PREFIX: Final = "local:"
"""Begins the `railway_template_id` of a document that Railway does not know: it is built from single calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueTemplate:
    """One row of `templates`: something a customer can choose."""

    id: UUID
    railway_template_id: str
    """Railway's id of the template, or `local:<a name of yours>` for a document Railway does not know."""
    name: str
    description: str | None = None
    category: str | None = None
    price_tier: str | None = None
    resources: ServiceLimits = field(default_factory=ServiceLimits)
    """What each of its services may use, unless the instance says otherwise."""
    setup_config: Mapping[str, Any] | None = None
    """For the embedding application (JSON): pictures, texts, form hints. Not read by the SDK."""
    is_active: bool = True
    """Whether it can be deployed anew. Instances that run are not touched."""
    created_at: datetime
    updated_at: datetime

    @property
    def known_to_railway(self) -> bool:
        """Whether Railway can deploy it itself."""
        return not self.railway_template_id.startswith(LOCAL_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRevision:
    """A document as it was at one time. Never changed; instances are pinned to one."""

    id: UUID
    template_id: UUID
    number: int
    """From 1, in the order of publication."""
    content_hash: str
    """`Template.content_hash` of the document; unique within the template."""
    document: Mapping[str, Any] = field(repr=False)
    """Railway's `serializedConfig`."""
    notes: str | None = None
    created_at: datetime
