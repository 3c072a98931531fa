"""The catalogue: everybody reads it, administrators change it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from flask import Response, g
from flask_openapi import APIBlueprint, Tag
from pydantic import Field, JsonValue, model_validator

from railway_saas.domain import CatalogueTemplate
from railway_saas.errors import RailwayAuthError, RailwayNotFoundError, TemplateError
from railway_saas.instances.inputs import MAX_NAME
from reference_server.api.authentication import admins_only, needs, platform, principal, public
from reference_server.api.describing import ApiModel, PageQuery, described, reply, reply_json
from reference_server.api.idempotency import idempotent
from reference_server.api.instances.blueprint import accepting
from reference_server.api.instances.collection import DeployBody, deploy
from reference_server.api.instances.models import ID, MOMENT, LimitsBody, LimitsModel, limits_model
from reference_server.api.paging import Cursors
from reference_server.api.pointers import pointer, pointer_of_path
from reference_server.api.preconditions import (
    reply_with_etag,
    require_match,
    require_match_if_given,
    updates,
)
from reference_server.api.problems import forbidden, invalid, not_found
from reference_server.cache import CATALOGUE
from reference_server.catalogue.offers import Offer, preview_of, read_offer

api = APIBlueprint(
    "templates",
    __name__,
    url_prefix="/api/templates",
    abp_tags=[Tag(name="templates", description="What can be deployed")],
)

Category = Annotated[str, Field(min_length=1, max_length=100, examples=["databases"])]
Tier = Annotated[str, Field(min_length=1, max_length=50, examples=["starter"])]
Description = Annotated[str, Field(max_length=10_000, examples=["A web application with its database."])]
Document = Annotated[
    dict[str, Any],
    Field(
        description="Railway's `serializedConfig`, not filled in.",
        examples=[{"services": {"web": {"name": "Web", "source": {"image": "nginx:1.29"}}}}],
    ),
]


class TemplatePath(ApiModel):
    """Which template."""

    template_id: UUID = Field(description="The template's id.")


class TemplateQuery(PageQuery):
    """Which templates."""

    category: Category | None = Field(None, description="Only those of this category.")
    is_active: bool | None = Field(
        None,
        description="False: those that were withdrawn. For administrators; everybody else sees what is offered.",
    )


class TemplateModel(ApiModel):
    """A template."""

    id: UUID = Field(examples=[ID])
    railway_template_id: str = Field(
        description="Railway's id of it, or `local:...` for one that Railway does not know.",
        examples=["local:web-app"],
    )
    name: str = Field(examples=["Web app"])
    description: str | None = Field(examples=["A web application with its database."])
    category: str | None = Field(examples=["apps"])
    price_tier: str | None = Field(description="What a plan must allow.", examples=["starter"])
    resources: LimitsModel = Field(description="What each service may use unless an instance says otherwise.")
    setup_config: dict[str, JsonValue] | None = Field(
        description="For pages: pictures, texts, hints.", examples=[None]
    )
    is_active: bool = Field(description="Whether it can be deployed anew.", examples=[True])
    created_at: datetime = Field(examples=[MOMENT])
    updated_at: datetime = Field(examples=[MOMENT])


class TemplatePageModel(ApiModel):
    """A page of templates."""

    items: list[TemplateModel]
    next_cursor: str | None = Field(None, examples=[None])


class RevisionModel(ApiModel):
    """A document as it was at one time."""

    id: UUID = Field(examples=[ID])
    number: int = Field(examples=[1])
    content_hash: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    notes: str | None = Field(examples=[None])
    created_at: datetime = Field(examples=[MOMENT])


class TemplateDetailModel(TemplateModel):
    """A template with what deploying it asks for and would do."""

    revisions: list[RevisionModel] = Field(description="The latest ones, newest first.")
    inputs: dict[str, JsonValue] = Field(
        description="JSON Schema (2020-12) of the values to fill in: forms are made from it.",
        examples=[{"type": "object", "properties": {}}],
    )
    plan: dict[str, JsonValue] = Field(
        description="Services and their start order, domains, volumes, buckets, estimated monthly cost in US dollars, warnings.",
        examples=[{"services": [], "estimated_monthly_cost": {"total": "9.2"}, "warnings": []}],
    )


class _Columns(ApiModel):
    description: Description | None = None
    category: Category | None = None
    price_tier: Tier | None = None
    resources: LimitsBody | None = Field(None, examples=[{"vcpus": "0.5", "memory_gb": "0.5"}])
    setup_config: dict[str, JsonValue] | None = Field(None, description="For pages.", examples=[None])


class PublishBody(_Columns):
    """What to offer: a document of yours, or a template of Railway's by its code."""

    name: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="What customers see; with `railway_code` that of Railway unless given.",
        examples=["Web app"],
    )
    document: Document | None = None
    railway_code: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="The last part of `railway.com/deploy/<code>`.",
        examples=[None],
    )

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.document is None) == (self.railway_code is None):
            raise ValueError("give either document or railway_code")
        if self.document is not None and self.name is None:
            raise ValueError("a document needs a name")
        return self


