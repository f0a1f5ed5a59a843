"""`leadmill report` (a job's, in any form, or one over companies of the lake) and `leadmill rerun`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import console
from cli.options import AsJson, DataFolder, JobId, Watch, words
from cli.scoring_options import Icp, ScoringModel, scoring
from cli.typed import typed
from leadmill.declared import PIPELINE
from leadmill.suggest import did_you_mean
from reports.formats import FORMATS
from reports.layouts import FOR_PEOPLE, LAYOUTS
from reports.report_types import REPORT_TYPES

if TYPE_CHECKING:
    from leadmill.client import Client

Words = list[str] | None


def register(app: typer.Typer) -> None:
    app.command("report")(report)
    app.command("rerun")(rerun)


def _filter(
    tag: Annotated[str | None, typer.Option("--tag", help="Leads of jobs with this tag.", show_default=False)] = None,
    tier: Annotated[str | None, typer.Option(help="A,B,C,D", show_default=False)] = None,
    country: Annotated[
        str | None, typer.Option(help="Countries or regions: DE,Austria or DACH", show_default=False)
    ] = None,
    industry: Annotated[Words, typer.Option(help="May be repeated.", show_default=False)] = None,
    technology: Annotated[Words, typer.Option(help="May be repeated.", show_default=False)] = None,
    min_score: Annotated[float | None, typer.Option(min=0, max=100, show_default=False)] = None,
    text: Annotated[str | None, typer.Option(help="Part of a name, domain or description.", show_default=False)] = None,
    language: Annotated[Words, typer.Option(help="As sites declare it: de", show_default=False)] = None,
    size: Annotated[Words, typer.Option(help="Number of people; may be repeated.", show_default=False)] = None,
    has: Annotated[Words, typer.Option(help="How it can be reached; each is needed.", show_default=False)] = None,
) -> dict[str, Any]:
    """Which companies of the lake, as `Client.report` takes it."""
    given = {
        "tag": tag,
        "tier": None if tier is None else words(tier.upper()),
        "country": None if country is None else words(country.upper()),
        "industry": industry,
        "technology": technology,
        "min_score": min_score,
        "text": text,
        "language": language,
        "size": size,
        "has": has,
    }
    return {name: value for name, value in given.items() if value is not None}


@typed("wanted", _filter)
def report(
    wanted: dict[str, Any],
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="A job's id; or name companies by options.")] = None,
    *,
    type: Annotated[
        str | None, typer.Option("--type", help=f"{','.join(REPORT_TYPES)} (default: the job's)", show_default=False)
    ] = None,
    format: Annotated[str, typer.Option("--format", "-f", help=",".join(FORMATS.names))] = "html",
    layout: Annotated[
        str | None,
        typer.Option("--layout", metavar="NAME", help=f"Columns of CSV and XLSX: {', '.join(LAYOUTS.names)}"),
    ] = None,
    no_bom: Annotated[bool, typer.Option("--no-bom", help="CSV without a byte-order mark.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to (default: JOB.FORMAT here)."),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Take what a cancelled job has.")] = False,
    watch: Watch = None,
    data: DataFolder = None,
) -> int:
    """Save a report in any form and print its path.

    That of a job, or one of the leads of all jobs that --tag, --tier and the like choose.
    """
    from cli.connection import use_data
    from cli.failure import CommandError
    from cli.local_stack.temporary import stack_of
    from cli.progress import follow
    from leadmill.client import Client

    folder = use_data(data)
    if (job is None) != bool(wanted):
        raise CommandError(
            "name a job, or companies by --tag, --tier …; not both", hint=f"leadmill report {job or '--tier A,B'}"
        )
    with stack_of(folder) as stack, Client(stack.base_url) as client:
        form: dict[str, Any] = {"layout": layout, "bom": False if no_bom else None}
        if job is None:
            form["layout"] = layout or (FOR_PEOPLE if _is_table(format) else None)
            job = _over_the_lake(client, wanted, type, format, form, watch=watch)
        saved = client.download_report(
            job,
            format,
            output,
            type=type,  # type: ignore[arg-type]  # the API says which there are
            partial=partial,
            on_wait=lambda made_by: follow(client, made_by, live=watch),
            **form,
        )
    console.result(str(saved))
    return 0


def _over_the_lake(
    client: Client, wanted: dict[str, Any], type_: str | None, fmt: str, form: dict[str, Any], *, watch: bool | None
) -> str:
    """The job that reports on the leads that a filter finds, once it has ended."""
    from cli.failure import CommandError, Exit
    from cli.progress import follow

    handle = client.report(
        report_type=type_ or "comprehensive",  # type: ignore[arg-type]
        formats=[fmt],
        filter=wanted,  # type: ignore[arg-type]
        **form,
    )
    job = follow(client, handle.id, live=watch)
    if job.status != "completed":
        why = (job.error or {}).get("message") or job.status
        raise CommandError(f"no report: {why}", hint=f"leadmill status {job.id}", exit_code=Exit.JOB_FAILED)
    found = job.result
    companies = console.plural(found.get("of", 0), "company")
    console.note(f"{found.get('matched', 0):,} of {companies}: {found.get('filter')}")
    return handle.id


def _is_table(fmt: str) -> bool:
    return fmt in FORMATS.names and FORMATS.load(fmt).has_layouts


def rerun(
    job: JobId,
    *,
    from_stage: Annotated[str, typer.Option("--from", metavar="STAGE", help=",".join(PIPELINE))],
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag instead of the job's own.")] = None,
    scoring_model: ScoringModel = None,
    icp: Icp = None,
    watch: Watch = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Run a job's companies again from a stage on.

    What it has up to there is taken over; the new job is waited for.

    Unless named, the ideal customer profile is the job's own, and the scoring model is what the job's is called now.
    """
    from cli.connection import use_data
    from cli.failure import CommandError
    from cli.job_end import tell
    from cli.local_stack.temporary import ending_with, stack_of
    from cli.progress import follow
    from leadmill.client import Client

    folder = use_data(data)
    if from_stage not in PIPELINE:
        raise CommandError(f"no stage {from_stage[:40]!r}; {did_you_mean(from_stage, PIPELINE)}")
    with stack_of(folder) as stack, Client(stack.base_url) as client:
        handle = client.rerun(job, from_stage, tags=tag, **scoring(scoring_model, icp))
        console.note(f"submitted {handle.id}")
        with ending_with(stack, client, handle.id):
            ended = follow(client, handle.id, live=watch, check=stack.check)
            return tell(client, ended, folder, report_dir=None, as_json=as_json)
