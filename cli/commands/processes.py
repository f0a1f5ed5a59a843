"""`leadmill worker` and `leadmill beat`: single processes beside, or instead of, `leadmill up`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cli.options import DataFolder

_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True}


def register(app: typer.Typer) -> None:
    app.command("worker", context_settings=_PASS_ON)(worker)
    app.command("beat", context_settings=_PASS_ON)(beat)


def worker(
    context: typer.Context,
    queues: Annotated[
        str | None,
        typer.Option("-Q", "--queues", metavar="NAMES", help="scraping,processing,analytics,maintenance"),
    ] = None,
    processes: Annotated[
        int | None, typer.Option("-c", "--concurrency", min=1, help="Processes; default: by cores and memory.")
    ] = None,
    data: DataFolder = None,
) -> None:
    """Run a worker in this terminal. Further options go to Celery.

    Without -Q it takes all queues. Without -c it has a process for each core that it may use, and fewer where the
    container's memory is not enough for them (200 MB, and 150 MB each).
    """
    from cli.child import worker_arguments
    from cli.connection import use_data

    use_data(data)
    given = [
        *(["-Q", queues] if queues is not None else []),
        *(["-c", str(processes)] if processes is not None else []),
        *context.args,
    ]
    _become(worker_arguments(given))


def beat(context: typer.Context, data: DataFolder = None) -> None:
    """Run the scheduler in this terminal. Further options go to Celery."""
    from cli.child import beat_arguments
    from cli.connection import use_data

    use_data(data)
    _become(beat_arguments(context.args))


def _become(arguments: Sequence[str]) -> None:
    """Replace this process, so that signals and the pid are the worker's own."""
    from cli.child import python_command

    sys.stdout.flush()
    command = python_command("celery", *arguments)
    os.execv(command[0], command)  # noqa: S606 - no shell, arguments are a list
