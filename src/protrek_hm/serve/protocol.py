"""HTTP with clients that keep up: who sends nothing to the end, or takes no answer, loses the connection."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

_HEADERS = 15.0
"""Seconds that the head of a request may take; its body has `ServeConfig.timeout` (`guard`)."""

_STALLED = 60.0
"""Seconds for which a client may take nothing of its answer."""


class KeepingUp(H11Protocol):
    """uvicorn's protocol, with limits on what a client may be waited for."""

    _head: asyncio.TimerHandle | None = None
    _answer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection: the head of a request should come."""
        super().connection_made(transport)
        self._head = self.loop.call_later(_HEADERS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take what comes: the time of a head runs until it is whole."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._head = _cancelled(self._head)
        elif self._head is None:
            self._head = self.loop.call_later(_HEADERS, self.transport.abort)

    def pause_writing(self) -> None:
        """Have no room for more of an answer, until the client takes some."""
        super().pause_writing()
        self._answer = self._answer or self.loop.call_later(_STALLED, self.transport.abort)

    def resume_writing(self) -> None:
        """Have room again."""
        super().resume_writing()
        self._answer = _cancelled(self._answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection."""
        self._head, self._answer = _cancelled(self._head), _cancelled(self._answer)
        super().connection_lost(exc)


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Cancel a timer; None takes its place."""
    if timer is not None:
        timer.cancel()
    return None
