"""What the client's calls take beside the options, on the real API."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from api.app import create_app
from leadmill import Client
from leadmill.client.errors import ApiError
from leadmill.settings import get_settings
from reports.formats import FORMATS
from tests.api.test_events import Server
from tests.effects.conftest import Mill
from tests.tasks.scraping.hostile_server import HostileServer


@pytest.fixture
def api(mill: Mill) -> Iterator[str]:
    server = Server(create_app(get_settings()))
    yield server.url
    server.stop()


def test_base_url_and_headers(api: str) -> None:
    with (
        Client(api, headers={"X-Request-ID": "ours-1"}) as client,
        pytest.raises(ApiError) as raised,
    ):
        client.status("job_" + "0" * 20)
    assert client.base_url == api and raised.value.request_id == "ours-1"


@pytest.mark.stack
def test_timeout() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with Client(url, timeout=0.2, retries=0) as client, pytest.raises(ApiError):
            client.health()
        assert time.monotonic() - began < 10, "the usual timeout is three times that"


def test_limits_of_lists_and_events_after(api: str, mill: Mill, server: HostileServer) -> None:
    urls = [server.url(f"missing{n}") for n in range(3)]
    job = mill.run("/jobs/scrape/companies", {"company_urls": urls})
    with Client(api) as client:
        assert len(list(client.errors(job))) == 3 and len(list(client.errors(job, limit=2))) == 2
        events = list(client.events(job))
        later = list(client.events(job, after=events[0].id, silence_s=5))
        assert [event.id for event in later] == [event.id for event in events[1:]]


def test_a_report_in_another_form_and_by_a_job(
    api: str, mill: Mill, server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"company_urls": [server.url("plain"), server.url("missing")], "report": {"formats": ["csv"]}}
    job = mill.run("/pipelines", body)
    with Client(api) as client:
        handle = client.job(job)
        full = handle.report("csv", tmp_path / "full.csv").read_bytes()
        crm = handle.report("csv", tmp_path / "crm.csv", type="leads", layout="crm", bom=False).read_bytes()
        assert full.startswith(b"\xef\xbb\xbf") and not crm.startswith(b"\xef\xbb\xbf")
        assert full.partition(b"\n")[0] != crm.partition(b"\n")[0]
        assert (full.count(server.host("missing").partition(":")[0].encode()) > 0) and b"missing" not in crm
        monkeypatch.setitem(FORMATS._loaded, "json", replace(FORMATS.load("json"), rows_at_once=0))
        told: list[str] = []

        def made(report_job: str) -> None:
            told.append(report_job)
            Thread(target=mill.work, args=(report_job,)).start()

        assert handle.report("json", tmp_path / "made.json", on_wait=made).stat().st_size > 100
    assert len(told) == 1
