"""What a submission or a resume has to keep to: the stack's bound on live jobs, and the quotas of its project."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from data.jobs import Bounds, JobStore
from leadmill.quotas import Quotas
from leadmill.settings import Settings, get_settings
from pipelines.request.companies import company_of
from pipelines.stages import partition_stages


def default_quotas(settings: Settings) -> Quotas:
    """Those of a project that has none of its own."""
    return Quotas(**{name: getattr(settings, f"quota_{name}") for name in Quotas.names()})


def of_resume(store: JobStore) -> Bounds:
    """Of one live job more. What it counts for was counted when it was submitted."""
    return _bounds(store)


def of_submission(
    store: JobStore,
    stages: tuple[str, ...],
    *,
    company_urls: Iterable[str],
    company_ids: Iterable[str],
    parent: str | None,
    file: Path | None,
) -> Bounds:
    """Of a new job of these stages, with what it asks for as far as that is known before launch.

    Raises:
        UnavailableError: Redis does not answer.
    """
    bounds = _bounds(store)
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


def _bounds(store: JobStore) -> Bounds:
    settings = get_settings()
    return Bounds(settings.max_live_jobs, default_quotas(settings))


def _known_companies(store: JobStore, urls: Iterable[str], ids: Iterable[str], parent: str | None) -> int:
    """Of a list, a search, or all of the lake only launch can tell."""
    before = store.record(parent) if parent else None
    return len({company_of(url).company_id for url in urls} | set(ids)) + (before.companies if before else 0)
