"""Hold the lock files to their promises: exact versions, hashes, no download address, nothing missing."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Name and exact version of everything in a lock file."""
    return {canonicalize_name(name): version for name, version in _PIN.findall(text)}


def wanted() -> list[Requirement]:
    """Everything that pyproject.toml asks for, groups and extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lists = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    found = [Requirement(text) for entries in lists for text in entries]
    return [requirement for requirement in found if requirement.name != project["project"]["name"]]


def faults(path: Path) -> list[str]:
    """What is wrong with one lock file."""
    text = path.read_text()
    found = [
        f"{path.name}: holds an address" for _ in re.findall(r"https?://|--index-url|--find-links", text)
    ]
    hashed = text.count("\\\n    --hash=sha256:")
    if hashed < len(pins(text)):
        found.append(f"{path.name}: {len(pins(text)) - hashed} entries without a hash")
    return found


def unmet() -> list[str]:
    """Requirements that the development lock does not fulfil."""
    locked = pins((ROOT / "requirements" / "dev.txt").read_text())
    return [
        f"dev.txt: {requirement} is not fulfilled ({locked.get(canonicalize_name(requirement.name), 'missing')}); run `make lock`"
        for requirement in wanted()
        if not requirement.specifier.contains(
            locked.get(canonicalize_name(requirement.name), "0"), prereleases=True
        )
    ]


def main() -> int:
    """Print every fault; 1 when there is one."""
    found = [
        fault for path in sorted((ROOT / "requirements").glob("*.txt")) for fault in faults(path)
    ] + unmet()
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
