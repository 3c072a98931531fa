"""All checks, one after the other. One that breaks off is a finding itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from reference_server.operations.doctor import checks
from reference_server.operations.doctor.findings import Finding, failed
from reference_server.operations.doctor.tenancy import examine_tenancy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reference_server.composition import Platform

log = logging.getLogger("reference_server.doctor")


def _tenancy(platform: Platform) -> Iterator[Finding]:
    return examine_tenancy(platform.database.engine)


CHECKS: Final[dict[str, Callable[[Platform], Iterator[Finding]]]] = {
    "settings": checks.examine_settings,
    "database": checks.examine_database,
    "tenancy": _tenancy,
    "plans": checks.examine_plans,
    "redis": checks.examine_redis,
    "railway": checks.examine_railway,
    "webhook": checks.examine_webhook,
    "clock": checks.examine_clock,
    "mail": checks.examine_mail,
}
"""By name. They want a platform that works as web processes do (`ConnectionRole.APP`)."""


def examine(platform: Platform) -> Iterator[Finding]:
    """Everything that is found."""
    for name, check in CHECKS.items():
        try:
            yield from check(platform)
        except Exception as error:
            log.exception("the check %s broke off", name)
            yield failed(name, f"the check broke off ({type(error).__name__}); the log says where", "tell us")
