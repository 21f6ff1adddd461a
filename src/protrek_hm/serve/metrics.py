"""What the server counts, for Prometheus; several processes add up if `PROMETHEUS_MULTIPROC_DIR` is set."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names a folder for the counts of several processes."""


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
        if SHARED not in os.environ:
            return generate_latest(self.registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)
