"""What was asked of a site: `ledger`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.job_filter import Since
from cli.options import AsJson, DataFolder, Limit

#: Columns of the list.
COLUMNS = ("at", "outcome", "status", "took", "url", "robots", "reason")


def register(app: typer.Typer) -> None:
    app.command("ledger")(ledger)


def ledger(
    whose: Annotated[str, typer.Argument(metavar="DOMAIN|JOB", help="A domain, a host or an address; or a job.")],
    *,
    outcome: Annotated[
        list[str] | None,
        typer.Option(help="answered, failed, refused, left_out; may be repeated.", show_default=False),
    ] = None,
    since: Since = None,
    limit: Limit = 50,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Show what was asked of a site, when, under which rule and with which answer; and what was not, and why."""
    from cli.connection import connect, use_data
    from cli.times import ago
    from leadmill.client.options import LedgerFilter
    from leadmill.ids import JOB_ID

    use_data(data)
    filters: LedgerFilter = {"outcome": outcome, "since": None if since is None else ago(since, "--since")}
    filters["job" if JOB_ID.match(whose) else "domain"] = whose
    with connect(needs_store=False) as client:  # the lake alone
        found = list(client.ledger(limit=limit, **filters))
    if as_json:
        console.json_result(found)
        return 0
    rows = [{**one, "at": one["at"][:19], "took": _took(one["took_ms"])} for one in found]
    console.table(
        COLUMNS, [[row.get(name) for name in COLUMNS] for row in rows], spare=("robots", "took", "status", "reason")
    )
    if not found:
        console.note(f"nothing: no job here has asked {console.clean(whose[:60])} for anything, or it is too long ago")
    else:
        console.note(f"{len(found)} requests and addresses" + (f" (at most {limit})" if len(found) == limit else ""))
    return 0


def _took(ms: int | None) -> str | None:
    return None if ms is None else f"{ms:,} ms"
