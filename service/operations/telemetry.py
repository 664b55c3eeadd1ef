"""OpenTelemetry traces: durations of stages and decisions; never a payload."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, propagate, trace

from idproof.service.errors import SettingsInvalid
from idproof.service.operations.settings import Settings

_NAME = "idproof"


def configure(settings: Settings) -> None:
    """Sends spans to the settings' collector (OTLP over HTTP); without one, spans cost nothing.

    Raises:
        SettingsInvalid: the SDK is not installed.
    """
    if settings.otlp_endpoint is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsInvalid("IDPROOF_OTLP_ENDPOINT needs idproof with the extra telemetry.") from None
    provider = TracerProvider(resource=Resource.create({"service.name": _NAME}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.otlp_endpoint)))
    trace.set_tracer_provider(provider)


@contextmanager
def continue_trace(headers: Mapping[str, str]) -> Iterator[None]:
    """Makes spans in the block part of the caller's trace (W3C `traceparent`), if it sent one."""
    token = context.attach(propagate.extract({"traceparent": headers.get("traceparent", "")}))
    try:
        yield
    finally:
        context.detach(token)


def record_verification(verdict_id: str, decision: str, timings_ms: Mapping[str, float]) -> None:
    """Records a span for a verification that has just ended, with a child span per stage."""
    tracer = trace.get_tracer(_NAME)
    end = time.time_ns()
    start = end - round(sum(timings_ms.values()) * 1e6)
    attributes = {"idproof.verification": verdict_id, "idproof.decision": decision}
    parent = tracer.start_span("verification", start_time=start, attributes=attributes)
    parent_context = trace.set_span_in_context(parent)
    for stage, duration_ms in timings_ms.items():
        child = tracer.start_span(stage, context=parent_context, start_time=start)
        start += round(duration_ms * 1e6)
        child.end(start)
    parent.end(end)
