"""The server's own tables, and the unit of work that has them beside the SDK's."""
