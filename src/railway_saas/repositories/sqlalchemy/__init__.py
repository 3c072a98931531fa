"""The repositories through SQLAlchemy 2, on PostgreSQL and SQLite: extras `sqlalchemy` and `postgres`.

```python
engine = create_database_engine("sqlite:///railway_saas.db")
migrations.upgrade(engine)
database = SqlDatabase(sessionmaker(engine))
```
"""

try:
    from railway_saas.repositories.sqlalchemy import migrations
    from railway_saas.repositories.sqlalchemy._async.database import AsyncSqlDatabase, AsyncSqlUnitOfWork
    from railway_saas.repositories.sqlalchemy._sync.database import SqlDatabase, SqlUnitOfWork
    from railway_saas.repositories.sqlalchemy._sync.instances import SqlInstances
    from railway_saas.repositories.sqlalchemy._sync.parts import SqlEvents
    from railway_saas.repositories.sqlalchemy._sync.records import SqlAudit, SqlOutbox
    from railway_saas.repositories.sqlalchemy._sync.transaction import Transaction
    from railway_saas.repositories.sqlalchemy.engines import (
        create_async_database_engine,
        create_database_engine,
    )
    from railway_saas.repositories.sqlalchemy.models import Base
except ModuleNotFoundError as error:
    if error.name not in {"sqlalchemy", "alembic"}:
        raise
    raise ImportError(
        f"railway_saas.repositories.sqlalchemy needs {error.name}: pip install 'railway-saas[sqlalchemy]', "
        "or 'railway-saas[postgres]' for PostgreSQL"
    ) from error

__all__ = [
    "AsyncSqlDatabase",
    "AsyncSqlUnitOfWork",
    "Base",
    "SqlAudit",
    "SqlDatabase",
    "SqlEvents",
    "SqlInstances",
    "SqlOutbox",
    "SqlUnitOfWork",
    "Transaction",
    "create_async_database_engine",
    "create_database_engine",
    "migrations",
]
