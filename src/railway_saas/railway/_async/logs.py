"""`client.logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway._async._streams import rows
from railway_saas.railway.operations import logs as ops

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from railway_saas.railway.models.logs import HttpLog, Log


class AsyncLogs(AsyncResource):
    """Log lines of builds and processes, and of HTTP requests: asked for, or followed.

    `filter` is Railway's filter language: `"a phrase"`, `@level:error`, `@service:<id>`, `@httpStatus:>=500`,
    joined by `AND`, `OR`, `-` and parentheses. Source: docs.railway.com/guides/logs, "Filtering logs".
    """

    async def build(
        self,
        deployment_id: str,
        *,
        limit: int = ops.DEFAULT_ROWS,
        filter: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> tuple[Log, ...]:
        """The newest lines of a deployment's build, oldest first.

        Args:
            deployment_id: Whose build.
            limit: Lines at most, up to 5000.
            filter: Railway's filter language.
            start_date: None before this moment; needs a time zone.
            end_date: None after this moment; needs a time zone.

        Raises:
            RailwayInputError: An argument is out of range. Nothing was sent.
        """
        return await self._client.run(
            ops.build(deployment_id, limit=limit, filter=filter, start_date=start_date, end_date=end_date)
        )

    async def deployment(
        self,
        deployment_id: str,
        *,
        limit: int = ops.DEFAULT_ROWS,
        filter: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> tuple[Log, ...]:
        """The newest lines of a deployment's processes, oldest first; arguments as for `build`."""
        return await self._client.run(
            ops.deployment(
                deployment_id, limit=limit, filter=filter, start_date=start_date, end_date=end_date
            )
        )

    async def environment(
        self,
        environment_id: str,
        *,
        limit: int = ops.DEFAULT_ROWS,
        filter: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> tuple[Log, ...]:
        """The newest lines of all services of an environment, oldest first; arguments as for `build`.

        Railway leaves out build lines, unless the filter names a snapshot's id.
        """
        return await self._client.run(
            ops.environment(
                environment_id, limit=limit, filter=filter, start_date=start_date, end_date=end_date
            )
        )

    async def http(
        self,
        deployment_id: str,
        *,
        limit: int = ops.DEFAULT_ROWS,
        filter: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> tuple[HttpLog, ...]:
        """The newest requests that reached a deployment, oldest first; arguments as for `build`."""
        return await self._client.run(
            ops.http(deployment_id, limit=limit, filter=filter, start_date=start_date, end_date=end_date)
        )

    async def environment_around(
        self,
        environment_id: str,
        *,
        anchor_date: datetime,
        before_limit: int = ops.DEFAULT_ROWS,
        before_date: datetime | None = None,
        after_limit: int = 0,
        after_date: datetime | None = None,
        filter: str | None = None,
    ) -> tuple[Log, ...]:
        """Lines of an environment before and after a moment, oldest first.

        Args:
            environment_id: Whose lines.
            anchor_date: The moment; needs a time zone.
            before_limit: Lines before it at most, up to 5000.
            before_date: None before this moment.
            after_limit: Lines after it at most, up to 5000.
            after_date: None after this moment.
            filter: Railway's filter language.

        Raises:
            RailwayInputError: An argument is out of range. Nothing was sent.
        """
        return await self._client.run(
            ops.environment_around(
                environment_id,
                anchor_date=anchor_date,
                before_limit=before_limit,
                before_date=before_date,
                after_limit=after_limit,
                after_date=after_date,
                filter=filter,
            )
        )

    async def http_around(
        self,
        deployment_id: str,
        *,
        anchor_date: datetime,
        before_limit: int = ops.DEFAULT_ROWS,
        before_date: datetime | None = None,
        after_limit: int = 0,
        after_date: datetime | None = None,
        filter: str | None = None,
    ) -> tuple[HttpLog, ...]:
        """Requests to a deployment before and after a moment; arguments as for `environment_around`."""
        return await self._client.run(
            ops.http_around(
                deployment_id,
                anchor_date=anchor_date,
                before_limit=before_limit,
                before_date=before_date,
                after_limit=after_limit,
                after_date=after_date,
                filter=filter,
            )
        )

    def stream(
        self, deployment_id: str, *, limit: int = ops.DEFAULT_ROWS, filter: str | None = None
    ) -> AsyncIterator[Log]:
        """Follow the lines of a deployment's processes; the same as `stream_deployment`."""
        return self.stream_deployment(deployment_id, limit=limit, filter=filter)

    def stream_deployment(
        self, deployment_id: str, *, limit: int = ops.DEFAULT_ROWS, filter: str | None = None
    ) -> AsyncIterator[Log]:
        """Follow the lines of a deployment's processes, one by one, until the server ends the stream.

        When the connection breaks, a new one goes on where it stopped: no line is lost and none given twice.

        Args:
            deployment_id: Whose lines.
            limit: How many lines from before to begin with, up to 5000.
            filter: Railway's filter language.

        Raises:
            RailwayInputError: An argument is out of range. Nothing was sent.
            RailwayConnectionError: Twelve connections in a row failed.
            ConfigurationError: The `streams` extra is not installed.
        """
        ops.stream_deployment(deployment_id, limit=limit, filter=filter)
        return rows(self._client, ops.deployment_feed(deployment_id, limit=limit, filter=filter))

    def stream_build(
        self, deployment_id: str, *, limit: int = ops.DEFAULT_ROWS, filter: str | None = None
    ) -> AsyncIterator[Log]:
        """Follow the lines of a deployment's build; arguments and exceptions as for `stream_deployment`."""
        ops.stream_build(deployment_id, limit=limit, filter=filter)
        return rows(self._client, ops.build_feed(deployment_id, limit=limit, filter=filter))

    def stream_environment(
        self, environment_id: str, *, limit: int = ops.DEFAULT_ROWS, filter: str | None = None
    ) -> AsyncIterator[Log]:
        """Follow the lines of all services of an environment; arguments and exceptions as for `stream_deployment`."""
        ops.stream_environment(environment_id, limit=limit, filter=filter)
        return rows(self._client, ops.environment_feed(environment_id, limit=limit, filter=filter))

    def stream_http(
        self, deployment_id: str, *, limit: int = ops.DEFAULT_ROWS, filter: str | None = None
    ) -> AsyncIterator[HttpLog]:
        """Follow the requests that reach a deployment; arguments and exceptions as for `stream_deployment`."""
        ops.stream_http(deployment_id, limit=limit, filter=filter)
        return rows(self._client, ops.http_feed(deployment_id, limit=limit, filter=filter))
