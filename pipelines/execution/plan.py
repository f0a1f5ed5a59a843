"""Launch: from what was asked for to the plan, the companies of a job and the partition of each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from data.held_rows import BATCH, HeldRows
from data.input_columns import InputWriter
from data.job_files import JobFiles
from data.jobs import JobRecord, JobStore
from data.mounts import local
from data.schemas import MADE_AT, PLAN, SCHEMA_VERSION
from leadmill.errors import ErrorCategory, InputError, WorkError
from leadmill.ids import CompanyUrl
from leadmill.redaction import redacted, shown_address
from pipelines.committed import files_of, recorded_files
from pipelines.execution.filtered import filtered
from pipelines.execution.merged import MergedUrls
from pipelines.execution.replan import extend_plan, plan_wave
from pipelines.execution.unit_run import UnitRun
from pipelines.execution.what_failed import tell_refused
from pipelines.manifest import manifest_of
from pipelines.queues import Queue
from pipelines.request.asked import Source, read_source
from pipelines.request.companies import company_of
from pipelines.request.search import search
from pipelines.stages import KINDS, STAGES, close_steps, partition_stages
from reports.lead_filter import LeadFilter

if TYPE_CHECKING:
    from pipelines.request.lists.company_list import CompanyList

#: Most registrable domains in one partition.
MAX_PARTITION = 30
#: Companies whose newest rows are asked for, and held, at a time.
LOOKED_UP = 50_000
#: What is known of a company before the partitions are cut.
_OF_COMPANY = pa.schema([PLAN.field(name) for name in ("company_id", "domain", "url", "bare", "source_job", "line")])


class Plan:
    """Companies of a job in the order given, each once; rows are those of `data.schemas.PLAN`."""

    def __init__(self, job_id: str) -> None:
        #: company_id -> number of its row.
        self.companies: dict[str, int] = {}
        self._job_id = job_id
        self._rows = HeldRows(_OF_COMPANY, job_id)
        #: Lines that name no company, and companies without what the job reads; they become error rows.
        self.bad = HeldRows(PLAN, job_id)
        self.merged = MergedUrls()
        #: The other columns of the input, in its order; what they hold goes to a file of the job line by line.
        self.input_headers: list[str] = []

    def url_of(self, company_id: str) -> str | None:
        """By which URL a company was added; None for one that was not."""
        number = self.companies.get(company_id)
        return None if number is None else self._rows.value(number, "url")

    def add(self, company: CompanyUrl, line: int | None = None, source_job: str | None = None) -> None:
        """Add a company, or note its URL as merged when it is there already."""
        number = self.companies.get(company.company_id)
        if number is not None:
            known = self.url_of(company.company_id)
            if known is not None and known != company.url:
                self.merged.add(number, known, company)
            return
        self.companies[company.company_id] = len(self._rows)
        row = {
            "company_id": company.company_id,
            "domain": company.domain,
            "url": company.url,
            "bare": company.bare,
            "source_job": source_job,
            "line": line,
        }
        self._rows.add(row)

    def add_failed(
        self, company_id: str, domain: str, error: str, *, line: int | None = None, url: str | None = None
    ) -> None:
        """Add an input that has no company behind it."""
        row = {
            "company_id": company_id,
            "domain": domain,
            "url": url,
            "bare": False,
            "line": line,
            "error_category": ErrorCategory.DATA.value,
            "error": redacted(error),
        }
        self.bad.add(row)

    def take(self) -> pa.Table:
        """The companies so far; the plan has none then."""
        taken = self._rows.table()
        self.companies, self._rows, self.merged = {}, HeldRows(_OF_COMPANY, self._job_id), MergedUrls()
        return taken

    def parts(self, size: int) -> Iterator[pa.Table]:
        """All rows in partitions of `size` companies each, some partitions at a time."""
        held, step = self._rows.table(), size * max(1, BATCH // size)
        for first in range(0, held.num_rows, step):
            part = held.slice(first, step)
            rows = part.num_rows
            known = dict(zip(part.column_names, part.columns, strict=True)) | {
                "further": self.merged.hosts(first, rows),
                "partition": pa.array([(first + i) // size for i in range(rows)], pa.int32()),
                "job_id": pa.repeat(self._job_id, rows),
                "schema_version": pa.repeat(pa.scalar(SCHEMA_VERSION, pa.int16()), rows),
            }
            yield pa.table([known.get(column.name, pa.nulls(rows, column.type)) for column in PLAN], schema=PLAN)
        if self.bad:
            yield self.bad.table()


def partition_size(companies: int, processes: int) -> int:
    """Companies a partition: at most 30, and small enough that all processes have work."""
    return max(1, min(MAX_PARTITION, math.ceil(companies / (2 * max(1, processes)))))


def processes_on(store: JobStore, queue: Queue) -> int:
    """Pool processes, over all living workers, that consume a queue."""
    return sum(worker.processes for worker in store.workers().values() if queue.value in worker.queues)


def launch(run: UnitRun) -> None:
    """Body of the launch unit: resolve the input once, write the plan, say how many partitions follow.

    Raises:
        WorkError: the input names no company.
        QuotaError: it names more than the project may have.
        RecordError: the record asks for what no submission can; read whole here, before anything is done.
    """
    stages, options = run.grant.stages, run.options
    formats = tuple(options.get("report", {}).get("formats", ())) if "report" in stages else ()
    close = ";".join(",".join(step) for step in close_steps(stages, formats))
    run.outcome.fields = {"close": close}
    if not KINDS[run.grant.kind].needs_companies:
        return
    chain = partition_stages(stages)
    processes = processes_on(run.runtime.store, STAGES[chain[0]].queue) if chain else 0
    if (parent := _parent_as_it_is(run)) is not None:
        partitions, size = 0, run.files.copy_plan(parent.plan_table(), parent.job_id)
    else:
        plan = _planned(run, chain, processes)
        if chain and run.grant.has_quotas:  # before anything is fetched; QuotaError fails the job as a whole
            run.runtime.store.settle(run.grant, plan.companies)
        partitions, size = plan.partitions, run.files.write_plan(plan.parts, plan.input_headers)
    run.outcome.rows_out = size.rows
    counted = {"partitions": partitions if chain else 0, "companies": size.companies}
    counted["window"] = max(2, 2 * processes)  # by which workers of 0.2.0 hand out; these go by the queue's
    run.outcome.fields |= counted
    _write_first_manifest(run)


@dataclass(frozen=True)
class _Planned:
    """A plan to be written."""

    #: Its rows, in the order of their partitions.
    parts: Iterable[pa.Table]
    #: Rows that name a company.
    companies: int
    partitions: int
    #: The other columns of the input.
    input_headers: Sequence[str]


def _planned(run: UnitRun, chain: Sequence[str], processes: int) -> _Planned:
    planned = run.grant.partitions

    def size_of(number: int) -> int:
        return partition_size(number, processes)

    if run.grant.wave:
        rows, waits = plan_wave(run, size_of)
        run.outcome.waves = waits
        return _Planned([rows], rows["error"].null_count, planned + len(waits), run.job.input_headers())
    if planned and run.job.has_plan():
        rows, partitions = extend_plan(run, chain, size_of)
        headers = run.job.input_headers()
        if headers and run.runtime.lake.set_damaged_aside([run.job.input_path()]):
            resolve(run)  # for its lines alone
        return _Planned([rows], rows["error"].null_count, partitions, headers)
    plan = resolve(run)
    tell_refused(plan.bad)
    companies = len(plan.companies)
    if not companies:
        raise WorkError(_nothing(plan), ErrorCategory.DATA)
    # A plan that was lost: the resume has planned all its partitions again; those left over find no company.
    fitting = math.ceil(companies / planned) if planned else MAX_PARTITION + 1
    size = fitting if fitting <= MAX_PARTITION else size_of(companies)
    if plan.merged.told:
        run.outcome.doc["merged"] = json.dumps(plan.merged.told)
    return _Planned(plan.parts(size), companies, max(planned, math.ceil(companies / size)), plan.input_headers)


def _parent_as_it_is(run: UnitRun) -> JobFiles | None:
    """The parent of a job that reports on its scored rows: its plan is taken as it is."""
    if run.grant.stages != ("report",) or (parent := _source(run).parent) is None:
        return None
    files = recorded_files(run.runtime.store, run.runtime.lake, parent)
    if not files.parts("score"):
        return None
    if files.input_headers():
        run.files.copy_input(files.input_path())
    return files


def _source(run: UnitRun) -> Source:
    recorded, _ = run.runtime.store.asked(run.job_id)
    return read_source(recorded, run.runtime.lake.job_dir(run.job_id) / "input")


def _write_first_manifest(run: UnitRun) -> None:
    """What the job is, in the lake from its first step: enough to resume it should its record get lost."""
    store = run.runtime.store
    record = (store.record(run.job_id) or JobRecord(run.job_id, {})).with_fields(run.outcome.fields)
    is_first = run.grant.attempt == 1 and not run.grant.wave
    units = {} if is_first else store.unit_states(run.job_id)
    files = files_of(run.runtime.lake, run.job_id, units, run.grant.stages)
    manifest = manifest_of(store, files, record, units, status="running", now=run.now)
    run.files.write_json("manifest.json", manifest)


def _nothing(plan: Plan) -> str:
    if not plan.bad:
        return "the input names no company"
    line = plan.bad.value(0, "line")
    where = f" (line {line})" if line else ""
    return f"the input names no company: {plan.bad.value(0, 'error')}{where}"


def resolve(run: UnitRun) -> Plan:
    """Companies of a job from its recorded source: URLs, CSV, search queries, ids, a parent job.

    The other columns of a CSV, or of the parent's, are written on the way.
    """
    runtime, reads = run.runtime, STAGES[run.grant.stages[0]].reads
    source = _source(run)
    plan = Plan(run.job_id)
    for url in source.company_urls:
        _add_url(plan, url)
    if source.file is not None:
        from pipelines.request.lists.company_list import CompanyList

        with local(source.file) as path:
            _add_lines(run, plan, CompanyList(path, source.column))
    if source.search_queries:
        for company in search(runtime.settings, runtime.lake, source.search_queries, source.max_results_per_query):
            plan.add(company)
    if source.parent:
        _add_parent(run, plan, source.parent, reads)
    if reads is None:
        _add_known(run, plan, source.company_ids)
    elif source.filter is not None:
        _add_filtered(run, plan, source.filter)
    elif not source.parent:
        _add_newest(run, plan, reads, source)
    return plan


def _add_url(plan: Plan, url: str) -> None:
    try:
        plan.add(company_of(url))
    except InputError as error:  # an earlier version may have taken it
        plan.add_failed("", shown_address(url)[:100], str(error))


def _add_lines(run: UnitRun, plan: Plan, lines: CompanyList) -> None:
    """Add the companies of a list, keep the values of its other columns, and tell how it was understood."""
    from pipelines.request.lists.tally import Tally

    tally = Tally()
    headers = dict.fromkeys(lines.understood.other_columns)
    with ExitStack() as held:
        writer: InputWriter | None = None
        for item in lines:
            tally.add(item, plan.url_of(item.company.company_id) if item.company else None)
            if item.company is None:
                plan.add_failed("", item.text[:100] or f"line {item.line}", item.error or "", line=item.line)
            else:
                plan.add(item.company, item.line)
            if item.values:
                headers.update(dict.fromkeys(item.values))  # a cell may stand beyond the header
                writer = writer or held.enter_context(run.files.write_input(list(headers)))
            if writer is not None:
                writer.add(item.company.company_id if item.company else "", item.line, item.values)
    if writer is not None:
        plan.input_headers = list(headers)
    run.outcome.doc["finding"] = json.dumps({"input": {**lines.understood.told(), **tally.told()}})


def _add_parent(run: UnitRun, plan: Plan, parent: str, reads: str | None) -> None:
    files = recorded_files(run.runtime.store, run.runtime.lake, parent)
    files.expose()  # its parts are read by a listing (`rows_from`), like those of any other job
    if headers := files.input_headers():
        plan.input_headers = headers
        run.files.copy_input(files.input_path())
    for row in _rows_of(files.plan_table()):
        if row["error"] is not None:
            plan.bad.add(row)
        else:
            # Rows of stages that the parent itself took from elsewhere stay there.
            own = not row["source_job"] or (reads and files.parts(reads))
            plan.add(
                CompanyUrl(row["company_id"], row["domain"], row["url"], row["bare"]),
                row["line"],
                parent if own else row["source_job"],
            )
            if row.get("further"):
                plan.merged.keep(plan.companies[row["company_id"]], row["further"])


def _add_known(run: UnitRun, plan: Plan, ids: Sequence[str]) -> None:
    """Companies to fetch again: their URL is the one they had last."""
    if not ids:
        return
    for company_id, row in _look_up(run, ids).items():
        plan.add(CompanyUrl(company_id, row["domain"], row["url"] or f"https://{row['domain']}/"))
    for company_id in dict.fromkeys(ids):
        if company_id not in plan.companies:
            plan.add_failed(company_id, company_id, "unknown company")


def _add_filtered(run: UnitRun, plan: Plan, wanted: LeadFilter) -> None:
    rows, of = filtered(run.runtime.store, run.runtime.lake, wanted)
    if not rows:
        raise WorkError(f"none of {of:,} companies with a score matches the filter: {wanted.told}", ErrorCategory.DATA)
    for row in rows:
        plan.add(CompanyUrl(row["company_id"], row["domain"], row["url"]), source_job=row["job_id"])
    run.outcome.doc["finding"] = json.dumps({"filter": wanted.told, "matched": len(rows), "of": of})


def _look_up(run: UnitRun, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = {}
    for stage in MADE_AT:
        if unknown := [company_id for company_id in ids if company_id not in known]:
            known |= {row["company_id"]: row for row in run.runtime.lake.newest(stage, unknown)}
    return known


def _add_newest(run: UnitRun, plan: Plan, reads: str, source: Source) -> None:
    """A job that begins behind scrape: each company's newest row of the stage it reads. None named: every company."""
    further = [company_id for company_id in dict.fromkeys(source.company_ids) if company_id not in plan.companies]
    given = plan.take()
    if not source.names_companies:
        for row in run.runtime.lake.newest(reads):
            plan.add(CompanyUrl(row["company_id"], row["domain"], row["url"]), source_job=row["job_id"])
    for first in range(0, given.num_rows, LOOKED_UP):
        part = given.slice(first, LOOKED_UP)
        domains = zip(part["company_id"].to_pylist(), part["domain"].to_pylist(), strict=True)
        _add_newest_of(run, plan, reads, dict(domains))
    for first in range(0, len(further), LOOKED_UP):
        _add_newest_of(run, plan, reads, {i: i for i in further[first : first + LOOKED_UP]})


def _add_newest_of(run: UnitRun, plan: Plan, reads: str, wanted: Mapping[str, str]) -> None:
    """The same of some companies; `wanted`: id -> what an unknown one is called."""
    newest = {row["company_id"]: row for row in run.runtime.lake.newest(reads, list(wanted))}
    known = _look_up(run, [company_id for company_id in wanted if company_id not in newest])
    for company_id, called in wanted.items():
        if row := newest.get(company_id):
            plan.add(CompanyUrl(company_id, row["domain"], row["url"]), source_job=row["job_id"])
        elif found := known.get(company_id):
            plan.add_failed(company_id, found["domain"], STAGES[reads].lacks, url=found["url"])
        else:
            plan.add_failed(company_id, called, "unknown company")


def _rows_of(plan: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in plan.to_batches(max_chunksize=BATCH):
        yield from batch.to_pylist()
