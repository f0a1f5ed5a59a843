"""The HTML report: nothing from outside gets out of its place, the page stays small, and it says what is so."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.environment import TEMPLATES
from reports.page_policy import policy, policy_served
from reports.render import render
from reports.report_types import REPORT_TYPES
from tests.reports.conftest import JOB, bad, final_rows, good, part, write_rows

#: All that our own templates and charts write.
TAGS = set(
    "html head meta title style script body header div svg path rect h1 p span code bdi main section h2 ul li b small "
    "strong table thead tbody tr th td figure figcaption details summary i a h3 h4 h5 dl dt dd form label input "
    "fieldset legend button select option output footer".split()
)


class Page(HTMLParser):
    """Collects tags, attributes and text; every tag must be ours."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.hrefs: list[str] = []
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.hrefs += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def html(
    tmp_path: Path, con: Any, content: list[dict[str, Any]], report_type: str = "comprehensive", **job: Any
) -> str:
    out = tmp_path / "report.html"
    source = [write_rows(tmp_path / "rows.parquet", content)] if content else []
    render("html", rows=source, job={**JOB, **job}, report_type=report_type, out=out, con=con)
    return out.read_text(encoding="utf-8")


def assert_contained(text: str) -> Page:
    page = Page(text)
    assert set(page.tags) <= TAGS
    assert not {name for name in page.attributes if name.startswith("on")}
    assert text.count("<script>") == page.tags.count("script") == 1
    assert all(re.match(r"(https?://|mailto:|tel:|#)", href) for href in page.hrefs)
    return page


@pytest.mark.parametrize("report_type", REPORT_TYPES)
def test_hostile_rows_stay_text(tmp_path: Path, con: Any, report_type: str) -> None:
    text = html(tmp_path, con, final_rows(), report_type)
    page = assert_contained(text)
    assert "javascript:" not in " ".join(page.hrefs)
    assert "bcc" not in " ".join(page.hrefs)
    assert "\"default-src 'none'; script-src 'sha256-" in text[:256]


def test_umlauts_of_domains_are_read_and_deceivers_are_not(tmp_path: Path, con: Any) -> None:
    names = {"xn--mnchen-3ya.de": "münchen.de", "xn--80ak6aa92e.com": "xn--80ak6aa92e.com"}
    rows = [good(domain, 50, name="", url=f"https://{domain}/") for domain in names]
    text = html(tmp_path, con, [*rows, bad("xn--kln-sna.de", "network", "timed out")])
    page = Page(text)
    for domain, shown in names.items():
        assert f'<a href="https://{domain}/">{shown}</a>' in text and f"#{domain}" in page.hrefs
    assert "köln.de" in page.text and 'title="xn--mnchen-3ya.de"' in text


FIELDS = ["name", "description", "industry", "country", "url", "contact_url", "domain", "error"]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    trap=st.sampled_from(
        ["<img src=x onerror=y>", '"><xss>', "'onload='z", "</style><xss>", "&lt;", "]]><xss>", "{{7*7}}"]
    ),
)
def test_no_value_of_a_row_appears_unescaped(tmp_path: Path, con: Any, value: str, trap: str) -> None:
    hostile = f"{value}{trap}"
    row = good("a.com", 50, **dict.fromkeys(FIELDS[:-2], hostile), emails=[hostile], phones=[hostile])
    row |= {"technologies": [hostile], "social": {hostile[:20]: hostile}, "language": hostile}
    row |= {"contributions": [part(hostile, hostile, 5, hostile)], "model_version": hostile}
    fact = {"field": "emails", "value": hostile, "source": hostile, "method": hostile, "confidence": 0.5}
    row |= {"facts": [fact | {"quote": hostile}, fact | {"field": "name", "words": [hostile, hostile]}]}
    failed = bad(hostile, hostile, hostile)
    for report_type in ("comprehensive", "quality"):
        page = assert_contained(html(tmp_path, con, [row, failed], report_type, title=hostile, tags=[hostile]))
        assert "49" not in page.text


def test_opens_with_warnings_then_counts_then_leads_then_failures(tmp_path: Path, con: Any) -> None:
    text = html(tmp_path, con, final_rows())
    places = [
        text.index(f'aria-label="{label}"')
        for label in ("Warnings", "Counts", "Ranked leads", "Charts", "Failures by cause")
    ]
    assert places == sorted(places)
    assert "25 % of the companies could not be read (3 of 12)" in text
    assert "All 9 leads." in text
    order = [text.index(f">{domain}<") for domain in ("best.de", "same-c.com", "same-a.com", "same-b.com")]
    assert order == sorted(order)
    assert "<b>−8</b> Little found" in text


