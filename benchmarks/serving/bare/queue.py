"""The queue of jobs: rows of DBOS's tables, which a worker would take."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, insert

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_metadata = MetaData(schema="dbos")
QUEUE = Table(
    "workflow_status",
    _metadata,
    *(Column(name, Text) for name in ("workflow_uuid", "status", "name", "queue_name", "deduplication_id")),
    *(Column(name, Text) for name in ("application_name", "application_version", "serialization")),
    *(Column(name, BigInteger) for name in ("created_at", "updated_at", "recovery_attempts")),
    Column("priority", Integer),
)
QUEUE_INPUT = Table(
    "workflow_input",
    _metadata,
    Column("workflow_uuid", Text),
    Column("inputs", Text),
    Column("retention_timestamp", BigInteger),
)


def put(session: Session, instance_id: UUID) -> None:
    """A worker goes on with it."""
    run_id, milliseconds = str(uuid4()), int(time.time() * 1000)
    session.execute(
        insert(QUEUE).values(
            workflow_uuid=run_id,
            status="ENQUEUED",
            name="reconcile",
            queue_name="railway_saas",
            deduplication_id=f"reconcile:{instance_id}",
            application_name="railway-saas",
            application_version="1",
            serialization="portable_json",
            created_at=milliseconds,
            updated_at=milliseconds,
            recovery_attempts=0,
            priority=1,
        )
    )
    arguments = [str(instance_id), f"reconcile:{instance_id}", None, 1]
    session.execute(
        insert(QUEUE_INPUT).values(
            workflow_uuid=run_id,
            inputs=json.dumps({"namedArgs": {}, "positionalArgs": arguments}),
            retention_timestamp=milliseconds,
        )
    )
