"""Jobs in every state, with names that do harm where a page lets them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from data import keys
from data.lake import UnitFiles
from data.schedules import ScheduleStore
from extraction.enrich import enrich_rows
from extraction.process import process_pages
from leadmill.ids import company_id
from pipelines.intake import schedules
from pipelines.intake.submission import Submission
from tests.api.conftest import Worker
from tests.extraction.conftest import NOW, make_company, make_page
from tests.plans import write_plan

#: Each breaks a page that does not escape it, or that is not wide enough.
HOSTILE = (
    "<script>document.title = 'taken'</script>",
    '"><img src=x onerror="document.title = \'taken\'">',
    "'-(document.title='taken')-'",
    "شركة " + "Donaudampfschifffahrtsgesellschaft",
    "{{ 7 * 7 }} {% raw %}",
)
#: A company whose pages are kept, and a page of it that tries to leave the frame it is shown in, to run, to load, to
#: send and to lead away, around a fact that is told far down.
KEPT = "kept.example"
HOSTILE_PAGE = (
    """<!doctype html><html lang=de><title>Kept GmbH</title><base href="https://evil.example/" target=_top>
<meta http-equiv=refresh content="0;url=https://evil.example/left"><meta http-equiv=Content-Security-Policy content="">
<link rel=stylesheet href=//evil.example/x.css><link rel=prefetch href=//evil.example/y><style>@import "//evil.example";
mark { display: none }</style></iframe></section></main>"><script>top.document.title = "taken"</script>
<img src=//evil.example/p.png onerror="top.document.title='taken'"><svg onload="top.document.title='taken'"></svg>
<iframe srcdoc="<script>top.document.title='taken'</script>"></iframe><object data=//evil.example/o></object>
<video autoplay src=//evil.example/v poster=//evil.example/i></video><body onload="top.document.title='taken'">
<form action=//evil.example/form id=place><input autofocus onfocus="submit()"></form><h1>Kept GmbH</h1>
<a href=javascript:top.document.title='taken' ping=//evil.example/ping>Kept GmbH</a>"""
    + 300 * ("<p>Wir machen dies und das, und noch etwas, seit vielen Jahren.</p>")
    + "<p>Gegründet 1987 in Stuttgart.</p><table><tr><td>Tel.<td>+49 711 218430</table><plaintext>"
    + "<script>x" * 9
)
_MISSING = [
    {"category": "network", "code": None, "error": "… does not answer", "count": 3, "example": "quiet.example"},
    {"category": "data", "code": "bot_wall", "error": HOSTILE[0], "count": 2, "example": "walled.example"},
]
RESULTS = (
    {"companies": 8, "good": 8, "missing": []},
    {"companies": 8, "good": 5, "missing": _MISSING[:1], "warnings": ["Bot walls keep us from 3 of 8 companies"]},
    {"companies": 10, "good": 5, "missing": _MISSING},
)


def fill(submit: Callable[..., str], worker: Worker) -> dict[str, str]:
    """Some of each status; job ids by what they are."""
    made: dict[str, str] = {}
    for n, tags in enumerate((["Autumn trade fair", "de"], ["customers.xlsx"], [HOSTILE[1], *HOSTILE[:1]])):
        made[f"completed {n}"] = submit(tags=tags, company_urls=[f"a{n}.example", f"b{n}.example"])
        worker.finish(made[f"completed {n}"], coverage=(1.0, 0.62, 0.5)[n], result=RESULTS[n])
    for n in range(3):
        made[f"failed {n}"] = submit(tags=[HOSTILE[n + 2]])
        worker.fail(
            made[f"failed {n}"], "launch", error=f"the list lines-{n}.csv cannot be read: line {n + 3} has {HOSTILE[0]}"
        )
        worker.publish(made[f"failed {n}"], "failed", 0.0)
    made["running"] = submit(tags=["Solar installers, Bavaria"])
    worker.launch(made["running"], partitions=8)
    worker.partitions(made["running"], "p0", "p1")
    worker.begin(made["running"], "p2")
    worker.fail(made["running"], "p3", final=True, error="the page took too long")
    domains = ["nordwind.example", "xn--mller-kva.example", "quiet.example"]
    worker.rows(made["completed 1"], "score", domains[:2], name=HOSTILE[0], emails=[f"info@{d}" for d in domains[:1]],
                phones=["+4922155512345"], score=81.5, tier="A", country="DE", technologies=["Shopify"])  # fmt: skip
    worker.error_rows(made["completed 2"], "scrape", domains)
    # Companies with fields that nobody has looked for yet, and that could not be looked for.
    worker.rows(made["running"], "process", ["halfway.example", "stuck.example"], name=HOSTILE[3], emails=[])
    worker.error_rows(made["running"], "enrich", ["stuck.example"])
    schedules.create(worker.store, worker.lake, "weekly", "0 7 * * 1", Submission("pipeline", ("acme.example",)),
                     datetime.now(UTC), "Europe/Berlin")  # fmt: skip
    ScheduleStore(worker.store).ticked("weekly", datetime.now(UTC), made["completed 0"])
    worker.store.redis.hset(worker.store.key(keys.SCHEDULES), HOSTILE[0], "{")  # something else has written it
    worker.store.critical("missed_ticks", {"name": HOSTILE[1], "missed": 3})
    made["pending"] = submit(tags=["waits"])
    made["cancelled"] = submit(tags=["given up"])
    worker.store.cancel(made["cancelled"])
    return made


def keep_pages(worker: Worker, job: str) -> None:
    """What a job that crawled and read `KEPT` leaves: two pages of it, and a row with its facts."""
    planned = {"company_id": company_id(KEPT), "domain": KEPT, "url": f"https://{KEPT}/", "bare": True, "partition": 7}
    write_plan(UnitFiles(worker.lake, job, "launch", "launch", 1), [planned])
    worker.lake.expose(job, "launch", "launch", 1)
    imprint = f"<p>Kept GmbH<p>Am Wehr 3<p>70173 Stuttgart<p>Mail: werk@{KEPT}".encode("utf-16")
    pages = [
        make_page(HOSTILE_PAGE, domain=KEPT),
        make_page(imprint, domain=KEPT, path=f"/{HOSTILE[0]}", kind="imprint", charset="utf-16"),
    ]
    company = make_company(KEPT, pages=2)
    rows, _ = process_pages([company], pages, now=NOW, on_progress=lambda done: None)  # type: ignore[list-item]
    enriched, _ = enrich_rows(rows, pages, now=NOW, on_progress=lambda done: None)  # type: ignore[arg-type]
    for stage, kind, found in (("scrape", "pages", pages), ("enrich", "rows", enriched)):
        files = UnitFiles(worker.lake, job, stage, "p7", 1, 7)
        files.write(found, kind)  # type: ignore[arg-type]
        worker.lake.expose(job, stage, "p7", 1)
