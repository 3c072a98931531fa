"""What Alembic runs for every command; the connection comes from `railway_saas.repositories.sqlalchemy.migrations`."""

from __future__ import annotations

from alembic import context

from railway_saas.repositories.sqlalchemy.migrations import VERSION_TABLE
from railway_saas.repositories.sqlalchemy.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
