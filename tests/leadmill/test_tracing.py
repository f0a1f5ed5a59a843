"""Spans without a receiver: what is sampled, how runs name each other, and what is believed of others."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from leadmill import log, tracing
from leadmill.client.protocol import own_traceparent
from leadmill.settings import Settings
from leadmill.tracing import sending, spans
from pipelines.intake import submit
from pipelines.settings_check import setting_faults

TRACE, PARENT = "1" * 32, "2" * 16
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What would go to a receiver."""
    provider, kept = TracerProvider(id_generator=sending.SpanIds(), shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(spans, "tracer", lambda: provider.get_tracer("test"))
    yield kept


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (TRACEPARENT, True),
        (f"00-{TRACE}-{PARENT}-00", True),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"01-{TRACE}-{PARENT}-01", False),
        (f"{TRACEPARENT}-more", False),
        (f"{TRACEPARENT}\n", False),
        (TRACEPARENT.replace("1", "A"), False),
        (None, False),
        (17, False),
    ],
)
def test_what_names_a_trace(text: object, is_one: bool) -> None:
    assert tracing.is_traceparent(text) is is_one


def test_without_a_span_nothing_is_made(sent: InMemorySpanExporter) -> None:
    with tracing.span("a", one=1) as a, tracing.sample("b") as b:
        a.set(more=2)
        b.fail("data")
        assert tracing.current() is a is b is tracing.NO_SPAN and a.traceparent is None
    assert sent.get_finished_spans() == ()


def test_of_hundreds_those_are_sent_that_failed_or_took_longest(sent: InMemorySpanExporter) -> None:
    with spans.begun("scrape"):
        for number in range(500):
            with tracing.sample("fetch", number=number) as fetch:
                if number % 100 == 7:
                    fetch.fail("network")
    *fetches, scrape = sent.get_finished_spans()
    assert len(fetches) == spans.SAMPLES
    assert sum(not span.status.is_ok for span in fetches) == 5
    assert all(span.parent.span_id == scrape.context.span_id for span in fetches if span.parent)
    assert scrape.attributes is not None
    assert (scrape.attributes["leadmill.fetch_count"], scrape.attributes["leadmill.fetch_failed"]) == (500, 5)


def test_runs_of_a_stage_name_each_other(sent: InMemorySpanExporter) -> None:
    def run(epoch: int, before: int | None = None) -> None:
        named = None if before is None else f"p1:0:{before}"
        with spans.run_of_a_stage("scrape", parent=TRACEPARENT, run=f"p1:0:{epoch}", before=named):
            assert log.context()["trace_id"] == TRACE

    run(1)
    run(2, before=1)
    first, second = sent.get_finished_spans()
    assert first.context.span_id == second.links[0].context.span_id != second.context.span_id
    assert {f"{span.context.trace_id:032x}" for span in (first, second)} == {TRACE}
    assert {f"{span.parent.span_id:016x}" for span in (first, second) if span.parent} == {PARENT}
    assert log.context()["trace_id"] == TRACE, "until the next begins, for what the library says at the end"
    log.begin()
    with spans.begun("submit"):
        assert log.context()["trace_id"] != TRACE
    assert "trace_id" not in log.context()


def test_an_error_has_its_kind_alone(sent: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError), spans.begun("request"), tracing.span("move"):
        raise ValueError("pl4nted")
    spans_sent = sent.get_finished_spans()
    assert {span.name for span in spans_sent} >= {"request", "move"}
    for span in spans_sent:
        assert (span.status.description, span.events) == ("ValueError", ())


def test_whoever_is_not_sampled_records_nothing(sent: InMemorySpanExporter) -> None:
    with spans.begun("request", parent=TRACEPARENT[:-1] + "0"), tracing.span("submit") as submit:
        assert submit.traceparent is None
    assert sent.get_finished_spans() == ()


def test_a_client_says_which_trace_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEPARENT", "none of ours")
    assert own_traceparent() is None
    monkeypatch.setenv("TRACEPARENT", TRACEPARENT)
    assert own_traceparent() == TRACEPARENT
    own = trace.NonRecordingSpan(trace.SpanContext(3, 4, is_remote=False, trace_flags=trace.TraceFlags(1)))
    with trace.use_span(own):
        assert own_traceparent() == f"00-{3:032x}-{4:016x}-01"


def test_it_is_said_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "leadmill.tracing.spans", None)
    monkeypatch.delattr(tracing, "spans")
    texts = [fault.text for fault in setting_faults(Settings(traces=True)) if fault.level == "fail"]
    (text,) = [text for text in texts if text.startswith("LEADMILL_TRACES: ")]
    assert "pip install 'leadmill[traces]'" in text
    assert not [fault for fault in setting_faults(Settings(traces=False)) if "LEADMILL_TRACES" in fault.text]


def test_a_submission_without_a_request_begins_a_trace(
    sent: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a schedule."""
    with submit.traced_submit("scrape") as span:
        assert span is tracing.NO_SPAN
    monkeypatch.setattr(submit, "get_settings", lambda: Settings(traces=True))
    with submit.traced_submit("scrape") as first, submit.traced_submit("process") as within:
        assert tracing.trace_id_of(within.traceparent or "") == tracing.trace_id_of(first.traceparent or "")
    assert [span.parent for span in sent.get_finished_spans()][-1] is None
