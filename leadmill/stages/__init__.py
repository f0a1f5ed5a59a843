"""The stages of jobs: each module here declares one, `STAGE`, as plain data, and whatever there is to know of it
follows: schemas, routes, canvas, progress, the words of the API, the client and the CLI.

To add one, put a module into this package, or register a `Stage` under the entry-point group `leadmill.stages` from
another distribution. Nothing else is edited (docs/extending.md). All of them together: `leadmill.declared`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from leadmill.plugins import ExtensionPoint


class Queue(StrEnum):
    """The queues, most urgent first."""

    #: Network-bound work: fetching pages.
    SCRAPING = "scraping"
    #: CPU-bound work on one partition, launch and score.
    PROCESSING = "processing"
    #: Reports and analysis.
    ANALYTICS = "analytics"
    #: Cleanup, statistics, health, optimisation.
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One kind of step of a job."""

    #: Also the name of its module or entry point; lower-case letters and underscores.
    name: str
    #: What it does, as `package.module:function`; imported by the process that runs it.
    work: str
    #: What the work is called with. `rows`: `work(rows, pages, *, now, on_progress) -> (rows, errors)`, with the rows
    #: of the stage before and the pages of their companies; `run`: `work(run)` (pipelines.execution.unit_run.UnitRun).
    takes: Literal["rows", "run"] = "rows"
    queue: Queue = Queue.PROCESSING
    #: What a unit of it is. `partition`: one of many, in a chain with its neighbours; `job`: once, after the
    #: partitions; `format`: once a report format, side by side.
    scope: Literal["partition", "job", "format"] = "partition"
    #: The stage that it comes directly behind in the pipeline; None: it is no stage of the pipeline.
    after: str | None = None
    #: The stage whose rows it reads. In the pipeline it follows from the order; None there: the plan itself.
    reads: str | None = None
    #: Columns that its rows have beside those of the stage before: name -> type (`data.schemas.TYPES`, or an alias of
    #: Arrow's like `int32`).
    columns: Mapping[str, str] = field(default_factory=dict)
    #: What names further ones that are found, as `package.module:function`: its answer is like `columns`. Whoever needs
    #: the schemas calls it, so it imports nothing heavy, and nothing of `data/`.
    more_columns: str = ""
    #: Rows of other kinds that its work makes: kind -> the option of the job that asks for them; empty: a later stage
    #: of the job does, by `reads_also`. The work is given a list of that name to add to.
    also: Mapping[str, str] = field(default_factory=dict)
    #: Rows of other kinds that its work is given, by that name, beside rows and pages; none where none are kept.
    #: `errors` are those of the crawl.
    reads_also: tuple[str, ...] = ()
    #: These columns stand before that one in the lake's order; empty: behind those of the other stages.
    columns_before: str = ""
    #: The column (a time) that tells when a row was made, and so which is a company's newest; empty: it makes no rows.
    made_at: str = ""
    #: What to say of a company that has no row of it, to a job that reads some.
    lacks: str = ""
    #: How many times `LEADMILL_TASK_TIME_LIMIT_S` a unit of it may take. What reads no strangers' pages but all rows of
    #: a job takes as long as there are rows.
    time_limit_factor: int = 1
    #: The name its unit has in the record, where it differs (`render:<format>` of stage `report`).
    unit: str = ""

    @property
    def unit_name(self) -> str:
        return self.unit or self.name

    @property
    def task(self) -> str:
        """Fixed name of its Celery task: a move of its work breaks no queued message."""
        return f"leadmill.{self.name}"


POINT = ExtensionPoint(package=__name__, group="leadmill.stages", attribute="STAGE", type=Stage)
