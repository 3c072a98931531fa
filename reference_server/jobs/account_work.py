"""Jobs about accounts, keys and the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reference_server.security import audit

if TYPE_CHECKING:
    from uuid import UUID

    from reference_server.composition import Platform

_PAGE: Final = 100
_MAX_PAGES: Final = 100
"""Of one run; the next run goes on, or has less to do."""


def finish_closing(platform: Platform, _: str) -> str:
    """Remove accounts that are being closed once none of their instances is left."""
    waiting = platform.accounts.closing_accounts(limit=_PAGE)
    gone = sum(platform.accounts.finish_closing(user_id) for user_id in waiting)
    return f"{gone} of {len(waiting)} closed"


def is_an_account_closing(platform: Platform) -> bool:
    """Whether there is one."""
    return bool(platform.accounts.closing_accounts(limit=1))


def seal_audit(platform: Platform, _: str) -> str:
    """Give new entries of the audit log their link in the chain."""
    sealed = 0
    for _page in range(_MAX_PAGES):
        count = audit.seal(platform.database)
        sealed += count
        if count == 0:
            break
    return f"{sealed} entries"


def reseal_variables(platform: Platform, _: str) -> str:
    """Encrypt customers' variables with the newest key where they are not, page by page."""
    resealed, after = 0, None
    while True:
        count, after = _reseal_page(platform, after)
        resealed += count
        if after is None:
            return f"{resealed} instances"


def _reseal_page(platform: Platform, after: UUID | None) -> tuple[int, UUID | None]:
    with platform.database.unit_of_work() as work:
        done = work.instances.reseal(after=after, limit=_PAGE)
        work.commit()
    return done
