"""Users, workspaces and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.connections import Connection, newest_first, paginate
from railway_saas.emulator.registry import constant, field, graphql_type, mutation, never, query, registry
from railway_saas.emulator.scalars import format_datetime
from railway_saas.emulator.world.accounts import Member, Token, TokenKind, User, Workspace

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.projects import Environment, Project

registry.types |= {
    "ApiToken": Token,
    "ProjectToken": Token,
    "User": User,
    "Workspace": Workspace,
    "ApiTokenWorkspace": Workspace,
}

never("Railway has done away with teams", "Team")
never("nobody here has one", "AdoptionInfo", "PartnerProfile", "ReferralUser", "UserProfile")

PLAN_TYPES = {"FREE": "free", "HOBBY": "hobby", "PRO": "pro"}
"""`Plan` to `SubscriptionPlanType`."""

SUBSCRIPTION_MODELS = {"FREE": "FREE", "HOBBY": "USER", "PRO": "TEAM"}

PLAN_LIMITS: dict[str, dict[str, Any]] = {
    "FREE": {
        "containers": {"cpu": 1, "memoryBytes": 500_000_000},
        "volumes": {"maxCount": 1, "maxSizeMB": 500},
    },
    "HOBBY": {
        "containers": {"cpu": 48, "memoryBytes": 48_000_000_000},
        "volumes": {"maxCount": 10, "maxSizeMB": 5_000},
    },
    "PRO": {
        "containers": {"cpu": 1_000, "memoryBytes": 1_000_000_000_000},
        "volumes": {"maxCount": 20, "maxSizeMB": 1_000_000},
    },
}
"""Figures from Railway's price page; the shape of `SubscriptionPlanLimit` is not documented."""

constant(
    "User",
    agreedFairUse=True,
    avatar=None,
    banReason=None,
    featureFlags=[],
    flags=[],
    githubProviderId=None,
    githubUsername=None,
    has2FA=False,
    hasPasskeys=False,
    isAdmin=False,
    isConductor=False,
    isVerified=True,
    platformFeatureFlags=[],
    profile=None,
    registrationStatus="REGISTERED",
    riskLevel=None,
    termsAgreedOn=None,
    workspace=None,
)
constant(
    "Workspace",
    adoptionHistory=[],
    adoptionLevel=0.0,
    allowDeprecatedRegions=None,
    banReason=None,
    discordRole=None,
    has2FAEnforcement=False,
    hasAutomaticDiagnosis=False,
    hasGuardrailsAccess=False,
    hasHipaaBAA=False,
    hasSAML=False,
    partnerProfile=None,
    redactedDueTo2FAPending=False,
    referredUsers=[],
    slackChannelId=None,
    supportTierOverride=None,
    team=None,
    usersWithout2FA=[],
)


@graphql_type("ApiTokenContext")
@dataclass(frozen=True, slots=True)
class ApiTokenContext:
    """What a Bearer token reaches."""

    workspaces: list[Workspace]


@graphql_type("ApiTokenRateLimit")
@dataclass(frozen=True, slots=True)
class ApiTokenRateLimit:
    """What is left of the hourly quota."""

    remaining_points: int
    resets_at: str


@graphql_type("WorkspaceMember", "ProjectMember")
@dataclass(frozen=True, slots=True)
class MemberView:
    """A user with a role."""

    id: str
    name: str
    email: str
    role: str
    avatar: str | None = None
    feature_flags: tuple[str, ...] = ()
    two_factor_auth_enabled: bool = False


def member_view(member: Member) -> MemberView:
    """A member as the API shows one."""
    return MemberView(member.user.id, member.user.name, member.user.email, member.role)


@query("me")
def me(ctx: Context) -> User:
    """The user of an account token."""
    return ctx.caller.user()


@query("workspace")
def workspace(ctx: Context, *, workspace_id: str) -> Workspace:
    """One workspace."""
    return ctx.workspace(workspace_id)


@query("apiToken")
def api_token(ctx: Context) -> ApiTokenContext:
    """The workspaces that the Bearer token reaches."""
    if ctx.caller.require().kind is TokenKind.PROJECT:
        raise errors.not_authorized()
    return ApiTokenContext(ctx.caller.workspaces())


@query("projectToken")
def project_token(ctx: Context) -> Token:
    """The project token itself."""
    return ctx.caller.project_token()


@query("apiTokens")
def api_tokens(ctx: Context, **page: Any) -> Connection:
    """The user's account and workspace tokens; secrets are never shown again."""
    user = ctx.caller.user()
    mine = [t for t in ctx.world.tokens.values() if t.user is user and t.kind is not TokenKind.PROJECT]
    return paginate(mine, **page)


@query("projectTokens")
def project_tokens(ctx: Context, *, project_id: str, **page: Any) -> Connection:
    """The tokens of a project; secrets are never shown again."""
    project = ctx.project(project_id, manage=True)
    return paginate([t for t in ctx.world.tokens.values() if _belongs_to(t, project)], **page)


@mutation("apiTokenCreate")
def api_token_create(ctx: Context, *, input_: dict[str, Any]) -> str:
    """Make a token of the account, or of one workspace. The secret is shown this once."""
    user = ctx.caller.user()
    if not input_["name"].strip():
        raise errors.invalid_field("name")
    workspace_id = input_.get("workspace_id")
    kind = TokenKind.WORKSPACE if workspace_id else TokenKind.ACCOUNT
    scope = ctx.workspace(workspace_id) if workspace_id else None
    return ctx.world.add_token(kind, input_["name"], user, workspace=scope).secret


