"""`leadmill audit`: who did what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import AsJson, DataFolder, Limit
from cli.times import shown

if TYPE_CHECKING:
    from leadmill.answers import AuditEntry

_TIME = "like 1d, 12h, 2w, or 2026-11-24"


def register(app: typer.Typer) -> None:
    app.command("audit")(audit)


def audit(
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"From then on: {_TIME}.", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"Before then: {_TIME}.", show_default=False)
    ] = None,
    key: Annotated[str | None, typer.Option(help="The visible part of a key.", show_default=False)] = None,
    project: Annotated[str | None, typer.Option(help="A project.", show_default=False)] = None,
    action: Annotated[str | None, typer.Option(help="submit_pipeline, cancel, …", show_default=False)] = None,
    id: Annotated[str | None, typer.Option("--id", help="Of a job, schedule, key …", show_default=False)] = None,
    status: Annotated[int | None, typer.Option(help="HTTP status of the answer.", show_default=False)] = None,
    limit: Limit = 50,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Show who did what, newest first: every write and every refusal since there are keys."""
    from cli.connection import connect, use_data
    from cli.times import ago

    use_data(data)
    with connect() as client:
        found = list(
            client.audit(
                limit=limit,
                since=None if since is None else ago(since, "--since"),
                until=None if until is None else ago(until, "--until"),
                key=key,
                project=project,
                action=action,
                id=id,
                status=status,
            )
        )
    if as_json:
        console.json_result(found)
        return 0
    columns = ["at (UTC)", "who", "project", "address", "action", "on", "answer"]
    several = len({one["project"] for one in found}) > 1
    console.table(
        columns, [_cells(one) for one in found], spare=["address", *([] if several else ["project"])], copied="on"
    )
    more = f" (at most {limit}: --limit)" if len(found) == limit else ""
    console.note(f"{len(found)} {'entry' if len(found) == 1 else 'entries'}{more}")
    return 0


def _cells(one: AuditEntry) -> list[object]:
    who = " ".join(filter(None, (one["name"], one["key"] and f"({one['key']})"))) or None
    answer = " ".join(str(part) for part in (one["status"], one["code"]) if part is not None) or "done"
    times = f" × {one['count']}" if one["count"] > 1 else ""
    return [
        shown(one["at"], seconds=True),
        who,
        one["project"],
        one["address"],
        one["action"],
        _named(one["id"]),
        answer + times,
    ]


def _named(ids: str | None) -> str | None:
    """Of the jobs of a bulk call the first."""
    if ids is None or not ids.startswith("job_") or " " not in ids:
        return ids
    first, *others = ids.split(" ")
    return f"{first} and {len(others)} more"
