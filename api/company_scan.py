"""Which part files tell of companies, and the query of each company's newest row over them."""
# ruff: noqa: S608  reports.rows quotes the paths

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from data.across import Across
from data.duck import connection
from data.lake import Lake, partition_of
from data.schemas import FACTS, MADE_AT
from leadmill.declared import ROW_STAGES
from reports.rows import parquet, sql_type

#: Part files of each stage.
Files = Mapping[str, Sequence[Path]]
#: Stages whose rows describe a company, best first, with the time that orders them.
STAGES = {stage: MADE_AT[stage] for stage in reversed(ROW_STAGES) if stage != "scrape"}


def newest_rows(files: Files, *, one: bool = False, some_jobs: bool = False) -> str | None:
    """A query of the newest good row of each company (of `$id`), scored ones before others; None: no rows at all.

    `some_jobs`: only rows of `$jobs` count.
    """
    rows = good_rows(files, one=one, some_jobs=some_jobs)
    if rows is None:
        return None
    return (
        f"{rows} QUALIFY row_number() OVER (PARTITION BY company_id ORDER BY stage_rank, seen_at DESC, job_id DESC) = 1"
    )


def newest_rows_of_jobs(files: Files, *, some_jobs: bool = False) -> str | None:
    """A query of the newest good row that each job, or each of `$jobs`, has of a company; None: no rows at all."""
    rows = good_rows(files, some_jobs=some_jobs)
    if rows is None:
        return None
    return f"{rows} QUALIFY row_number() OVER (PARTITION BY company_id, job_id ORDER BY stage_rank, seen_at DESC) = 1"


def good_rows(files: Files, *, one: bool = False, some_jobs: bool = False, told: bool = False) -> str | None:
    """The same of every good row, with the rank of its stage.

    `told`: and with the path of its file, and every row that is not good as well, as `failed` says of each.
    """
    sources = []
    for rank, (stage, at) in enumerate(STAGES.items()):
        if files[stage]:
            only = " AND company_id = $id" if one else ""
            only += " AND job_id IN (SELECT unnest($jobs::VARCHAR[]))" if some_jobs else ""
            good = "error IS NULL" if stage == "score" else "TRUE"
            of_file, which = (f", NOT ({good}) AS failed", "TRUE") if told else ("", good)
            sources.append(
                f"SELECT *, {rank} AS stage_rank, {at} AS seen_at{of_file} "
                f"FROM {parquet(files[stage], filename=told)} WHERE {which}{only}"
            )
    if not sources:
        return None
    # One file of each stage's full schema is not needed: a missing column is filled with nulls by name.
    union = " UNION ALL BY NAME ".join([_columns(), *sources])
    return f"SELECT * FROM ({union}) WHERE company_id IS NOT NULL"


def _columns() -> str:
    """No rows of every final column, so that each exists whatever stages there are, facts with all their parts."""
    facts = sql_type(connection(), FACTS)
    return (
        f"SELECT NULL::{facts} AS facts, NULL::{facts} AS candidates, "
        "NULL::VARCHAR AS company_id, NULL::VARCHAR AS industry, NULL::VARCHAR[] AS technologies, "
        "NULL::INTEGER AS employees_min, NULL::INTEGER AS employees_max, NULL::DOUBLE AS score, NULL::VARCHAR AS tier, "
        "NULL::DOUBLE AS fit, NULL::DOUBLE AS reach, NULL::DOUBLE AS probability, NULL::FLOAT AS quality, "
        "NULL::VARCHAR AS country, NULL::VARCHAR AS language WHERE FALSE"
    )


def files_of(lake: Lake, jobs: Sequence[str] | None = None, *, each_job: bool = False) -> dict[str, list[Path]]:
    """Part files of each stage, without those whose rows all went further: a later row holds all of an earlier one.

    `each_job`: also those whose rows newer ones of other jobs hide.
    """
    seen = lake.across(jobs)
    if jobs is None and not each_job:
        found = {stage: lake.stage_files(stage, seen) for stage in STAGES}
    else:  # a snapshot has the newest rows, which may be another job's: the job's own files come first
        found = {stage: [*seen.all(stage), *lake.snapshot_files(stage)] for stage in STAGES}
    return _not_further(lake, seen, found)


def files_of_job(lake: Lake, seen: Across, job_id: str) -> dict[str, list[Path]]:
    """The job's own among them, whatever the snapshots hold."""
    return _not_further(lake, seen, {stage: seen.parts(job_id, stage) for stage in STAGES})


def _not_further(lake: Lake, seen: Across, found: Files) -> dict[str, list[Path]]:
    scored = [file for file in found["score"] if not _compacted(file)]
    over = {job for job in map(_job_of, scored) if seen.is_scored_last(job)}
    scored = [file for file in scored if _job_of(file) not in over]
    ended = dict(zip(map(_job_of, scored), _written(lake, scored), strict=True))
    later, *chain = (stage for stage in STAGES if stage != "score")
    # The score holds every company that had a row of the stage before it; a resume may have made more since.
    behind = [file for file in found[later] if _job_of(file) in ended and not _compacted(file)]
    written = dict(zip(behind, _written(lake, behind), strict=True))
    left = {
        "score": list(found["score"]),
        later: [
            file
            for file in found[later]
            if _compacted(file)
            or (_job_of(file) not in over and (file not in written or written[file] > ended[_job_of(file)]))
        ],
    }
    for stage in chain:
        went_on = _went_on(seen, [file for file in found[later] if not _compacted(file)])
        left[stage] = [
            file for file in found[stage] if _compacted(file) or (_job_of(file), partition_of(file)) not in went_on
        ]
        later = stage
    return left


def _went_on(seen: Across, parts: Sequence[Path]) -> set[tuple[str, int]]:
    """Jobs and partitions that have parts of a stage, and in which no company failed at it: each has a row there."""
    stages = {_job_of(part): part.parent.name for part in parts}
    failed = {(job, number) for job, stage in stages.items() for number in seen.partitions(job, stage, "errors")}
    return {(_job_of(part), partition_of(part)) for part in parts} - failed


def _compacted(file: Path) -> bool:
    return file.name.startswith("snapshot-")


def _written(lake: Lake, files: Sequence[Path]) -> list[int]:
    """When each file was written (ns, Unix); 0 for one that was replaced or cleaned up in this moment."""
    return [state.modified_ns if state else 0 for state in lake.storage.stats(files)]


def _job_of(file: Path) -> str:
    return file.parent.parent.name
