"""Persons of companies: `people`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.options import AsJson, DataFolder, Limit

#: Columns of the list.
COLUMNS = ("domain", "name", "role", "email", "phone", "role_class", "confidence", "source")


def register(app: typer.Typer) -> None:
    app.command("people")(people)


def people(
    whose: Annotated[str, typer.Argument(metavar="JOB|COMPANY", help="A job, or a company's domain, address or id.")],
    *,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role", metavar="CLASS", help="owner, management, sales …; may be repeated.", show_default=False
        ),
    ] = None,
    limit: Limit = 50,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Show the persons that a job found, or those of one company.

    Only jobs that ask for them look for any: leadmill run companies.csv --people. They are personal data.
    """
    from cli.connection import connect, use_data
    from leadmill.client.options import PersonFilter
    from leadmill.ids import JOB_ID

    use_data(data)
    filters: PersonFilter = {"job" if JOB_ID.match(whose) else "company": whose, "role_class": role}  # type: ignore[misc]
    with connect(needs_store=False) as client:  # the lake alone
        found = list(client.people(limit=limit, **filters))
    if as_json:
        console.json_result(found)
        return 0
    rows = [{**one, "domain": console.host(one["domain"]), "confidence": f"{one['confidence']:.2f}"} for one in found]
    cells = [[row.get(name) for name in COLUMNS] for row in rows]
    console.table(COLUMNS, cells, spare=("source", "confidence", "role_class"))
    if not found:
        unknown = f"no job that asked for people found any ({console.clean(whose[:60])} may also be unknown here)"
        console.note(f"nobody: {unknown}; ask so: leadmill run … --people")
    else:
        console.note(console.plural(len(found), "person") + (f" (at most {limit})" if len(found) == limit else ""))
    return 0
