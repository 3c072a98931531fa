"""Exit statuses that scripts can rely on."""

from __future__ import annotations

from enum import IntEnum

from railway_saas.errors import (
    ConfigurationError,
    MissingTokenError,
    ProvisioningError,
    RailwayAuthError,
    RailwayConnectionError,
    RailwayDeploymentError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayRateLimitError,
    RailwayResponseError,
    RailwaySaasError,
    TemplateError,
)


class ExitCode(IntEnum):
    """What the command's end means."""

    OK = 0
    FAILED = 1
    """It was carried out, and the outcome is bad: a template has faults, a deployment failed, the schema drifted."""
    USAGE = 2
    """The command line, an input or a document cannot be used; nothing was changed."""
    AUTH = 3
    """No token, a bad one, or one without the right."""
    NOT_FOUND = 4
    """There is no such project, service or template."""
    UNAVAILABLE = 5
    """Railway could not be reached or did not answer as expected; trying later may help."""
    RATE_LIMITED = 6
    """The rate limit is used up; trying later will help."""
    INTERRUPTED = 130
    """Ctrl-C."""


# The first match wins, so subclasses stand before their bases.
_BY_ERROR: tuple[tuple[type[RailwaySaasError], ExitCode], ...] = (
    (TemplateError, ExitCode.USAGE),
    (RailwayInputError, ExitCode.USAGE),
    (RailwayAuthError, ExitCode.AUTH),
    (MissingTokenError, ExitCode.AUTH),
    (ConfigurationError, ExitCode.USAGE),
    (RailwayNotFoundError, ExitCode.NOT_FOUND),
    (RailwayRateLimitError, ExitCode.RATE_LIMITED),
    (RailwayDeploymentError, ExitCode.FAILED),
    (ProvisioningError, ExitCode.FAILED),
    (RailwayConnectionError, ExitCode.UNAVAILABLE),
    (RailwayResponseError, ExitCode.UNAVAILABLE),
)


def exit_code_of(error: RailwaySaasError) -> ExitCode:
    """The status an exception ends the command with."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.FAILED)
