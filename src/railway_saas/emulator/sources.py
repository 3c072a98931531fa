"""Code sources: repository names and the commits that exist in them.

No code is ever fetched. A repository exists when its name is well-formed, and a commit exists when it looks like one:
40 hexadecimal digits, not all the same. The head of a branch is made from the branch's name and from how often
`push` moved it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from railway_saas.emulator import errors, lifecycle, structure
from railway_saas.emulator.registry import part

if TYPE_CHECKING:
    from railway_saas.emulator.world.world import World

DEFAULT_BRANCH = "main"

_FULL_NAME = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
_GITHUB_URL = re.compile(
    r"https://github\.com/([A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?(?:/tree/(?P<branch>.+))?/?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@part
class Repositories:
    """How often each branch moved."""

    def __init__(self, _world: World) -> None:
        self._pushes: dict[tuple[str, str], int] = {}

    def head(self, repo: str, branch: str | None) -> str:
        """The newest commit of a branch."""
        branch = branch or DEFAULT_BRANCH
        pushes = self._pushes.get((repo, branch), 0)
        return hashlib.sha1(f"{repo}#{branch}#{pushes}".encode(), usedforsecurity=False).hexdigest()

    def push(self, repo: str, branch: str | None = None) -> str:
        """Move a branch; the new commit."""
        branch = branch or DEFAULT_BRANCH
        self._pushes[repo, branch] = self._pushes.get((repo, branch), 0) + 1
        return self.head(repo, branch)


def push(world: World, repo: str, branch: str | None = None) -> str:
    """Move a branch, and deploy the services whose triggers wait for that; the new commit."""
    commit = world.part(Repositories).push(repo, branch)
    for service in tuple(world.services.values()):
        for trigger in service.repo_triggers:
            instance = trigger.environment.instances.get(service.id)
            if instance and trigger.repository == repo and trigger.branch == (branch or DEFAULT_BRANCH):
                structure.update_settings(world, instance, replace(instance.settings, commit_sha=commit))
                lifecycle.deploy_service_instance(world, instance)
    return commit


def read_repository(text: str) -> tuple[str, str | None]:
    """`owner/name` and branch of a repository given by name or by GitHub URL.

    Raises:
        Refusal: It is neither. Railway answers with its generic error.
    """
    if _FULL_NAME.fullmatch(text):
        return text, None
    url = _GITHUB_URL.fullmatch(text)
    if url is None:
        raise errors.problem_processing()
    return url[1], url["branch"]


def check_commit(commit: str) -> str:
    """A commit that exists.

    Raises:
        Refusal: Commit not found; nothing is deployed then.
    """
    if not _COMMIT.fullmatch(commit) or len(set(commit)) == 1:
        raise errors.not_found("Commit")
    return commit
