"""The enrich stage: industry, technologies, size, mail provider; the registry; and that a fault costs only itself."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings

from data.schemas import ERRORS, STAGE_SCHEMAS, table
from extraction import enrich
from extraction.budget import CompanyBudgets
from extraction.enrich import enrich_rows
from extraction.enrichers import (
    ENRICHERS,
    Column,
    Enricher,
    Outcome,
    added_columns,
    email_provider,
    industries,
    technologies,
)
from extraction.headcounts import sizes
from extraction.process import process_pages
from leadmill.plugins import ExtensionPoint, PluginError
from tests.extraction.conftest import NOW, make_company, make_page
from tests.extraction.test_process import CHARSETS, HTML


def run(pages, domain="acme-tools.com"):
    rows, _ = process_pages([make_company(domain)], pages, now=NOW, on_progress=lambda done: None)
    rows, errors = enrich_rows(rows, pages, now=NOW, on_progress=lambda done: None)
    assert table(rows, STAGE_SCHEMAS["enrich"], "job_x").num_rows == len(rows)
    assert table(errors, ERRORS, "job_x").num_rows == len(errors)
    return rows[0], errors


def shown_by(monkeypatch, *given):
    """Only these enrichers are there."""
    monkeypatch.setattr(ExtensionPoint, "all", lambda point: {enricher.name: enricher for enricher in given})


def facts_of(row, field):
    return [fact["value"] for fact in row["facts"] if fact["field"] == field]


def test_a_shop(stored):
    page = stored(
        "shop_home.html",
        domain="hollisbrook.co.uk",
        headers={"server": "cloudflare", "set-cookie": "_shopify_y, other"},
    )
    row, errors = run([page], "hollisbrook.co.uk")
    assert errors == []
    assert row["technologies"] == ["Cloudflare", "Google Tag Manager", "Shopify"]
    assert (row["employees_min"], row["employees_max"]) == (20, 49)
    assert facts_of(row, "employees") == ["20-49"]
    assert facts_of(row, "email_provider") == ["own_domain"]
    assert facts_of(row, "technology:shop") == ["Shopify"]
    assert row["enriched_at"] == NOW
    assert set(row) | {"job_id", "schema_version"} == set(STAGE_SCHEMAS["enrich"].names)


def test_a_german_manufacturer(stored):
    domain = "berger-feinmechanik.de"
    home = make_page("<title>Drehteile und Frästeile aus Aalen</title><p>Zerspanung seit 1954", domain=domain)
    row, _ = run([stored("imprint_de.html", domain=domain, path="/impressum", kind="imprint"), home], domain)
    assert row["industry"] == "Metal and components manufacturing"
    assert facts_of(row, "nace") == ["25.62"]
    assert (row["employees_min"], row["employees_max"]) == (85, 85)


@pytest.mark.parametrize(
    ("html", "industry"),
    [
        ("<title>Plumbing and drain cleaning in Toronto</title><p>Our plumbers fix heating too", "Building trades"),
        ("<title>Zahnarzt Dr. Weiß – Ihre Zahnarztpraxis</title><p>Implantate und mehr", "Dentists"),
        ("<title>Cabinet d'avocats à Lyon</title><p>Nos avocats", "Legal services"),
        (
            '<title>Hotel am See</title><p>Zimmer</p><script type=\'application/ld+json\'>{"@type":"Hotel"}</script>',
            "Hotels and accommodation",
        ),
        ("<title>Innux biometric</title><p>about us", None),
        ("<title>Hello</title>", None),
    ],
)
def test_industry(html, industry):
    assert run([make_page(html)])[0]["industry"] == industry


def test_industry_leaves_have_codes_and_keywords():
    leaves = industries.leaves()
    assert len(leaves) >= 40
    for leaf in leaves.values():
        assert len(leaf.nace) == 5 and leaf.nace[2] == "."
        assert leaf.naics.isdecimal() and len(leaf.naics) == 6
    assert all(entry["keywords"] for entry in industries._entries())


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("We have 120 employees", (120, 120)),
        ("more than 1,200 employees worldwide", (1200, None)),
        ("über 85 Mitarbeiter", (85, None)),
        ("85 engagierte Mitarbeiterinnen und Mitarbeiter", (85, 85)),
        ("plus de 3 000 collaborateurs", (3000, None)),
        ("11-50 employees", (11, 50)),
        ("200+ employees", (200, None)),
        ("más de 40 empleados", (40, None)),
        ("our team of 35 experts", (35, 35)),
        ("meer dan 60 medewerkers", (60, None)),
        ("a oficina tem 16 trabalhadores", (16, 16)),
        ("un equipo de entre 200 y 500 empleados", (200, 500)),
        ("between 50 and 80 employees", (50, 80)),
        ("crews that add up to 11-50 employees", (11, 50)),
        ("a team of 30 vets, nurses and a cat", (30, 30)),
        ("in einem Team von 14 Planerinnen", (14, 14)),
        ("une équipe de 35 personnes", (35, 35)),
        ("従業員数 118名", (118, 118)),
        ("a team of 30 years of experience", None),
        ("our team of 20", (20, 20)),
        ("46.000 Beschäftigte", (46000, 46000)),
        ("for companies with up to 50 employees", None),
        ("10,000 people visited the fair", None),
        ("in 1998 employees met", None),
        ("$500 people", None),
        ("trained 300 professionals", None),
        ("1 employees", None),
    ],
)
def test_company_size(text, size):
    assert next((found for found, _ in sizes(text, "", True)), None) == size


def test_company_size_in_a_table(page):
    for html in ("<table><td>従業員数<td>118名</table>", "<dl><dt>Mitarbeiter:<dd>ca. 118</dl>", "<p>Employees: 118"):
        row, _ = run([page(html)])
        assert (row["employees_min"], row["employees_max"]) == (118, 118), html
    for html in ("<p>Employees<p>118 Main Street", "<p>Employees<p>call<p>118"):
        assert run([page(html)])[0]["employees_min"] is None


@pytest.mark.parametrize(
    ("emails", "kind"),
    [
        (["a@acme.com"], "own_domain"),
        (["a@mail.acme.com", "b@gmail.com"], "own_domain"),
        (["b@gmail.com", "c@other.com"], "free"),
        (["c@other.com"], "other"),
        ([], "none"),
    ],
)
def test_email_provider(emails, kind):
    assert email_provider.provider(emails, "acme.com") == kind


#: One page or header for each way a rule can match, and for what sales asks most.
TECHNOLOGIES = [
    ("<script src='//cdn.shopify.com/x.js'>", {}, "Shopify"),
    ("<link href='/wp-content/plugins/woocommerce/a.css'>", {}, "WooCommerce"),
    ("<meta name=generator content='WordPress 6.5'>", {}, "WordPress"),
    ("<meta name=generator content='TYPO3 CMS'>", {}, "TYPO3"),
    ("", {"set-cookie": "PrestaShop-abc"}, "PrestaShop"),
    ("", {"x-magento-vary": "1"}, "Magento"),
    ("<html data-wf-site=1>", {}, "Webflow"),
    ("<script src='https://js.hs-scripts.com/1.js'>", {}, "HubSpot"),
    ("<script src='//js-eu1.hs-scripts.com/1.js'>", {}, "HubSpot"),
    ("<script src='https://connect.facebook.net/pl_PL/fbevents.js'>", {}, "Meta Pixel"),
    ("<script src='https://snap.licdn.com/li.lms-analytics/insight.min.js'>", {}, "LinkedIn Insight Tag"),
    ("<link href='/static/version1700000000/frontend/a.css'>", {}, "Magento"),
    ("", {"server": "Microsoft-IIS/10.0"}, "IIS"),
    ("", {"server": "nginx/1.24"}, "Nginx"),
    ("", {"server": "Apache/2.4"}, "Apache HTTP Server"),
    ("<script src='https://widget.intercom.io/w'>", {}, "Intercom"),
    ("<script>var s='https://static.zdassets.com/ekr/snippet.js?key=1'</script>", {}, "Zendesk"),
    ("<script src='https://js.stripe.com/v3/'>", {}, "Stripe"),
    ("<script src='https://www.paypal.com/sdk/js?client-id=1'>", {}, "PayPal"),
    ("<script src='https://www.googletagmanager.com/gtag/js?id=G-1'>", {}, "Google Analytics"),
    ("<script src='https://www.googletagmanager.com/gtm.js?id=1'>", {}, "Google Tag Manager"),
    ("<script src='/piwik.js'>", {}, "Matomo"),
    ("<form action='https://acme.us1.list-manage.com/subscribe'>", {}, "Mailchimp"),
    ("<script src='https://consent.cookiebot.com/uc.js'>", {}, "Cookiebot"),
    ("", {"server": "cloudflare"}, "Cloudflare"),
    ("", {"via": "1.1 abc.cloudfront.net (CloudFront)"}, "Amazon CloudFront"),
    ("", {"server": "Vercel"}, "Vercel"),
    ("", {"x-powered-by": "PHP/8.2"}, "PHP"),
    ("<script src='/_next/static/x.js'>", {}, "Next.js"),
    ("<iframe src='https://www.youtube.com/embed/x'>", {}, "YouTube embed"),
    ("<script src='https://assets.calendly.com/x.js'>", {}, "Calendly"),
]


@pytest.mark.parametrize(("html", "headers", "name"), TECHNOLOGIES)
def test_technology(document, html, headers, name):
    assert name in {f.value for f in technologies.ENRICHER.look(document(html, headers=headers))}


@pytest.mark.parametrize(
    "html",
    [
        "<p>We love Shopify and WordPress",
        "<a href='https://cdn.shopify.com/'>x</a>",
        "<script src='https://notshopify.com/a.js'>",
        "<script src='/a.js?u=cdn.shopify.com'>",
        "<script src='https://www.googletagmanager.com/other.js'>",
        "<link href='/static/versioned-site-css/site.css'>",
    ],
)
def test_a_mention_is_no_technology(document, html):
    assert list(technologies.ENRICHER.look(document(html))) == []


def test_what_a_technology_never_comes_without_is_told_too(document):
    found = {f.value: f.confidence for f in technologies.ENRICHER.look(document("<script src='/_next/static/x.js'>"))}
    assert found.keys() == {"Next.js", "React"}
    assert found["Next.js"] > found["React"]


def test_rules_are_many_and_whole():
    rules = technologies.load_rules()
    assert len(rules.categories) >= 80
    wanted = {
        "shop",
        "cms",
        "crm",
        "chat",
        "payments",
        "analytics",
        "tag manager",
        "hosting",
        "cdn",
        "consent",
        "email marketing",
        "framework",
    }
    assert wanted <= set(rules.categories.values())
    assert technologies.categories(["Shopify", "Nothing"]) == {"Shopify": "shop"}


@pytest.mark.parametrize(
    "rule",
    [
        'name = "A"',
        'name = "A"\ncategory = "x"\nsource = "own"',
        'name = "A"\ncategory = "x"\nsource = "own"\nscripts = ["a"]',
        'name = "A"\ncategory = "x"\nsource = "own"\nimplies = ["A"]',
        'name = "A"\ncategory = "x"\nsource = "own"\npath = ["a"]\nimplies = ["B"]',
        "name =",
    ],
)
def test_a_broken_rule_file_is_refused(tmp_path, rule):
    file = tmp_path / "rules.toml"
    file.write_text(f"[[technology]]\n{rule}\n")
    with pytest.raises(ValueError):
        technologies.load_rules(file)


def test_an_enricher_that_fails_costs_its_own_columns_only(monkeypatch, stored):
    def fails(*_):
        raise RuntimeError("boom")

    for broken in (
        Enricher("bad", ("industry",), fails, lambda row, found: Outcome({}, [])),
        Enricher("bad", ("industry",), lambda page: (), fails),
    ):
        shown_by(monkeypatch, broken, technologies.ENRICHER)
        row, errors = run([stored("shop_home.html")])
        assert row["industry"] is None
        assert "Shopify" in row["technologies"]
        assert [(e["scope"], e["stage"], e["category"], e["error"]) for e in errors] == [
            ("page", "enrich", "system", "bad: RuntimeError: boom")
        ]


def seen(name: str, *columns: str) -> Enricher:
    """An enricher that brings these columns, `none` in each unless a page says otherwise."""
    return Enricher(
        name,
        tuple(Column(column, "text", default="none") for column in columns),
        lambda page: [page.found(name, page.url, "test", 1)] if "seen" in page.html else [],
        lambda row, found: Outcome(dict.fromkeys(columns, "seen") if found else {}, []),
    )


def test_a_column_that_an_enricher_brings_has_its_default(monkeypatch):
    def fails(*_):
        raise RuntimeError("boom")

    failing = Enricher("bad", (Column("own", "text", default="none"),), lambda page: (), fails)
    for enricher, page, value in (
        (seen("good", "own"), "<p>seen", "seen"),
        (seen("good", "own"), "<p>nothing", "none"),
        (failing, "<p>seen", "none"),
    ):
        shown_by(monkeypatch, enricher)
        company = make_company()
        (row,), _ = enrich_rows([company], [make_page(page)], now=NOW, on_progress=lambda done: None)
        assert row["own"] == value


def test_two_enrichers_may_not_bring_one_column(monkeypatch):
    shown_by(monkeypatch, seen("first", "own", "other"), seen("second", "third"))
    assert added_columns() == {"own": "text", "other": "text", "third": "text"}
    shown_by(monkeypatch, seen("first", "own"), seen("second", "own"))
    with pytest.raises(PluginError, match="'second': another one brings a column 'own'"):
        added_columns()
    shown_by(monkeypatch, seen("first", "emails"))
    with pytest.raises(PluginError, match="'first': column 'emails' is one of stage 'process'"):
        added_columns()


def test_a_company_without_pages_keeps_its_row():
    row = {
        "company_id": "comp_x",
        "domain": "a.com",
        "url": None,
        "emails": ["a@a.com"],
        "facts": [],
        "technologies": None,
    }
    (enriched,), errors = enrich_rows([row], [], now=NOW, on_progress=lambda done: None)
    assert (enriched["technologies"], enriched["industry"], errors) == ([], None, [])


@settings(max_examples=120, deadline=None)
@given(html=HTML, charset=CHARSETS)
def test_any_bytes_give_a_row_that_fits_the_schema(html, charset):
    row, errors = run([make_page(html, charset=charset, headers={"set-cookie": ";;,=", "server": ""})])
    assert errors == []
    assert 0 <= row["quality"] <= 1


@pytest.mark.parametrize(
    "text", ["1 " * 400_000, "employees " * 100_000, "1 employees " * 90_000, "hotel " * 150_000, "//a.b" * 200_000]
)
def test_hostile_text_is_read_in_bounded_time(page, text):
    started = time.process_time()
    run([page(f"<p>{text}<script>{text}</script>"), page("".join(f"<p>{text[:300]}" for _ in range(500)), path="/b")])
    assert time.process_time() - started < 12


def _only_backtracking():
    while True:
        re.match(r"(a+)+$", "a" * 60 + "b")


def test_a_page_too_costly_costs_the_page_and_not_the_row(monkeypatch):
    def costly(document):
        return _only_backtracking() if "hostile" in document.html else iter(())

    known = ENRICHERS.all().values()
    enricher = Enricher("costly", (), costly, lambda row, findings: Outcome({}, []))
    shown_by(monkeypatch, *known, enricher)
    monkeypatch.setattr(enrich, "CompanyBudgets", lambda: CompanyBudgets(page_s=0.05))
    shop = make_page("<script src='https://js.stripe.com/v3/'></script><p>hostile")
    row, (error,) = run([shop, make_page("<p>We are a team of 40 people")])
    assert (error["scope"], error["category"], error["error"]) == ("page", "data", "too costly to read")
    assert (row["technologies"], row["employees_min"]) == ([], 40)


def test_an_enricher_too_costly_to_settle_costs_its_own_columns(monkeypatch):
    enricher = Enricher("costly", ("industry",), lambda document: iter(()), lambda row, findings: _only_backtracking())
    others = [known for known in ENRICHERS.all().values() if known.name != "industries"]
    shown_by(monkeypatch, enricher, *others)
    monkeypatch.setattr(enrich, "SETTLE_S", 0.05)
    row, (error,) = run([make_page("<p>We are a team of 40 people")])
    assert (error["scope"], error["error"]) == ("page", "costly: too costly to read")
    assert (row["industry"], row["employees_min"]) == (None, 40)
