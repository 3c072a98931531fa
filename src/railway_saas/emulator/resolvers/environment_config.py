"""The config of an environment as one document, and patches to it: staged, committed, watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.connections import Connection, paginate
from railway_saas.emulator.environment_config import etag, read_config
from railway_saas.emulator.environment_patches import TOPIC, EnvironmentPatch, Patches
from railway_saas.emulator.faults import FaultKind
from railway_saas.emulator.registry import (
    Publish,
    Stop,
    field,
    graphql_type,
    mutation,
    query,
    registry,
    subscription,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.projects import Environment

registry.types["EnvironmentPatch"] = EnvironmentPatch

COMMIT = "environmentPatchCommitStaged"


@graphql_type("AppliedByMember")
@dataclass(frozen=True, slots=True)
class AppliedBy:
    """Who committed a patch."""

    id: str
    name: str
    email: str
    username: str
    avatar: str | None = None


@query("environmentStagedChanges")
def staged_changes(ctx: Context, *, environment_id: str) -> EnvironmentPatch:
    """What waits, or is being applied; an empty placeholder when nothing does."""
    return ctx.world.part(Patches).shown(ctx.environment(environment_id))


@query("environmentPatches")
def patches(ctx: Context, *, environment_id: str, **page: Any) -> Connection:
    """What was committed, newest first."""
    return paginate(ctx.world.part(Patches).committed(ctx.environment(environment_id)), **page)


@query("environmentPatch")
def patch(ctx: Context, *, id_: str) -> EnvironmentPatch:
    """One patch."""
    ctx.caller.require()
    found = ctx.world.part(Patches).find(id_)
    if found is None:
        raise errors.not_found("EnvironmentPatch")
    ctx.environment(found.environment.id)
    return found


@mutation("environmentStageChanges")
def stage_changes(
    ctx: Context, *, environment_id: str, input_: dict[str, Any], merge: bool | None = None
) -> EnvironmentPatch:
    """Let changes wait; with `merge`, together with those that already do."""
    return ctx.world.part(Patches).stage(ctx.environment(environment_id), input_, merge=bool(merge))


@mutation("environmentPatchCommitStaged")
def commit_staged(
    ctx: Context,
    *,
    environment_id: str,
    commit_message: str | None = None,
    skip_deploys: bool | None = None,
) -> str:
    """Apply everything that waits; the patch's id."""
    environment, patches = ctx.environment(environment_id), ctx.world.part(Patches)
    refused = ctx.faults.take(FaultKind.PATCH_REFUSED, (COMMIT,))
    if refused is not None:
        return patches.refuse_staged(environment, refused.message).id
    slow = ctx.faults.take(FaultKind.PATCH_APPLYING, (COMMIT,))
    committed = patches.commit_staged(
        environment,
        message=commit_message,
        by=ctx.user,
        skip_deploys=bool(skip_deploys),
        seconds=slow.seconds if slow else 0.0,
    )
    return committed.id


@mutation("environmentPatchCommit")
def commit(
    ctx: Context,
    *,
    environment_id: str,
    patch: dict[str, Any] | None = None,
    commit_message: str | None = None,
) -> str:
    """Apply a patch now; its id."""
    environment = ctx.environment(environment_id)
    done = ctx.world.part(Patches).commit(environment, patch or {}, message=commit_message, by=ctx.user)
    return done.id


@subscription("environmentStagedPatch")
def watch_staged(ctx: Context, publish: Publish, *, environment_id: str) -> Stop:
    """Every change of what waits."""
    return ctx.world.listen(TOPIC, ctx.environment(environment_id).id, publish)


@field("Environment", "config")
def config(found: Environment, _ctx: Context, *, decrypt_variables: bool | None = None) -> dict[str, Any]:
    """The whole document."""
    return read_config(found, decrypt=bool(decrypt_variables))


@field("Environment", "configEtag")
def config_etag(found: Environment, _ctx: Context) -> str:
    """Changes when the config does."""
    return etag(found)


@field("Environment", "unmergedChangesCount")
def unmerged_changes_count(found: Environment, ctx: Context) -> int:
    """How much waits."""
    return ctx.world.part(Patches).waiting(found)


@field("EnvironmentPatch", "patch")
def document(
    found: EnvironmentPatch, _ctx: Context, *, decrypt_variables: bool | None = None
) -> dict[str, Any]:
    """The changes. Without `decryptVariables`, and for sealed ones, the values stay away."""
    shown = dict(found.document)
    if "sharedVariables" in shown:
        shown["sharedVariables"] = _shown_variables(shown["sharedVariables"], decrypt=bool(decrypt_variables))
    if shown.get("services"):
        shown["services"] = {
            service_id: _shown_service(config, decrypt=bool(decrypt_variables))
            for service_id, config in shown["services"].items()
        }
    return shown


@field("EnvironmentPatch", "appliedBy")
def applied_by(found: EnvironmentPatch, _ctx: Context) -> AppliedBy | None:
    """Who committed it."""
    user = found.applied_by
    return AppliedBy(user.id, user.name, user.email, user.username) if user else None


def _shown_service(config: Mapping[str, Any] | None, *, decrypt: bool) -> Mapping[str, Any] | None:
    if not config or "variables" not in config:
        return config
    return {**config, "variables": _shown_variables(config["variables"], decrypt=decrypt)}


def _shown_variables(
    variables: Mapping[str, Mapping[str, Any] | None] | None, *, decrypt: bool
) -> dict[str, Any] | None:
    if variables is None:
        return None
    return {name: _shown_variable(entry, decrypt=decrypt) for name, entry in variables.items()}


def _shown_variable(entry: Mapping[str, Any] | None, *, decrypt: bool) -> Mapping[str, Any] | None:
    if entry is None or (decrypt and not entry.get("isSealed")):
        return entry
    return {key: value for key, value in entry.items() if key != "value"}