class TemplateBody(_Columns):
    """What to change; what is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=64, examples=["Web app"])
    is_active: bool | None = Field(None, description="True: offer it again.", examples=[True])
    document: Document | None = None
    notes: str | None = Field(
        None, max_length=2_000, description="What is new in the document.", examples=["Newer PostgreSQL."]
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"notes"}:
            raise ValueError("give something to change")
        not_null = {"name", "is_active", "document", "resources"}
        nulls = [name for name in sorted(self.model_fields_set & not_null) if getattr(self, name) is None]
        if nulls:
            raise ValueError(f"{', '.join(nulls)}: must not be null; leave it out to keep it")
        return self


def template_model(template: CatalogueTemplate) -> TemplateModel:
    """How a template is shown in a list."""
    return TemplateModel.model_validate(_columns(template))


def _columns(template: CatalogueTemplate) -> dict[str, Any]:
    return {
        "id": template.id,
        "railway_template_id": template.railway_template_id,
        "name": template.name,
        "description": template.description,
        "category": template.category,
        "price_tier": template.price_tier,
        "resources": limits_model(template.resources),
        "setup_config": template.setup_config,
        "is_active": template.is_active,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }


def _detail(offer: Offer) -> TemplateDetailModel:
    preview = preview_of(offer.latest)
    revisions = [
        RevisionModel(
            id=one.id,
            number=one.number,
            content_hash=one.content_hash,
            notes=one.notes,
            created_at=one.created_at,
        )
        for one in offer.revisions
    ]
    return TemplateDetailModel.model_validate(
        {
            **_columns(offer.template),
            "revisions": revisions,
            "inputs": preview.inputs,
            "plan": preview.plan,
        }
    )


def _is_admin() -> bool:
    who = g.get("principal")
    return who is not None and who.user.is_admin


def _actor() -> str:
    return f"operator:{principal().user.id}"


@api.get("", **described("List templates", TemplatePageModel, is_public=True, errors=(403,)))
@public
def list_templates(query: TemplateQuery) -> Response:
    """The catalogue: what is offered, in the order it was published in."""
    if query.is_active is False and not _is_admin():
        raise forbidden("Withdrawn templates are for administrators.")
    is_active = query.is_active if _is_admin() else True
    cursors = Cursors("templates", is_active, query.category)
    after = cursors.read(query.cursor)

    def make() -> str:
        with platform().database.stale_unit_of_work() as work:
            page = work.templates.list_page(
                is_active=is_active, category=query.category, after=after, limit=query.limit
            )
        return TemplatePageModel(
            items=[template_model(one) for one in page.items], next_cursor=cursors.wrap(page.next_cursor)
        ).model_dump_json()

    if _is_admin():
        return reply_json(make())
    key = f"list:{query.category}:{after}:{query.limit}"
    return reply_json(platform().cache.get_or_make(CATALOGUE, key, make))


@api.get(
    "/<uuid:template_id>",
    **described("Read a template", TemplateDetailModel, is_public=True, errors=(404,)),
)
@public
def read_template(path: TemplatePath) -> Response:
    """A template with the form of its inputs, and what deploying it would do and cost.

    Withdrawn ones are there for administrators only. The ETag goes into If-Match of a change.
    """
    with platform().database.unit_of_work() as work:
        offer = read_offer(work, path.template_id)
    if not offer.template.is_active and not _is_admin():
        raise not_found("template")
    return reply_with_etag(_detail(offer))


@api.post("", **described("Publish a template", TemplateDetailModel, status=201, errors=(404, 409)))
@admins_only
@needs("templates:write")
@idempotent
def publish_template(body: PublishBody) -> Response:
    """Offer a template: a document of yours, or one of Railway's by its code. For administrators."""
    document, railway_id, name, description = _source(body)
    with _telling_faults(body.railway_code):
        template = platform().manager.publish_template(
            document,
            name=name,
            railway_template_id=railway_id,
            description=description,
            category=body.category,
            price_tier=body.price_tier,
            resources=body.resources.to_limits() if body.resources else None,
            setup_config=body.setup_config,
            actor=_actor(),
        )
    platform().cache.renew(CATALOGUE)
    with platform().database.unit_of_work() as work:
        offer = read_offer(work, template.id)
    return reply_with_etag(_detail(offer), 201, Location=f"/api/templates/{template.id}")


