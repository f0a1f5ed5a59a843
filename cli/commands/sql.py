"""`leadmill sql`: one SELECT over what a project knows, as a table or as a file of all rows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

import typer

from cli import console
from cli.options import AsJson, DataFolder

if TYPE_CHECKING:
    from leadmill.answers import QueryResult
    from leadmill.client import Client
    from leadmill.client.errors import ApiError

_Format = Literal["csv", "xlsx", "json"]
#: Characters of a value in a terminal's table.
_SEEN = 60
#: Before the part of a message that shows a place in the query.
_PLACE = "LINE "


def register(app: typer.Typer) -> None:
    app.command("sql")(sql)


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT in DuckDB's SQL; -: standard input.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows that are shown at most.")] = 100,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all rows as CSV.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Save all rows: FILE.csv, .xlsx or .json."),
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Ask by one SELECT over what the project knows; nothing can be changed.

    Open are companies, results, errors, pages, people and ledger. It takes a key of an admin.
    """
    from cli.connection import connect, use_data
    from cli.failure import CommandError
    from leadmill.client.errors import ApiError

    if as_csv + as_json + (output is not None) > 1:
        raise CommandError("of --csv, --json and --output one can be had at a time")
    use_data(data)
    asked = sys.stdin.read() if query == "-" else query
    with connect(needs_store=False) as client:  # the lake alone
        try:
            if output is not None:
                console.result(str(client.download_sql(asked, _format_of(output), output)))
            elif as_csv:
                _print_csv(client, asked)
            else:
                _tell(client.sql(asked, limit=limit), limit, as_json=as_json)
        except ApiError as error:
            if error.field != "query":
                raise
            raise _with_place(error) from error
    return 0


def _format_of(output: Path) -> _Format:
    from cli.failure import CommandError

    name = output.suffix.removeprefix(".").lower()
    if name not in get_args(_Format):
        raise CommandError(f"--output: a file's name ends in .csv, .xlsx or .json, not {output.name[:60]!r}")
    return cast(_Format, name)


def _print_csv(client: Client, query: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="leadmill-") as folder:
        file = client.download_sql(query, "csv", Path(folder) / "rows.csv")
        with file.open(encoding="utf-8-sig", newline="") as lines:  # the mark is for spreadsheets
            if not sys.stdout.isatty():
                copyfileobj(lines, sys.stdout)
                return
            for line in lines:
                console.result(console.clean(line.rstrip("\r\n")))


def _tell(found: QueryResult, limit: int, *, as_json: bool) -> None:
    if as_json:
        console.json_result(found)
    else:
        names = [column["name"] for column in found["columns"]]
        console.table(names, [[_cell(value) for value in row] for row in found["rows"]])
    console.note(_count(found, limit))


def _count(found: QueryResult, limit: int) -> str:
    total = console.plural(found["total"], "row")
    if found["cut_by"] is None:
        return total
    more = "" if found["total_is_exact"] else "more than "
    why = f"--limit {limit}" if found["cut_by"] == "limit" else "2 MB are shown at most"
    return f"{len(found['rows']):,} of {more}{total} ({why}); all of them: --output FILE.csv"


def _cell(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
    if isinstance(text, str) and len(text) > _SEEN and sys.stdout.isatty():
        return f"{text[:_SEEN]}…"
    return text


def _with_place(error: ApiError) -> Exception:
    """The error on one line, behind the place in the query that DuckDB points at."""
    from cli.failure import CommandError

    said, found, place = error.detail.partition(f"\n{_PLACE}")
    if found:
        for line in (_PLACE + place).rstrip().splitlines():
            console.note(console.clean(line))
    return CommandError(said.strip())
