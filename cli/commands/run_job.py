"""`leadmill run` (submit, wait, name the reports) and `leadmill submit` (only hand in)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import console
from cli.options import AsJson, DataFolder, Priority, Tags, Watch

if TYPE_CHECKING:
    from leadmill.client import Client
    from leadmill.job_handle import JobHandle

Inputs = Annotated[list[str] | None, typer.Argument(metavar="FILE|URL…", help="One CSV file, or URLs and hosts.")]
Search = Annotated[list[str] | None, typer.Option("--search", help="A search query; may be repeated.")]
Stages = Annotated[str | None, typer.Option(help="scrape,process,enrich,score,report (default: all)")]
Formats = Annotated[str | None, typer.Option(help="Report formats: html,csv,xlsx,json,parquet")]
MaxPages = Annotated[int | None, typer.Option(min=1, help="Pages fetched of each company at most.")]
MinCoverage = Annotated[float | None, typer.Option(min=0, max=1, help="Share of companies that must do well.")]

#: Endings by which an argument is taken for a file even when there is none, so that a typing error says so.
_FILE_ENDINGS = {".csv", ".tsv", ".txt"}


@dataclass(frozen=True)
class _Telling:
    """How a job's course and outcome are told."""

    watch: bool | None
    report_dir: Path | None
    as_json: bool


def register(app: typer.Typer) -> None:
    app.command("run")(run)
    app.command("submit")(submit)


def run(
    inputs: Inputs = None,
    *,
    search: Search = None,
    stages: Stages = None,
    formats: Formats = None,
    max_pages: MaxPages = None,
    min_coverage: MinCoverage = None,
    priority: Priority = None,
    tags: Tags = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Save the reports in this folder.")
    ] = None,
    watch: Watch = None,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> int:
    """Run companies through all stages and print the paths of the reports.

    Without a running stack one is started for this job and ended after it.
    """
    from cli.connection import find_client, use_data

    folder = use_data(data)
    body = _body(
        inputs,
        search=search,
        stages=stages,
        formats=formats,
        max_pages=max_pages,
        min_coverage=min_coverage,
        priority=priority,
        tags=tags,
    )
    telling = _Telling(watch, report, as_json)
    client = find_client()
    if client is None:
        return _run_alone(folder, body, telling)
    with client:
        _warn_of_other_proxy(folder)
        handle = client.submit(**body)
        try:
            return _wait(client, handle, folder, telling)
        except KeyboardInterrupt:
            console.note(f"{handle.id} goes on; see it with: leadmill watch {handle.id}")
            console.note(f"end it with: leadmill cancel {handle.id}")
            raise


def submit(
    inputs: Inputs = None,
    *,
    search: Search = None,
    stages: Stages = None,
    formats: Formats = None,
    max_pages: MaxPages = None,
    min_coverage: MinCoverage = None,
    priority: Priority = None,
    tags: Tags = None,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> int:
    """Hand in a job, print its id and return at once."""
    from cli.connection import connect, use_data

    use_data(data)
    body = _body(
        inputs,
        search=search,
        stages=stages,
        formats=formats,
        max_pages=max_pages,
        min_coverage=min_coverage,
        priority=priority,
        tags=tags,
    )
    with connect() as client:
        handle = client.submit(**body)
    if as_json:
        console.json_result(handle.submitted)
    else:
        console.result(handle.id)
    console.note(f"follow it with: leadmill watch {handle.id}")
    return 0


def _body(
    inputs: Sequence[str] | None,
    *,
    search: Sequence[str] | None,
    stages: str | None,
    formats: str | None,
    max_pages: int | None,
    min_coverage: float | None,
    priority: str | None,
    tags: Sequence[str] | None,
) -> dict[str, Any]:
    """What `Client.submit` takes, from what was typed."""
    from cli.failure import CommandError

    body: dict[str, Any] = {
        "priority": priority,
        "min_coverage": min_coverage,
        "tags": list(tags or []) or None,
    }
    files = [text for text in inputs or () if _is_file(text)]
    if not inputs and not search:
        raise CommandError("name a CSV file, URLs or --search", hint="leadmill run companies.csv")
    if files and (len(files) > 1 or len(inputs or ()) > 1):
        raise CommandError("give one CSV file, or URLs, not both", hint=f"leadmill run {files[0]}")
    if files:
        file = Path(files[0])
        if not file.is_file():
            raise CommandError(f"no such file: {file}", hint=f"leadmill run https://{file.stem}.example")
        body["csv"] = file
    elif inputs:
        body["company_urls"] = list(inputs)
    if search:
        body["search_queries"] = list(search)
    if stages:
        body["stages"] = _words(stages)
    if formats:
        body["report"] = {"formats": _words(formats)}
    if max_pages:
        body["crawl"] = {"max_pages": max_pages}
    return body


def _is_file(text: str) -> bool:
    if "://" in text:
        return False
    path = Path(text)
    return path.is_file() or path.suffix.lower() in _FILE_ENDINGS or text.startswith(("/", "./", "../", "~"))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _run_alone(folder: Path, body: dict[str, Any], telling: _Telling) -> int:
    from cli.interrupts import Stopped, orderly_end
    from cli.stack import LocalStack
    from leadmill.client import Client

    console.note("no stack is running: starting one for this job (leadmill up keeps one running)")
    stack = LocalStack(folder, api_port=0, say=console.note)
    with orderly_end(stack), stack, Client(stack.api_url) as client:
        handle = client.submit(**body)
        try:
            return _wait(client, handle, folder, telling, stack.check_alive)
        except Stopped:
            client.cancel(handle.id)
            console.note(f"cancelled {handle.id}; to go on: leadmill up, then leadmill resume {handle.id}")
            raise


def _wait(
    client: Client,
    handle: JobHandle,
    folder: Path,
    telling: _Telling,
    check: Callable[[], None] = lambda: None,
) -> int:
    from cli.outcome import tell
    from cli.progress import follow

    console.note(f"submitted {handle.id}")
    job = follow(client, handle.id, live=telling.watch, check=check)
    return tell(client, job, folder, report_dir=telling.report_dir, as_json=telling.as_json)


def _warn_of_other_proxy(folder: Path) -> None:
    """The crawl uses the proxy that the stack was started with, not that of this command."""
    from cli.run_dir import RunDir
    from leadmill.settings import get_settings

    state = RunDir(folder / "run").state()
    if state and bool(get_settings().http_proxy) != bool(state.get("http_proxy")):
        console.note("warning: the running stack crawls with the LEADMILL_HTTP_PROXY that it was started with")
