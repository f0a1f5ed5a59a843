"""A host that says "later", on the running stack: by the client and the command, beside neighbours and another job."""

from __future__ import annotations

import time
from typing import Any

import pytest

from cli.main import main
from cli.sample_sites.bulk import bulk_host
from cli.sample_sites.server import SampleServer
from cli.sample_sites.sites import Answer
from leadmill import Client
from leadmill.settings import get_settings

SHY, OTHERS, NEXT = bulk_host(91_001), [bulk_host(n) for n in (91_002, 91_003)], bulk_host(91_004)
#: What it asks for, seconds: longer than the crawl.
PAUSE = 5
CRAWL: Any = {"deadline_s": 3.0, "max_pages": 1}


def test_its_company_comes_last_and_nobody_waits_with_it(
    client: Client, sites: SampleServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[float] = []
    answer = sites._answer

    async def shy_at_first(request: Any) -> Answer:
        if request.host != SHY or request.method != "GET" or request.path == "/robots.txt":
            return await answer(request)
        asked.append(time.monotonic())
        return Answer(429, headers=(("Retry-After", str(PAUSE)),)) if len(asked) == 1 else await answer(request)

    monkeypatch.setattr(sites, "_answer", shy_at_first)
    monkeypatch.setenv("LEADMILL_API_URL", client.base_url)
    get_settings.cache_clear()
    job = client.submit([f"http://{host}" for host in (SHY, *OTHERS)], crawl=CRAWL, report={"formats": ["csv"]})
    until = time.monotonic() + 30
    while (seen := job.status()).status != "retry":
        assert time.monotonic() < until and seen.status not in ("completed", "failed"), seen
        time.sleep(0.05)
    assert {company["domain"] for company in client.companies(job=job.id)} == set(OTHERS), "seen at once"
    assert str(seen.waiting_for).startswith("1 company waits until ")
    assert main(["status", job.id]) == 0 and "as its host asked (wave 1 of 3)" in capsys.readouterr().out
    assert [error["domain"] for error in job.errors() if error["deferred_until"]] == [SHY]
    beside = client.submit([f"http://{NEXT}"], crawl=CRAWL, report={"formats": ["csv"]})
    assert beside.wait(60).status == "completed"
    ended = job.wait(60)
    assert (ended.status, ended.coverage) == ("completed", 1)
    assert len(asked) == 2 and asked[1] - asked[0] >= PAUSE - 0.1
    leads = [company["domain"] for company in client.companies(job=job.id)]
    assert sorted(leads) == sorted([SHY, *OTHERS]), "each once"
    assert list(job.errors()) == []