@mutation("apiTokenDelete")
def api_token_delete(ctx: Context, *, id_: str) -> bool:
    """Revoke an account or workspace token."""
    user = ctx.caller.user()
    token = _find(ctx, id_)
    if token.user is not user or token.kind is TokenKind.PROJECT:
        raise errors.not_authorized()
    del ctx.world.tokens[token.secret]
    return True


@mutation("projectTokenCreate")
def project_token_create(ctx: Context, *, input_: dict[str, Any]) -> str:
    """Make a token for one environment. The secret is shown this once."""
    project = ctx.project(input_["project_id"], manage=True)
    environment = ctx.environment(input_["environment_id"])
    if environment.project is not project:
        raise errors.not_authorized()
    if not input_["name"].strip():
        raise errors.invalid_field("name")
    return ctx.world.add_token(TokenKind.PROJECT, input_["name"], ctx.user, environment=environment).secret


@mutation("projectTokenDelete")
def project_token_delete(ctx: Context, *, id_: str) -> bool:
    """Revoke a project token."""
    token = _find(ctx, id_)
    if token.environment is None:
        raise errors.not_authorized()
    ctx.project(token.environment.project.id, manage=True)
    del ctx.world.tokens[token.secret]
    return True


@mutation("workspaceUpdate")
def workspace_update(ctx: Context, *, id_: str, input_: dict[str, Any]) -> bool:
    """Rename a workspace, change its picture or preferred region."""
    found = ctx.workspace(id_)
    if "name" in input_:
        if not (input_["name"] or "").strip():
            raise errors.invalid_field("name")
        found.name = input_["name"]
    found.avatar = input_.get("avatar", found.avatar)
    found.preferred_region = input_.get("preferred_region", found.preferred_region)
    found.updated_at = ctx.now
    return True


@field("User", "apiTokenRateLimit")
def user_rate_limit(_user: User, ctx: Context) -> ApiTokenRateLimit:
    """What is left to this token."""
    plan = max((w.plan for w in ctx.caller.workspaces()), default="FREE")
    return _rate_limit(ctx, plan)


@field("Workspace", "apiTokenRateLimit")
def workspace_rate_limit(found: Workspace, ctx: Context) -> ApiTokenRateLimit:
    """What is left to this token."""
    return _rate_limit(ctx, found.plan)


def _rate_limit(ctx: Context, plan: str) -> ApiTokenRateLimit:
    verdict = ctx.limits.peek(ctx.caller.key, plan)
    return ApiTokenRateLimit(verdict.remaining, format_datetime(verdict.resets_at))


@field("User", "lastLogin")
def last_login(user: User, _ctx: Context) -> datetime:
    """Never again after signing up: whoever has a token need not log in."""
    return user.created_at


@field("User", "projects")
def user_projects(_user: User, _ctx: Context, **page: Any) -> Connection:
    """Railway: always empty; go through the workspaces."""
    return paginate([], **page)


@field("Workspace", "members")
def members(found: Workspace, _ctx: Context) -> list[MemberView]:
    """Who belongs to the workspace."""
    return [member_view(member) for member in found.members]


@field("Workspace", "projects")
def projects(found: Workspace, _ctx: Context, **page: Any) -> Connection:
    """Its projects, newest first."""
    living = [project for project in found.projects.values() if project.deleted_at is None]
    return paginate(newest_first(living), **page)


@field("Workspace", "projectCount")
def project_count(found: Workspace, _ctx: Context, *, include_deleted: bool | None = None) -> int:
    """How many projects it has."""
    return sum(1 for one in found.projects.values() if include_deleted or one.deleted_at is None)


@field("Workspace", "subscriptionPlanLimit")
def subscription_plan_limit(found: Workspace, _ctx: Context) -> dict[str, Any]:
    """What the plan allows."""
    return PLAN_LIMITS[found.plan]


@field("Workspace", "subscriptionModel")
def subscription_model(found: Workspace, _ctx: Context) -> str:
    """The plan under its older name."""
    return SUBSCRIPTION_MODELS[found.plan]


@field("ProjectToken", "environment")
def token_environment(token: Token, _ctx: Context) -> Environment | None:
    """The one environment it opens."""
    return token.environment


@field("ProjectToken", "environmentId")
def token_environment_id(token: Token, _ctx: Context) -> str | None:
    """Its id."""
    return token.environment.id if token.environment else None


@field("ProjectToken", "project")
def token_project(token: Token, _ctx: Context) -> Project | None:
    """The project of that environment."""
    return token.environment.project if token.environment else None


@field("ProjectToken", "projectId")
def token_project_id(token: Token, _ctx: Context) -> str | None:
    """Its id."""
    return token.environment.project.id if token.environment else None


def _find(ctx: Context, token_id: str) -> Token:
    ctx.caller.require()
    for token in ctx.world.tokens.values():
        if token.id == token_id:
            return token
    raise errors.not_authorized()


def _belongs_to(token: Token, project: Project) -> bool:
    return token.environment is not None and token.environment.project is project
