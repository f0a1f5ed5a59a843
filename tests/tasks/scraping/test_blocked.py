"""The block list on the running stack: by command and client, of jobs that come and of one that runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main
from cli.sample_sites.bulk import bulk_host
from cli.sample_sites.server import SampleServer
from leadmill import Client
from leadmill.settings import get_settings

BLOCKED, OTHER = bulk_host(90_001), bulk_host(90_002)


def test_a_blocked_domain_is_asked_by_nobody(
    client: Client, sites: SampleServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("LEADMILL_API_URL", client.base_url)
    get_settings.cache_clear()
    assert main(["block", f"www.{BLOCKED}", "--reason", "asked us to stop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["domain"] == BLOCKED
    try:
        job = client.submit([BLOCKED, OTHER], crawl={"max_pages": 1}, report={"formats": ["csv"]})
        job.wait(60)
        (error,) = job.errors()
        said = f"{BLOCKED} is on the block list of this installation: asked us to stop"
        assert (error["domain"], error["category"], error["error"]) == (BLOCKED, "data", said)
        assert not {host for host, _ in sites.hits if host == BLOCKED} and (OTHER, "/") in sites.hits
        assert [one["domain"] for one in client.blocks()] == [BLOCKED]
        assert main(["blocks"]) == 0 and "asked us to stop" in capsys.readouterr().out
        client.unblock(BLOCKED)
        client.block(domain=BLOCKED, reason="again")
        assert [one["reason"] for one in client.blocks()] == ["again"]
    finally:
        assert main(["unblock", BLOCKED]) == 0
    assert client.blocks() == []
