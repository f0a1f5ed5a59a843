"""Tasks of queue `analytics`: render one report format, analyse a set of leads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.damage import naming
from data.duck import connection
from data.jobs import JobRecord
from data.lake import Lake
from leadmill.log import get_logger
from pipelines.committed import recorded_files
from pipelines.execution.unit_run import UnitRun
from pipelines.stages import report_format
from pipelines.views.view import API
from reports.about_job import about_job
from reports.layouts import DEFAULT
from reports.render import render
from tasks.analytics.analyze import analyze_leads
from tasks.analytics.leads import collect_leads

log = get_logger(__name__)


def report(run: UnitRun) -> None:
    """Render one format of the job's report (see reports.render)."""
    fmt = report_format(run.grant.unit)
    assert fmt is not None, f"{run.grant.unit} renders no format"
    rows = _leads(run, run.runtime.lake)
    about = _about(run)
    options = run.options.get("report", {})
    with naming(run.runtime.lake, rows), run.files.write_at(f"reports/report.{fmt}") as out:
        result = render(
            fmt,
            rows=rows,
            job=about,
            report_type=options.get("type", "comprehensive"),
            out=out,
            layout=options.get("layout", DEFAULT),
            bom=options.get("bom", True),
            scratch=run.files.scratch("rendering"),
        )
    run.outcome.rows_in = run.outcome.rows_out = result.rows
    if options.get("mail_to") and fmt == options["formats"][0]:
        _write_mail(run, rows, about, options["formats"])


def _write_mail(run: UnitRun, rows: list[Path], about: dict[str, Any], formats: list[str]) -> None:
    """What is mailed of the report, once; whoever mails it has no rows at hand. No job fails for it."""
    from reports.mail import MAIL_FILE, mail_of

    address = run.runtime.settings.public_url  # without one nobody knows by which name the API is reached
    links = {name: f"{address}{API}/jobs/{run.job_id}/report?format={name}" for name in formats if address}
    try:
        run.files.write_json(f"reports/{MAIL_FILE}", mail_of(rows, about, links, connection().cursor()).as_dict())
    except Exception:  # it is mailed without
        log.exception("the report's mail could not be written", job=run.job_id)


def analyze(run: UnitRun) -> None:
    """Analyse the newest scored rows of the job's companies (see reports.analysis)."""
    rows = _leads(run, run.runtime.lake)
    with naming(run.runtime.lake, rows):
        analysis = analyze_leads(rows)
    run.files.write_json("reports/analysis.json", analysis)
    run.set_result({"analysis": analysis}, rows=0)


def _leads(run: UnitRun, lake: Lake) -> list[Path]:
    """Scored rows: the job's own, its parent's, or (a job over companies of the lake) the newest of each of them."""
    if "score" in run.grant.stages:
        return run.job.valid("score")
    parent = _parent(run)
    own = recorded_files(run.runtime.store, lake, parent.job_id).valid("score") if parent else []
    return own or [collect_leads(run)]


def _parent(run: UnitRun) -> JobRecord | None:
    """The job whose rows a job that scores nothing itself tells of."""
    store = run.runtime.store
    record = store.record(run.job_id)
    return store.record(record.parent) if record and record.parent else None


def _about(run: UnitRun) -> dict[str, Any]:
    """The job that the report is of; a child is of its parent, under tags of its own."""
    record = run.runtime.store.record(run.job_id)
    parent = None if "score" in run.grant.stages else _parent(run)
    if record is None or parent is None:
        return about_job(run.job_id, record)
    return {**about_job(parent.job_id, parent), "tags": record.tags}
