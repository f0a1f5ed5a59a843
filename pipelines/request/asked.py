"""What a job was asked for, as its record says it: the one place where stages read that, and it is checked here.

The API and the client check what callers send; but a record lies in Redis, and whoever can write there can write
anything. So nothing in it names a file, a unit or a limit unchecked: a job whose record asks for what no submission can
ask for fails, and says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.jobs import Grant
from data.mounts import storage_at
from leadmill.errors import ErrorCategory, InputError, WorkError
from leadmill.ids import JOB_ID
from leadmill.mail_address import is_address
from pipelines.request.inputs import (
    LONG_LIST,
    MAX_COLUMN,
    MAX_INLINE,
    MAX_LONG_LIST,
    MAX_QUERIES,
    MAX_RESULTS,
    UPLOAD,
    WORKBOOK,
    check_company_ids,
)
from pipelines.stages import KINDS, PIPELINE, STAGES, is_unit, partition_number, partition_stages, stage_of
from reports.lead_filter import LeadFilter

MAX_FORMATS = 20
_WORD = re.compile(r"[\w.-]{1,100}\Z")
_CHOSEN = re.compile(r"[\w.-]{1,100}(?:@[0-9a-f]{8})?\Z")
_FORMAT = re.compile(r"[a-z0-9_]{1,20}\Z")


class RecordError(WorkError):
    """A record asks for what no submission can ask for; trying again changes nothing."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"the job's record is wrong: {field}: {what}"[:400], ErrorCategory.DATA)
        self.field, self.what = field, what


@dataclass(frozen=True)
class Source:
    """Where a job's companies come from."""

    company_urls: tuple[str, ...] = ()
    company_ids: tuple[str, ...] = ()
    search_queries: tuple[str, ...] = ()
    max_results_per_query: int = 20
    #: The uploaded CSV or XLSX file, and which of its columns the caller named.
    file: Path | None = None
    column: str | None = None
    #: The job whose plan is taken.
    parent: str | None = None
    #: Which companies of the lake, for a report over them.
    filter: LeadFilter | None = None

    @property
    def names_companies(self) -> bool:
        """Whether some are named, perhaps in vain; else those of the lake are meant."""
        return bool(self.company_urls or self.company_ids or self.search_queries or self.file)


def read_source(recorded: object, folder: Path) -> Source:
    """The source that a record holds, or that lies in the job's `input` folder under one of two fixed names.

    Raises:
        RecordError: it is none that a submission makes.
    """
    source = _mapping(recorded, "input")
    if "json" in source:
        source = _mapping(_long_list(source["json"], folder), "input")
        if not source.keys().isdisjoint({"json", "file"}):
            raise RecordError("input", f"{LONG_LIST} names another file")
    queries = _texts(source, "search_queries")
    if len(queries) > MAX_QUERIES or any(len(query) > 500 for query in queries):
        raise RecordError("search_queries", f"more than {MAX_QUERIES}, or a longer one than 500 characters")
    urls, ids = _texts(source, "company_urls"), _texts(source, "company_ids")
    if len(urls) > MAX_INLINE:  # what each of them is, is checked where it is read
        raise RecordError("company_urls", f"more than {MAX_INLINE}")
    try:
        check_company_ids(ids)
    except InputError as error:
        raise RecordError(error.field or "company_ids", str(error)) from error
    parent = source.get("parent")
    if parent is not None and not (isinstance(parent, str) and JOB_ID.match(parent)):
        raise RecordError("parent", f"{str(parent)[:60]!r} is no job's id")
    most = source.get("max_results_per_query", 20)
    if not _whole(1, MAX_RESULTS)(most):
        raise RecordError("max_results_per_query", f"not a number from 1 to {MAX_RESULTS}")
    column = source.get("column")
    if column is not None and not (isinstance(column, str) and 0 < len(column) <= MAX_COLUMN):
        raise RecordError("column", f"not a text of 1 to {MAX_COLUMN} characters")
    return Source(urls, ids, queries, most, _upload(source, folder), column, parent, _filter(source))


def _filter(source: Mapping[str, Any]) -> LeadFilter | None:
    if "filter" not in source:
        return None
    given = dict(_mapping(source["filter"], "filter"))
    lists = {
        name: _texts(given, name) for name in ("tier", "country", "industry", "technology", "language", "size", "has")
    }
    tag, least, text = given.get("tag"), given.get("min_score"), given.get("text", "")
    known = {*lists, "tag", "min_score", "text"}
    if not (given.keys() <= known and isinstance(tag, str | None) and isinstance(text, str)):
        raise RecordError("filter", "it has other fields, or of other types")
    if least is not None and not _number(0, 100)(least):
        raise RecordError("filter.min_score", "not a number from 0 to 100")
    return LeadFilter(tag=tag, min_score=least, text=text, **lists)


def _upload(source: Mapping[str, Any], folder: Path) -> Path | None:
    if "file" not in source:
        return None
    name = source["file"]
    if name not in (UPLOAD, WORKBOOK):
        raise RecordError("file", f"{str(name)[:60]!r} is neither {UPLOAD} nor {WORKBOOK}")
    return _own_file(folder / name)[0]


def _long_list(name: object, folder: Path) -> object:
    if name != LONG_LIST:
        raise RecordError("json", f"{str(name)[:60]!r} is not {LONG_LIST}")
    file, size = _own_file(folder / LONG_LIST)
    if size > MAX_LONG_LIST:
        raise RecordError("json", f"{LONG_LIST} is larger than {MAX_LONG_LIST:,} bytes")
    try:
        found = storage_at(folder).read(file)
        return json.loads(found.data if found else b"")
    except (ValueError, RecursionError) as error:
        raise RecordError("json", f"{LONG_LIST} is no JSON ({error})") from error


