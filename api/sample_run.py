"""A run over the made-up sample sites, where `leadmill up` serves them beside this API: a click fills the dashboard."""

from __future__ import annotations

import secrets
from typing import Any

from api.context import Context
from leadmill.sample_sites import SampleSites, sample_sites

#: What names such a run in lists of jobs, and by what its leads are narrowed.
TAG = "sample sites"


def offered(here: Context) -> str | None:
    """For a form that starts one: sent twice, it makes one job. None: no sample sites are served here."""
    return secrets.token_urlsafe(12) if sample_sites(here.settings) else None


def asked_for(sites: SampleSites) -> dict[str, Any]:
    """The body of such a run."""
    return {"company_urls": list(sites.companies), "tags": [TAG]}
