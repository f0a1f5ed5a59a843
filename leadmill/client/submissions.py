# Made by `make client` from leadmill/client/asynchronous/submissions.py: edit that.
"""The submissions of the client: every call that makes a job, one method each. Options: `leadmill.client.options`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Unpack, cast

from leadmill.answers import ListPreview
from leadmill.client.job_handle import JobHandle
from leadmill.client.options import (
    CrawlJobOptions,
    KeyedOptions,
    ReportJobOptions,
    ReportType,
    RerunOptions,
    ScoreJobOptions,
    SubmitOptions,
    body,
)
from leadmill.client.protocol import segment
from leadmill.client.transport import Transport
from leadmill.errors import InputError


class Submissions:
    """Each call makes a job and returns its handle at once.

    Each may raise ApiError: refused, `field` says which entry is wrong; and TypeError: no such option.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(
        self,
        company_urls: Iterable[str] | None = None,
        *,
        csv: str | os.PathLike[str] | None = None,
        **options: Unpack[SubmitOptions],
    ) -> JobHandle:
        """Run a pipeline over companies named by URLs, searches, ids or a list: `csv`, a CSV or XLSX file.

        Raises:
            ApiError: refused; `field` says which entry is wrong.
            OSError: the file cannot be read.
        """
        return self._submit("/pipelines", {"company_urls": company_urls}, options, SubmitOptions, csv=csv)

    def preview(self, csv: str | os.PathLike[str], *, column: str | None = None) -> ListPreview:
        """What would be understood of a list, without a job: column, delimiter, counts, reasons with examples.

        Raises:
            OSError: the file cannot be read.
        """
        content = {} if column is None else {"column": column}
        found = self._transport.submit("/pipelines/preview", content, csv=csv)
        return cast(ListPreview, found)

    def rerun(self, job_id: str, from_stage: str, **options: Unpack[RerunOptions]) -> JobHandle:
        """A new job that takes the parent's parts up to a stage and works from there."""
        path = f"/pipelines/{segment(job_id)}/rerun"
        return self._submit(path, None, options, RerunOptions, params={"from_stage": from_stage})

    def run_schedule(self, name: str, *, idempotency_key: str | None = None) -> JobHandle:
        """Submit what a schedule submits, now; its planned times stay as they are.

        `idempotency_key`: sent twice with the same one, it counts once; without one each call is a job.
        """
        answer = self._transport.submit(f"/schedules/{segment(name)}/run", None, key=idempotency_key)
        return JobHandle.of(self._transport, answer)

    def scrape_companies(self, company_urls: Iterable[str], **options: Unpack[CrawlJobOptions]) -> JobHandle:
        named = {"company_urls": company_urls}
        return self._submit("/jobs/scrape/companies", named, options, CrawlJobOptions)

    def scrape_company(self, company_url: str, **options: Unpack[CrawlJobOptions]) -> JobHandle:
        return self._submit("/jobs/scrape/company", {"company_url": company_url}, options, CrawlJobOptions)

    def scrape_batch(
        self,
        search_queries: Iterable[str],
        *,
        max_results_per_query: int | None = None,
        **options: Unpack[CrawlJobOptions],
    ) -> JobHandle:
        named = {"search_queries": search_queries, "max_results_per_query": max_results_per_query}
        return self._submit("/jobs/scrape/batch", named, options, CrawlJobOptions)

    def process(self, company_ids: Iterable[str], **options: Unpack[KeyedOptions]) -> JobHandle:
        return self.submit_kind("process", company_ids, **options)

    def enrich(self, company_ids: Iterable[str], **options: Unpack[KeyedOptions]) -> JobHandle:
        return self.submit_kind("enrich", company_ids, **options)

    def score(self, company_ids: Iterable[str], **options: Unpack[ScoreJobOptions]) -> JobHandle:
        return self._submit("/jobs/process/scores", {"company_ids": company_ids}, options, ScoreJobOptions)

    def report(
        self,
        company_ids: Iterable[str] = (),
        *,
        report_type: ReportType = "comprehensive",
        **options: Unpack[ReportJobOptions],
    ) -> JobHandle:
        """A report over companies already in the lake; none named: over all."""
        named = {"company_ids": company_ids, "report_type": report_type}
        return self._submit("/jobs/analytics/report", named, options, ReportJobOptions)

    def analyze(
        self,
        company_ids: Iterable[str] = (),
        *,
        report_type: ReportType = "comprehensive",
        **options: Unpack[KeyedOptions],
    ) -> JobHandle:
        """The figures of a report without its files."""
        named = {"company_ids": company_ids, "report_type": report_type}
        return self._submit("/jobs/analytics/analyze", named, options, KeyedOptions)

    def cleanup(self, older_than_days: int | None = None, **options: Unpack[KeyedOptions]) -> JobHandle:
        return self.submit_kind("cleanup", older_than_days=older_than_days, **options)

    def health_check(self, **options: Unpack[KeyedOptions]) -> JobHandle:
        return self.submit_kind("health_check", **options)

    def optimize_db(self, **options: Unpack[KeyedOptions]) -> JobHandle:
        return self.submit_kind("optimize_db", **options)

    def submit_kind(self, kind: str, company_ids: Iterable[str] | None = None, **options: Any) -> JobHandle:
        """Any kind that declares a route, by its name; beside `KeyedOptions` it takes those that it declares.

        Raises:
            InputError: there is no such kind here; a server may have more, by plug-ins.
        """
        from leadmill.declared import KINDS

        declared = KINDS.get(kind)
        if declared is None or not declared.route:
            known = ", ".join(name for name, one in KINDS.items() if one.route)
            raise InputError(f"no kind {kind[:40]!r} with a call of this form; there are: {known}", field="kind")
        own = {name: options.pop(name, None) for name in declared.options}
        params = {name: value for name, value in own.items() if value is not None}
        named = None if company_ids is None else {"company_ids": company_ids}
        return self._submit(f"/jobs/{declared.route}", named, options, KeyedOptions, params=params)

    def _submit(
        self,
        path: str,
        named: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        allowed: type,
        *,
        csv: str | os.PathLike[str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> JobHandle:
        content = body(named or {}, options, allowed)
        key = content.pop("idempotency_key", None)
        sent = None if named is None and not content else content
        answer = self._transport.submit(path, sent, key=key, csv=csv, params=params)
        return JobHandle.of(self._transport, answer)
