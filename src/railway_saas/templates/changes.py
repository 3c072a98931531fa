"""The changes between two revisions of a template, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from railway_saas.templates.json_values import JsonObject, JsonValue, as_object
from railway_saas.templates.jsonable import to_json_value
from railway_saas.templates.sentences import summarize

if TYPE_CHECKING:
    from railway_saas.templates.inputs import TemplateInput
    from railway_saas.templates.views import TemplateVolume

__all__ = ["FieldChange", "ServiceChange", "TemplateDiff", "VariableChange", "VolumeChange"]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field whose value differs; None stands for one that is not there."""

    path: str
    """Where, as a JSON path in the document that has it."""
    old: JsonValue
    new: JsonValue
    added: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True)
class VariableChange:
    """One variable that came, went or changed."""

    service: str
    name: str
    path: str
    """Where, as a JSON path in the new document."""
    fields: tuple[FieldChange, ...]
    added: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True)
class VolumeChange:
    """One volume that came, went or changed."""

    service: str
    old: TemplateVolume | None
    new: TemplateVolume | None

    @property
    def loses_data(self) -> bool:
        """Whether what is stored on it is lost or out of reach: it is gone, or smaller (volumes only grow)."""
        if self.old is None:
            return False
        return self.new is None or self._shrinks(self.old.size_mb, self.new.size_mb)

    @staticmethod
    def _shrinks(old_mb: int | None, new_mb: int | None) -> bool:
        return old_mb is not None and new_mb is not None and new_mb < old_mb


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """One service that is in both revisions and differs."""

    name: str
    """Its name in the new revision."""
    old_name: str
    key: str
    """Its key in the new revision; Railway's `templateServiceId`."""
    old_key: str
    fields: tuple[FieldChange, ...]
    """Everything that differs outside the variables."""
    variables: tuple[VariableChange, ...]
    domains_added: tuple[str, ...]
    domains_removed: tuple[str, ...]

    @property
    def variables_added(self) -> tuple[str, ...]:
        """Names of new variables."""
        return tuple(item.name for item in self.variables if item.added)

    @property
    def variables_removed(self) -> tuple[str, ...]:
        """Names of variables that are gone."""
        return tuple(item.name for item in self.variables if item.removed)

    @property
    def variables_changed(self) -> tuple[str, ...]:
        """Names of variables that differ."""
        return tuple(item.name for item in self.variables if not (item.added or item.removed))


@dataclass(frozen=True, slots=True)
class TemplateDiff:
    """What a new revision changes."""

    services_added: tuple[str, ...] = ()
    services_removed: tuple[str, ...] = ()
    services_changed: tuple[ServiceChange, ...] = ()
    volumes: tuple[VolumeChange, ...] = ()
    """Volumes that came, went or changed, those of new and of removed services included."""
    new_required_inputs: tuple[TemplateInput, ...] = ()
    """Inputs that must be filled in now and need not before."""
    other: tuple[FieldChange, ...] = ()
    """Everything that differs outside the services: buckets, shared variables, unknown keys."""

    @property
    def is_empty(self) -> bool:
        """Whether both revisions have the same content."""
        return self == TemplateDiff()

    @property
    def loses_data(self) -> bool:
        """Whether a volume of the old revision is gone or would have to shrink."""
        return any(volume.loses_data for volume in self.volumes)

    @property
    def volumes_added(self) -> tuple[VolumeChange, ...]:
        """Volumes that are new."""
        return tuple(volume for volume in self.volumes if volume.old is None)

    @property
    def volumes_removed(self) -> tuple[VolumeChange, ...]:
        """Volumes that are gone, with what is stored on them."""
        return tuple(volume for volume in self.volumes if volume.new is None)

    @property
    def summary(self) -> tuple[str, ...]:
        """The changes in sentences, those that need attention first."""
        return tuple(summarize(self))

    def to_dict(self) -> JsonObject:
        """The changes as JSON, with the summary."""
        result = as_object(to_json_value(self))
        return {
            "summary": cast("list[JsonValue]", list(self.summary)),
            "is_empty": self.is_empty,
            "loses_data": self.loses_data,
            **result,
        }
