"""A database in memory, for tests and notebooks."""

from railway_saas.repositories._async.memory.database import AsyncMemoryDatabase

__all__ = ["AsyncMemoryDatabase"]