@contextmanager
def _telling_faults(railway_code: str | None = None) -> Generator[None]:
    """Say of every fault of a document where in the body it is. What came from Railway stands not in the body.

    Raises:
        Problem: The document cannot be used.
    """
    try:
        yield
    except TemplateError as error:
        faults = [
            {"pointer": pointer_of_path("document", one.path), "detail": one.message}
            if railway_code is None
            else {"pointer": pointer("railway_code"), "detail": str(one)}
            for one in error.problems
        ]
        raise invalid("The template's document cannot be used.", *faults) from None


def _source(body: PublishBody) -> tuple[dict[str, Any], str | None, str, str | None]:
    """Document, Railway's id of it, name, description."""
    if body.railway_code is None:
        return body.document or {}, None, body.name or "", body.description
    try:
        found = platform().railway.templates.by_code(body.railway_code)
    except (RailwayAuthError, RailwayNotFoundError):
        detail = "Railway has no template of that code."
        raise invalid(f"railway_code: {detail}", {"pointer": "#/railway_code", "detail": detail}) from None
    name = body.name or (found.name or body.railway_code)[:MAX_NAME]
    return found.serialized_config, found.id, name, body.description or found.description


@api.put("/<uuid:template_id>", **described("Change a template", TemplateDetailModel, errors=(404, 409)))
@admins_only
@needs("templates:write")
@updates
def update_template(path: TemplatePath, body: TemplateBody) -> Response:
    """Change what is shown of a template, or publish a new revision of its document. For administrators.

    Instances stay on their revision until they are upgraded.
    """
    columns = body.model_dump(exclude_unset=True, exclude={"document", "notes", "resources"})
    if body.resources is not None:
        columns["resources"] = body.resources.to_limits()
    with _telling_faults():
        offer = platform().catalogue.change(
            path.template_id,
            check=lambda seen: require_match(_detail(seen)),
            actor=_actor(),
            document=body.document,
            notes=body.notes,
            **columns,
        )
    platform().cache.renew(CATALOGUE)
    return reply_with_etag(_detail(offer))


@api.delete("/<uuid:template_id>", **described("Withdraw a template", status=204, errors=(404, 412)))
@admins_only
@needs("templates:write")
def withdraw_template(path: TemplatePath) -> Response:
    """Offer a template no more. Instances that run stay; a change with `is_active` offers it again. For administrators."""
    platform().catalogue.change(
        path.template_id,
        check=lambda seen: require_match_if_given(_detail(seen)),
        actor=_actor(),
        is_active=False,
    )
    platform().cache.renew(CATALOGUE)
    return reply(None)


@api.post("/deploy", **accepting("Deploy a template"))
@needs("instances:write")
@idempotent
def deploy_template(body: DeployBody) -> Response:
    """Deploy a template of the catalogue as a new instance of yours: the same as `POST /api/instances`."""
    return deploy(body)
