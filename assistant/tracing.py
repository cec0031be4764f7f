"""Traces of questions by OpenTelemetry, for whoever runs a collector; off unless one is named.

A trace has a span for the question and one for each stage in it. It says how
long they took, what answered and how it ended, and never a word of what was
asked or said.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache

from assistant.schema import Answer

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"  # OpenTelemetry's own name for it
_STAGES = ("rewrite", "retrieve", "answer")  # in the order in which they happen


@cache
def start() -> None:
    """Send traces to the collector that the environment names, if it names one."""
    if not os.environ.get(ENDPOINT):
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "diamond-assistant"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def record(answer: Answer, stages: Mapping[str, float]) -> None:
    """Trace a question that has just been answered; `stages` are in milliseconds.

    Its spans are made when all is known, because the steps of one answer may
    run in several threads.
    """
    if not os.environ.get(ENDPOINT):
        return
    from opentelemetry import trace

    tracer = trace.get_tracer("diamond-assistant")
    end = time.time_ns()
    at = end - sum(_ns(stages.get(stage, 0.0)) for stage in _STAGES)
    question = tracer.start_span("question", start_time=at)
    said: dict[str, str | int] = {
        "outcome": answer.outcome,
        "answerer": answer.answerer,
        "generation": answer.generation,
        "passages": len(answer.passages),
        "citations": len(answer.citations),
    }
    for name, value in said.items():
        question.set_attribute(name, value)
    within = trace.set_span_in_context(question)
    for stage in _STAGES:
        span = tracer.start_span(stage, context=within, start_time=at)
        at += _ns(stages.get(stage, 0.0))
        span.end(at)
    question.end(end)


def _ns(milliseconds: float) -> int:
    return int(milliseconds * 1e6)
