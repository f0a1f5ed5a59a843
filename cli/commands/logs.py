"""`leadmill logs`: a job's own log, why it or some of its companies failed."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from cli import console
from cli.options import AsJson, DataFolder, JobId

if TYPE_CHECKING:
    from leadmill.answers import LogLevel, LogLine

_COLOURS = {"warning": typer.colors.YELLOW, "error": typer.colors.RED, "critical": typer.colors.RED}
#: Narrower than this a terminal breaks the lines itself, characters.
_LEAST = 30


def register(app: typer.Typer) -> None:
    app.command("logs")(logs)


def logs(
    job: JobId,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until the job ends.")] = False,
    level: Annotated[str | None, typer.Option(help="warning, error or critical: it and worse.")] = None,
    stage: Annotated[str | None, typer.Option(metavar="NAME", help="Of one stage: scrape, process, launch …")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Since then: 10m, 2h, 2027-01-31T08:00.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Show a job's own log: its warnings and errors, oldest first.

    With --follow --json each line is an object.
    """
    from cli.connection import connect, use_data
    from cli.times import ago

    use_data(data)
    least, after = _level(level), None if since is None else ago(since, "--since")
    with connect(patient=follow) as client:
        found = client.logs(job, level=least, stage=stage, since=after, follow=follow)
        if as_json and follow:
            for line in found:
                console.result(json.dumps(line))
        elif as_json:
            console.json_result(list(found))
        else:
            _show(found, console.width(), nothing=_nothing(level, stage, since))
    return 0


def _level(text: str | None) -> LogLevel | None:
    from cli.failure import CommandError
    from leadmill.answers import LogLevel
    from leadmill.suggest import unknown

    known: tuple[LogLevel, ...] = get_args(LogLevel)
    found = next((one for one in known if text is not None and one == text.lower()), None)
    if text is not None and found is None:
        raise CommandError(f"--level: {unknown('level', text, known)}", hint="--level error")
    return found


def _nothing(*chosen: str | None) -> str:
    return "no warning and no error was logged" + (" that matches" if any(chosen) else "")


def _show(lines: Iterable[LogLine], width: int | None, nothing: str) -> None:
    count = 0
    for count, line in enumerate(lines, 1):
        if count == 1 and line["request_id"]:
            console.note(console.clean(f"submitted by request {line['request_id']}"))
        for text in shown(line, width):
            console.result(text)
    if not count:
        console.note(nothing)


def shown(line: LogLine, width: int | None) -> Iterator[str]:
    """A line of the log as lines of a terminal so wide; None: of something else, which gets each whole."""
    from leadmill import log_text

    if width is None or width < _LEAST:
        yield log_text.text(line)
        return
    head = log_text.head(line)
    if sys.stdout.isatty():
        head = head.replace(line["level"].upper(), typer.style(line["level"].upper(), _COLOURS[line["level"]]), 1)
    yield head
    for text in (log_text.said(line), *log_text.trace(line)):
        yield textwrap.fill(text.strip(), width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
