"""The span of one run of a stage, in the trace of its job."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from data.jobs import Grant
from leadmill import tracing


def traced_run(grant: Grant, stage: str, *, on: bool) -> AbstractContextManager[object]:
    """Open the span of a run, if its job is traced and traces are `on` here; what runs within adds to it.

    A run that follows another one of the same stage, which failed or died or was taken over, names it by a link.
    """
    parent = grant.trace
    if not on or not tracing.is_traceparent(parent) or not tracing.is_sampled(parent):
        return nullcontext()
    from leadmill.tracing import spans

    # An epoch is one hand-out; the next stage of a partition keeps it. So a higher one is a try after another.
    first = max([1, *grant.epochs[: grant.index]])
    name = f"{grant.unit}:{grant.index}"
    return spans.run_of_a_stage(
        stage,
        parent=parent,
        run=f"{name}:{grant.epoch}",
        before=f"{name}:{grant.epoch - 1}" if grant.epoch > first else None,
        job=grant.job_id,
        kind=grant.kind,
        project=grant.project,
        unit=grant.unit,
        stage=stage,
        epoch=grant.epoch,
        attempt=grant.attempt,
        tries=grant.tries,
    )
