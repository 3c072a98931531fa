"""Everything between your price page and Railway's API.

Importing this package loads the client only; the template engine is `railway_saas.templates`, the local
Railway `railway_saas.emulator` (extra `emulator`).
"""

from railway_saas._version import __version__
from railway_saas.config import RateLimit, RetryPolicy, Timeouts
from railway_saas.errors import RailwayError, RailwaySaasError, TemplateError
from railway_saas.railway import AsyncRailwayClient, RailwayClient

__all__ = [
    "AsyncRailwayClient",
    "RailwayClient",
    "RailwayError",
    "RailwaySaasError",
    "RateLimit",
    "RetryPolicy",
    "TemplateError",
    "Timeouts",
    "__version__",
]
