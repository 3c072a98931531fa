"""Written for asyncio; the sync twin is generated."""
