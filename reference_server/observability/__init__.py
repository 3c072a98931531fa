"""Logs, metrics, error tracking, readiness: what operators see of the platform."""
