"""What a submission or a resume has to keep to: the stack's bound on live jobs, and the quotas of its project."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from data.jobs import Bounds, JobStore
from data.lake import Lake
from data.project_quotas import default_quotas, project_quotas
from leadmill.settings import get_settings
from pipelines.request.companies import company_of
from pipelines.stages import partition_stages


def of_resume(store: JobStore, lake: Lake) -> Bounds:
    """Of one live job more. What it counts for was counted when it was submitted.

    Raises:
        QuotasUnreadableError: what the project may have cannot be told.
    """
    return _bounds(store, lake)


def of_submission(
    store: JobStore,
    lake: Lake,
    stages: tuple[str, ...],
    *,
    company_urls: Iterable[str],
    company_ids: Iterable[str],
    parent: str | None,
    file: Path | None,
) -> Bounds:
    """Of a new job of these stages, with what it asks for as far as that is known before launch.

    Raises:
        QuotasUnreadableError: what the project may have cannot be told.
        UnavailableError: Redis does not answer.
    """
    bounds = _bounds(store, lake)
    if not bounds.quotas.set:
        return bounds
    size = 0 if file is None else file.stat().st_size
    asked = {"upload_bytes": size, "upload_bytes_per_day": size}
    if partition_stages(stages):
        companies = _known_companies(store, company_urls, company_ids, parent)
        asked |= {"companies_per_job": companies, "companies_per_day": max(1, companies)}
    if "scrape" in stages:
        asked["pages_per_day"] = 1
    return Bounds(bounds.max_live, bounds.quotas, asked)


def _bounds(store: JobStore, lake: Lake) -> Bounds:
    settings = get_settings()
    quotas = project_quotas(lake.data).of(store.project, default_quotas(settings))
    return Bounds(settings.max_live_jobs, quotas)


def _known_companies(store: JobStore, urls: Iterable[str], ids: Iterable[str], parent: str | None) -> int:
    """Of a list, a search, or all of the lake only launch can tell."""
    before = store.record(parent) if parent else None
    return len({company_of(url).company_id for url in urls} | set(ids)) + (before.companies if before else 0)
