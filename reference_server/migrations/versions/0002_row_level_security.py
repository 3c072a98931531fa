"""Row level security on PostgreSQL: who sees which rows, and roles that own nothing.

`app.role` and `app.user_id` are set for one transaction by `reference_server.data.database`. Without them the
application's role sees the catalogue and nothing else. FORCE: the owner of the tables is held to it, too.
"""

from __future__ import annotations

from alembic import op

from railway_saas.repositories.sqlalchemy import migrations as sdk_migrations
from reference_server.migrations import APP_ROLE, VERSION_TABLE, WORKER_ROLE

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Sub-selects, so that PostgreSQL asks once per statement, not once per row.
_ROLE = "(SELECT current_setting('app.role', true))"
_USER = "(SELECT NULLIF(current_setting('app.user_id', true), '')::uuid)"
_PLATFORM = f"{_ROLE} IN ('admin', 'system')"
_OWN = f"{_PLATFORM} OR ({_ROLE} = 'user' AND user_id = {_USER})"
_OWN_OR_LOGGING_IN = f"{_OWN} OR {_ROLE} = 'auth'"
_OF_OWN_INSTANCE = (
    f"{_PLATFORM} OR ({_ROLE} = 'user' AND EXISTS "
    f"(SELECT 1 FROM instances AS owned WHERE owned.id = instance_id AND owned.user_id = {_USER}))"
)
_LOGGING_IN = f"{_ROLE} IN ('auth', 'admin', 'system')"

_POLICIES = {
    "instances": _OWN,
    "owners": _OWN,
    "subscriptions": _OWN,
    "idempotency_keys": _OWN,
    "idempotent_requests": _OWN,
    "usage_days": _OWN,
    "instance_services": _OF_OWN_INSTANCE,
    "instance_domains": _OF_OWN_INSTANCE,
    "deployments": _OF_OWN_INSTANCE,
    "instance_events": _OF_OWN_INSTANCE,
    "provider_operations": _OF_OWN_INSTANCE,
    "usage_metrics": _OF_OWN_INSTANCE,
    "users": f"{_LOGGING_IN} OR ({_ROLE} = 'user' AND id = {_USER})",
    "sessions": _OWN_OR_LOGGING_IN,
    "api_keys": _OWN_OR_LOGGING_IN,
    "refresh_tokens": _LOGGING_IN,
    "one_time_tokens": _LOGGING_IN,
    "login_failures": _LOGGING_IN,
    "outbox": _LOGGING_IN,
    "inbox": _PLATFORM,
    "usage_watermarks": _PLATFORM,
    "workers": _PLATFORM,
    "audit_seals": _PLATFORM,
    "inventory_reports": _PLATFORM,
}
"""Table: who reads and writes a row."""

_CATALOGUE = ("templates", "template_revisions")
"""Everybody reads them, the platform writes them."""

_AUDIT = "audit_log"
"""Anybody at work appends; nobody changes."""


def upgrade() -> None:
    """Make the roles, give them what they need, and hold them to the policies."""
    if op.get_bind().dialect.name != "postgresql":
        _keep_audit_on_sqlite()
        return
    for role in (APP_ROLE, WORKER_ROLE):
        _make_role(role)
    for table in (*_POLICIES, *_CATALOGUE, _AUDIT):
        _protect(table)
    for table, rule in _POLICIES.items():
        op.execute(f"CREATE POLICY app ON {table} TO {APP_ROLE} USING ({rule}) WITH CHECK ({rule})")
    for table in _CATALOGUE:
        op.execute(f"CREATE POLICY app_reads ON {table} FOR SELECT TO {APP_ROLE} USING (true)")
        op.execute(f"CREATE POLICY app ON {table} TO {APP_ROLE} USING ({_PLATFORM}) WITH CHECK ({_PLATFORM})")
    op.execute(f"CREATE POLICY app_reads ON {_AUDIT} FOR SELECT TO {APP_ROLE} USING ({_OWN})")
    op.execute(f"CREATE POLICY app_appends ON {_AUDIT} FOR INSERT TO {APP_ROLE} WITH CHECK ({_ROLE} <> '')")
    for table in (sdk_migrations.VERSION_TABLE, VERSION_TABLE):
        # Every process looks whether the database is up to date.
        op.execute(f"GRANT SELECT ON {table} TO {APP_ROLE}, {WORKER_ROLE}")
    _keep_audit_on_postgresql()


def _make_role(role: str) -> None:
    # Roles belong to the whole server: another database of it may have made this one, perhaps just now.
    op.execute(
        f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute(f"GRANT {role} TO CURRENT_USER")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")


def _protect(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    verbs = "SELECT, INSERT" if table == _AUDIT else "SELECT, INSERT, UPDATE, DELETE"
    op.execute(f"GRANT {verbs} ON {table} TO {APP_ROLE}, {WORKER_ROLE}")
    op.execute(f"CREATE POLICY worker ON {table} TO {WORKER_ROLE} USING (true) WITH CHECK (true)")


def _keep_audit_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_to_change_audit() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit_log is append-only'; END $$"
    )
    for verb in ("UPDATE OR DELETE", "TRUNCATE"):
        name = f"keep_{verb.split()[0].lower()}"
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {verb} ON {_AUDIT} FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_audit()"
        )


def _keep_audit_on_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER keep_audit_{verb.lower()} BEFORE {verb} ON {_AUDIT} "
            "BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END"
        )


def downgrade() -> None:
    """Let everybody who may connect see everything again."""
    if op.get_bind().dialect.name != "postgresql":
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER keep_audit_{verb}")
        return
    for verb in ("update", "truncate"):
        op.execute(f"DROP TRIGGER keep_{verb} ON {_AUDIT}")
    op.execute("DROP FUNCTION refuse_to_change_audit()")
    for table in (*_POLICIES, *_CATALOGUE, _AUDIT):
        for policy in ("app", "app_reads", "app_appends", "worker"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM {APP_ROLE}, {WORKER_ROLE}")
    for table in (sdk_migrations.VERSION_TABLE, VERSION_TABLE):
        op.execute(f"REVOKE ALL ON {table} FROM {APP_ROLE}, {WORKER_ROLE}")
