"""What a pipeline is made of, typed once: the arguments and options of every command that takes one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import CallbackUrl, Notify, Priority, Tags, words
from cli.scoring_options import Icp, ScoringModel, scoring
from cli.typed import typed
from leadmill.declared import PIPELINE
from reports.formats import FORMATS
from reports.layouts import FOR_PEOPLE, LAYOUTS

Inputs = Annotated[
    list[str] | None, typer.Argument(metavar="FILE|URL…", help="One CSV or XLSX file, or URLs and hosts.")
]
Column = Annotated[
    str | None,
    typer.Option("--column", metavar="NAME", help="Header of the column of websites in FILE (default: it is found)."),
]
Search = Annotated[list[str] | None, typer.Option("--search", help="A search query; may be repeated.")]
Stages = Annotated[str | None, typer.Option(help=f"{','.join(PIPELINE)} (default: all)")]
Formats = Annotated[
    str | None,
    typer.Option("--formats", "--format", "-f", help=f"{','.join(FORMATS.names)} (default: html,csv)"),
]
LayoutName = Annotated[
    str | None,
    typer.Option(
        "--layout", metavar="NAME", help=f"Columns of CSV and XLSX: {', '.join(LAYOUTS.names)} (default: crm)"
    ),
]
NoBom = Annotated[bool, typer.Option("--no-bom", help="CSV without a byte-order mark.")]
MailTo = Annotated[
    list[str] | None,
    typer.Option("--mail-to", metavar="ADDRESS", help="Mail the report there when it is ready; may be repeated."),
]
MaxPages = Annotated[int | None, typer.Option(min=1, help="Pages fetched of each company at most.")]
RespectSignals = Annotated[
    bool,
    typer.Option("--respect-signals", help="Leave out pages that ask for it: noindex, nofollow, Content-Signal."),
]
People = Annotated[
    bool, typer.Option("--people", help="Look for persons, too (personal data): leadmill people shows them.")
]
MinCoverage = Annotated[float | None, typer.Option(min=0, max=1, help="Share of companies that must do well.")]
Deadline = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="What is not done then is given up: 90s, 30m, 2h, or 2027-01-31T08:00."),
]
RunAt = Annotated[str | None, typer.Option("--run-at", metavar="TIME", help="Not before: 2027-01-31T08:00.")]

#: Endings by which an argument is taken for a file even when there is none, so that a typing error says so.
_FILE_ENDINGS = {".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls"}


def _pipeline(
    inputs: Inputs = None,
    *,
    column: Column = None,
    search: Search = None,
    stages: Stages = None,
    formats: Formats = None,
    layout: LayoutName = None,
    no_bom: NoBom = False,
    mail_to: MailTo = None,
    max_pages: MaxPages = None,
    respect_signals: RespectSignals = False,
    people: People = False,
    min_coverage: MinCoverage = None,
    deadline: Deadline = None,
    run_at: RunAt = None,
    scoring_model: ScoringModel = None,
    icp: Icp = None,
    priority: Priority = None,
    tags: Tags = None,
    notify: Notify = None,
    callback_url: CallbackUrl = None,
) -> dict[str, Any]:
    """What `Client.submit` takes, from what was typed."""
    from cli.failure import CommandError
    from cli.times import from_now, moment

    body: dict[str, Any] = {
        "priority": priority,
        "min_coverage": min_coverage,
        "deadline": None if deadline is None else from_now(deadline, "--deadline"),
        "run_at": None if run_at is None else moment(run_at, "--run-at"),
        "tags": list(tags or []) or None,
        "notify": list(notify or []) or None,
        "callback_url": callback_url,
        **scoring(scoring_model, icp),
    }
    if not inputs and not search:
        raise CommandError("name a CSV or XLSX file, URLs or --search", hint="leadmill run companies.csv")
    body |= _companies(inputs or (), column)
    if column is not None:
        if "csv" not in body:
            raise CommandError("--column names a column of a file", hint="leadmill run companies.csv --column Website")
        body["column"] = column
    if search:
        body["search_queries"] = list(search)
    if stages:
        body["stages"] = words(stages)
    if "report" in body.get("stages", PIPELINE) or formats or layout or no_bom or mail_to:
        body["report"] = _report(words(formats) if formats else None, layout, mail_to, no_bom=no_bom)
    crawl = (("max_pages", max_pages), ("respect_signals", respect_signals))
    if any(value for _, value in crawl):
        body["crawl"] = {name: value for name, value in crawl if value}
    if people:
        body["extract"] = {"people": True}
    return body


def _companies(inputs: Sequence[str], column: str | None) -> dict[str, Any]:
    from cli.failure import CommandError
    from cli.list_file import readable

    files = [text for text in inputs if _is_file(text)]
    if files and len(inputs) > 1:
        raise CommandError("give one CSV or XLSX file, or URLs, not both", hint=f"leadmill run {files[0]}")
    if not files:
        return {"company_urls": list(inputs)} if inputs else {}
    return {"csv": readable(Path(files[0]), column, "leadmill run")}


def _is_file(text: str) -> bool:
    if "://" in text:
        return False
    path = Path(text)
    return path.exists() or path.suffix.lower() in _FILE_ENDINGS or text.startswith(("/", "./", "../", "~"))


def _report(
    formats: list[str] | None, layout: str | None, mail_to: list[str] | None, *, no_bom: bool
) -> dict[str, Any] | None:
    """What is asked of the report: people get the layout that is made for them, where a format has columns."""
    report: dict[str, Any] = {"formats": formats} if formats else {}
    tables = formats is None or any(name in FORMATS.names and FORMATS.load(name).has_layouts for name in formats)
    if layout or tables:
        report["layout"] = layout or FOR_PEOPLE
    if mail_to:
        report["mail_to"] = mail_to
    return ({**report, "bom": False} if no_bom else report) or None


#: A command whose parameter `pipeline` (what `Client.submit` takes) is typed as all these options.
takes_pipeline = typed("pipeline", _pipeline)
#: The same for one that is submitted again and again: its cron expression says when.
takes_recurring_pipeline = typed("pipeline", _pipeline, without=["run_at"])
