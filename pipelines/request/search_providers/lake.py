"""The companies that are in the lake already."""

from __future__ import annotations

from collections.abc import Sequence

from data.damage import enduring
from data.lake import Lake
from data.mounts import addresses
from leadmill.ids import CompanyUrl
from pipelines.request.search_providers import Provider
from pipelines.request.search_providers._words import matching


def _search(query: str, most: int, _argument: str, lake: Lake) -> list[CompanyUrl]:
    stages = ("enrich", "process")
    return enduring(
        lake,
        lambda: {stage: lake.stage_files(stage) for stage in stages},
        lambda files: _in_rows(query, most, addresses(file for stage in stages for file in files[stage])),
    )


def _in_rows(query: str, most: int, files: Sequence[str]) -> list[CompanyUrl]:
    if not files:
        return []
    source = (
        "(SELECT arg_max(url, processed_at) AS url, lower(coalesce(arg_max(name, processed_at), '')) AS title, "
        "lower(concat_ws(' ', any_value(name), domain, any_value(description), any_value(industry))) AS text "
        "FROM read_parquet($files, union_by_name => true) GROUP BY domain)"
    )
    return matching(source, {"files": list(files)}, query, most)


PROVIDER = Provider("lake", _search, "the companies in the lake")
