"""Write docs/server/configuration.md from the settings themselves; `--check` only says whether it is up to date."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from reference_server.settings import KeyRing, Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "server" / "configuration.md"

HEAD = """# Configuration

Everything comes from environment variables, read once when a process starts. An empty variable is as good as none; names
that are not listed here mean nothing. A value that cannot be used, or that is not fit for production where the platform is in
production, keeps the process from starting, and the message names every one of them.

The defaults run on one laptop: `railway-saas-server serve` needs none. In production these must be set: `RAILWAY_API_TOKEN`,
`RAILWAY_WORKSPACE_ID`, `RAILWAY_WEBHOOK_SECRETS`, `JWT_SECRET`, `ENCRYPTION_KEYS`, `BASE_URL`, `MAIL_URL`, and `DATABASE_URL` where
more than one process runs. Settings marked *secret* appear in no log, error, metric or answer.

Keys are replaced without a pause: put the new one in front (`JWT_SECRET=2:new,1:old`), restart, and take the old one out
once nothing needs it: for `JWT_SECRET` after `ACCESS_TOKEN_SECONDS`, for `ENCRYPTION_KEYS` once the job `reseal_variables` has run.

This page is written by `scripts/configuration_page.py` from `reference_server/settings.py`.
"""


def sections() -> dict[str, list[str]]:
    """Names of settings under the comments that head them in the source."""
    found: dict[str, list[str]] = {}
    current = ""
    for line in inspect.getsource(Settings).splitlines():
        if heading := re.fullmatch(r"    # (.+)\.", line):
            current = heading[1]
            found[current] = []
        elif (named := re.match(r"    (\w+): ", line)) and named[1] in Settings.model_fields:
            found[current].append(named[1])
    return found


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for heading, names in sections().items():
        parts.append(f"\n## {heading}\n\n| Variable | Default | Meaning |\n|---|---|---|\n")
        parts += [row(name) for name in names]
    return "".join(parts)


def row(name: str) -> str:
    """One setting."""
    field = Settings.model_fields[name]
    secret = " *secret*" if is_secret(field.annotation) else ""
    meaning = (field.description or "").replace("|", "\\|")
    return f"| `{field.alias}`{secret} | {default_of(field)} | {meaning} |\n"


def is_secret(annotation: Any) -> bool:
    """Whether its value must be shown nowhere."""
    return annotation is KeyRing or "SecretStr" in str(annotation) or annotation is SecretStr


def default_of(field: Any) -> str:
    """As one would write it."""
    if field.default_factory is not None:
        return "for development only"
    if field.default in {None, (), PydanticUndefined}:
        return ""
    value = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return f"`{value}`"


def main() -> int:
    """Write it, or compare."""
    text = page()
    if "--check" in sys.argv:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{PAGE.name} is out of date: run scripts/configuration_page.py")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
