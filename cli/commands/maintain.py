"""`leadmill maintenance …`: cleanup, health check, optimisation; each is a job, waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import AsJson, DataFolder

if TYPE_CHECKING:
    from leadmill.client.job_handle import JobHandle

app = typer.Typer(help="Cleanup, health check, optimisation.", no_args_is_help=True, rich_markup_mode=None)


@app.command("cleanup")
def cleanup(
    older_than_days: Annotated[int | None, typer.Option(min=0, help="Default: LEADMILL_RETENTION_DAYS (90).")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Move the records of old jobs to the history and remove their pages and parts."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect(patient=True) as client:
        return _finish(client.cleanup(older_than_days), as_json)


@app.command("health-check")
def health_check(data: DataFolder = None, as_json: AsJson = False) -> int:
    """Look for what could lose work: Redis, disk, queues, workers."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect(patient=True) as client:
        return _finish(client.health_check(), as_json)


@app.command("optimize-db")
def optimize_db(data: DataFolder = None, as_json: AsJson = False) -> int:
    """Compact the lake."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect(patient=True) as client:
        return _finish(client.optimize_db(), as_json)


def _finish(handle: JobHandle, as_json: bool) -> int:
    from cli.failure import Exit
    from cli.progress import closing_line

    job = handle.wait()
    console.json_result(job.raw if as_json else job.result)
    console.note(closing_line(job))
    return Exit.OK if job.status == "completed" else Exit.JOB_FAILED
