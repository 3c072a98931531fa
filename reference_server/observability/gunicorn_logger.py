"""gunicorn's own lines, in our form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunicorn.glogging import Logger

from reference_server.observability.logs import take_over_libraries

if TYPE_CHECKING:
    from gunicorn.config import Config


class GunicornLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Hands everything to the root logger.

    Requests are told by the application, which knows who asked and which route answered: `observability.requests`.
    """

    def setup(self, cfg: Config) -> None:
        """Take the handlers away that gunicorn gives itself: `configure_logging` has set up the root logger's."""
        super().setup(cfg)
        take_over_libraries()
