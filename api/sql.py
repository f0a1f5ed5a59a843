"""GET /sql: the rows of one SELECT over a project's lake; /sql.csv, .xlsx, .json: all of them as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse

from api import problems
from api.auditing import audited
from api.context import Context, Here
from api.report_files import file_answers
from api.routing import Router
from api.sql_console.running import MAX_QUERY, Answer, Form, Question, answered
from leadmill.access import Role
from leadmill.answers import QueryResult
from reports.formats import FORMATS

router = Router("/sql", "companies")

#: Rows of a table.
MAX_ROWS = 10_000
_PIECE = 1 << 16
Text = Annotated[
    str,
    Query(min_length=1, max_length=MAX_QUERY, description="One SELECT in DuckDB's SQL, over what is open"),
]
_ABOUT = (
    "For admins. Open are the views `companies`, `results`, `errors`, `pages`, `people`, `ledger` of the project. "
    "A query has 30 s and 512 MB in a process of its own, and ends when its caller hangs up. Each is audited."
)
_REFUSED = problems.refusals(503)
_NAMED = {"Content-Disposition": {"description": "The file's name", "schema": {"type": "string"}}}


async def asked(here: Context, request: Request, query: str, form: Form = "table", **most: int) -> Answer:
    """Ask in a query's own process, and say in the audit what was asked."""
    audited(request, action="sql", id=" ".join(query.split()))
    return await answered(Question(here.lake, query, form, **most), request.is_disconnected)


def rows_of(answer: Answer) -> list[list[Any]]:
    """The rows of a table."""
    with answer.body:
        found: list[list[Any]] = json.load(answer.body)
    return found


@router.get(
    "", role=Role.ADMIN, response_model=QueryResult, responses=_REFUSED, description=_ABOUT, summary="Ask by one SELECT"
)
async def sql(
    request: Request, here: Here, query: Text, limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 1_000
) -> Response:
    answer = await asked(here, request, query, rows=limit)
    rows = await run_in_threadpool(rows_of, answer)
    return JSONResponse(
        {
            "columns": answer.columns,
            "rows": rows,
            "total": answer.rows,
            "total_is_exact": answer.whole,
            "cut_by": answer.cut_by,
            "took_s": answer.took_s,
        }
    )


def _file(form: Form) -> dict[str, Any]:
    return {
        "role": Role.ADMIN,
        "responses": {200: {**file_answers(form), "headers": _NAMED}, **_REFUSED},
        "response_class": Response,
        "description": _ABOUT,
        "summary": f"All rows of one SELECT, as {form.upper()}",
    }


@router.get(".csv", **_file("csv"))
async def sql_csv(request: Request, here: Here, query: Text) -> Response:
    return _sent(await asked(here, request, query, "csv"), "csv")


@router.get(".json", **_file("json"))
async def sql_json(request: Request, here: Here, query: Text) -> Response:
    return _sent(await asked(here, request, query, "json"), "json")


@router.get(".xlsx", **_file("xlsx"))
async def sql_xlsx(request: Request, here: Here, query: Text) -> Response:
    return _sent(await asked(here, request, query, "xlsx"), "xlsx")


def _sent(answer: Answer, form: Form) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="leadmill-query.{form}"'}
    return StreamingResponse(_pieces(answer), media_type=FORMATS.load(form).media_type, headers=headers)


def _pieces(answer: Answer) -> Iterator[bytes]:
    with answer.body:
        while piece := answer.body.read(_PIECE):
            yield piece
