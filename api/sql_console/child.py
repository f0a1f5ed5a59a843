"""`python -P -m api.sql_console.child`: answers the question that comes on standard input, and ends.

Standard output takes the result in the form that was asked for, standard error one line of JSON about it: either
`columns`, `rows`, `shown`, `whole`, `cut_by`, `took_s`, or `error`. Only DuckDB is imported, and what writes the form.
"""

from __future__ import annotations

import json
import sys
import sysconfig
import time
from typing import Any

import duckdb

from api.sql_console.confinement import bound, read_only
from api.sql_console.forms import FORMS, Most
from api.sql_console.guard import RefusedQueryError, one_select

#: Columns of a result, and characters of a column's name and type, which are cut: a name is an expression's text.
MAX_COLUMNS, MAX_NAME = 1_000, 1_000
_EACH_TYPE = "SELECT now(), DATE '2027-01-01', TIME '01:02:03', uuid(), 1.5::DECIMAL(9, 2), INTERVAL 1 DAY, [{'a': 1}]"


def main() -> None:
    """Answer the question."""
    asked = json.loads(sys.stdin.buffer.read())
    bound(asked["seconds"] * asked["threads"], asked["address_space"])
    try:
        told = _answer(asked)
    except RefusedQueryError as error:
        told = {"error": str(error)}
    except duckdb.Error as error:
        told = {"error": str(error)[:4_000]}
    except RecursionError:
        told = {"error": "the query, or a value of its result, is nested too deep"}
    except MemoryError:
        told = {"error": "Out of Memory Error: the result takes more memory than a query has here"}
    sys.stderr.write(json.dumps(told))


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    write = FORMS[asked["form"]](asked["guarded"])
    con = _locked(asked)
    found = con.execute(one_select(con, asked["query"]))
    columns = _columns(found)
    most = Most(asked["rows"], asked["bytes"], asked["count"], asked["counts_s"])
    written = write(con, found, [one["name"] for one in columns], most)
    return {
        "columns": columns, "rows": written.counted, "shown": written.told, "whole": written.whole,
        "cut_by": written.cut_by, "took_s": round(time.monotonic() - began, 3),
    }  # fmt: skip


def _columns(found: duckdb.DuckDBPyConnection) -> list[dict[str, str]]:
    described = found.description or ()
    if len(described) > MAX_COLUMNS:
        raise RefusedQueryError(f"a result has at most {MAX_COLUMNS:,} columns here; this one has {len(described):,}")
    return [{"name": str(name)[:MAX_NAME], "type": str(kind)[:MAX_NAME]} for name, kind, *_ in described]


def _locked(asked: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """A database of its own with the views that the query names, which reads these folders and nothing else."""
    con = duckdb.connect(
        config={
            "threads": 1, "async_threads": 0, "memory_limit": asked["memory"], "temp_directory": "",
            "autoinstall_known_extensions": False, "autoload_known_extensions": False,
            "python_enable_replacements": False,
        }
    )  # fmt: skip
    if asked["lent"]:
        from api.sql_console.lent_files import borrowed  # most have their files on this machine

        con.register_filesystem(borrowed(int(sys.argv[1]), asked["lent"]))
    con.execute("LOAD icu; LOAD json; LOAD parquet; SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    con.execute(_EACH_TYPE).fetchall()  # brings what Python needs for them, as time zones, which lie elsewhere
    # Python fetches some of its own modules when it first needs them. DuckDB has no thread of its own until now: one
    # that is there already would be held by nothing.
    read_only([*asked["folders"], sysconfig.get_path("stdlib")])
    con.execute(f"SET threads = {int(asked['threads'])}")
    for view in asked["views"]:
        con.execute(view)
    folders = ", ".join("'" + folder.replace("'", "''") + "'" for folder in asked["folders"])
    con.execute(f"SET allowed_directories = [{folders}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    con.execute("BEGIN TRANSACTION READ ONLY")
    return con


if __name__ == "__main__":
    main()
