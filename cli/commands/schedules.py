"""`leadmill schedules …`: pipelines that are submitted again and again by a cron expression."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import console
from cli.options import AsJson, DataFolder
from cli.pipeline_options import takes_recurring_pipeline

if TYPE_CHECKING:
    from leadmill.answers import Schedule

app = typer.Typer(help="Recurring pipelines.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The schedule's name.")]


@app.command("list")
def list_schedules(data: DataFolder = None, as_json: AsJson = False) -> int:
    """List schedules with their next runs."""
    from cli.connection import connect, use_data
    from cli.times import shown

    use_data(data)
    with connect() as client:
        found = client.schedules()
    if as_json:
        console.json_result(found)
        return 0
    console.table(
        ["name", "cron", "in words", "next run (UTC)", "last tick (UTC)", "its job", "time zone", "next run there"],
        [
            [
                one["name"],
                one["cron"],
                f"cannot be read: {one['fault']}" if one.get("fault") else one["explanation"],
                "paused"
                if one["paused"] and not one.get("fault")
                else shown(next(iter(one["next_runs"]), "")) or "never",
                one["last_tick"] and shown(one["last_tick"]["planned"]),
                one["last_tick"] and one["last_tick"]["job_id"],
                one.get("timezone", "UTC"),
                shown(next(iter(_local_runs(one)), None), there=True),
            ]
            for one in found
        ],
    )
    console.note(console.plural(len(found), "schedule"))
    return 0


@app.command("add")
@takes_recurring_pipeline
def add(
    name: Name,
    pipeline: dict[str, Any],
    *,
    cron: Annotated[str, typer.Option(help='Minute hour day month weekday: "0 6 * * 1".')],
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Whose clock: Europe/Berlin … (default: UTC).")
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Submit a pipeline again and again. A list in a file is read now, once."""
    from cli.connection import connect, use_data

    use_data(data)
    if file := pipeline.pop("csv", None):
        pipeline["company_urls"] = _urls_of(file, pipeline.pop("column", None))
    with connect() as client:
        made = client.create_schedule(name, cron, timezone=timezone, **pipeline)
    if as_json:
        console.json_result(made)
    else:
        console.result(made["name"])
        _tell(made)
    return 0


@app.command("run")
def run(name: Name, data: DataFolder = None) -> int:
    """Submit what it submits now, also while it is paused; its planned times stay."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        job = client.run_schedule(name).id
    console.result(job)
    console.note(f"follow it with: leadmill watch {job}")
    return 0


@app.command("pause")
def pause(name: Name, data: DataFolder = None) -> int:
    """Submit nothing of it until it is resumed."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        console.result(client.pause_schedule(name)["name"])
    console.note(f"go on with: leadmill schedules resume {name}")
    return 0


@app.command("resume")
def resume(name: Name, data: DataFolder = None) -> int:
    """Go on with the next planned time; what came while it was paused is dropped."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        found = client.resume_schedule(name)
    console.result(found["name"])
    _tell(found)
    return 0


@app.command("delete")
def delete(name: Name, data: DataFolder = None) -> int:
    """Remove a schedule; the jobs that it made stay."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        client.delete_schedule(name)
    console.result(name)
    return 0


def _urls_of(file: Path, column: str | None) -> list[str]:
    from pipelines.request.lists.company_list import CompanyList

    urls = []
    found = CompanyList(file, column)
    if others := found.understood.other_columns:
        columns = console.clean(", ".join(others[:5])) + (" …" if len(others) > 5 else "")
        console.note(f"a schedule keeps the addresses alone: {columns} will not come back with its leads")
    for line in found:
        if line.company is None:
            console.note(f"line {line.line} left out: {console.clean(line.error or '')}")
        else:
            urls.append(line.company.url)
    return urls


def _local_runs(schedule: Schedule) -> list[str]:
    """Its next runs by its own clock; an API of 0.2.0 knows UTC alone."""
    return list(schedule.get("next_runs_local", schedule["next_runs"]))


def _tell(schedule: Schedule) -> None:
    runs = ", ".join(_local_runs(schedule)) or "none"
    zone = schedule.get("timezone", "UTC")
    console.note(console.clean(f"{schedule['explanation']} ({zone}); next runs: {runs}"))
