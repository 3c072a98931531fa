"""Accepting a deploy: everything in the one transaction that the request has anyway."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from benchmarks.serving.bare.accounts import audit_row
from benchmarks.serving.bare.answers import DeployIn, OperationOut
from benchmarks.serving.bare.database import Backend, RefusedError
from benchmarks.serving.bare.queue import put
from railway_saas.domain.ids import new_id
from railway_saas.repositories.sqlalchemy.models import (
    InstanceEventRow,
    InstanceRow,
    OwnerRow,
    ProviderOperationRow,
    SubscriptionRow,
    TemplateRevisionRow,
    TemplateRow,
)
from reference_server.data.models import IdempotentRequestRow

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from reference_server.data.models import UserRow

NO_ROLLOUT = {
    "number": 0,
    "pending": [],
    "watching": [],
    "started_at": None,
    "previous_revision_id": None,
    "rolling_back": False,
}


class Offer(NamedTuple):
    """What is deployed."""

    template: TemplateRow
    revision: TemplateRevisionRow


def accept(backend: Backend, session: Session, user: UserRow, body: DeployIn, key: str) -> OperationOut:
    """Once per key: the same key with the same request gets the same answer."""
    now = datetime.now(UTC)
    digest = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
    known = _reserve(session, user.id, key, digest, now)
    if known is not None:
        if known.request_digest != digest or known.answer is None:
            raise RefusedError(HTTPStatus.CONFLICT, "The key was used for another request.")
        return OperationOut.model_validate(backend.answers.open(known.answer, f"{user.id}\0{key}"))
    instance = _deploy(backend, session, user, body, now)
    put(session, instance.id)
    answer = OperationOut.of(instance, "running", "accepted", 0, instance.services)
    sealed = backend.answers.seal(answer.model_dump(mode="json"), f"{user.id}\0{key}")
    session.execute(
        update(IdempotentRequestRow)
        .where(IdempotentRequestRow.user_id == user.id, IdempotentRequestRow.key == key)
        .values(status=int(HTTPStatus.ACCEPTED), answer=sealed)
    )
    session.commit()
    return answer


def _reserve(
    session: Session, user_id: UUID, key: str, digest: str, now: datetime
) -> IdempotentRequestRow | None:
    """Take the key; what is known of it where another request has it. Whoever comes second waits for the first."""
    taken = session.scalar(
        postgresql.insert(IdempotentRequestRow)
        .values(
            user_id=user_id,
            key=key,
            request_digest=digest,
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        .on_conflict_do_nothing()
        .returning(IdempotentRequestRow.key)
    )
    return None if taken else session.get(IdempotentRequestRow, (user_id, key))


def _deploy(backend: Backend, session: Session, user: UserRow, body: DeployIn, now: datetime) -> InstanceRow:
    _lock_owner(session, user.id)
    template = session.get(TemplateRow, body.template_id)
    revision = session.scalar(
        select(TemplateRevisionRow)
        .where(TemplateRevisionRow.template_id == body.template_id)
        .order_by(TemplateRevisionRow.number.desc())
        .limit(1)
    )
    if template is None or revision is None or not template.is_active:
        raise RefusedError(HTTPStatus.NOT_FOUND, "There is no such template.")
    _check_inputs(revision.document, body.inputs)
    _check_plan(backend, session, user.id)
    instance = _instance(backend, user.id, body, Offer(template, revision), now)
    session.add(instance)
    try:
        session.flush()
    except IntegrityError as error:
        raise RefusedError(HTTPStatus.CONFLICT, "You have an instance of that name.") from error
    session.add_all(_records(instance, user.id, now))
    session.flush()
    return instance


def _lock_owner(session: Session, user_id: UUID) -> None:
    statement = postgresql.insert(OwnerRow).values(user_id=user_id)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["user_id"], set_={"user_id": statement.excluded.user_id}
        )
    )


def _check_inputs(document: dict[str, Any], given: dict[str, str]) -> None:
    known, missing = set[str](), list[str]()
    for service in document["services"].values():
        for name, variable in service["variables"].items():
            keys = {f"{service['name']}.{name}", name}
            known |= keys
            if "defaultValue" not in variable and not variable["isOptional"] and not keys & given.keys():
                missing.append(name)
    if missing or given.keys() - known:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "The inputs cannot be used.")


def _check_plan(backend: Backend, session: Session, user_id: UUID) -> None:
    session.scalar(
        select(SubscriptionRow)
        .where(SubscriptionRow.user_id == user_id, SubscriptionRow.status.in_(("active", "trialing")))
        .order_by(SubscriptionRow.created_at.desc())
        .limit(1)
    )
    used = session.execute(
        select(func.count(), func.sum(InstanceRow.services), func.sum(InstanceRow.volume_gb)).where(
            InstanceRow.user_id == user_id, InstanceRow.holds_slot.is_(True)
        )
    ).one()
    if used[0] >= backend.instances_allowed:
        raise RefusedError(HTTPStatus.FORBIDDEN, "Your plan has no room.")


def _instance(backend: Backend, user_id: UUID, body: DeployIn, offer: Offer, now: datetime) -> InstanceRow:
    template, revision = offer
    services = revision.document["services"].values()
    volumes = [mount for service in services for mount in service.get("volumeMounts", {}).values()]
    instance_id, name = new_id(now), unicodedata.normalize("NFC", body.name).strip()
    sealed = backend.inputs.seal({"inputs": body.inputs, "variables": {}}, f"instances.config:{instance_id}")
    return InstanceRow(
        id=instance_id,
        user_id=user_id,
        template_id=template.id,
        name=name,
        name_key=name.casefold(),
        status="accepted",
        config={"sealed": sealed, "limits": template.resources},
        created_at=now,
        updated_at=now,
        desired_status="running",
        revision_id=revision.id,
        generation=1,
        services=len(services),
        vcpus=Decimal(template.resources.get("vcpus", 0)) * len(services),
        memory_gb=Decimal(template.resources.get("memory_gb", 0)) * len(services),
        volume_gb=Decimal(sum(mount.get("sizeMB", 0) for mount in volumes)) / 1000,
        status_since=now,
        built_from_calls=False,
        undoing=False,
        switches=0,
        rollout=NO_ROLLOUT,
        recoveries=0,
        holds_slot=True,
        next_check_at=now,
        wakes=0,
    )


def _records(
    instance: InstanceRow, user_id: UUID, now: datetime
) -> list[InstanceEventRow | ProviderOperationRow | Any]:
    """The first write to Railway that is to be done, what owners read, and what auditors read."""
    return [
        ProviderOperationRow(
            id=new_id(now),
            instance_id=instance.id,
            key="project",
            kind="project_create",
            state="intended",
            request={},
            request_digest="",
            result={},
            attempts=0,
            created_at=now,
        ),
        InstanceEventRow(
            id=new_id(now),
            instance_id=instance.id,
            at=now,
            step="accepted",
            message="accepted",
            status="accepted",
            done=0,
            total=instance.services,
        ),
        audit_row("instance.deploy", ("instance", instance.id), user_id, now, {"name": instance.name}),
    ]