def test_a_lead_has_all_of_its_contacts_and_where_each_was_found(tmp_path: Path, con: Any) -> None:
    emails = [f"person{n}@a.de" for n in range(12)]
    found = [(field, value) for field, values in (("phone", ["+4922155512345"]), ("email", emails)) for value in values]
    facts = [
        {
            "field": field,
            "value": value,
            "source": f"https://www.a.de/team/{n}",
            "method": "text",
            "confidence": 0.5,
            "quote": f'Mail "{n}" <b>an uns</b>',
        }
        for n, (field, value) in enumerate([*found, ("address", "Hauptstr. 5")])
    ]
    content = good("a.de", 50, emails=emails, phones=["+4922155512345"], fax=["+431234567"], country="DE", facts=facts)
    content["address"] = {"street": "Hauptstr. 5", "postcode": "50667", "city": "Köln"}
    content["input"] = [{"line": 3, "values": {"Record ID": "4711", "Note": ""}}]
    text = html(tmp_path, con, [content])
    for number, address in enumerate(emails, 1):
        title = f"“Mail &#34;{number}&#34; &lt;b&gt;an uns&lt;/b&gt;”"
        told = f'<li><a href="mailto:{address}">{address}</a> <small title="{title}"><a href="https://www.a.de/team/{number}">'
        assert f"{told}/team/{number}</a> · in the text, 50 % sure</small></li>" in text
    assert '<a href="tel:+4922155512345">0221 55512345</a> <small title=' in text
    assert "<bdi>Hauptstr. 5, 50667 Köln, Germany</bdi> <small title=" in text
    assert "Your list, line 3</h4><dl><dt>Record ID</dt><dd><bdi>4711</bdi></dd></dl>" in text


def test_fit_and_reach_are_told_apart(tmp_path: Path, con: Any) -> None:
    why = [part("v", "fit", -100, "outside DACH: excluded"), part("c", "fit", 0, "country not found")]
    text = html(tmp_path, con, [good("a.de", 40, fit=40, reach=85, contributions=why)])
    assert re.findall(r'class="axes">(\w+ \d+)', text) == ["fit 40", "reach 85"]
    assert '<li class=minus><b>−100</b> outside DACH: excluded</li><li class="absent">country not found</li>' in text
    assert "how well it fits" not in text and "The score is the fit" in text
    assert "how well it fits" in html(tmp_path, con, [good("a.de", 40, reach=85)])


#: Texts and what they stand on, by their variables in the style sheet.
STAND_ON = [
    ("ink", "page"), ("ink", "card"), ("ink", "mark"), ("ink", "track"), ("soft", "page"), ("soft", "card"),
    ("soft", "mark"), ("soft", "track"), ("link", "page"), ("link", "card"), ("link", "mark"), ("accent", "card"),
    ("headsoft", "head"), ("brand", "head"), ("on", "head"), ("on", "a"), ("on", "b"), ("on", "c"), ("on", "d"),
    ("plus", "card"), ("plus", "page"), ("minus", "card"), ("minus", "page"), ("plus", "mark"), ("minus", "mark"),
    ("warn", "warnbg"), ("card", "accent"),
]  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_every_text_can_be_read_on_its_ground(theme: str) -> None:
    """Contrast of at least 4.5 to 1 (WCAG 2, AA)."""
    style = (TEMPLATES / "report.css").read_text()
    palettes = [dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)]
    light, dark, paper = palettes
    colours = {"light": light, "dark": light | dark, "print": light | paper}[theme]

    def luminance(colour: str) -> float:
        digits = "".join(c * 2 for c in colour[1:]) if len(colour) == 4 else colour[1:]
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    contrasts = {}
    for text, ground in STAND_ON:
        low, high = sorted((luminance(colours[text]), luminance(colours[ground])))
        contrasts[text, ground] = (high + 0.05) / (low + 0.05)
    assert {pair: round(found, 2) for pair, found in contrasts.items() if found < 4.5} == {}


def test_one_of_a_kind_is_told_as_one(tmp_path: Path, con: Any) -> None:
    text = html(tmp_path, con, [good("a.de", 75, pages=1)])
    assert "Lead report – 1 lead<" in text.replace("&lt;i&gt;tag&lt;/i&gt;", "Lead report")
    assert "One lead." in text and "1 page read" in text and "<b>A</b> 1 lead <" in text
    assert not re.search(r"\b1 (leads|pages|companies)\b", text)


