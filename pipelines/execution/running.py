"""One run of one stage of a unit: claim, work, stage, commit, expose, send. Every task body runs inside `run_unit`.

The order is what makes it safe: files are staged under the run's epoch, the record commits it, they are exposed, the
messages that the commit handed out are sent. A crash between two of these is repaired by the next reader, or by the
reconciler.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from data.cleaning import clean_text
from data.damage import of_later_version
from data.jobs import CUT_OFF_S, Answer, Grant
from data.lake import DamagedPartError
from data.parts import is_plan, short
from leadmill import tracing
from leadmill.errors import ErrorCategory, LeadmillError, NewerStoreError, UnavailableError
from leadmill.log import bind, get_logger
from leadmill.pause import pause_point
from leadmill.redaction import redacted
from leadmill.retry import RETRY
from pipelines.execution.canvas import try_dispatch
from pipelines.execution.lease import Lease, RunStoppedError
from pipelines.execution.traced_run import traced_run
from pipelines.execution.unit_run import Runtime, UnitRun
from pipelines.execution.what_failed import what_follows
from pipelines.request.asked import RecordError, place_of
from pipelines.stages import partition_stages

log = get_logger(__name__)

#: Pause before a move that Redis did not answer is made again, seconds.
_INSIST_S = 0.5
#: Seconds before a unit, or the message of one, is given back that a later version has to run.
GIVE_BACK_S = 1.0


Body = Callable[[UnitRun], None]


def run_unit(
    runtime: Runtime,
    body: Body,
    job_id: str,
    unit: str,
    epoch: int,
    index: int,
    *,
    owner: str,
    chained: bool,
    task_stage: str | None = None,
) -> bool:
    """Run one stage of a unit if the record still asks for it. `task_stage` is the one that `body` is the work of.

    Returns whether the message's canvas may go on (the next link of the chain would find work). Never raises for a
    failed stage: its outcome is in the record. Without Redis it raises UnavailableError, and the lease decides.
    """
    began = _begin(runtime, job_id, unit, epoch, index, owner, task_stage)
    if began is None:
        return False
    grant, number, stage = began
    bind(job=job_id, unit=unit, stage=stage, partition=number)
    bind(epoch=grant.epoch, attempt=grant.attempt, project=grant.project, request_id=grant.request_id)
    with traced_run(grant, stage, on=runtime.settings.traces):
        return _run(runtime.of(grant.project), body, grant, number, stage, chained=chained)


def _run(runtime: Runtime, body: Body, grant: Grant, number: int | None, stage: str, *, chained: bool) -> bool:
    """Work, and tell the record how it ended; whether the canvas may go on."""
    stages = partition_stages(grant.stages)
    run: UnitRun | None = None
    try:
        lease = Lease(runtime.store, grant, 1 if number is None else len(stages), runtime.settings.task_memory_limit_mb)
        try:
            run = UnitRun(runtime, grant, lease, stage)
            body(run)
            lease.check()
        finally:
            lease.close()
    except RunStoppedError as stopped:
        tracing.current().event("stopped", why=str(stopped))
        _discard(run)
        return False
    except Exception as error:  # the stage's own failure, whatever it is, becomes the unit's outcome
        _discard(run)
        if isinstance(error, DamagedPartError) and of_later_version(error.file):
            _give_back(runtime, grant, error)
            return False
        again = isinstance(error, DamagedPartError) and not is_plan(error.file)
        counted = run.outcome.metrics if run else None
        if _fail(runtime, grant, error, counted, from_first_stage=again) and again and number is not None:
            runtime.lake.drop_partition(grant.job_id, stages, number, grant.epoch)
        return False
    return _commit(runtime, run, chained)


def _begin(
    runtime: Runtime, job_id: str, unit: str, epoch: int, index: int, owner: str, task_stage: str | None
) -> tuple[Grant, int | None, str] | None:
    """What the record grants, with its partition and stage; None where there is nothing to do."""
    grant = runtime.store.begin(job_id, unit, epoch, index, owner)
    if isinstance(grant, str):
        log.debug("message without work", job=job_id, unit=unit, epoch=epoch, reason=grant)
        return None
    pause_point("begun")
    runtime = runtime.of(grant.project)
    try:
        number, stage = place_of(grant)
    except RecordError as error:
        _fail(runtime, grant, error)
        return None
    if task_stage in (None, stage):
        return grant, number, stage
    # No message made of a hand-out names another stage's task. That work would do what the unit is not for.
    log.error("given back: its message named another stage's task", job=job_id, unit=unit, task=task_stage)
    try_dispatch(runtime.dispatch, _insist(lambda: runtime.store.release(job_id, unit, owner)).send)
    return None


def _give_back(runtime: Runtime, grant: Grant, error: DamagedPartError) -> None:
    """Leave a unit to a worker of the version that wrote what this one cannot read. It costs no attempt."""
    log.error("given back: a later version wrote what it reads", job=grant.job_id, unit=grant.unit, error=str(error))
    time.sleep(GIVE_BACK_S)  # this worker is likely to be asked again at once
    answer = _insist(lambda: runtime.store.release(grant.job_id, grant.unit, grant.owner))
    try_dispatch(runtime.dispatch, answer.send)


def _discard(run: UnitRun | None) -> None:
    if run is not None:
        run.files.discard()


def _commit(runtime: Runtime, run: UnitRun, chained: bool) -> bool:
    pause_point("written")
    what, grant = run.outcome, run.grant
    arguments: dict[str, Any] = {
        "rows_in": what.rows_in,
        "rows_out": what.rows_out,
        "errors": what.errors,
        "deferred": what.deferred or None,
        "waves": what.waves,
        "pages": run.lease.pages_untold,
        "traffic": run.lease.traffic_untold,
        "fields": what.fields or None,
        "doc": what.doc or None,
        "status": what.status,
        "mail_to": ",".join(what.mail_to) or None,
        "chained": chained or None,
        "files": short(run.files.counts) if run.makes_parts else None,
        "metrics": run.metrics,
    }
    answer = _insist(lambda: runtime.store.commit(grant, **arguments))
    if answer.refused:
        tracing.current().event("refused", why=answer.refused)
        run.files.discard()
        return False
    tracing.current().set(rows_in=what.rows_in, rows_out=what.rows_out, errors=what.errors)
    pause_point("committed")
    run.failed.tell()
    try:
        with tracing.span("expose files"):
            runtime.lake.expose(grant.job_id, run.stage, grant.unit, grant.epoch)
    except OSError as error:  # the commit counts; whoever reads the parts exposes them
        log.warning("files not exposed after a commit", job=grant.job_id, unit=grant.unit, error=str(error))
    pause_point("renamed")
    try_dispatch(runtime.dispatch, answer.send)
    return True


def _insist(move: Callable[[], Answer]) -> Answer:
    """Make a move that ends a run, again and again while Redis is away: what was worked for is not thrown away.

    A repeat is safe: a commit whose answer was lost gets the same answer, and after a lapse it is refused.

    Raises:
        UnavailableError: it stayed away for `CUT_OFF_S`.
        NewerStoreError: a later version has overtaken this one, at once.
    """
    until = time.monotonic() + CUT_OFF_S
    while True:
        try:
            return move()
        except NewerStoreError:
            raise
        except UnavailableError:
            if time.monotonic() > until:
                raise
            time.sleep(_INSIST_S)


def failure_text(error: Exception) -> str:
    """What the record says of a failure: where a plug-in failed, with its name (`leadmill.plugins.at_work`).

    Without secrets before it is cut short: half of one would not be known any more.
    """
    if isinstance(error, LeadmillError):
        return redacted(str(error))
    return redacted(": ".join([*getattr(error, "__notes__", ()), type(error).__name__, str(error)]))


def _fail(
    runtime: Runtime,
    grant: Grant,
    error: Exception,
    metrics: Mapping[str, int] | None = None,
    *,
    from_first_stage: bool = False,
) -> bool:
    """Tell the record that a stage failed, and what its run counted; whether the run still held its unit."""
    category = error.category if isinstance(error, LeadmillError) else ErrorCategory.SYSTEM
    text = failure_text(error)
    tracing.current().fail(category.value)
    policy = RETRY[category]
    arguments = {
        "category": category.value,
        "max": policy.max_attempts,
        "base": policy.base_s * 1000,
        "cap": policy.cap_s * 1000,
        "jitter": random.random(),
        "restart": from_first_stage or None,
        "metrics": metrics or None,
    }
    told = clean_text(text[:500])  # the script's JSON takes no lone surrogate
    answer = _insist(lambda: runtime.store.fail(grant, error=told, **arguments))
    log.warning(
        "stage failed",
        job=grant.job_id,
        unit=grant.unit,
        category=category.value,
        error=text,
        then=what_follows(answer, grant.tries + 1, policy.max_attempts),
        exc_info=None if isinstance(error, LeadmillError) else error,
    )
    try_dispatch(runtime.dispatch, answer.send)
    return answer.refused is None
