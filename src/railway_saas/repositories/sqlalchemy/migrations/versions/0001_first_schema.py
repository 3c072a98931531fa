"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = ("railway_saas",)
depends_on = None

# What the models' own types are in the database, so that this file stays as it is when they change.
_MOMENT = sa.DateTime(timezone=True)
_AMOUNT = sa.Numeric(38, 9).with_variant(sa.BigInteger(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_DOCUMENT = sa.JSON()

_TABLES = (
    "owners",
    "templates",
    "template_revisions",
    "instances",
    "instance_services",
    "instance_domains",
    "deployments",
    "instance_events",
    "provider_operations",
    "usage_metrics",
    "usage_watermarks",
    "subscriptions",
    "outbox",
    "inbox",
    "audit_log",
    "idempotency_keys",
)


def upgrade() -> None:
    """Make every table."""
    _make_owners()
    _make_templates()
    _make_template_revisions()
    _make_instances()
    _make_instance_services()
    _make_instance_domains()
    _make_deployments()
    _make_instance_events()
    _make_provider_operations()
    _make_usage_metrics()
    _make_usage_watermarks()
    _make_subscriptions()
    _make_outbox()
    _make_inbox()
    _make_audit_log()
    _make_idempotency_keys()


def downgrade() -> None:
    """Drop every table; indexes go with them."""
    for table in reversed(_TABLES):
        op.drop_table(table)


def _where(condition: str) -> dict[str, Any]:
    """A partial index, on both databases."""
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def _make_owners() -> None:
    op.create_table(
        "owners",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_owners"),
    )


def _make_templates() -> None:
    op.create_table(
        "templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("railway_template_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("category", sa.String(length=100)),
        sa.Column("price_tier", sa.String(length=50)),
        sa.Column("resources", _JSON, nullable=False),
        sa.Column("setup_config", _JSON),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_templates"),
        sa.UniqueConstraint("railway_template_id", name="uq_templates_railway_template_id"),
    )
    op.create_index("ix_templates_category", "templates", ["category", "id"])
    op.create_index("ix_templates_is_active", "templates", ["is_active", "id"])


def _make_template_revisions() -> None:
    op.create_table(
        "template_revisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=255), nullable=False),
        sa.Column("document", _DOCUMENT, nullable=False),
        sa.Column("notes", sa.Text()),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["template_id"], ["templates.id"], name="fk_template_revisions_template_id"),
        sa.PrimaryKeyConstraint("id", name="pk_template_revisions"),
        sa.UniqueConstraint("template_id", "content_hash", name="uq_template_revisions_content_hash"),
        sa.UniqueConstraint("template_id", "number", name="uq_template_revisions_number"),
    )
    op.create_index("ix_template_revisions_template_id", "template_revisions", ["template_id", "id"])


def _make_instances() -> None:
    op.create_table(
        "instances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("railway_service_id", sa.String(length=255)),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_key", sa.String(length=765), nullable=False),
        sa.Column("domain", sa.String(length=255)),
        sa.Column("status", sa.String(length=50), nullable=False),
        sa.Column("config", _JSON, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("desired_status", sa.String(length=50), nullable=False),
        sa.Column("revision_id", sa.Uuid(), nullable=False),
        sa.Column("delete_at", _MOMENT),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("services", sa.Integer(), nullable=False),
        sa.Column("vcpus", _AMOUNT, nullable=False),
        sa.Column("memory_gb", _AMOUNT, nullable=False),
        sa.Column("volume_gb", _AMOUNT, nullable=False),
        sa.Column("status_since", _MOMENT, nullable=False),
        sa.Column("railway_project_id", sa.String(length=255)),
        sa.Column("railway_environment_id", sa.String(length=255)),
        sa.Column("built_from_calls", sa.Boolean(), nullable=False),
        sa.Column("undoing", sa.Boolean(), nullable=False),
        sa.Column("applied", _JSON),
        sa.Column("power", sa.String(length=50)),
        sa.Column("switches", sa.Integer(), nullable=False),
        sa.Column("rollout", _JSON, nullable=False),
        sa.Column("recoveries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("attention", sa.Text()),
        sa.Column("seen_at", _MOMENT),
        sa.Column("holds_slot", sa.Boolean(), nullable=False),
        sa.Column("next_check_at", _MOMENT),
        sa.Column("wakes", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=255)),
        sa.Column("lease_until", _MOMENT),
        sa.ForeignKeyConstraint(["revision_id"], ["template_revisions.id"], name="fk_instances_revision_id"),
        sa.ForeignKeyConstraint(["template_id"], ["templates.id"], name="fk_instances_template_id"),
        sa.PrimaryKeyConstraint("id", name="pk_instances"),
        sa.UniqueConstraint("railway_project_id", name="uq_instances_railway_project_id"),
        sa.UniqueConstraint("railway_service_id", name="uq_instances_railway_service_id"),
    )
    op.create_index("ix_instances_attention", "instances", ["id"], **_where("attention IS NOT NULL"))
    op.create_index(
        "ix_instances_next_check_at", "instances", ["next_check_at"], **_where("next_check_at IS NOT NULL")
    )
    op.create_index("ix_instances_status", "instances", ["status", "id"])
    op.create_index("ix_instances_template_id", "instances", ["template_id", "id"])
    op.create_index("ix_instances_user_id", "instances", ["user_id", "id"])
    op.create_index(
        "uq_instances_name",
        "instances",
        ["user_id", "name_key"],
        unique=True,
        **_where("status NOT IN ('failed', 'deleted')"),
    )


def _make_instance_services() -> None:
    op.create_table(
        "instance_services",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("template_key", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("railway_service_id", sa.String(length=255), nullable=False),
        sa.Column("railway_deployment_id", sa.String(length=255)),
        sa.Column("status", sa.String(length=50)),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("domain", sa.String(length=255)),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_instance_services_instance_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_instance_services"),
        sa.UniqueConstraint("railway_service_id", name="uq_instance_services_railway_service_id"),
    )
    op.create_index("ix_instance_services_instance_id", "instance_services", ["instance_id"])


def _make_instance_domains() -> None:
    op.create_table(
        "instance_domains",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("target_port", sa.Integer()),
        sa.Column("state", sa.String(length=50), nullable=False),
        sa.Column("railway_domain_id", sa.String(length=255)),
        sa.Column("dns_records", _JSON, nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_instance_domains_instance_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_instance_domains"),
        sa.UniqueConstraint("domain", name="uq_instance_domains_domain"),
    )
    op.create_index("ix_instance_domains_instance_id", "instance_domains", ["instance_id", "id"])


def _make_deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("railway_deployment_id", sa.String(length=255), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=50), nullable=False),
        sa.Column("logs", sa.Text()),
        sa.Column("started_at", _MOMENT),
        sa.Column("finished_at", _MOMENT),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_deployments_instance_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
        sa.UniqueConstraint("railway_deployment_id", name="uq_deployments_railway_deployment_id"),
    )
    op.create_index("ix_deployments_instance_id", "deployments", ["instance_id", "id"])


def _make_instance_events() -> None:
    op.create_table(
        "instance_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("step", sa.String(length=50), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=50), nullable=False),
        sa.Column("service", sa.String(length=255)),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_instance_events_instance_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_instance_events"),
    )
    op.create_index("ix_instance_events_at", "instance_events", ["at"])
    op.create_index("ix_instance_events_instance_id", "instance_events", ["instance_id", "id"])


def _make_provider_operations() -> None:
    op.create_table(
        "provider_operations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("state", sa.String(length=50), nullable=False),
        sa.Column("request", _JSON, nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("result", _JSON, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("trace_id", sa.String(length=255)),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("sent_at", _MOMENT),
        sa.Column("not_before", _MOMENT),
        sa.Column("finished_at", _MOMENT),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_provider_operations_instance_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_provider_operations"),
        sa.UniqueConstraint("instance_id", "key", name="uq_provider_operations_key"),
    )
    op.create_index("ix_provider_operations_instance_id", "provider_operations", ["instance_id", "id"])
    op.create_index(
        "ix_provider_operations_instance_id_state", "provider_operations", ["instance_id", "state", "id"]
    )
    op.create_index("ix_provider_operations_state", "provider_operations", ["state", "id"])


def _make_usage_metrics() -> None:
    op.create_table(
        "usage_metrics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("metric_type", sa.String(length=100), nullable=False),
        sa.Column("value", _AMOUNT, nullable=False),
        sa.Column("unit", sa.String(length=50), nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_usage_metrics_instance_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_usage_metrics"),
        sa.UniqueConstraint("instance_id", "recorded_at", "metric_type", name="uq_usage_metrics_instance_id"),
    )
    op.create_index("ix_usage_metrics_recorded_at", "usage_metrics", ["recorded_at"])


def _make_usage_watermarks() -> None:
    op.create_table(
        "usage_watermarks",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_usage_watermarks"),
    )


def _make_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("stripe_subscription_id", sa.String(length=255), nullable=False),
        sa.Column("plan_name", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=50), nullable=False),
        sa.Column("current_period_start", _MOMENT),
        sa.Column("current_period_end", _MOMENT),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.UniqueConstraint("stripe_subscription_id", name="uq_subscriptions_stripe_subscription_id"),
    )
    op.create_index("ix_subscriptions_status", "subscriptions", ["status", "id"])
    op.create_index("ix_subscriptions_user_id", "subscriptions", ["user_id", "id"])


def _make_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("payload", _JSON, nullable=False),
        sa.Column("not_before", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("sent_at", _MOMENT),
        sa.Column("failed_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("topic", "key", name="uq_outbox_topic"),
    )
    op.create_index("ix_outbox_failed", "outbox", ["id"], **_where("failed_at IS NOT NULL"))
    op.create_index(
        "ix_outbox_pending",
        "outbox",
        ["topic", "not_before"],
        **_where("sent_at IS NULL AND failed_at IS NULL"),
    )
    op.create_index("ix_outbox_topic", "outbox", ["topic", "id"])


def _make_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("payload", _JSON, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("processed_at", _MOMENT),
        sa.Column("outcome", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.UniqueConstraint("source", "key", name="uq_inbox_source"),
    )
    op.create_index("ix_inbox_processed", "inbox", ["received_at"], **_where("processed_at IS NOT NULL"))
    op.create_index("ix_inbox_unprocessed", "inbox", ["source", "id"], **_where("processed_at IS NULL"))


def _make_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("subject_type", sa.String(length=100), nullable=False),
        sa.Column("subject_id", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("details", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_subject_id", "audit_log", ["subject_id", "id"])
    op.create_index("ix_audit_log_subject_type", "audit_log", ["subject_type", "id"])
    op.create_index("ix_audit_log_user_id", "audit_log", ["user_id", "id"])


def _make_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("response", _JSON),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])
