"""Passwords, tokens, keys, scopes, audit, rate limits."""
