"""`leadmill projects …`: what each project may have, what is left of it, and its end."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.options import AsJson, DataFolder

app = typer.Typer(help="Projects, their quotas and their end.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_projects(data: DataFolder = None, as_json: AsJson = False) -> int:
    """List projects with what each may have, what it has used, and what is left."""
    from cli.connection import connect, use_data

    use_data(data)
    with connect() as client:
        found = client.projects()
    if as_json:
        console.json_result(found)
        return 0
    rows = [
        [
            one["name"],
            quota["name"].replace("_", " "),
            "none" if quota["limit"] is None else f"{quota['limit']:,}",
            "its own" if quota["own"] else "settings",
            *("" if number is None else f"{number:,}" for number in (quota["used"], quota["left"])),
        ]
        for one in found
        for quota in one["quotas"]
        if quota["limit"] is not None or quota["own"]
    ]
    console.table(["project", "quota", "limit", "from", "used", "left"], rows)
    named = {row[0] for row in rows}
    if without := [one["name"] for one in found if one["name"] not in named]:
        console.note(f"no quotas: {', '.join(without)}")
    if rows:
        console.note("a day is one of UTC")
    for one in found:
        if removal := one.get("removal"):
            by = removal["job_id"] or f"go on: leadmill projects remove {one['name']}"
            console.note(f"{one['name']} is being removed since {removal['since']} ({by})")
    return 0


@app.command("set")
def set_quotas(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The project; `default` is that of who names none.")],
    live_jobs: Annotated[str | None, typer.Option(metavar="N", help="Jobs that wait or run.")] = None,
    companies_per_job: Annotated[str | None, typer.Option(metavar="N", help="Companies of a job.")] = None,
    companies_per_day: Annotated[str | None, typer.Option(metavar="N", help="Companies of a day.")] = None,
    pages_per_day: Annotated[str | None, typer.Option(metavar="N", help="Pages fetched in a day.")] = None,
    upload_bytes: Annotated[str | None, typer.Option(metavar="N", help="Size of an uploaded list.")] = None,
    upload_bytes_per_day: Annotated[str | None, typer.Option(metavar="N", help="All uploaded lists of a day.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Change quotas of a project: N, `none` (no limit), or `default` (that of the settings). The others stay."""
    from cli.connection import connect, use_data
    from leadmill.suggest import nearest

    given = {
        "live_jobs": live_jobs,
        "companies_per_job": companies_per_job,
        "companies_per_day": companies_per_day,
        "pages_per_day": pages_per_day,
        "upload_bytes": upload_bytes,
        "upload_bytes_per_day": upload_bytes_per_day,
    }
    wanted = {quota: _limit(quota, text) for quota, text in given.items() if text is not None and text != "default"}
    use_data(data)
    with connect() as client:
        known = {one["name"] for one in client.projects()}
        own = {quota["name"]: quota["limit"] for quota in client.project(name)["quotas"] if quota["own"]}
        kept = {quota: limit for quota, limit in own.items() if given[quota] is None}
        made = client.set_quotas(name, {**kept, **wanted})
    if as_json:
        console.json_result(made)
        return 0
    if name not in known:
        near = nearest(name, known)
        console.note(f"project {name} is a new one{f'; did you mean {near!r}?' if near else ''}")
    console.note(f"quotas of project {name}:")
    for quota in made["quotas"]:
        if quota["limit"] is not None or quota["own"]:
            limit = "none" if quota["limit"] is None else f"{quota['limit']:,}"
            console.result(f"{quota['name']} {limit}{'' if quota['own'] else ' (settings)'}")
    return 0


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The project.")],
    confirm: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Its name once more: its live jobs, keys and schedules go, too."),
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Remove a project with all that it has, for good. Its audit entries stay."""
    from cli.commands.maintain import finish
    from cli.connection import connect, use_data

    use_data(data)
    with connect(patient=True) as client:
        return finish(client.remove_project(name, confirm=confirm), as_json)


def _limit(quota: str, text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdecimal():
        option = f"--{quota.replace('_', '-')}"
        raise typer.BadParameter(f"a whole number, none, or default, not {text!r}", param_hint=option)
    return int(text)
