"""The project that every client of the comparison reads: one made-up answer of about 3.2 KB."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT_ID = "5e7e0000-0000-4000-8000-000000000001"

_SERVICES = ("web", "api", "worker", "scheduler", "Postgres", "Redis", "search", "mailer", "image-resizer")
_ICONS = "https://devicons.example.com/i/{}.svg"


def _uuid(kind: int, number: int) -> str:
    return str(UUID(int=kind << 96 | 0x4000 << 64 | 0x8000 << 48 | number))


def _connection(nodes: Sequence[dict[str, object]]) -> dict[str, object]:
    return {"edges": [{"node": node} for node in nodes]}


def _service(number: int, name: str) -> dict[str, object]:
    return {
        "id": _uuid(2, number),
        "name": name,
        "icon": _ICONS.format(name.lower()),
        "templateId": _uuid(3, 1),
        "templateServiceId": _uuid(4, number),
    }


def _named(kind: int, names: Sequence[str]) -> list[dict[str, object]]:
    return [{"id": _uuid(kind, number), "name": name} for number, name in enumerate(names, start=1)]


def _project() -> dict[str, object]:
    environments = [{**node, "isEphemeral": False} for node in _named(1, ("production", "staging"))]
    return {
        "id": PROJECT_ID,
        "name": "acme-production",
        "description": "Shop, search and mail of Acme, deployed from one template",
        "createdAt": "2026-10-05T19:58:15.705Z",
        "updatedAt": "2026-11-02T08:15:00.120Z",
        "deletedAt": None,
        "workspaceId": _uuid(5, 1),
        "subscriptionType": "pro",
        "isPublic": False,
        "baseEnvironmentId": None,
        "primaryEnvironmentId": _uuid(1, 1),
        "environments": _connection(environments),
        "services": _connection([_service(number, name) for number, name in enumerate(_SERVICES, start=1)]),
        "volumes": _connection(_named(6, ("postgres-data", "redis-data", "search-index", "uploads"))),
        "buckets": _connection(_named(7, ("assets", "backups"))),
    }


ANSWER: bytes = json.dumps({"data": {"project": _project()}}, separators=(",", ":")).encode()
"""What the server sends, whoever asks."""
