"""The submissions of the client: every call that makes a job, one method each."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from leadmill.client.job_handle import JobHandle
from leadmill.client.transport import Transport, segment
from leadmill.errors import InputError


class Submissions:
    """`options` everywhere: priority (high, normal, low), tags, min_coverage (0 to 1), deadline (seconds, or a time),
    run_at (a time), idempotency_key. Times are aware datetimes or ISO 8601 texts with a zone.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(
        self,
        company_urls: Iterable[str] | None = None,
        *,
        search_queries: Iterable[str] | None = None,
        max_results_per_query: int | None = None,
        company_ids: Iterable[str] | None = None,
        csv: str | os.PathLike[str] | None = None,
        stages: Iterable[str] | None = None,
        report: Mapping[str, Any] | None = None,
        crawl: Mapping[str, Any] | None = None,
        scoring_model: str | None = None,
        **options: Any,
    ) -> JobHandle:
        """Run a pipeline over companies named by URLs, searches, ids or a CSV file (sent as it is).

        Raises:
            ApiError: refused; `field` says which entry is wrong.
            OSError: the CSV cannot be read.
        """
        body = pipeline_body(
            company_urls=company_urls,
            search_queries=search_queries,
            max_results_per_query=max_results_per_query,
            company_ids=company_ids,
            stages=stages,
            report=report,
            crawl=crawl,
            scoring_model=scoring_model,
        )
        return self._submit("/pipelines", body, options, csv=csv)

    def rerun(self, job_id: str, from_stage: str, **options: Any) -> JobHandle:
        """A new job that takes the parent's parts up to a stage and works from there."""
        return self._submit(f"/pipelines/{segment(job_id)}/rerun", None, options, params={"from_stage": from_stage})

    def scrape_companies(self, company_urls: Iterable[str], **options: Any) -> JobHandle:
        return self._submit("/jobs/scrape/companies", {"company_urls": _list(company_urls)}, options)

    def scrape_company(self, company_url: str, **options: Any) -> JobHandle:
        return self._submit("/jobs/scrape/company", {"company_url": company_url}, options)

    def scrape_batch(
        self, search_queries: Iterable[str], *, max_results_per_query: int | None = None, **options: Any
    ) -> JobHandle:
        body = {"search_queries": _list(search_queries), "max_results_per_query": max_results_per_query}
        return self._submit("/jobs/scrape/batch", body, options)

    def process(self, company_ids: Iterable[str], **options: Any) -> JobHandle:
        return self.submit_kind("process", company_ids, **options)

    def enrich(self, company_ids: Iterable[str], **options: Any) -> JobHandle:
        return self.submit_kind("enrich", company_ids, **options)

    def score(self, company_ids: Iterable[str], **options: Any) -> JobHandle:
        return self._submit("/jobs/process/scores", {"company_ids": _list(company_ids)}, options)

    def report(
        self, company_ids: Iterable[str] = (), *, report_type: str = "comprehensive", **options: Any
    ) -> JobHandle:
        """A report over companies already in the lake; none named: over all."""
        body = {"company_ids": _list(company_ids), "report_type": report_type}
        return self._submit("/jobs/analytics/report", body, options)

    def analyze(
        self, company_ids: Iterable[str] = (), *, report_type: str = "comprehensive", **options: Any
    ) -> JobHandle:
        """The figures of a report without its files."""
        body = {"company_ids": _list(company_ids), "report_type": report_type}
        return self._submit("/jobs/analytics/analyze", body, options)

    def cleanup(self, older_than_days: int | None = None, **options: Any) -> JobHandle:
        return self.submit_kind("cleanup", older_than_days=older_than_days, **options)

    def health_check(self, **options: Any) -> JobHandle:
        return self.submit_kind("health_check", **options)

    def optimize_db(self, **options: Any) -> JobHandle:
        return self.submit_kind("optimize_db", **options)

    def submit_kind(self, kind: str, company_ids: Iterable[str] | None = None, **options: Any) -> JobHandle:
        """Any kind that declares a route, by its name; beside the common `options` it takes those that it declares.

        Raises:
            InputError: there is no such kind here; a server may have more, by plug-ins.
            ApiError: refused.
        """
        from leadmill.declared import KINDS

        declared = KINDS.get(kind)
        if declared is None or not declared.route:
            known = ", ".join(name for name, one in KINDS.items() if one.route)
            raise InputError(f"no kind {kind[:40]!r} with a call of this form; there are: {known}", field="kind")
        own = {name: options.pop(name, None) for name in declared.options}
        params = {name: value for name, value in own.items() if value is not None}
        body = None if company_ids is None else {"company_ids": _list(company_ids)}
        return self._submit(f"/jobs/{declared.route}", body, options, params=params)

    def _submit(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        *,
        csv: str | os.PathLike[str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> JobHandle:
        given = dict(options)
        key = given.pop("idempotency_key", None)
        content = _sent({**(body or {}), **given})
        sent = None if body is None and not content else content
        answer = self._transport.submit(path, sent, key=key, csv=csv, params=params)
        return JobHandle.of(self._transport, answer)


def pipeline_body(
    *,
    company_urls: Iterable[str] | None = None,
    search_queries: Iterable[str] | None = None,
    max_results_per_query: int | None = None,
    company_ids: Iterable[str] | None = None,
    stages: Iterable[str] | None = None,
    report: Mapping[str, Any] | None = None,
    crawl: Mapping[str, Any] | None = None,
    scoring_model: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The body of POST /pipelines: what was given, and nothing else."""
    body = {
        "company_urls": _list(company_urls),
        "search_queries": _list(search_queries),
        "max_results_per_query": max_results_per_query,
        "company_ids": _list(company_ids),
        "stages": _list(stages),
        "report": report,
        "crawl": crawl,
        "scoring_model": scoring_model,
    }
    return _sent({**body, **options})


def _sent(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as JSON takes it: without what is None, times as text. InputError for a number that is none."""
    for name, value in body.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{name}: not a number: {value}", field=name)
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in body.items()
        if value is not None
    }


def _list(values: Iterable[str] | None) -> list[str] | None:
    if values is None:
        return None
    if isinstance(values, str):
        raise TypeError("a list of texts is wanted, not one text")
    return list(values)
