"""Why companies of a job are missing: the causes by category, with counts and one example each.

Read from the score's rows where there are any (one row a company, so the counts add up to what is missing), else
from the plan, the stages' error parts and the units that failed. A line of a list that names no company has a row that
says so, too, but no company is missing for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from data.damage import naming
from data.duck import connection
from data.job_files import JobFiles, Parts
from data.jobs import DEADLINE_STRUCK, JobRecord, JobStore, UnitStatus
from data.lake import DamagedPartError, Lake
from data.mounts import addresses
from leadmill.answers import Cause
from leadmill.errors import WALLS, ErrorCategory, ErrorCode, UnavailableError
from leadmill.log import get_logger
from pipelines.committed import Units
from pipelines.manifest import record_in, units_in
from pipelines.stages import partition_number
from reports.rows import present
from reports.wording import mostly_walled

log = get_logger(__name__)

#: Causes told, at most; the rest of a category is added up in one more each.
MAX_CAUSES = 20
#: Characters of an error that count.
_MAX_CHARS = 200
_REST = "other causes"

#: Category, error, domain and code of one missing company.
Missing = tuple[str, str, str, str | None]


class GivenUp(TypedDict):
    """A partition that failed as a whole, or that a deadline never reached."""

    partition: int
    stage: str
    category: str
    error: str


def missing(
    lake: Lake,
    files: JobFiles,
    stages: Sequence[str],
    units: Units,
    valid: Parts | None = None,
    *,
    struck: bool = False,
) -> list[Cause]:
    """Causes of a job's missing companies, most frequent first.

    `units` are those of the record, `valid` the files that count (None: what lies there); `struck`: the job's deadline
    struck.
    """
    if valid is None:
        valid = files.all_parts(stages)
    if scores := valid.get(("score", "rows")):
        with naming(lake, scores):
            cursor = connection().cursor()
            code = "error_code" if "error_code" in present(cursor, scores) else "NULL"  # rows of earlier versions
            found = cursor.execute(
                f"SELECT coalesce(error_category, 'system'), error, domain, {code} FROM read_parquet($files) "  # noqa: S608  one of two texts
                "WHERE error IS NOT NULL AND company_id IS DISTINCT FROM ''",
                {"files": addresses(scores)},
            ).fetchall()
        return counted(found)
    if lake.storage.stat(files.plan_path()) is None:
        return []
    return counted(_without_row(lake, files, valid, units, struck=struck))


def given_up(store: JobStore, lake: Lake, job_id: str) -> list[GivenUp]:
    """Partitions that failed as a whole or that a deadline never reached.

    From the record, else (it was cleaned up, or Redis does not answer) from the manifest.
    """
    record: JobRecord | None = None
    units: Units = {}
    try:
        if record := store.record(job_id):
            units = store.unit_states(job_id)
    except UnavailableError as error:
        log.debug("units asked of the manifest", job=job_id, error=str(error))
    if not units and (manifest := JobFiles.unrecorded(lake, job_id).manifest()):
        record, units = record_in(manifest), units_in(manifest)
    if not record:
        return []
    chain = record.partition_stages
    failed = {
        unit: (state.stage_index, *state.failure)
        for unit, state in units.items()
        if state.status == UnitStatus.FAILED and state.failure
    }
    if record.handed_at_deadline:
        unreached = range(record.handed_at_deadline, record.partitions)
        failed |= {f"p{n}": (0, ErrorCategory.DEADLINE.value, DEADLINE_STRUCK) for n in unreached}
    return [
        {"partition": number, "stage": chain[index], "category": category, "error": error}
        for unit, (index, category, error) in failed.items()
        if (number := partition_number(unit)) is not None and index < len(chain)
    ]


def counted(found: Iterable[Missing]) -> list[Cause]:
    """Missing companies grouped by category, code and error."""
    counts: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], str] = {}
    for category, error, domain, code in found:
        text = (error[:_MAX_CHARS].replace(domain, "…") if domain else error[:_MAX_CHARS]).strip()
        counts[category, code or "", text] += 1
        examples.setdefault((category, code or "", text), domain)
    ranked = sorted(counts, key=lambda cause: (-counts[cause], cause))
    kept, rest = ranked[:MAX_CAUSES], ranked[MAX_CAUSES:]
    for category, named, text in rest:
        counts[category, named, _REST] += counts[category, named, text]
        examples.setdefault((category, named, _REST), examples[category, named, text])
    kept += dict.fromkeys((category, named, _REST) for category, named, _ in rest)
    return [
        {
            "category": cause[0],
            "code": ErrorCode(cause[1]) if cause[1] else None,
            "error": cause[2],
            "count": counts[cause],
            "example": examples[cause],
        }
        for cause in kept
    ]


def warnings(found: Iterable[Cause], companies: int) -> list[str]:
    """What somebody who reads a job's figures must know of what is missing."""
    walled = sum(cause["count"] for cause in found if cause["code"] in WALLS)
    return list(mostly_walled(walled, companies))


def _without_row(lake: Lake, files: JobFiles, valid: Parts, units: Units, *, struck: bool) -> Iterable[Missing]:
    unhanded = (ErrorCategory.DEADLINE.value, DEADLINE_STRUCK) if struck else (ErrorCategory.SYSTEM.value, "not done")
    chain = [stage for stage, kind in valid if kind == "rows" and stage != "score"]
    good = lake.good_ids(valid[chain[-1], "rows"]) if chain else set()
    told = _told(lake, [file for stage in chain for file in valid[stage, "errors"]])
    for row in files.plan():
        company, domain = row["company_id"], row["domain"]
        if not company:
            continue
        if row["error"] is not None:
            yield row["error_category"] or ErrorCategory.DATA.value, row["error"], domain, None
        elif chain and company not in good:
            unit = units.get(f"p{row['partition']}")
            given_up = unit and unit.failure
            own = told.get(company)
            # Whoever was to be asked again is missing because the partition that did so failed; unless the time was up.
            if own is not None and not (own.later and given_up and given_up[0] != ErrorCategory.DEADLINE):
                yield own.category, own.error, domain, own.code
            else:
                yield *(given_up or unhanded), domain, None


class _Told(NamedTuple):
    category: str
    error: str
    code: str | None
    #: The company was to be asked again.
    later: bool


def _told(lake: Lake, files: Iterable[Path]) -> dict[str, _Told]:
    """What the newest error row of each company tells."""
    found: dict[str, tuple[Any, _Told]] = {}
    for file in files:
        try:
            for row in lake.iter_rows([file]):
                company = row["company_id"]
                if row["scope"] == "company" and (company not in found or found[company][0] <= row["at"]):
                    later = row.get("deferred_until") is not None
                    found[company] = row["at"], _Told(row["category"], row["error"], row.get("code"), later)
        except DamagedPartError as error:  # a job ends also when its causes cannot be read
            log.warning("causes left out", file=str(file), error=str(error))
    return {company: cause for company, (_, cause) in found.items()}
