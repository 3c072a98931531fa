"""Going from one template revision to another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from railway_saas.errors import (
    InstanceError,
    InstanceInputError,
    RailwayError,
)
from railway_saas.instances._async.managing.previewing import AsyncPreviewing
from railway_saas.instances.inputs import (
    fill_known,
    fill_renewed,
    renewed_inputs,
    require_size,
    resources_of,
    variables_bytes,
)
from railway_saas.instances.previews import UpgradePreview
from railway_saas.instances.steps import ENVIRONMENT, STAGED
from railway_saas.instances.upgrades import plan_upgrade
from railway_saas.instances.verbs import COMING_UP, Verb, not_now, require_verb
from railway_saas.instances.view import read_view
from railway_saas.railway.models.environments import EnvironmentPatch
from railway_saas.railway.models.overview import EnvironmentOverview
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from railway_saas.domain.instances import (
        Instance,
    )


class AsyncUpgrading(AsyncPreviewing):
    """Upgrades."""

    async def preview_upgrade(
        self,
        instance_id: UUID,
        *,
        revision_id: UUID | None = None,
        inputs: Mapping[str, str] | None = None,
        user_id: UUID | None = None,
    ) -> UpgradePreview:
        """What an upgrade would change; Railway checks the changes as staged ones, and forgets them in the same request.

        Args:
            instance_id: The instance.
            revision_id: The revision; the latest unless given.
            inputs: Values for inputs that are new in it, or get another value.
            user_id: The owner; None for the operator.

        Raises:
            TemplateError: A new required input has no value, or one that is given does not exist.
            InstanceStateError: It does not run, an upgrade or a restore is going on, or a worker is at it right now.
            RailwayError: Railway does not take the changes.
        """
        async with self._database.unit_of_work() as work:
            instance = await self._owned(work, instance_id, user_id)
            require_verb(instance, Verb.UPGRADE, for_owner=user_id is not None)
            await self._refuse_unsettled(work, instance, for_owner=user_id is not None)
            revision = await self._revision(work, instance.template_id, revision_id)
            document = Template.parse(revision.document)
            present = await work.templates.get_revision(instance.desired.revision_id)
            before = Template.parse(present.document)
            rows = await work.services.list_for(instance_id)
        config, given = instance.desired.config, inputs or {}
        old = fill_known(before, config.inputs)
        new = fill_renewed(document, renewed_inputs(document, config.inputs, given), given)
        seen = await self._looker.look(instance, [ENVIRONMENT, STAGED])
        overview, waiting = seen[ENVIRONMENT], seen[STAGED]
        if not isinstance(overview, EnvironmentOverview) or not isinstance(waiting, EnvironmentPatch):
            failure = next((one for one in seen.values() if isinstance(one, RailwayError)), None)
            raise failure or InstanceError("nothing was seen")
        view = read_view(overview, new, rows)
        plan = plan_upgrade(old, new, view, self._random, overlay=config.variables, limits=config.limits)
        staged = 0
        if plan.patch and waiting.is_empty:
            staged = await self._try_staging(instance, plan.patch, for_owner=user_id is not None)
        return UpgradePreview(
            revision=revision,
            diff=before.diff(document),
            variables={
                service.name: names
                for service in view.services
                if (names := plan.changed_variables(service.service_id))
            },
            deploys=tuple(service.name for service in new.services if service.key in plan.affected),
            removes=tuple(service.name for service in old.services if service.key in plan.removed),
            resources=resources_of(new, instance.desired.config.limits),
            staged_changes=staged,
        )

    async def upgrade(
        self,
        instance_id: UUID,
        *,
        revision_id: UUID | None = None,
        inputs: Mapping[str, str] | None = None,
        allow_removals: bool = False,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Take it to another revision of its template; what does not come up is rolled back.

        Args:
            instance_id: The instance.
            revision_id: The revision; the latest unless given. The one that it has will do, to give inputs other values.
            inputs: Values for inputs that are new in it, or get another value. Variables that were set by themselves stay.
            allow_removals: Whether services that it does not have may be deleted with their volumes.
            user_id: The owner; None for the operator.
            actor: Who does it, for the audit log.

        Raises:
            TemplateError: A new required input has no value, or one that is given does not exist.
            InstanceInputError: It would delete services, and that was not allowed.
            LimitExceededError: The owner's plan has no room for it.
            InstanceStateError: It does not run, or an upgrade is going on.
        """
        owner = (await self.get(instance_id, user_id=user_id)).user_id
        async with self._database.unit_of_work() as work:
            await work.instances.lock_owner(owner)
            instance = await self._locked(work, instance_id, user_id, Verb.UPGRADE)
            if instance.is_coming_up:
                raise not_now(instance, Verb.UPGRADE, COMING_UP, for_owner=user_id is not None)
            revision = await self._revision(work, instance.template_id, revision_id)
            document, given = Template.parse(revision.document), inputs or {}
            values = renewed_inputs(document, instance.desired.config.inputs, given)
            new = fill_renewed(document, values, given)
            old = await self._template(work, instance)
            changes = instance.desired.config.variables
            before = variables_bytes(old, changes)
            require_size(variables_bytes(new, changes), "inputs", before=before)
            names = {service.name for service in new.services} | {service.key for service in new.services}
            removed = [one.name for one in old.services if not {one.key, one.name} & names]
            if removed and not allow_removals:
                raise InstanceInputError(
                    f"allow_removals: the revision has no {', '.join(removed)}, whose data would be deleted; "
                    "say allow_removals=True if that is meant",
                    argument="allow_removals",
                )
            resources = resources_of(new, instance.desired.config.limits)
            await self._refuse_growth(work, instance, resources - instance.resources)
            return await self._want(
                work,
                replace(instance, resources=resources),
                Verb.UPGRADE,
                actor,
                {"revision": revision.number, "inputs": sorted(given)},
                revision_id=revision.id,
                config=replace(instance.desired.config, inputs=values),
            )
