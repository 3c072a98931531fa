"""The client, written for asyncio; its sync twin is generated from it."""
