"""`leadmill run` (submit, wait, name the reports) and `leadmill submit` (only hand in)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import console
from cli.options import AsJson, DataFolder, Watch
from cli.pipeline_options import takes_pipeline

if TYPE_CHECKING:
    from leadmill.client import Client
    from leadmill.client.job_handle import JobHandle


@dataclass(frozen=True)
class _Telling:
    """How a job's course and outcome are told."""

    watch: bool | None
    report_dir: Path | None
    as_json: bool


def register(app: typer.Typer) -> None:
    app.command("run")(run)
    app.command("submit")(submit)


@takes_pipeline
def run(
    pipeline: dict[str, Any],
    *,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Save the reports in this folder.")
    ] = None,
    watch: Watch = None,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> int:
    """Run companies through all stages; print the reports' paths.

    Without a running stack one is started. It ends with the last `leadmill run` that uses it.
    """
    from cli.connection import use_data
    from cli.local_stack.temporary import ending_with, shared_stack
    from leadmill.client import Client

    folder = use_data(data)
    telling = _Telling(watch, report, as_json)
    with shared_stack(folder) as stack, Client(stack.base_url) as client:
        _warn_of_other_proxy(folder)
        handle = client.submit(**pipeline)
        with ending_with(stack, client, handle.id):
            return _wait(client, handle, folder, telling, stack.check, pipeline.get("icp"))


@takes_pipeline
def submit(pipeline: dict[str, Any], *, as_json: AsJson = False, data: DataFolder = None) -> int:
    """Hand in a job, print its id and return at once."""
    from cli.connection import connect, use_data
    from cli.local_stack.run_dir import RunDir
    from cli.local_stack.temporary import SharedStack

    folder = use_data(data)
    with connect() as client:
        handle = client.submit(**pipeline)
        is_temporary = SharedStack(client.base_url, RunDir.of(folder)).temporary
    if as_json:
        console.json_result(handle.submitted)
    else:
        console.result(handle.id)
    _tell_input(handle)
    console.note(f"follow it with: leadmill watch {handle.id}")
    if is_temporary:
        console.note("warning: this stack ends with the last leadmill run; to have it go on then: leadmill up")
    return 0


def _wait(
    client: Client,
    handle: JobHandle,
    folder: Path,
    telling: _Telling,
    check: Callable[[], None],
    icp: object,
) -> int:
    from cli.job_end import tell
    from cli.progress import follow

    console.note(f"submitted {handle.id}")
    _tell_input(handle)
    job = follow(client, handle.id, live=telling.watch, check=check)
    return tell(client, job, folder, report_dir=telling.report_dir, as_json=telling.as_json, icp=icp)


def _tell_input(handle: JobHandle) -> None:
    from cli.list_words import sentence

    if found := handle.submitted.get("input"):
        console.note(sentence(found))


def _warn_of_other_proxy(folder: Path) -> None:
    """The crawl uses the proxy that the stack was started with, not that of this command."""
    from cli.local_stack.run_dir import RunDir
    from leadmill.settings import get_settings

    state = RunDir.of(folder).state()
    if state and bool(get_settings().http_proxy) != bool(crawls := state.get("http_proxy")):
        how = "through the LEADMILL_HTTP_PROXY" if crawls else "without a LEADMILL_HTTP_PROXY, as"
        here = "here none is set" if crawls else "the one that is set here does not count"
        console.note(f"warning: the running stack crawls {how} it was started with; {here}")
