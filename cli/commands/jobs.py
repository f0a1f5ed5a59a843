"""Jobs that exist: `status`, `watch`, `list`, `cancel`, `resume`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.job_filter import takes_filter
from cli.job_table import tell_jobs
from cli.options import All, AsJson, DataFolder, JobId, Limit, Yes
from leadmill.client.options import JobFilter

if TYPE_CHECKING:
    from cli.bulk_action import Action
    from leadmill.answers import DeadLetter, ErrorEntry
    from leadmill.client.results import Job

Jobs = Annotated[list[str] | None, typer.Argument(metavar="JOB…", help="Ids: job_…")]

#: Failed companies shown by `status JOB`.
SHOWN_ERRORS = 10


def register(app: typer.Typer) -> None:
    for name, command in (
        ("status", status),
        ("watch", watch),
        ("list", list_jobs),
        ("cancel", _command("cancel", "Cancel jobs; what they have finished is kept.")),
        ("resume", _command("resume", "Do what is not done of failed or cancelled jobs.")),
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
    from cli.job_end import tell
    from cli.progress import follow

    folder = use_data(data)
    with connect(patient=True) as client:
        ended = follow(client, job)
        best = next(iter(client.companies(job=ended.id, limit=1)), None) if ended.result.get("good") else None
        icp = None if best and best.get("fit") is None else True
        return tell(client, ended, folder, report_dir=None, as_json=as_json, icp=icp)


@takes_filter
def list_jobs(
    wanted: JobFilter,
    *,
    dead: Annotated[bool, typer.Option("--dead", help="Units that failed for good, with the reason.")] = False,
    limit: Limit = 20,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """List jobs, newest first."""
    from cli.connection import connect, use_data
    from cli.failure import CommandError

    use_data(data)
    if dead and wanted:
        raise CommandError("--dead takes no filter", hint="leadmill list --dead")
    with connect() as client:
        if dead:
            return _tell_dead(list(client.dead(limit=limit)), limit, as_json=as_json)
        found = list(client.list_jobs(**wanted, limit=limit))
    if as_json:
        console.json_result([job.raw for job in found])
    else:
        tell_jobs(found)
        console.note(_counted(len(found), "job", limit))
    return 0


def _tell_dead(units: list[DeadLetter], limit: int, *, as_json: bool) -> int:
    if as_json:
        console.json_result(units)
        return 0
    columns = ("job_id", "unit", "stage", "category", "companies", "at", "reason")
    console.table(columns, [[dict(unit)[name] for name in columns] for unit in units])
    console.note(_counted(len(units), "dead unit", limit))
    if units:
        console.note(f"try again with: leadmill resume {units[0]['job_id']}")
    return 0


def _counted(count: int, noun: str, limit: int) -> str:
    return console.plural(count, noun) + (f" (at most {limit}: --limit)" if count == limit else "")


def _command(action: Action, doc: str) -> Callable[..., int]:
    @takes_filter
    def act(
        wanted: JobFilter,
        jobs: Jobs = None,
        *,
        every: All = False,
        yes: Yes = False,
        data: DataFolder = None,
        as_json: AsJson = False,
    ) -> int:
        return _act(action, jobs or [], wanted, every=every, yes=yes, data=data, as_json=as_json)

    act.__doc__ = doc
    return act


def _act(
    action: Action,
    jobs: list[str],
    wanted: JobFilter,
    *,
    every: bool,
    yes: bool,
    data: Path | None,
    as_json: bool,
) -> int:
    from cli.bulk_action import act_on_all
    from cli.connection import connect, use_data
    from cli.failure import CommandError

    use_data(data)
    if every == bool(jobs):
        raise CommandError("name jobs, or give --all", hint=f"leadmill {action} --all --status running")
    if wanted and not every:
        raise CommandError("filters go with --all", hint=f"leadmill {action} --all …")
    with connect() as client:
        if every:
            return act_on_all(client, action, wanted, yes=yes, as_json=as_json)
        for job in jobs:
            if action == "cancel":
                client.cancel(job)
                console.note(f"cancelled {job}; go on with: leadmill resume {job}")
            else:
                client.resume(job)
                console.note(f"resumed {job}; follow it with: leadmill watch {job}")
            if not as_json:
                console.result(job)
    if as_json:
        console.json_result(jobs)
    return 0


def _tell_job(job: Job, errors: list[ErrorEntry]) -> None:
    from cli.progress import closing_line, one_line

    console.result(closing_line(job) if job.ended else one_line(job))
    console.table(
        ["stage", "status", "done", "failed", "total", "rows in", "rows out", "errors"],
        [[s.name, s.status, s.done, s.failed, s.total, s.rows_in, s.rows_out, s.errors] for s in job.stages],
    )
    if missing := job.result.get("missing"):
        console.table(
            ["missing", "kind", "cause", "such as"],
            [[m["count"], m.get("code") or m["category"], m["error"], m["example"]] for m in missing],
        )
    if errors:
        console.table(
            ["failed", "stage", "category", "error"],
            [[e.get("url") or e.get("domain"), e.get("stage"), e.get("category"), e.get("error")] for e in errors],
            spare=("category", "stage"),
        )
    if job.ended and job.status != "completed":
        console.note(f"go on with: leadmill resume {job.id}")
