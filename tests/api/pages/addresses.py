"""Every page of the dashboard, by an address of it; a page that is not among them fails `test_made.py`."""

from __future__ import annotations

from collections.abc import Callable

#: By the path of its route, addresses of it; they are given the ids of made-up jobs (`tests.api.pages.made`).
ADDRESSES: dict[str, Callable[[dict[str, str]], list[str]]] = {
    "/": lambda made: ["/"],
    "/ui/new": lambda made: ["/ui/new", "/ui/new?samples=1", *([f"/ui/new?job={made['completed 2']}"] if made else [])],
    "/ui/new/look": lambda made: [],
    "/ui/samples": lambda made: [],
    "/ui/leads": lambda made: ["/ui/leads", "/ui/leads?tier=A&tier=B&has=email&text=nobody%20is%20called%20so"],
    "/ui/leads/sql": lambda made: ["/ui/leads/sql?country=DE"],
    "/ui/sql": lambda made: [
        "/ui/sql",
        "/ui/sql?query=SELECT+domain,name,emails,facts,score,seen_at+FROM+companies",
    ],
    "/ui/companies/{company_id}": lambda made: [
        f"/ui/companies/{name}.example" for name in ("nordwind", "stuck") if made
    ],
    "/ui/companies/{company_id}/pages": lambda made: ["/ui/companies/nordwind.example/pages"] if made else [],
    # With pages that are kept, and what is in their frame: `test_stored_page.py`.
    "/ui/companies/{company_id}/stored": lambda made: ["/ui/companies/nordwind.example/stored"] if made else [],
    "/ui/companies/{company_id}/stored/frame": lambda made: [],
    "/ui/companies/{company_id}/history": lambda made: [
        f"/ui/companies/{name}.example/history" for name in ("nordwind", "stuck") if made
    ],
    "/ui/companies/{company_id}/refresh": lambda made: [],
    "/ui/companies/{company_id}/why": lambda made: [
        f"/ui/companies/{name}.example/why?field={field}"
        for name, field in (("nordwind", "emails"), ("stuck", "industry"))
        if made
    ],
    "/ui/jobs": lambda made: ["/ui/jobs", "/ui/jobs?status=failed&text=nobody%20has%20this"],
    "/ui/jobs/{job_id}": lambda made: [
        f"/ui/jobs/{made[name]}" for name in ("running", "failed 0", "completed 2") if made
    ],
    "/ui/jobs/{job_id}/companies": lambda made: [
        f"/ui/jobs/{made[name]}/companies" for name in ("pending", "completed 1") if made
    ],
    "/ui/jobs/{job_id}/errors": lambda made: [f"/ui/jobs/{made['completed 2']}/errors"] if made else [],
    "/ui/jobs/{job_id}/log": lambda made: [f"/ui/jobs/{made['failed 1']}/log"] if made else [],
    "/ui/jobs/{job_id}/rerun": lambda made: [],
    "/ui/schedules": lambda made: ["/ui/schedules"],
    "/ui/schedules/pause": lambda made: [],
    "/ui/schedules/resume": lambda made: [],
    "/ui/schedules/run": lambda made: [],
    "/ui/schedules/delete": lambda made: ["/ui/schedules/delete?name=weekly"] if made else [],
    "/ui/statistics": lambda made: ["/ui/statistics"],
    "/ui/health": lambda made: ["/ui/health"],
    # Alike whether there are jobs or not; with keys: the last test of test_in_browser.py.
    "/ui/models": lambda made: [] if made else ["/ui/models"],
    "/ui/keys": lambda made: [] if made else ["/ui/keys"],
    "/ui/keys/{key_id}/rotate": lambda made: [],
    "/ui/keys/{key_id}/revoke": lambda made: [],
    "/ui/audit": lambda made: [] if made else ["/ui/audit"],
    "/ui/jobs/act": lambda made: ["/ui/jobs/act?action=cancel&all=1", "/ui/jobs/act?action=resume&all=1&tag=nobody"],
}

#: What they begin with that are shown while Redis is away: the lake alone tells them.
OF_THE_LAKE = ("/ui/leads", "/ui/companies/")

#: What is shown also while Redis is away.
WITHOUT_REDIS = {
    "/ui/new",
    "/ui/new?samples=1",
    "/ui/health",
    "/ui/schedules/delete?name=weekly",
    *ADDRESSES["/ui/sql"]({}),  # it asks the lake alone
}


def of_all(made: dict[str, str]) -> list[str]:
    """Each address."""
    return [address for some in ADDRESSES.values() for address in some(made)]
