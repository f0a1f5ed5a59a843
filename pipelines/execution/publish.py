"""Publish, the unit that ends every job: coverage, the status that follows from it, the result and the manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from data.damage import naming
from data.duck import connection
from data.job_files import JobFiles, Parts
from data.jobs import JobRecord, UnitStatus
from data.mounts import addresses
from leadmill.errors import ErrorCategory
from leadmill.log import get_logger
from pipelines.committed import Units, epochs_of, files_of
from pipelines.execution.redone import clear_redone
from pipelines.execution.unit_run import UnitRun
from pipelines.manifest import manifest_of
from pipelines.request.asked import document
from pipelines.stages import KINDS, partition_stages, report_format
from pipelines.views import causes
from pipelines.views.coverage import Covered

log = get_logger(__name__)

#: Causes that are told in the job's log.
MOST_CAUSES = 10


def publish(run: UnitRun) -> None:
    """Body of the publish unit: decides how the job ends and writes `manifest.json`."""
    store, lake, job_id = run.runtime.store, run.runtime.lake, run.job_id
    stages = run.grant.stages
    record = store.record(job_id) or JobRecord(job_id, {})
    units = store.unit_states(job_id)
    files = files_of(lake, job_id, units, stages)
    epochs, others = epochs_of(units), [state for unit, state in units.items() if unit != run.grant.unit]
    if run.grant.epoch == 1 and all(state.epoch == 1 and state.status == UnitStatus.DONE for state in others):
        valid = files.as_committed(stages, epochs)
    else:
        valid = files.remove_losers(stages, epochs)
        clear_redone(lake, files, stages)
    with ThreadPoolExecutor(1) as beside:  # the disk is waited for while the rest is worked out
        synced = beside.submit(files.sync)
        run.files.write_json("manifest.json", _decided(run, record, units, files, valid))
        synced.result()


def _decided(run: UnitRun, record: JobRecord, units: Units, files: JobFiles, valid: Parts) -> dict[str, Any]:
    """How the job ends, as its outcome and as its manifest."""
    store, lake, stages = run.runtime.store, run.runtime.lake, run.grant.stages
    companies = record.companies
    good = _good(run, valid) if companies else 0
    coverage = _coverage(run.grant.kind, companies, good)
    status, error = _decide(record, coverage)
    result = _result(record, units, companies, good)
    if good < companies:
        result["missing"] = causes.missing(lake, files, stages, units, valid, struck=record.struck_ms is not None)
        if warnings := causes.warnings(result["missing"], companies):
            result["warnings"] = warnings
    what = run.outcome
    what.status = status
    what.fields = {} if coverage is None else {"coverage": round(coverage, 6)}
    what.doc = {"result": json.dumps(result)}
    _tell(result, companies, good, status, error)
    if result.get("formats"):
        what.mail_to = tuple(run.options.get("report", {}).get("mail_to") or ())
    if error:
        why = ErrorCategory.DEADLINE if record.struck_ms else ErrorCategory.DATA
        what.fields["category"] = record.error_category or why.value
        what.doc["error"] = error
    return manifest_of(
        store,
        files,
        record,
        units,
        status=status,
        now=run.now,
        coverage=coverage,
        result=result,
        error=error,
        valid=valid,
    )


def _tell(result: Mapping[str, Any], companies: int, good: int, status: str, error: str | None) -> None:
    """In the job's own log: why companies are missing, what to beware of, and why the job fails."""
    for warning in result.get("warnings", ()):
        log.warning(warning)
    for cause in result.get("missing", ())[:MOST_CAUSES]:
        log.warning("companies missing", **cause)
    if error or good < companies:
        tell = log.error if error else log.warning
        tell(f"job {status}", companies=companies, good=good, missing=companies - good, error=error)


def _good(run: UnitRun, valid: Parts) -> int:
    """Companies that have a row without error of the job's last stage that makes rows."""
    lake, stages = run.runtime.lake, run.grant.stages
    if scores := valid.get(("score", "rows")):
        query = "SELECT count(DISTINCT company_id) FROM read_parquet($files) WHERE error IS NULL"
        with naming(lake, scores):
            found = connection().cursor().execute(query, {"files": addresses(scores)}).fetchone()
        return int(found[0]) if found else 0
    chain = partition_stages(stages)
    if chain:
        return len(lake.good_ids(valid[chain[-1], "rows"]))
    if "score" in stages:
        return 0
    # A job that makes no rows of its own (report, analyze): each company whose rows it could read is good.
    return sum(error is None for error in run.job.plan_column("error"))


def _coverage(kind: str, companies: int, good: int) -> float | None:
    """Share of the companies that are good; None when the job should have some and resolved to none."""
    if not companies and not KINDS[kind].needs_companies:
        return 1.0
    return Covered(companies, good).coverage


def _decide(record: JobRecord, coverage: float | None) -> tuple[str, str | None]:
    if record.error_category:
        return "failed", record.error or "a stage failed for good"
    if coverage is None:
        return "failed", "the input was resolved to no company"
    struck = "the deadline struck: " if record.struck_ms else ""
    least = record.min_coverage
    if least is None and coverage == 0:
        return "failed", f"{struck}no company has a row without error; see the errors of the job"
    if least is not None and coverage < least:
        return "failed", f"{struck}coverage {coverage:.2f} is below min_coverage {least:g}; see the errors of the job"
    return "completed", None


def _result(record: JobRecord, units: Units, companies: int, good: int) -> dict[str, Any]:
    result: dict[str, Any] = {"companies": companies, "good": good} if companies else {}
    if record.merged:
        result["merged"] = document(record.merged, "merged")
    if record.finding:
        result |= document(record.finding, "finding")
    formats = {fmt: state for unit, state in units.items() if (fmt := report_format(unit))}
    if formats:
        result["formats"] = sorted(fmt for fmt, state in formats.items() if state.status == UnitStatus.DONE)
        failed = {fmt: state.failure[1] for fmt, state in formats.items() if state.failure}
        if failed:
            result["failed_formats"] = failed
    return result
