"""What the SDK asks of a database, and two answers: memory, and SQLAlchemy (`railway_saas.repositories.sqlalchemy`)."""

from __future__ import annotations
