"""Prometheus metrics: counts and times by code, never by person. The values of every label come from a closed list."""

import os
from collections.abc import Iterable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from idproof.pipeline.vault import guards

MEDIA_TYPE = CONTENT_TYPE_LATEST
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Folder in which several workers add up their numbers; the variable must be set before this module is imported."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "any"})
"""Methods of RFC 9110 and RFC 5789, and `any` for paths without a route. A client may send other words as methods."""
_OTHER_METHOD = "other"

_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Metrics of one server process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._stage = Histogram("idproof_stage_seconds", "A stage.", ["stage"], buckets=_BUCKETS_S, registry=registry)
        self._whole = Histogram(
            "idproof_verification_seconds", "Captures to verdict.", buckets=_BUCKETS_S, registry=registry
        )
        self._decisions = Counter("idproof_decisions", "Verdicts.", ["decision"], registry=registry)
        self._reasons = Counter("idproof_reasons", "Reasons of verdicts.", ["reason"], registry=registry)
        self._requests = Counter("idproof_requests", "Answers.", ["route", "method", "status"], registry=registry)
        self._deliveries = Counter("idproof_deliveries", "Attempts.", ["to", "result"], registry=registry)
        self._guidance = Histogram(
            "idproof_guidance_seconds", "A frame's arrival to its guidance.", buckets=_BUCKETS_S, registry=registry
        )
        self._frames = Counter("idproof_stream_frames", "Frames of streams.", ["fate"], registry=registry)
        self._hints = Counter("idproof_stream_hints", "Guidance given.", ["hint"], registry=registry)
        self._turns = Counter(
            "idproof_stream_turns", "Turns at devices, by how they ended.", ["end"], registry=registry
        )
        self._streams = self._gauge("idproof_streams", "Devices connected.", "livesum")
        self._places = self._gauge("idproof_places_taken", "Registrations received or verified now.", "livesum")
        self._capacity = self._gauge("idproof_places", "Registrations that may be at once.", "livesum")
        self._outbox = self._gauge("idproof_outbox", "Deliveries by state.", "livemax", ["state"])
        self._reviews = self._gauge("idproof_reviews", "Reviews that are not over, by state.", "livemax", ["state"])
        self._oldest_review = self._gauge("idproof_review_oldest_seconds", "Age of the oldest of these.", "livemax")
        self._database = self._gauge("idproof_database_up", "1: the database answers.", "livemin")
        self._guards = self._gauge("idproof_guard", "1: the guard holds.", "livemin", ["guard"])

    def count_verdict(self, decision: str, reasons: Iterable[str], timings_ms: Mapping[str, float]) -> None:
        """Counts a verdict, its reasons and the times of its stages."""
        self._decisions.labels(decision).inc()
        for reason in reasons:
            self._reasons.labels(reason).inc()
        for stage, duration_ms in timings_ms.items():
            self._stage.labels(stage).observe(duration_ms / 1000)
        self._whole.observe(sum(timings_ms.values()) / 1000)

    def count_response(self, route: str, method: str, status: int) -> None:
        """Counts a response by the pattern of its route, never by its address; unknown methods count as one."""
        self._requests.labels(route, method if method in _METHODS else _OTHER_METHOD, status).inc()

    def count_delivery(self, to: str, result: str) -> None:
        """Counts an attempt to deliver."""
        self._deliveries.labels(to, result).inc()

    def count_guided_frame(self, hint: str, waited_s: float) -> None:
        """Counts a frame of a stream that was answered with guidance."""
        self._guidance.observe(waited_s)
        self._hints.labels(hint).inc()
        self._frames.labels("guided").inc()

    def count_unguided_frame(self, fate: str) -> None:
        """Counts a frame of a stream that was dropped, or refused with a code."""
        self._frames.labels(fate).inc()

    def count_turn(self, end: str) -> None:
        """Counts an applicant's turn at a device, by its end."""
        self._turns.labels(end).inc()

    def change_stream_count(self, change: int) -> None:
        """Adds to the number of connected devices."""
        self._streams.inc(change)

    def render(
        self,
        places: tuple[int, int],
        outbox: Mapping[str, int] | None,
        reviews: tuple[Mapping[str, int], float] | None = None,
    ) -> bytes:
        """Returns all metrics in Prometheus' text format.

        Args:
            places: number of places taken, and number of places.
            outbox: number of deliveries by state, or None while the database does not answer; the last numbers stay.
            reviews: number of reviews by state, and the age of the oldest in seconds; None as of `outbox`, or without
                reviews.
        """
        self._database.set(outbox is not None)
        self._places.set(places[0])
        self._capacity.set(places[1])
        for state, count in (outbox or {}).items():
            self._outbox.labels(state).set(count)
        for state, count in ({} if reviews is None else reviews[0]).items():
            self._reviews.labels(state).set(count)
        if reviews is not None:
            self._oldest_review.set(reviews[1])
        active = guards.active()
        for guard in (*guards.REQUIRED, *guards.ADVISED):
            self._guards.labels(guard).set(guard in active)
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        combined = CollectorRegistry()
        MultiProcessCollector(combined)  # type: ignore[no-untyped-call]
        return generate_latest(combined)

    def _gauge(self, name: str, about: str, mode: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(name, about, labels, registry=self._registry, multiprocess_mode=mode)  # type: ignore[arg-type]