def _own_file(path: Path) -> tuple[Path, int]:
    """A file of the job itself, and its size: one that is somewhere else, and only linked here, is not."""
    state = storage_at(path.parent).stat(path)
    if state is None or path.is_symlink() or path.is_dir():  # a disk alone has such
        raise RecordError("input", f"{path.name} is not in the job's folder")
    return path, state.size


def _mapping(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RecordError(field, "not an object")
    return value


def _texts(source: Mapping[str, Any], field: str) -> tuple[str, ...]:
    value = source.get(field, ())
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise RecordError(field, "not a list of texts")
    return tuple(value)


# ---- options -------------------------------------------------------------------------------------------


def _whole(low: float, high: float) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _number(low: float, high: float) -> Callable[[object], bool]:
    def fits(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high

    return fits


def _formats(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) <= MAX_FORMATS
        and all(isinstance(one, str) and _FORMAT.match(one) for one in value)
        and len(set(value)) == len(value)
    )


def _word(value: object) -> bool:
    return isinstance(value, str) and _WORD.match(value) is not None


def _chosen(value: object) -> bool:
    """A name, with the digest of what is kept of it (`pipelines/scoring/chosen.py`)."""
    return isinstance(value, str) and _CHOSEN.match(value) is not None


def _header(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 300 and value.isascii() and value.isprintable()


#: How far and how long a crawl may go: lowest and highest value of each limit that a job may set.
CRAWL_LIMITS = {"max_pages": (1, 50), "max_depth": (0, 5), "deadline_s": (0.05, 60.0), "timeout_s": (0.05, 60.0)}

#: What is said to whoever names a User-Agent where the operator has not allowed it.
USER_AGENT_REFUSED = "another name than ours needs the operator's leave; set LEADMILL_ALLOW_USER_AGENT=1"
#: What is said to whoever wants to leave them aside where the operator has them obeyed.
SIGNALS_OBEYED = "this installation obeys what sites ask of robots (LEADMILL_RESPECT_SIGNALS=1); leave it out"

#: What each option may be; what is not named here, no stage reads.
_OPTIONS: dict[tuple[str, ...], Callable[[object], bool]] = {
    **{("crawl", name): (_whole if name.startswith("max_") else _number)(*at) for name, at in CRAWL_LIMITS.items()},
    ("crawl", "respect_robots"): lambda value: isinstance(value, bool),
    ("crawl", "respect_signals"): lambda value: isinstance(value, bool),
    ("crawl", "user_agent"): _header,
    ("extract", "people"): lambda value: isinstance(value, bool),
    ("report", "type"): _word,
    ("report", "formats"): _formats,
    ("report", "layout"): _word,
    ("report", "bom"): lambda value: isinstance(value, bool),
    ("report", "mail_to"): lambda value: isinstance(value, list) and all(map(is_address, value)),
    ("scoring_model",): _chosen,
    ("icp",): lambda value: isinstance(value, dict) or _chosen(value),  # as given, or as kept
}
_OPTIONS |= {(name,): _number(one.low, one.high) for kind in KINDS.values() for name, one in kind.options.items()}


def check_options(recorded: object) -> dict[str, Any]:
    """A job's options as they are, each that a stage reads within its bounds; which formats there are, render says.

    Raises:
        RecordError: one is not.
    """
    options = dict(_mapping(recorded, "options"))
    for path, fits in _OPTIONS.items():
        found: Any = options
        for name in path:
            found = _mapping(found, path[0]).get(name)
            if found is None:
                break
        if found is not None and not fits(found):
            raise RecordError(".".join(path), f"{str(found)[:80]!r} is not possible")
    return options


def asks_for(options: Mapping[str, Any], option: str) -> bool:
    """Whether a job's options (of `check_options`) switch one on, as `extract.people`."""
    found: Any = options
    for name in option.split("."):
        found = (found or {}).get(name)
    return found is True


def place_of(grant: Grant) -> tuple[int | None, str]:
    """The partition (None: the whole job) and the stage that a grant stands for.

    Raises:
        RecordError: the record's kind, stages or unit are none that there are.
    """
    if grant.kind not in KINDS:
        raise RecordError("kind", f"no kind {grant.kind[:40]!r}")
    order = [PIPELINE.index(name) if name in PIPELINE else -1 for name in grant.stages]
    unknown = [name for name in grant.stages if name not in STAGES or name in ("launch", "publish")]
    if unknown or order != sorted(set(order)):
        raise RecordError("stages", f"{','.join(grant.stages)[:80]!r} is no list of stages")
    number = partition_number(grant.unit)
    if number is None:
        if not is_unit(grant.unit):
            raise RecordError("close", f"no unit {grant.unit[:40]!r}")
        return None, stage_of(grant.unit).name
    chain = partition_stages(grant.stages)
    if not 0 <= grant.index < len(chain):
        raise RecordError("stages", f"no stage number {grant.index} in {','.join(chain)}")
    return number, chain[grant.index]


def document(text: str, field: str) -> dict[str, Any]:
    """A JSON object that a record holds as `text`; empty where it holds none.

    Raises:
        RecordError: it is none.
    """
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        raise RecordError(field, f"no JSON ({error})") from error
    return dict(_mapping(found, field))
