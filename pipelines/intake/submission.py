"""What a caller asks for, and the rules between its fields."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leadmill.errors import InputError
from leadmill.settings import get_settings
from pipelines.queues import Priority
from pipelines.request.asked import SIGNALS_OBEYED, USER_AGENT_REFUSED, RecordError, check_options
from pipelines.request.inputs import MAX_COLUMN, MAX_QUERIES, check_company_ids, check_urls
from pipelines.scoring.chosen import Chosen, choose
from pipelines.scoring.models import Models
from pipelines.stages import KINDS, OPTION_READERS, PIPELINE

MAX_TAGS = 20
#: A deadline in seconds, and a time to start at or to end by, lie at most so far ahead (seconds).
MAX_DEADLINE_S = 365 * 86_400
MAX_AHEAD_S = 3_653 * 86_400


@dataclass(frozen=True)
class Submission:
    """What a caller asks for, already of the right types; `check` holds the rules between the fields."""

    #: One of `leadmill.declared.KINDS`.
    kind: str
    company_urls: Sequence[str] = ()
    search_queries: Sequence[str] = ()
    max_results_per_query: int = 20
    company_ids: Sequence[str] = ()
    #: An uploaded CSV or XLSX file, on this machine until the submit returns.
    file: Path | None = None
    #: The header of the column in it that names the companies; None: it is found.
    column: str | None = None
    #: A job whose companies (and, for the stages before the first asked for, rows) are taken.
    parent: str | None = None
    #: Which companies of the lake (`reports.lead_filter.LeadFilter.given`); for a report over them.
    filter: Mapping[str, Any] = field(default_factory=dict)
    stages: Sequence[str] = ()
    #: crawl, report, scoring_model, icp and what maintenance calls take.
    options: Mapping[str, Any] = field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    tags: Sequence[str] = ()
    min_coverage: float | None = None
    deadline_s: float | None = None
    #: The deadline as a time (seconds since the epoch) instead; a repeated request then has the same body.
    deadline_at: float | None = None
    run_at: float | None = None
    idempotency_key: str | None = None
    #: Who is told of its end: channels by name, mail addresses; and a URL, by a signed webhook.
    notify: Sequence[str] = ()
    callback_url: str | None = None
    #: The id of the request that it came by, where its caller has named it.
    request_id: str | None = None

    def checked_stages(self) -> tuple[str, ...]:
        """The job's stages in their order.

        Raises:
            InputError: an unknown stage, or none.
        """
        if self.kind != "pipeline":
            return KINDS[self.kind].stage_names
        for i, name in enumerate(self.stages):
            if name not in PIPELINE:
                raise InputError(f"no stage {name[:40]!r}; there are: {', '.join(PIPELINE)}", field=f"stages[{i}]")
        wanted = tuple(name for name in PIPELINE if not self.stages or name in self.stages)
        gap = PIPELINE[PIPELINE.index(wanted[0]) : PIPELINE.index(wanted[-1]) + 1]
        if wanted != gap:
            missing = ", ".join(sorted(set(gap) - set(wanted)))
            raise InputError(f"stages must follow one another; missing between: {missing}", field="stages")
        return wanted

    def seconds_left(self) -> float | None:
        """From now to the deadline, or None without one."""
        return self.deadline_s if self.deadline_at is None else max(0.001, self.deadline_at - time.time())

    def check(self) -> None:
        """Raise InputError for the first rule that is broken."""
        if self.kind not in KINDS:
            raise InputError(f"no kind {self.kind[:40]!r}; there are: {', '.join(KINDS)}", field="kind")
        check_urls(self.company_urls)
        check_company_ids(self.company_ids)
        if self.column is not None and self.file is None:
            raise InputError("a column is one of an uploaded file; there is none", field="column")
        if self.column is not None and not 0 < len(self.column) <= MAX_COLUMN:
            raise InputError(f"a header has 1 to {MAX_COLUMN} characters", field="column")
        if len(self.search_queries) > MAX_QUERIES:
            raise InputError(f"more than {MAX_QUERIES} search queries", field="search_queries")
        for i, query in enumerate(self.search_queries):
            if not query.strip() or len(query) > 500:
                raise InputError("a search query has 1 to 500 characters", field=f"search_queries[{i}]")
        if len(self.tags) > MAX_TAGS or any(not tag or len(tag) > 60 for tag in self.tags):
            raise InputError(f"at most {MAX_TAGS} tags of 1 to 60 characters", field="tags")
        if self.min_coverage is not None and not 0 <= self.min_coverage <= 1:
            raise InputError("a share between 0 and 1", field="min_coverage")
        self._check_times()
        if self.filter and self.company_ids:
            raise InputError("give company_ids or a filter, not both", field="filter")
        self._check_options()
        self._check_manners()
        self._check_mail_to()
        self.chosen()
        if self.kind == "pipeline" and not (
            self.company_urls or self.search_queries or self.company_ids or self.file or self.parent
        ):
            raise InputError(
                "give company_urls, search_queries, company_ids or a CSV or XLSX file", field="company_urls"
            )

    def _check_options(self) -> None:
        try:
            check_options(dict(self.options))
        except RecordError as error:
            raise InputError(f"{error.field}: {error.what}", field=error.field) from error
        for name, readers in OPTION_READERS.items():
            if self.options.get(name) is not None and set(readers).isdisjoint(self.checked_stages()):
                raise InputError(f"the job has no stage {' or '.join(readers)}, which alone reads it", field=name)

    def chosen(self) -> Chosen:
        """The options as the record holds them, and what is kept of the scoring that they name.

        Raises:
            InputError: no such scoring model or profile, or no stage that reads them.
            ModelFileError: the operator's file of it is wrong.
        """
        if "score" in self.checked_stages():
            return choose(self.options, Models.of(get_settings()))
        for name in ("scoring_model", "icp"):
            if self.options.get(name) is not None:
                raise InputError("the job has no stage score, which alone reads it", field=name)
        return Chosen(dict(self.options), {})

    def _check_mail_to(self) -> None:
        if addresses := (self.options.get("report") or {}).get("mail_to"):
            from pipelines.notices.report_mail import check_mail_to

            # The call for a report alone has no object `report` around it.
            check_mail_to(get_settings(), addresses, "mail_to" if self.kind == "report" else "report.mail_to")

    def _check_manners(self) -> None:
        """Under which name to crawl, and what to leave aside, is the operator's affair.

        A rerun that fetches nothing may have inherited either.
        """
        crawl, settings = self.options.get("crawl") or {}, get_settings()
        if self.parent and "scrape" not in self.checked_stages():
            return
        if crawl.get("user_agent") and not settings.allow_user_agent:
            raise InputError(USER_AGENT_REFUSED, field="crawl.user_agent")
        if crawl.get("respect_signals") is False and settings.respect_signals:
            raise InputError(SIGNALS_OBEYED, field="crawl.respect_signals")

    def _check_times(self) -> None:
        if self.deadline_s is not None and not 0 < self.deadline_s <= MAX_DEADLINE_S:
            raise InputError(f"more than 0 and at most {MAX_DEADLINE_S:,} seconds (a year)", field="deadline")
        for name, at in (("deadline", self.deadline_at), ("run_at", self.run_at)):
            if at is not None and not 0 <= at <= time.time() + MAX_AHEAD_S:
                raise InputError("give a time since 1970 and within ten years from now", field=name)
