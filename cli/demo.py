"""`leadmill demo`: the main job on made-up company sites of this machine, through the public API.

It has a data folder and a key prefix of its own, so that it never meets real data. The sites are served
behind a forward proxy; the job goes in by REST; the rows that come out are compared with what the sites say.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from cli import console
from cli.demo_check import Comparison, compare
from cli.failure import Exit
from cli.interrupts import Stopped, orderly_end
from cli.job_end import report_files
from cli.local_stack.stack import LocalStack
from cli.progress import closing_line, follow
from cli.sample_sites.server import SampleServer
from cli.sample_sites.truth import company_urls, expected
from leadmill.client import Client
from leadmill.setting_sources import run_dir_of
from leadmill.settings import get_settings
from reports.reader import Lake
from reports.wording import NO_PROFILE

SHOWN_LEADS = 10
SHOWN_REASONS = 3
SHOWN_FAULTS = 20


def run_demo(data_dir: Path, *, workers: int | None, as_json: bool) -> int:
    """Run it all; the exit code is 0 only when every company came out as its site says."""
    began = time.monotonic()
    try:
        with SampleServer() as sites:
            env = {
                "LEADMILL_HTTP_PROXY": sites.url,
                "LEADMILL_KEY_PREFIX": f"{get_settings().key_prefix}demo:",
                "LEADMILL_RUN_DIR": str(run_dir_of(data_dir)),
            }
            stack = LocalStack(data_dir, workers=workers, env=env, say=console.note)
            console.note("starting Redis, two workers, beat and the API …")
            with orderly_end(stack), stack, Client(stack.api_url) as client:
                code = _run_job(client, data_dir, stack, as_json=as_json)
                console.note(f"Demo took {console.duration(time.monotonic() - began)}; stopping …")
    except Stopped:
        console.note("demo stopped")
        return Exit.INTERRUPTED
    return code


def _run_job(client: Client, data_dir: Path, stack: LocalStack, *, as_json: bool) -> int:
    urls = company_urls()
    console.note(f"ready at {stack.api_url}; submitting {len(urls)} sample URLs")
    handle = client.submit(urls, report={"type": "leads", "formats": ["html", "csv"], "layout": "crm"}, tags=["demo"])
    job = follow(client, handle.id, check=stack.check_alive)
    made = Lake(data_dir).job(job.id)
    rows = list(made.companies())
    reports = report_files(data_dir, job.id)
    compared = compare(rows, expected())
    if job.status != "completed":
        reason = (job.error or {}).get("message") or "no reason given"
        compared.faults.insert(0, f"the job ended {job.status}: {reason}")
    if not {".html", ".csv"} <= {path.suffix for path in reports}:
        compared.faults.append("the HTML or CSV report is missing")
    best = best_leads(made.leads())
    if as_json:
        console.json_result(
            {
                "job": job.raw,
                "leads": best,
                "faults": compared.faults,
                "differences": compared.differences,
                "report_files": [str(path) for path in reports],
            }
        )
    else:
        _tell_leads(best)
        for path in reports:
            console.result(str(path))
    if best:
        console.note(NO_PROFILE)
    console.note(closing_line(job))
    return _verdict(compared, len(rows))


def _verdict(compared: Comparison, companies: int) -> int:
    wrong = [*compared.faults, *compared.differences]
    for sentence in wrong[:SHOWN_FAULTS]:
        console.note(f"wrong: {console.clean(sentence)}")
    if len(wrong) > SHOWN_FAULTS:
        console.note(f"wrong: {len(wrong) - SHOWN_FAULTS} more")
    right = compared.compared - len(compared.differences)
    fields = f"{right} of {console.plural(compared.compared, 'field')} right"
    faults = console.plural(len(compared.faults), "fault")
    console.note(f"checked {console.plural(companies, 'company')} against their sites: {fields}, {faults}")
    return Exit.OK if compared.passed else Exit.JOB_FAILED


def best_leads(ranked: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The first of the leads, each with the rules that moved it most."""
    return [
        {
            "rank": rank,
            "score": round(row["score"], 1),
            "tier": row["tier"],
            "company": row["name"] or row["domain"],
            "domain": row["domain"],
            "country": row["country"],
            "why": _why(row["contributions"] or []),
        }
        for rank, row in enumerate(islice(ranked, SHOWN_LEADS), start=1)
    ]


def _why(contributions: Sequence[dict[str, Any]]) -> str:
    moved = sorted(contributions, key=lambda part: -abs(part["points"]))[:SHOWN_REASONS]
    return "; ".join(f"{part['points']:+.0f} {part['reason'] or part['rule']}" for part in moved)


def _tell_leads(leads: Sequence[dict[str, Any]]) -> None:
    names = ("rank", "score", "tier", "company", "country", "why")
    console.table(["#", *names[1:]], [[lead[name] for name in names] for lead in leads])