def test_page_stays_within_two_megabytes_and_says_what_it_holds(tmp_path: Path, con: Any) -> None:
    many = [good(f"c{n:05}.com", 50) for n in range(700)]
    text = html(tmp_path, con, many)
    assert f"The best {REPORT_TYPES['comprehensive'].leads_shown} of 700 leads" in text
    fat = '"<&' * 400
    worst = [
        good(f"c{n:05}.com", 50, name=fat, description=fat, industry=fat, technologies=[fat] * 20, emails=[fat] * 20,
             contributions=[part(fat, fat, 1, fat)] * 40, social={fat[n:]: fat for n in range(8)})
        for n in range(600)
    ]  # fmt: skip
    text = html(tmp_path, con, worst)
    assert len(text.encode()) < 2_000_000
    shown = text.count('class="lead" id=')
    assert 0 < shown < 500
    assert f"The best {shown} of 600 leads" in text
    assert f"{600 - shown} more leads in the data files" in text and "No lead on this page is like that." in text


def test_every_chart_is_a_table_of_its_numbers(tmp_path: Path, con: Any) -> None:
    rows = [good(f"c{n}.com", 50, language=tag) for n, tag in enumerate(("en", "en-US", "en_GB", "de-AT", None, "-"))]
    text = html(tmp_path, con, [*rows, *(good(f"d{n}.com", 50, country="GB") for n in range(200))])
    figures = dict(re.findall(r'<figure class="card (\w+)">(.*?)</figure>', text, re.S))
    assert {"scores", "fields", "languages", "countries"} <= set(figures)
    told = {
        name: [re.sub(r"<.*?>", " ", line).split() for line in re.findall(r"<tr>.*?</tr>", drawn)]
        for name, drawn in figures.items()
    }
    assert told["languages"] == [["English", "3", "1", "%"], ["German", "1", "under", "1", "%"]]
    assert told["countries"] == [["United", "Kingdom", "200", "97", "%"]]
    assert '<rect width="100.0%"' in figures["languages"] and '<rect width="33.3%"' in figures["languages"]


@pytest.mark.parametrize(
    ("content", "why", "todo"),
    [
        ([], "a set of companies that is empty", "leadmill run companies.csv"),
        ([bad("a.com", "network", "timed out")], "None of 1 company could be read", f"leadmill resume {JOB['job_id']}"),
        ([bad("a.com", "data", "robots")], "gave nothing to read: robots", "Check the addresses"),
        (
            [bad("a.com", "data", "it is parked (Sedo)") | {"error_code": "parked"}],
            "it is parked (Sedo)</",
            "in a browser",
        ),
    ],
)
def test_an_empty_report_says_why_and_what_to_do(
    tmp_path: Path, con: Any, content: list[dict[str, Any]], why: str, todo: str
) -> None:
    text = html(tmp_path, con, content)
    assert why in text
    assert todo in text


def test_rows_of_an_earlier_stage_can_be_shown(tmp_path: Path, con: Any) -> None:
    row = good("a.com", 1) | dict.fromkeys(("score", "tier", "probability", "contributions", "processed_at"))
    text = html(tmp_path, con, [row])
    assert "not scored" in text
    assert "e-mail not tried" in text
    assert "no score stage" in text


def test_times_and_a_partial_report_are_told(tmp_path: Path, con: Any) -> None:
    text = html(
        tmp_path,
        con,
        final_rows(),
        created_at=datetime(2026, 11, 24, 10, 30, tzinfo=timezone(timedelta(hours=1))),
        partial=True,
    )
    assert "Submitted 24 November 2026, 09:30 UTC" in text
    assert "A partial report" in text
    assert "A partial report" not in html(tmp_path, con, final_rows())


def test_a_page_is_served_with_its_own_script_and_no_other(tmp_path: Path, con: Any) -> None:
    html(tmp_path, con, [good("a.com", 50)])
    own = policy_served(tmp_path / "report.html")
    assert policy().split("; ")[1] in own and own.endswith("allow-popups-to-escape-sandbox allow-scripts")
    earlier = tmp_path / "earlier.html"
    earlier.write_text(f"<!DOCTYPE html>{' ' * 300}<title>{policy()}")
    assert "script" not in policy_served(earlier), "what stands behind the first bytes may come from outside"
