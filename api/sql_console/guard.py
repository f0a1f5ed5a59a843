"""What a query may hold: one SELECT, all of whose parts read, by functions that are known to run no other query."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

#: Kinds of queries within a query. The others write: `WITH x AS (COPY … TO …)` is a SELECT by its type.
_READING = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
#: What may stand in FROM with arguments. Of others some run a query that they are given as a text.
TABLE_FUNCTIONS = frozenset(
    {
        "generate_series", "glob", "json_each", "json_tree", "parquet_file_metadata", "parquet_kv_metadata",
        "parquet_metadata", "parquet_scan", "parquet_schema", "range", "read_json", "read_json_auto", "read_parquet",
        "unnest",
    }
)  # fmt: skip


class RefusedQueryError(Exception):
    """A query that this console does not run, in words for whoever wrote it."""


def one_select(con: duckdb.DuckDBPyConnection, query: str) -> str:
    """The query, when it may be run.

    Raises:
        RefusedQueryError: it is not one SELECT, or a part of it does more than read.
        duckdb.Error: it cannot be parsed.
    """
    statements = con.extract_statements(query)
    if len(statements) != 1:
        raise RefusedQueryError(f"one SELECT is run at a time; this is {len(statements) or 'none'}")
    (statement,) = statements
    if statement.type != duckdb.StatementType.SELECT:
        raise RefusedQueryError(f"only a SELECT is run here; this is {statement.type.name}")
    if statement.named_parameters:
        raise RefusedQueryError("a query has no parameters here; write the values into it")
    for node in _nodes(_parsed(con, statement.query)):
        kind = node.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _READING:
            raise RefusedQueryError(f"a query only reads here; in this one there is {kind.split('_')[0]}")
        if kind == "TABLE_FUNCTION" and (name := _called(node)) not in TABLE_FUNCTIONS:
            raise RefusedQueryError(f"{name[:60]}() is not open here; of functions in FROM: {_THESE}")
    return str(statement.query)


_THESE = ", ".join(sorted(TABLE_FUNCTIONS))


def _parsed(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    [(text,)] = con.execute("SELECT json_serialize_sql($query::VARCHAR)", {"query": query}).fetchall()
    found = json.loads(text)
    if found.get("error") is not False or len(found.get("statements", ())) != 1:
        raise RefusedQueryError(f"this query cannot be looked through: {str(found.get('error_message', ''))[:300]}")
    return found["statements"]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a tree, without recursion: queries may be deep."""
    left = [tree]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)


def _called(node: dict[str, Any]) -> str:
    function = node.get("function") or {}
    return str(function.get("function_name") or function.get("type") or "this").lower()
