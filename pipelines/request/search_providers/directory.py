"""A file of companies: `directory:FILE`, CSV or Parquet with the columns name, url and keywords."""

from __future__ import annotations

import re
from pathlib import Path

from data.lake import Lake
from leadmill.errors import ConfigError
from leadmill.ids import CompanyUrl
from pipelines.request.search_providers import Provider
from pipelines.request.search_providers._words import matching

_DIRECTORY_ROWS = (
    "(SELECT url, lower(coalesce(name, '')) AS title, lower(concat_ws(' ', name, url, keywords)) AS text FROM "
)


def _search(query: str, most: int, argument: str, _lake: Lake) -> list[CompanyUrl]:
    path = _file(argument)
    reader = (
        "read_parquet($file)" if path.suffix == ".parquet" else "read_csv($file, header => true, all_varchar => true)"
    )
    source = _DIRECTORY_ROWS + reader + ")"
    return matching(source, {"file": str(path)}, query, most)


def _file(argument: str) -> Path:
    path = Path(argument).expanduser()
    if not path.is_file():
        raise ConfigError(f"LEADMILL_SEARCH_PROVIDER: no file {argument!r}")
    return path


def _check(argument: str) -> None:
    """Without DuckDB, which must not be opened before a worker forks."""
    path = _file(argument)
    with path.open("rb") as file:
        first = file.readline(10_000)
    if path.suffix == ".parquet":
        if not first.startswith(b"PAR1"):
            raise ConfigError(f"LEADMILL_SEARCH_PROVIDER: {argument!r} is no Parquet file")
        return
    named = set(re.split(r"[,;|\t]", first.decode("utf-8-sig", "replace").replace('"', "").strip().lower()))
    if missing := {"name", "url", "keywords"} - {name.strip() for name in named}:
        raise ConfigError(f"LEADMILL_SEARCH_PROVIDER: {argument!r} has no column {', '.join(sorted(missing))}")


PROVIDER = Provider(
    "directory",
    _search,
    "a CSV or Parquet file with `name,url,keywords`, which the argument names",
    _check,
    shows_argument=True,
)
