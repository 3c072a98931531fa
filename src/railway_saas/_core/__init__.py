"""Decisions without I/O: what to send, how to read it, whether to retry, how long to wait."""
