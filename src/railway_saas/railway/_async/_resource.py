"""What all resources share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeVar

from railway_saas._core.paging import Cursors

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation
    from railway_saas._core.paging import Page
    from railway_saas.railway._async._client import AsyncRailwayClient

T = TypeVar("T")


class AsyncResource:
    """One noun of Railway's API, bound to a client."""

    def __init__(self, client: AsyncRailwayClient) -> None:
        self._client = client

    async def _all(self, page_of: Callable[[str | None], Operation[Page[T]]]) -> AsyncIterator[T]:
        """Go through all pages, asking for the next one when it is needed."""
        operation = page_of(None)
        cursors = Cursors(operation.name)
        while True:
            page = await self._client.run(operation)
            for item in page.items:
                yield item
            cursor = cursors.after(page)
            if cursor is None:
                return
            operation = page_of(cursor)
