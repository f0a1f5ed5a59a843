"""`leadmill check FILE`: what would be understood of a list. Needs no stack and makes no job."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import AsJson
from cli.pipeline_options import Column
from reports.wording import NAMELESS

if TYPE_CHECKING:
    from leadmill.answers import LineReason, ListLook

Whole = Annotated[bool, typer.Option("--all", help="Read all lines, however many.")]

#: Names of other columns that are shown; `--json` has more.
_SHOWN = 30


def register(app: typer.Typer) -> None:
    app.command("check")(check)


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or XLSX file.")],
    *,
    column: Column = None,
    whole: Whole = False,
    as_json: AsJson = False,
) -> int:
    """Show how a list is read. Submits nothing.

    Which of its lines name companies, and why the others do not; what comes back with each lead. Of a long list only
    the beginning is read, in about two seconds, and that is said.
    """
    from cli.list_file import readable, refused
    from pipelines.request.lists.budget import LOOK, Budget
    from pipelines.request.lists.tally import preview

    with refused(file, "leadmill check"):
        found = preview(readable(file, column, "leadmill check"), column, None if whole else Budget(LOOK))
    if as_json:
        console.json_result(found)
        return 0
    _show(file, found)
    if not found["complete"]:
        console.note(
            f"only the beginning was read, {console.plural(found['lines'], 'line')}; --all reads the whole list"
        )
    if found["companies"]:
        asked = ["--column", column] if column else []
        console.note(f"run them with: {shlex.join(['leadmill', 'run', str(file), *asked])}")
    else:
        where = "no line" if found["complete"] else "none of these lines"
        console.note(f"there is nothing to run: {where} names a company")
    return 0


def _show(file: Path, found: ListLook) -> None:
    from cli import list_words

    others = found["other_columns"]
    nameless = found["without_address"] + found["refused"]
    more = f" … ({len(others)} in all)" if len(others) > _SHOWN else ""
    console.table(
        [file.name, list_words.read_as(found)],
        [
            ["websites are in", list_words.column(found)],
            ["comes back with each lead", ", ".join(others[:_SHOWN]) + more or "nothing: there are no other columns"],
            ["lines", f"{found['lines']:,}"],
            ["companies", f"{found['companies']:,}"],
            ["repeated", f"{found['repeated']:,}" + _merged(found["merged"])],
            [NAMELESS, f"{nameless:,}" + (_nameless(found) if nameless else "")],
        ],
    )
    if found["reasons"]:
        console.table(["no company because", "lines", "examples"], [_reason(reason) for reason in found["reasons"]])
    if found["first"]:
        console.table(
            ["line", "company", "address"],
            [[one["line"], console.host(one["domain"]), one["url"]] for one in found["first"]],
        )


def _merged(count: int) -> str:
    return f" ({count:,} of them by another address of the company)" if count else ""


def _nameless(found: ListLook) -> str:
    parts = {"without an address": found["without_address"], "refused": found["refused"]}
    told = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
    return f" ({told}); in a job they are told beside its companies"


def _reason(reason: LineReason) -> list[object]:
    examples = [f"{one['line']}: {one['text']}".rstrip(": ") for one in reason["examples"][:3]]
    return [reason["reason"], f"{reason['count']:,}", "; ".join(f"line {one}" for one in examples)]
