"""Pages that bring down the process that reads them, among innocent ones, on a real stack: each costs itself alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from extraction.budget import TOO_COSTLY
from pipelines.intake.submission import Submission
from tests.faults.proof import FACTOR, FaultSpine

pytestmark = pytest.mark.timeout(int(100 * FACTOR))

#: Domain → what its page /about (`/`: its home page) does to its reader.
HOSTILE = {
    "c01.example": ("/about", "scrape segv"),
    "c04.example": ("/", "scrape kill"),
    "c06.example": ("/about", "process segv"),
    "c09.example": ("/about", "process kill"),
    "c12.example": ("/about", "process endless"),
    "c15.example": ("/", "process memory"),
    "c18.example": ("/about", "enrich segv"),
    "c21.example": ("/", "settle kill"),
    "c24.example": ("/about", "scrape regex"),
    "c27.example": ("/about", "process regex"),
    "c30.example": ("/about", "enrich regex"),
}
#: Home pages made to be costly, which are read all the same.
COSTLY = {
    "d0.example": '<script type="application/ld+json">{"a":' + '"\\' * 150_000 + "</script>",
    "d1.example": "<!--><p>" + "<div>" * 295_000,
    "d2.example": "<svg><title>" + "<div>" * 295_000,
    "d3.example": "<optgroup>" * 140_000,
    "d4.example": "".join(f"<html a{number}=1>" for number in range(100_000)),
    "d5.example": ("<a" + "x" * 498) * 2_990,
    "d6.example": "<p>" + "".join(f"<font a={n}>" for n in range(1_000)) + "</p><p>x" * 100_000,
}
DOMAINS = [f"c{number:02}.example" for number in range(32)]


class Sites(BaseHTTPRequestHandler):
    """A forward proxy that answers for every site: a home page and the page that it links to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        host = str(parts.hostname)
        where, how = HOSTILE.get(host, ("", ""))
        said = f"<!-- crash: {how} -->" if parts.path == where else ""
        said += COSTLY.get(host, "") if parts.path == "/" else ""
        text = (
            f"<html><title>Firm {host}</title><body><h1>Firm {host} GmbH</h1><a href=/about>About us</a>"
            f"<a href=mailto:info@{host}>info@{host}</a>{said}</body></html>"
        )
        known = parts.path in ("/", "/about")
        body = text.encode() if known else b""
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Server(ThreadingHTTPServer):
    """One whose clients may die."""

    def handle_error(self, *_: object) -> None:
        """A process of ours went down and took its connections with it."""


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSpine]:
    sites = Server(("127.0.0.1", 0), Sites)
    threading.Thread(target=sites.serve_forever, daemon=True).start()
    env = {
        "LEADMILL_HTTP_PROXY": f"http://127.0.0.1:{sites.server_port}",
        "LEADMILL_TASK_MEMORY_LIMIT_MB": "500",
    }
    folder: Path = tmp_path_factory.mktemp("guilty")
    with FaultSpine(folder, workers=1, app="tests.faults.crashing_app", env=env) as stack:
        yield stack
    sites.shutdown()
    sites.server_close()


def test_a_page_that_kills_its_process_costs_itself_alone(spine: FaultSpine) -> None:
    job = spine.submit_job(
        Submission(
            "pipeline",
            company_urls=[f"http://{domain}/" for domain in DOMAINS],
            options={"report": {"formats": ["csv"]}, "crawl": {"max_pages": 3}},
        )
    )
    assert spine.wait(job, 90 * FACTOR) == ["completed"]
    units = spine.store.units(job)
    assert not [unit for unit in units.values() if unit["s"] == "f"], "a partition was set aside"
    assert not spine.store.criticals()
    lake = spine.lake
    scored = {row["domain"]: row for row in lake.iter_rows(lake.parts(job, "score"))}
    assert sorted(scored) == DOMAINS
    lost = {domain for domain, row in scored.items() if row["error"]}
    # A home page that cannot be looked at, or an only page that cannot be read, ends its company; no other is lost.
    assert lost == {"c04.example", "c21.example"}
    assert {scored[domain]["error"] for domain in lost} == {TOO_COSTLY}
    told = {
        (row["domain"], row["scope"], row["category"])
        for stage in ("scrape", "process", "enrich")
        for row in lake.iter_rows(lake.parts(job, stage, "errors"))
        if row["error"] == TOO_COSTLY
    }
    looked = {row["domain"] for row in lake.iter_rows(lake.parts(job, "process", "looks")) if row["versions"]}
    assert looked == set(DOMAINS) - lost, "what the enrichers saw of the other pages is kept"
    scopes = {domain: "company" if domain in lost else "page" for domain in HOSTILE}
    assert told == {(domain, scope, "data") for domain, scope in scopes.items()}
    assert not any(unit.get("b") for unit in units.values()), "an ended unit remembers pages"


def test_a_page_made_to_be_costly_is_read_and_costs_nobody_anything(spine: FaultSpine) -> None:
    domains = sorted([*COSTLY, "e0.example", "e1.example"])
    job = spine.submit_job(
        Submission(
            "pipeline",
            company_urls=[f"http://{domain}/" for domain in domains],
            options={"report": {"formats": ["csv"]}, "crawl": {"max_pages": 2}},
        )
    )
    assert spine.wait(job, 60 * FACTOR) == ["completed"]
    lake = spine.lake
    scored = {row["domain"]: row for row in lake.iter_rows(lake.parts(job, "score"))}
    assert sorted(scored) == domains
    assert {domain: row["error"] for domain, row in scored.items() if row["error"]} == {}
    for row in scored.values():
        assert row["name"] == f"Firm {row['domain']}"
        assert row["emails"] == [f"info@{row['domain']}"]
    units = spine.store.units(job).values()
    assert not [unit for unit in units if unit.get("a") or unit.get("p") or unit.get("l")], "a process died or lapsed"
