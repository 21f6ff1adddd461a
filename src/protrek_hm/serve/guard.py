"""The door: who is let in, how large and how slow a request may be, what every answer tells browsers, what is counted.

Plain ASGI, so that bodies stream through it and what is mounted inside is guarded as well.
"""

import asyncio
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from protrek_hm.serve.config import COUNTS, ServeConfig
from protrek_hm.serve.problems import ProblemError

GUARDED = ("/v1", "/mcp", "/metrics")
"""What needs an API key, where there are keys; the page and `/healthz` do not."""
UPLOADS = ("/v1/structure",)
_TOGETHER = 16
"""Bodies of the largest size that requests may hold together: in memory, uploads on disk."""
_SECONDS_FOR_HEAD = 15.0
"""Seconds that the head of a request may take; its body has `ServeConfig.timeout`."""

_SECONDS_STALLED = 60.0
"""Seconds for which a client may take nothing of its answer."""

_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Metrics:
    """Counts of one application.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.requests.labels("/v1/search", "POST", "200").inc()
    >>> b'protrek_hm_requests_total{method="POST",route="/v1/search",status="200"} 1.0' in metrics.page()
    True
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "protrek_hm_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "protrek_hm_request_seconds", "Seconds from request to answer.", ("route",), registry=self.registry
        )
        self.waiting = Gauge(
            "protrek_hm_waiting", "Queries in the queue.", registry=self.registry, multiprocess_mode="livesum"
        )
        self.batches = Histogram(
            "protrek_hm_batch_size",
            "Queries answered together.",
            registry=self.registry,
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
        )

    def page(self) -> bytes:
        """Return the counts in Prometheus' text format, those of all processes that share a folder."""
        if COUNTS not in os.environ:
            return generate_latest(self.registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, config: ServeConfig, metrics: Metrics) -> None:
        self._app, self._config, self._metrics = app, config, metrics
        self._keys = [_digest(key) for key in config.api_keys]
        self._held = {True: 0, False: 0}  # bytes of bodies of requests under way: uploads, others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(GUARDED):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        limited = _LimitedBody(
            receive, self._limit(scope["path"]), self._config.timeout, hold=self._hold(scope["path"])
        )
        try:
            problem = self._refuse(scope)
            if problem is not None:
                await problem.response()(scope, receive, send_guarded)
                return
            await self._app(scope, limited, send_guarded)
        finally:
            limited.let_go()
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.requests.labels(route, _method(scope), str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - started)

    def _limit(self, path: str) -> int:
        return self._config.max_upload_bytes if path in UPLOADS else self._config.max_body_bytes

    def _hold(self, path: str) -> Callable[[int], bool]:
        """Return what counts bytes that are held for a path, fewer where negative; false if they are too many."""

        def hold(size: int) -> bool:
            self._held[path in UPLOADS] += size
            return self._held[path in UPLOADS] <= _TOGETHER * self._limit(path)

        return hold

    def _refuse(self, scope: Scope) -> ProblemError | None:
        headers = Headers(scope=scope)
        hosts = self._config.hosts
        if hosts is not None and _bare_host(headers.get("host", "")) not in hosts:
            remedy = "ask for it by one of its names, or start it with --allow-host"
            return ProblemError(421, "Host", "this server does not answer to that name", remedy)
        if headers.get("sec-fetch-site") == "cross-site" and scope["path"].startswith(GUARDED):
            return ProblemError(403, "Origin", "another site's page may not ask", "use the server's own page")
        if self._keys and scope["path"].startswith(GUARDED) and not _has_key(headers, self._keys):
            return ProblemError(
                *(401, "Authorization", "no valid API key", "send one as Authorization: Bearer KEY"),
                headers={"WWW-Authenticate": "Bearer"},
            )
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > self._limit(scope["path"]):
            return _too_large(self._limit(scope["path"]))
        return None


class _LimitedBody:
    """The body of a request, which may lie about its length or never end."""

    def __init__(self, receive: Receive, limit: int, timeout: float, *, hold: Callable[[int], bool]) -> None:
        self._receive, self._limit, self._hold = receive, limit, hold
        self._left, self._deadline = limit, time.monotonic() + timeout
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is the end of the connection, which may take as long as it likes
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(self._deadline - time.monotonic(), 0))
        except TimeoutError:
            raise _as_http(ProblemError(408, "body", "the request takes too long to come", "send it again")) from None
        if message["type"] == "http.request":
            size = len(message.get("body", b""))
            self._left -= size
            self._whole = not message.get("more_body", False)
            if not self._hold(size):
                problem, remedy = "too much is being sent at this moment", "send it again in a few seconds"
                raise _as_http(ProblemError(429, "body", problem, remedy, headers={"Retry-After": "5"}))
            if self._left < 0:
                raise _as_http(_too_large(self._limit))
        return message

    def let_go(self) -> None:
        """Hold nothing any more: the request is answered."""
        self._hold(self._left - self._limit)


def _as_http(problem: ProblemError) -> HTTPException:
    """Wrap a problem such that the framework, which reads the body, hands it on."""
    return HTTPException(problem.status, detail=problem)  # type: ignore[arg-type]


def _too_large(limit: int) -> ProblemError:
    return ProblemError(413, "body", f"the request is larger than {limit:,} bytes", "send less at a time")


def _bare_host(host: str) -> str:
    """Return the name in a Host header, without its port.

    >>> _bare_host("LocalHost:8000"), _bare_host("[::1]:80"), _bare_host("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _has_key(headers: Headers, keys: Sequence[bytes]) -> bool:
    """Compare with all keys, in a time that does not depend on what they are."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    digest = _digest(given.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", ""))
    return any([hmac.compare_digest(digest, key) for key in keys])


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _method(scope: Scope) -> str:
    """Return the method; unknown ones share a name, or they would fill the memory with counts."""
    method: Any = scope["method"]
    return str(method) if method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE") else "other"


class KeepingUp(H11Protocol):
    """uvicorn's protocol, with limits on what a client may be waited for."""

    _head: asyncio.TimerHandle | None = None
    _answer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection: the head of a request should come."""
        super().connection_made(transport)
        self._head = self.loop.call_later(_SECONDS_FOR_HEAD, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take what comes: the time of a head runs until it is whole."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._head = _cancelled(self._head)
        elif self._head is None:
            self._head = self.loop.call_later(_SECONDS_FOR_HEAD, self.transport.abort)

    def pause_writing(self) -> None:
        """Have no room for more of an answer, until the client takes some."""
        super().pause_writing()
        self._answer = self._answer or self.loop.call_later(_SECONDS_STALLED, self.transport.abort)

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
