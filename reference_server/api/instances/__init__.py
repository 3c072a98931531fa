"""Customers' instances: one module per thing that can be done with one, all on one blueprint."""

from reference_server.api.instances import (
    backups,
    collection,
    deployments,
    domains,
    events,
    logs,
    metrics,
    one,
    operations,
    switching,
    upgrades,
    variables,
)
from reference_server.api.instances.blueprint import api

__all__ = [
    "api",
    "backups",
    "collection",
    "deployments",
    "domains",
    "events",
    "logs",
    "metrics",
    "one",
    "operations",
    "switching",
    "upgrades",
    "variables",
]
