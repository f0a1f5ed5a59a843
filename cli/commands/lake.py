"""`leadmill lake …`: the lake as a whole."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import AsJson

if TYPE_CHECKING:
    from pipelines.lake_copy.copying import Told

app = typer.Typer(help="The data folder as a whole: copy or move it.", no_args_is_help=True, rich_markup_mode=None)

#: Without a terminal a line in this time, seconds.
_LINE_S = 5.0
_PLACE = "A data folder, or s3://bucket/prefix."


@app.command("copy")
def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help=_PLACE)],
    target: Annotated[str, typer.Argument(metavar="TO", help="The same; nothing may lie there yet.")],
    move: Annotated[
        bool, typer.Option("--move", help="TO takes the place of FROM, which refuses from then on.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Copy a lake to another place, between folders and buckets; each file is read back and compared.

    It goes on where it was stopped. Without --move the copy is a lake of its own, for another Redis.
    """
    from leadmill.places import path_of
    from leadmill.settings import get_settings
    from pipelines.lake_copy import copy_lake
    from pipelines.lake_copy.at_rest import check_at_rest

    settings, root, place = get_settings(), path_of(source), path_of(target)
    if not check_at_rest(root, settings.redis_url, settings.key_prefix, move=move):
        console.note(f"no job store of {source} answers at REDIS_URL: its stack is taken for stopped")
    with _progress() as told:
        done = copy_lake(root, place, move=move, told=told)
    if as_json:
        console.json_result(done.as_dict())
        return 0
    files, jobs = console.plural(done.files, "file"), console.plural(done.jobs, "job")
    console.result(f"{done.target} is lake {done.lake}: {jobs}, {files}, {done.bytes / 1e6:,.1f} MB, each compared")
    if done.left_files:
        console.note(f"{console.plural(done.left_files, 'file')} of runs that never committed stayed behind")
    if done.moved:
        console.note(f"{done.source} refuses from now on. Start the stack with LEADMILL_DATA_URL={target}")
    else:
        console.note(f"it has an id of its own: start it with LEADMILL_DATA_URL={target} and another REDIS_URL")
    return 0


@contextmanager
def _progress() -> Iterator[Told]:
    """What the copy tells, as a bar on a terminal, now and then as a line elsewhere; on stderr."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (BarColumn(bar_width=28), MofNCompleteColumn(), TextColumn("{task.fields[said]}"))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("copy", said="")

            def draw(done: int, of: int, files: int, size: int) -> None:
                bar.update(task, completed=done, total=of, said=_said(files, size))

            yield draw
        return
    due = time.monotonic() + _LINE_S

    def line(done: int, of: int, files: int, size: int) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _LINE_S
            console.note(f"{done} of {of}: {_said(files, size)}")

    yield line


def _said(files: int, size: int) -> str:
    return f"{console.plural(files, 'file')}, {size / 1e6:,.1f} MB"
