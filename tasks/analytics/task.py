"""Tasks of queue `analytics`: render one report format, analyse a set of leads."""

from __future__ import annotations

from pathlib import Path

from data.damage import naming
from data.lake import Lake
from pipelines.execution.unit_run import UnitRun
from pipelines.stages import report_format
from reports.about_job import about_job
from reports.layouts import DEFAULT
from reports.render import render
from tasks.analytics.analyze import analyze_leads
from tasks.analytics.leads import collect_leads


def report(run: UnitRun) -> None:
    """Render one format of the job's report (see reports.render)."""
    fmt = report_format(run.grant.unit)
    assert fmt is not None, f"{run.grant.unit} renders no format"
    rows = _leads(run, run.runtime.lake)
    about = about_job(run.job_id, run.runtime.store.record(run.job_id))
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
        )
    run.outcome.rows_in = run.outcome.rows_out = result.rows


def analyze(run: UnitRun) -> None:
    """Analyse the newest scored rows of the job's companies (see reports.analysis)."""
    rows = _leads(run, run.runtime.lake)
    with naming(run.runtime.lake, rows):
        analysis = analyze_leads(rows)
    run.files.write_json("reports/analysis.json", analysis)
    run.set_result({"analysis": analysis}, rows=0)


def _leads(run: UnitRun, lake: Lake) -> list[Path]:
    """Scored rows of the job: its own, or (a job without score) the newest of each company in its plan."""
    if "score" not in run.grant.stages:
        return run.job.parts("score") or [collect_leads(run)]
    return run.job.valid("score")
