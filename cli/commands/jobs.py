"""Jobs that exist: `status`, `watch`, `list`, `cancel`, `resume`, `report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import AsJson, DataFolder, JobId, Limit

if TYPE_CHECKING:
    from leadmill.client_results import Job

#: Failed companies shown by `status JOB`.
SHOWN_ERRORS = 10


def register(app: typer.Typer) -> None:
    for name, command in (
        ("status", status),
        ("watch", watch),
        ("list", list_jobs),
        ("cancel", cancel),
        ("resume", resume),
        ("report", report),
    ):
        app.command(name)(command)


def status(
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="A job's id; without: the stack.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Show a job, or the running stack and its newest jobs."""
    from cli.connection import connect, use_data
    from cli.stack_status import stack_status, tell_stack

    folder = use_data(data)
    with connect() as client:
        if job is None:
            found = stack_status(client, folder)
            if as_json:
                console.json_result(found)
            else:
                tell_stack(found)
            return 0
        state = client.status(job)
        errors = list(client.errors(job, limit=SHOWN_ERRORS))
    if as_json:
        console.json_result(state.raw)
    else:
        _tell_job(state, errors)
    return 0


def watch(job: JobId, data: DataFolder = None, as_json: AsJson = False) -> int:
    """Follow a job until it ends; exits 1 unless it completes."""
    from cli.connection import connect, use_data
    from cli.outcome import tell
    from cli.progress import follow

    folder = use_data(data)
    with connect() as client:
        return tell(client, follow(client, job), folder, report_dir=None, as_json=as_json)


def list_jobs(
    *,
    status: Annotated[str | None, typer.Option(help="pending, running, retry, completed, failed, cancelled")] = None,
    kind: Annotated[str | None, typer.Option(help="pipeline, scrape, process, enrich, score, report, …")] = None,
    tag: Annotated[str | None, typer.Option(help="Jobs that carry this tag.")] = None,
    since: Annotated[str | None, typer.Option(help="Made since then: 2026-11-24T10:00:00Z")] = None,
    text: Annotated[str | None, typer.Option(help="Part of an id, a tag, an error or a message.")] = None,
    limit: Limit = 20,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """List jobs, newest first."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        found = list(client.list_jobs(status=status, kind=kind, tag=tag, since=since, text=text, limit=limit))
    if as_json:
        console.json_result([job.raw for job in found])
    else:
        console.table(*job_table(found))
        console.note(
            console.plural(len(found), "job") + (f" (at most {limit}: --limit)" if len(found) == limit else "")
        )
    return 0


def cancel(jobs: Annotated[list[str], typer.Argument(metavar="JOB…")], data: DataFolder = None) -> int:
    """Cancel jobs; what they have finished is kept."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        for job in jobs:
            client.cancel(job)
            console.result(job)
            console.note(f"cancelled {job}; go on with: leadmill resume {job}")
    return 0


def resume(jobs: Annotated[list[str], typer.Argument(metavar="JOB…")], data: DataFolder = None) -> int:
    """Do what is not done of failed, cancelled or incomplete jobs."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        for job in jobs:
            console.result(client.resume(job).id)
            console.note(f"resumed {job}; follow it with: leadmill watch {job}")
    return 0


def report(
    job: JobId,
    *,
    format: Annotated[str, typer.Option("--format", "-f", help="html, csv, xlsx, json, parquet")] = "html",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to (default: JOB.FORMAT here)."),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Take what a cancelled job has.")] = False,
    data: DataFolder = None,
) -> int:
    """Save a job's report and print its path."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        saved = client.download_report(job, format, output, partial=partial)
    console.result(str(saved))
    return 0


def job_table(jobs: list[Job]) -> tuple[list[str], list[list[object]]]:
    """Headers and rows of a list of jobs."""
    headers = ["job", "kind", "status", "done", "created", "took", "coverage", "tags"]
    rows: list[list[object]] = [
        [
            job.id,
            job.kind,
            job.status,
            f"{job.progress.percentage:.0f} %",
            console.age(job.created_at),
            console.duration(job.duration_s),
            "" if job.coverage is None else f"{job.coverage:.0%}",
            ", ".join(job.tags),
        ]
        for job in jobs
    ]
    return headers, rows


def _tell_job(job: Job, errors: list[dict[str, object]]) -> None:
    from cli.progress import closing_line, one_line

    console.result(closing_line(job) if job.ended else one_line(job))
    console.table(
        ["stage", "status", "done", "failed", "total", "rows in", "rows out", "errors"],
        [[s.name, s.status, s.done, s.failed, s.total, s.rows_in, s.rows_out, s.errors] for s in job.stages],
    )
    if errors:
        console.table(
            ["failed", "stage", "category", "error"],
            [[e.get("url") or e.get("domain"), e.get("stage"), e.get("category"), e.get("error")] for e in errors],
        )
    if job.ended and job.status != "completed":
        console.note(f"go on with: leadmill resume {job.id}")
