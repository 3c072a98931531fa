"""What Alembic runs for every command; the connection comes from `reference_server.migrations`."""

from __future__ import annotations

from alembic import context

from reference_server.data.models import ServerBase
from reference_server.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=ServerBase.metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
