"""What a job was asked for, as a request that would make the same one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from api.context import Context
from data.jobs import JobRecord
from leadmill.access import Role
from leadmill.declared import PIPELINE
from leadmill.errors import LeadmillError
from leadmill.log import get_logger
from pipelines.intake.report_on_demand import ReportForm
from pipelines.queues import Priority
from pipelines.request.asked import check_options, read_source
from pipelines.scoring.chosen import again

log = get_logger(__name__)

#: What a report is unless it is asked for otherwise.
_USUAL = {name: getattr(ReportForm("html"), name) for name in ("type", "layout", "bom")}
#: Addresses of a request that are told; how many are left out is said.
MOST_ADDRESSES = 200


class Asked(NamedTuple):
    """A request for a pipeline."""

    #: What `POST /pipelines` takes; without the address of a webhook, which may hold a secret.
    body: dict[str, Any]
    #: The name of the list that came with it.
    file_name: str | None
    #: Addresses that are not told.
    left_out: int


def asked(here: Context, record: JobRecord) -> Asked | None:
    """What a job was asked for, for who may ask for it; None where its record is gone, or it was no pipeline of
    companies.
    """
    if here.caller.role < Role.OPERATOR or record.archived or record.kind != "pipeline" or record.parent:
        return None
    source, spec = here.store.asked(record.job_id)
    folder = here.lake.job_dir(record.job_id) / "input"
    try:
        if not (isinstance(source, Mapping) and "json" in source):  # a long list is not read for this
            read_source(source, folder)
        options = again(check_options(spec), folder)
    except LeadmillError as error:
        log.debug("a job's request is not told", job=record.job_id, error=str(error))
        return None
    file = source.get("file")
    left_out = max(0, len(source.get("company_urls") or ()) - MOST_ADDRESSES)
    return Asked(_body(record, source, options), None if file is None else Path(str(file)).name, left_out)


def _body(record: JobRecord, source: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    named = {
        name: source[name] for name in ("company_urls", "search_queries", "company_ids", "column") if source.get(name)
    }
    if "company_urls" in named:
        named["company_urls"] = named["company_urls"][:MOST_ADDRESSES]
    if record.stages != PIPELINE:
        named["stages"] = list(record.stages)
    if record.priority != Priority.NORMAL:
        named["priority"] = Priority(record.priority).label
    report = {name: value for name, value in (options.get("report") or {}).items() if _USUAL.get(name) != value}
    options = {**options, "report": report}
    about = {"tags": list(record.tags), "min_coverage": record.min_coverage, "notify": list(record.notify)}
    if record.deadline_ms is not None:
        about["deadline"] = round((record.deadline_ms - record.created_ms) / 1000)
    return {**named, **{name: value for name, value in {**options, **about}.items() if value}}
