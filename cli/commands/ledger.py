"""What was asked of a site: `ledger`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.job_filter import Since
from cli.options import AsJson, DataFolder, Limit

if TYPE_CHECKING:
    from leadmill.answers import LedgerEntry

#: Columns of the list. A narrow terminal leaves out some of them.
COLUMNS = ("at (UTC)", "outcome", "answer", "took", "url", "robots")


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
    from cli.times import ago, shown
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
    rows = [
        [shown(one["at"], seconds=True), one["outcome"], _answer(one), _took(one["took_ms"]), one["url"], one["robots"]]
        for one in found
    ]
    console.table(COLUMNS, rows, spare=("robots", "took", "outcome"), copied="url")
    console.note(_count(found, limit) if found else _nothing(whose, filtered=bool(outcome or since)))
    return 0


def _answer(one: LedgerEntry) -> str:
    """`200`; why there is none; or both."""
    return ": ".join(str(part) for part in (one["status"], one["reason"]) if part is not None)


def _took(ms: int | None) -> str | None:
    return None if ms is None else f"{ms:,} ms"


def _count(found: list[LedgerEntry], limit: int) -> str:
    asked = sum(one["outcome"] in ("answered", "failed") for one in found)
    spared = len(found) - asked
    told = [console.plural(asked, "request")] if asked else []
    told += [f"{console.plural(spared, 'address')} not asked"] if spared else []
    return ", ".join(told) + (f" (at most {limit}: --limit)" if len(found) == limit else "")


def _nothing(whose: str, *, filtered: bool) -> str:
    if filtered:
        return "nothing is like that; without --outcome and --since there may be more"
    shown = console.clean(whose[:60])
    if whose.startswith("job_"):
        return f"nothing: {shown} asked nobody, is none of the jobs here, or ran too long ago"
    return f"nothing: no job here has asked {shown} for anything, or it is too long ago"
