"""Companies of the lake: `companies`, `explain` and `score`."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer

from cli import console
from cli.options import AsJson, DataFolder, Limit, Watch
from cli.scoring_options import Icp, ScoringModel, scoring
from leadmill.client.options import CompanyFilter, CompanySize, CompanySort

if TYPE_CHECKING:
    from leadmill.client import Client

#: Columns of the list, in the order of the lake's own.
COLUMNS = ("company_id", "domain", "name", "country", "industry", "score", "tier", "error")


def register(app: typer.Typer) -> None:
    app.command("companies")(companies)
    app.command("explain")(explain)
    app.command("score")(score)


def companies(
    company: Annotated[
        str | None, typer.Argument(metavar="COMPANY", help="One company: its domain, an address of it, or comp_….")
    ] = None,
    *,
    job: Annotated[str | None, typer.Option(help="Rows of this job, and of no other.", show_default=False)] = None,
    tag: Annotated[str | None, typer.Option(help="Rows of jobs that have it.", show_default=False)] = None,
    domain: Annotated[str | None, typer.Option(help="A company's domain.", show_default=False)] = None,
    country: Annotated[
        str | None, typer.Option(help="Countries or regions: DE,Austria or DACH", show_default=False)
    ] = None,
    tier: Annotated[str | None, typer.Option(help="A, B, C or D; or A,B", show_default=False)] = None,
    industry: Annotated[str | None, typer.Option(show_default=False)] = None,
    technology: Annotated[str | None, typer.Option(show_default=False)] = None,
    min_score: Annotated[float | None, typer.Option(min=0, max=100, show_default=False)] = None,
    text: Annotated[str | None, typer.Option(help="Part of a name or domain.", show_default=False)] = None,
    language: Annotated[str | None, typer.Option(help="As sites declare it: de", show_default=False)] = None,
    size: Annotated[CompanySize | None, typer.Option(help="Number of people.", show_default=False)] = None,
    has: Annotated[
        list[str] | None, typer.Option(help="How it can be reached; each is needed.", show_default=False)
    ] = None,
    sort: Annotated[
        CompanySort | None, typer.Option(help="A column, with - the other way round.", show_default="-score")
    ] = None,
    limit: Limit = 50,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """List companies, or show one of them.

    One is told with its contacts, where each was found, why it scores so, and what earlier jobs made of it.
    """
    from cli.connection import connect, use_data

    use_data(data)
    filters: CompanyFilter = {
        "job": job,
        "tag": tag,
        "domain": domain,
        "country": country,
        "tier": tier,
        "industry": industry,
        "technology": technology,
        "min_score": min_score,
        "text": text,
        "language": language,
        "size": size,
        "has": cast("Any", has),
    }
    with connect(needs_store=False) as client:  # the lake alone
        if company is not None:
            _show(_known(company, lambda named: _row_of(client, named)), as_json=as_json)
            return 0
        rows = list(client.companies(limit=limit, sort=sort, **filters))
    if as_json:
        console.json_result(rows)
    else:
        rows = [{**row, "domain": console.host(row["domain"])} for row in rows]
        cells = [[_cell(row.get(name)) for name in COLUMNS] for row in rows]
        console.table(COLUMNS, cells, spare=("company_id",))
        more = f" (at most {limit}: --limit)" if len(rows) == limit else ""
        console.note(console.plural(len(rows), "company") + more)
    return 0


def explain(
    company: Annotated[str, typer.Argument(metavar="COMPANY", help="Its domain, an address of it, or comp_….")],
    field: Annotated[str, typer.Argument(metavar="FIELD", help="A column: phones, industry, score …")],
    *,
    job: Annotated[str | None, typer.Option(help="What this job found, and no other.", show_default=False)] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Show where a value comes from.

    The page's own words, the place, and why it is that one; also what was read and not taken, and of an empty field the
    pages that were read.
    """
    from cli.connection import connect, use_data
    from cli.explanation_card import explanation_card

    use_data(data)
    with connect(needs_store=False) as client:  # the lake alone
        told = _known(company, lambda named: client.explain(named, field, job=job))
    if as_json:
        console.json_result(told)
        return 0
    for line in explanation_card(told, console.width()):
        console.result(line)
    return 0


def _row_of(client: Client, named: str) -> dict[str, Any]:
    """The newest row of a company that has one; of one that jobs tried and none could read, the error says why."""
    from cli.failure import CommandError
    from leadmill.client.errors import ApiError

    try:
        return client.company(named)
    except ApiError as error:
        if error.code != "not_found":
            raise
        failed = client.explain(named, "error")
        hint = shlex.join(["leadmill", "explain", failed["domain"], "name"])
        raise CommandError(
            f"{failed['domain']} was tried and never read: {failed['value'] or failed['told']}", hint=hint
        ) from error


Found = TypeVar("Found")


def _known(named: str, ask: Callable[[str], Found]) -> Found:
    """What is answered of the company of an id, a domain or an address."""
    from cli.failure import CommandError
    from leadmill.client.errors import ApiError
    from leadmill.errors import InputError
    from leadmill.ids import COMPANY_ID, parse_company_url

    try:
        parsed = None if COMPANY_ID.match(named) else parse_company_url(named)
    except InputError as error:
        raise CommandError(str(error), hint=shlex.join(["leadmill", "companies", "--text", named])) from error
    try:
        return ask(parsed.company_id if parsed else named)
    except ApiError as error:
        if error.code != "not_found" or parsed is None:
            raise
        raise CommandError(f"nothing is known of {parsed.domain} yet", hint=f"leadmill run {parsed.domain}") from error


def _show(company: dict[str, Any], *, as_json: bool) -> None:
    from cli.company_card import card

    if as_json:
        console.json_result(company)
        return
    for line in card(company, console.width()):
        console.result(line)


def score(
    company_ids: Annotated[list[str], typer.Argument(metavar="COMPANY…", help="comp_…")],
    *,
    scoring_model: ScoringModel = None,
    icp: Icp = None,
    watch: Watch = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> int:
    """Score companies of the lake anew, and wait for it."""
    from cli.connection import connect, use_data
    from cli.job_end import tell
    from cli.progress import follow

    folder = use_data(data)
    with connect(patient=True) as client:
        handle = client.score(company_ids, **scoring(scoring_model, icp))
        console.note(f"submitted {handle.id}")
        return tell(client, follow(client, handle.id, live=watch), folder, report_dir=None, as_json=as_json, icp=icp)


def _cell(value: Any) -> Any:
    return f"{value:.1f}" if isinstance(value, float) else value
