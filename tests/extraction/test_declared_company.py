"""One firm said in each syntax gives one row; several firms are kept apart, and the site's own is the company."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extraction.process import process_pages
from tests.extraction.conftest import NOW, make_company, make_page

ADDRESS = {"streetAddress": "Am Kai 7", "postalCode": "24103", "addressLocality": "Kiel", "addressCountry": "DE"}

AT_THE_QUAY = {"street": "Am Kai 7", "postcode": "24103", "city": "Kiel", "region": None, "country": "DE"}


def row_of(body: str, *, head: str = "", domain: str = "acme-tools.com") -> dict[str, Any]:
    page = make_page(f"<html><head>{head}</head><body>{body}</body></html>", domain=domain)
    (row,), errors = process_pages([make_company(domain)], [page], now=NOW, on_progress=lambda count: None)
    assert not errors
    return dict(row)


def script(*values: Any) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(value)}</script>' for value in values)


def firm(**said: Any) -> dict[str, Any]:
    return {"@context": "https://schema.org", "@type": "LocalBusiness", **said}


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("name", "phones", "fax", "emails", "address", "founded", "description")}


# The same firm, its founder within it, in each syntax. Open Graph knows no names, people or years.
SAID = "Boats and sails for the weekend, built by hand"
JSON_LD = script(
    firm(
        name="Segelhaus Kiel",
        description=SAID,
        telephone="+49 431 9037512",
        faxNumber="+49 431 9037513",
        email="mailto:post@segelhaus.example",
        foundingDate="1987-05-01",
        address={"@type": "PostalAddress", **ADDRESS},
        founder={
            "@type": "Person",
            "name": "Eva Ohnsorg",
            "telephone": "+49 431 9041177",
            "email": "eva@sail.example",
        },
    )
)
MICRODATA = (
    '<div itemscope itemtype="https://schema.org/LocalBusiness"><h1 itemprop="name">Segelhaus Kiel</h1>'
    f'<p itemprop="description">{SAID}</p><meta itemprop="foundingDate" content="1987-05-01">'
    '<a itemprop="telephone" href="tel:+494319037512">call</a><meta itemprop="faxNumber" content="+49 431 9037513">'
    '<a itemprop="email" href="mailto:post@segelhaus.example">write</a>'
    '<p itemprop="address" itemscope itemtype="https://schema.org/PostalAddress">'
    + "".join(f'<i itemprop="{name}">{said}</i> ' for name, said in ADDRESS.items())
    + '</p><p itemprop="founder" itemscope itemtype="https://schema.org/Person"><meta itemprop="name" '
    'content="Eva Ohnsorg"><meta itemprop="telephone" content="+49 431 9041177">'
    '<meta itemprop="email" content="eva@sail.example"></p></div>'
)
RDFA = MICRODATA
for microdata, rdfa in (
    ('itemprop="address" itemscope itemtype="https://schema.org/', 'property="schema:address" typeof="'),
    ('itemprop="founder" itemscope itemtype="https://schema.org/Person"', 'property="founder" typeof="Person"'),
    ('itemscope itemtype="https://schema.org/LocalBusiness"', 'vocab="https://schema.org/" typeof="LocalBusiness"'),
    ("itemprop=", "property="),
):
    RDFA = RDFA.replace(microdata, rdfa)
H_CARD = (
    '<div class="h-card"><h1 class="p-name p-org">Segelhaus Kiel</h1><a class="p-tel" href="tel:+494319037512">call</a>'
    '<p class="p-tel"><b class="type">Fax</b> <b class="value">+49 431 9037513</b></p>'
    '<a class="u-email" href="mailto:post@segelhaus.example">write</a><p class="p-adr h-adr">'
    '<i class="p-street-address">Am Kai 7</i> <i class="p-postal-code">24103</i> <i class="p-locality">Kiel</i> '
    f'<i class="p-country-name">Germany</i></p><p class="p-note">{SAID}</p></div>'
    '<p class="h-card"><b class="p-name">Eva Ohnsorg</b> <b class="p-job-title">Founder</b> <meta class="p-tel" '
    'content="+49 431 9041177"></p>'
)
HCARD = H_CARD.replace("h-adr", "").replace("h-card", "vcard").replace("p-name p-org", "fn org").replace("p-name", "fn")
HCARD = HCARD.replace("p-job-title", "title").replace('"p-', '"').replace('"u-', '"')
OPEN_GRAPH = "".join(
    f'<meta property="business:contact_data:{name}" content="{said}">'
    for name, said in {
        "street_address": "Am Kai 7",
        "postal_code": "24103",
        "locality": "Kiel",
        "country_name": "Germany",
        "phone_number": "+49 431 9037512",
        "fax_number": "+49 431 9037513",
        "email": "post@segelhaus.example",
    }.items()
)


@pytest.mark.parametrize("markup", [MICRODATA, RDFA, H_CARD, HCARD], ids=["microdata", "rdfa", "h-card", "hcard"])
def test_a_firm_is_the_same_in_each_syntax(markup: str) -> None:
    wanted, row = (shown(row_of(said, domain="segelhaus.example")) for said in (JSON_LD, markup))
    assert wanted["phones"] == ["+494319037512"]
    assert wanted["emails"] == ["post@segelhaus.example"]
    if "p-" in markup or "vcard" in markup:  # microformats know no year
        wanted["founded"] = None
    assert row == wanted


def test_open_graph_tells_how_a_business_is_reached() -> None:
    row = row_of("", head=OPEN_GRAPH, domain="segelhaus.example")
    assert (row["phones"], row["fax"]) == (["+494319037512"], ["+494319037513"])
    assert row["emails"] == ["post@segelhaus.example"]
    assert row["address"] == AT_THE_QUAY


@pytest.mark.parametrize(
    ("holder", "relation"),
    [
        ("LocalBusiness", "founder"), ("LocalBusiness", "employee"), ("LocalBusiness", "memberOf"),
        ("LocalBusiness", "parentOrganization"), ("LocalBusiness", "sponsor"), ("LocalBusiness", "brand"),
        ("LocalBusiness", "alumni"), ("Review", "author"), ("Product", "manufacturer"), ("Event", "location"),
    ],
)  # fmt: skip
def test_what_is_another_s_is_not_the_company_s(holder: str, relation: str) -> None:
    other = firm(name="Foreign Works", telephone="+49 30 9037512", email="mail@foreign.example",
                 address={**ADDRESS, "addressLocality": "Berlin", "postalCode": "10115"})  # fmt: skip
    own = firm(name="Acme Tools", telephone="+49 431 9037512", address=ADDRESS)
    if holder == "LocalBusiness":
        body = script({**own, relation: other})
    else:
        body = script(own, {"@type": holder, "name": "A thing", relation: other})
    row = row_of(body, domain="acme.example")
    assert (row["name"], row["phones"], row["emails"]) == ("Acme Tools", ["+494319037512"], [])
    assert row["address"]["city"] == "Kiel"


@pytest.mark.parametrize(("shown", "taken"), [("Tools for all", False), ("Welcome to foreign works!", True)])
def test_a_firm_of_another_site_is_the_company_only_where_the_page_shows_it(shown: str, taken: bool) -> None:
    """Sites move, and copy what declares a bank to be theirs; visitors are told who is whose."""
    bank = firm(name="Foreign Works Ltd", url="https://foreign-works.example/", telephone="+49 30 9037512",
                email="mail@foreign-works.example")  # fmt: skip
    row = row_of(f"{script(bank)}<p>{shown}</p><p>Tel. +49 431 9037512</p>", head="<title>Acme</title>")
    assert ("+49309037512" in row["phones"], row["legal_name"] == "Foreign Works Ltd") == (taken, taken)
    assert "+494319037512" in row["phones"]


def test_references_lead_through_all_scripts_and_syntaxes() -> None:
    site = "https://acme-tools.com/"
    row = row_of(
        script(
            {"@type": "WebSite", "@id": f"{site}#site", "publisher": {"@id": "#firm"}},
            {"@graph": [{"@type": "Organization", "@id": f"{site}#firm", "name": "Acme Tools",
                         "contactPoint": {"@id": "#desk"}, "location": {"@id": "#hall"}}]},
            {"@type": "ContactPoint", "@id": "#desk", "telephone": "+49 431 9037512", "contactType": "sales"},
            {"@type": "Place", "@id": "#hall", "address": {"@id": f"{site}#adr"}},
        )
        + f'<p itemscope itemid="{site}#adr" itemtype="https://schema.org/PostalAddress" itemref="town">'
        '<i itemprop="streetAddress">Am Kai 7</i></p><p id="town"><i itemprop="postalCode">24103</i> '
        '<i itemprop="addressLocality">Kiel</i> <i itemprop="addressCountry">DE</i></p>'
    )  # fmt: skip
    assert row["phones"] == ["+494319037512"]
    assert row["address"] == {
        "street": "Am Kai 7",
        "postcode": "24103",
        "city": "Kiel",
        "region": None,
        "country": "DE",
    }


def test_the_firm_whose_site_it_is_comes_before_the_first() -> None:
    other = firm(name="Holding One", url="https://holding.example/", telephone="+49 30 9037512")
    own = firm(name="Quite Different", url="https://acme-tools.com/", telephone="+49 431 9037512")
    row = row_of(script(other, own))
    assert (row["name"], row["phones"]) == ("Quite Different", ["+494319037512"])


def test_a_parent_on_the_site_comes_before_its_branches() -> None:
    whole = {"@type": "Organization", "name": "Acme Tools", "url": "https://acme-tools.com/", "address": ADDRESS}
    shop = firm(name="Acme Tools Bremen", telephone="+49 421 9037512", parentOrganization=whole,
                address={**ADDRESS, "addressLocality": "Bremen", "postalCode": "28195"})  # fmt: skip
    row = row_of(script(shop))
    assert (row["name"], row["address"]["city"], row["phones"]) == ("Acme Tools", "Kiel", ["+494219037512"])


def test_a_firm_called_as_the_domain_is_comes_before_those_that_name_it() -> None:
    whole = {"@type": "Organization", "@id": "#all", "name": "Acme Tools", "telephone": "+49 431 9037512"}
    shop = firm(name="Corner Shop", telephone="+49 421 9037512")
    for body in (script({**whole, "@reverse": {"parentOrganization": [shop]}}),
                 script(whole, {**shop, "parentOrganization": {"@id": "#all"}})):  # fmt: skip
        row = row_of(body)
        assert (row["name"], row["phones"]) == ("Acme Tools", ["+494319037512", "+494219037512"])
    made = {"@type": "Product", "name": "Saw", "manufacturer": {"@id": "#all"}}
    assert row_of(script(whole, made))["phones"] == ["+494319037512"]


def test_a_foreign_parent_does_not_come_before_the_site_s_firm() -> None:
    own = firm(name="Acme Tools", url="https://acme-tools.com/",
               parentOrganization=firm(name="Acme Tools Group", telephone="+49 30 9037512"))  # fmt: skip
    row = row_of(script(own))
    assert (row["name"], row["phones"]) == ("Acme Tools", [])


def test_shops_of_one_name_are_not_mixed() -> None:
    towns = [("Kiel", "24103", "431"), ("Bremen", "28195", "421"), ("Jena", "07743", "3641")]
    shops = [
        firm(name="Acme Tools", telephone=f"+49 {code} 9037512", email=f"{town.lower()}@acme-tools.com",
             address={**ADDRESS, "addressLocality": town, "postalCode": postcode})
        for town, postcode, code in towns
    ]  # fmt: skip
    row = row_of(script(*shops))
    chosen = next(town for town in towns if town[0] == row["address"]["city"])
    assert row["address"]["postcode"] == chosen[1]
    assert row["phones"][0] == f"+49{chosen[2]}9037512"
    assert row["emails"][0] == f"{chosen[0].lower()}@acme-tools.com"
    assert len(row["phones"]) == 3


def test_shops_that_share_a_key_are_not_mixed() -> None:
    shops = [
        firm(**{"@id": "#shop"}, name="Acme Tools", telephone=f"+49 {code} 9037512",
             address={**ADDRESS, "addressLocality": town, "postalCode": postcode})
        for town, postcode, code in (("Kiel", "24103", "431"), ("Bremen", "28195", "421"))
    ]  # fmt: skip
    row = row_of(script(*shops))
    assert (row["address"]["city"], row["phones"]) == ("Kiel", ["+494319037512", "+494219037512"])


def test_a_site_of_one_s_own_makes_a_part_the_company() -> None:
    part = firm(name="Sails", url="https://acme-tools.com/", telephone="+49 431 9037512")
    group = firm(name="Northern Group", url="https://group.example/", telephone="+49 30 9037512", subOrganization=part)
    row = row_of(script(group))
    assert (row["name"], row["phones"]) == ("Sails", ["+494319037512"])


def test_who_made_the_site_is_not_the_company() -> None:
    agency = firm(name="Pixel Yard", telephone="+49 30 9037512")
    own = firm(name="Acme Tools", telephone="+49 431 9037512")
    for body in (script({"@type": "WebSite", "creator": agency}), script(own, {"@type": "WebPage", "author": agency})):
        assert "+49309037512" not in row_of(body)["phones"]


def test_a_node_without_a_name_takes_no_other_firms() -> None:
    row = row_of(
        script(firm(url="https://acme-tools.com/", telephone="+49 431 9037512"),
               firm(name="Acme Tools", address=ADDRESS),
               *({"@type": "Museum", "name": f"{name} Museum", "telephone": "+49 30 9037512"} for name in "ABCD"))
    )  # fmt: skip
    assert (row["name"], row["phones"], row["address"]["city"]) == ("Acme Tools", ["+494319037512"], "Kiel")


def test_one_text_with_phone_and_fax_is_both() -> None:
    row = row_of(script(firm(name="Acme Tools", telephone="Tel. +49 431 9037512, Fax +49 431 9037513",
                             contactPoint={"contactType": "fax", "telephone": "+49 431 9037514"})))  # fmt: skip
    assert (row["phones"], row["fax"]) == (["+494319037512"], ["+494319037513", "+494319037514"])


@pytest.mark.parametrize("kind", ["Winery", "Museum", "Hospital", "Pharmacy", "schema:Consortium", "NGO"])
def test_all_classes_of_companies_are_known(kind: str) -> None:
    row = row_of(script({"@type": kind, "name": "Quite Different", "telephone": "+49 431 9037512"}))
    assert (row["name"], row["phones"]) == ("Quite Different", ["+494319037512"])


@pytest.mark.parametrize(
    "names",
    [
        ("Bakery Miller", "Joinery Swift", "Garage Holt", "Florist Ames"),
        ("Dental Practice Miller", "Dental Practice Swift", "Dental Practice Holt"),
        ("Lisbon Hotel Miller", "Lisbon Hotel Swift", "Lisbon Hotel Holt"),
    ],
)
def test_a_list_of_firms_is_nobody_s(names: tuple[str, ...]) -> None:
    site = "https://lisbon-guide.example/"
    firms = [
        firm(name=name, url=f"{site}{place}", telephone=f"+49 431 903751{place}") for place, name in enumerate(names)
    ]
    entries = [{"@type": "ListItem", "item": one} for one in firms]
    for body in (script(*firms), script({"@type": "ItemList", "itemListElement": entries})):
        row = row_of(body, domain="lisbon-guide.example")
        assert (row["phones"], row["address"]) == ([], None)


def test_people_are_told_with_what_they_are_to_the_company(document) -> None:  # type: ignore[no-untyped-def]
    page = document(
        script(
            firm(name="Acme Tools", founder={"@type": "Person", "name": "Eva Ohnsorg"}, employee={"@id": "#jan"},
                 review={"@type": "Review", "author": {"@type": "Person", "name": "A customer"}}),
            {"@type": "Person", "@id": "#jan", "name": "Jan Bloom", "jobTitle": "Buyer"},
            {"@type": "Person", "name": "Ann Other", "worksFor": firm(name="Elsewhere", url="https://else.example")},
        )
    )  # fmt: skip
    assert [(node.first("name"), said) for node, said in page.graph.persons] == [
        ("Eva Ohnsorg", "founder"), ("Jan Bloom", "employee"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"streetAddress": "Am Kai 7", "addressLocality": "24103 Kiel"}, ("Am Kai 7", "24103", "Kiel", None)),
        ({"streetAddress": "38 rue du Port", "addressLocality": "Paris, France", "postalCode": "F-75002"},
         ("38 rue du Port", "75002", "Paris", "FR")),
        ({"streetAddress": "1901 Lemon Ave", "addressLocality": "Sunnyvale", "addressRegion": "CA",
          "postalCode": "94086"}, ("1901 Lemon Ave", "94086", "Sunnyvale", "US")),
        ({"streetAddress": "1001 Eagle Drive", "addressLocality": "Springfield", "postalCode": "62701"},
         ("1001 Eagle Drive", "62701", "Springfield", None)),
        ({"streetAddress": "Am Kai 7", "addressLocality": "Kiel", "addressCountry": {"@type": "Country",
          "name": "Germany"}}, ("Am Kai 7", None, "Kiel", "DE")),
        ("Am Kai 7, 24103 Kiel, Germany", ("Am Kai 7", "24103", "Kiel", "DE")),
        ("Am Kai 7<br/>24103 Kiel<br>Germany", ("Am Kai 7", "24103", "Kiel", "DE")),
        ({"streetAddress": "Am Kai 7<br>Hof", "addressLocality": "Kiel"}, ("Am Kai 7, Hof", None, "Kiel", None)),
    ],
)  # fmt: skip
def test_an_address_is_read_as_it_is_declared(said: Any, read: tuple[str | None, ...]) -> None:
    address = row_of(script(firm(name="Acme Tools", address=said)))["address"]
    assert tuple(address[part] for part in ("street", "postcode", "city", "country")) == read


def test_where_somebody_works_is_where_the_firm_is() -> None:
    row = row_of(
        '<p class="vcard"><b class="fn">Eva Ohnsorg</b> <b class="title">Owner</b> <b class="org">Acme Tools</b> '
        '<i class="adr"><i class="street-address">Am Kai 7</i> <i class="postal-code">24103</i> '
        '<i class="locality">Kiel</i></i></p>',
        domain="acme-tools.de",
    )
    assert (row["name"], row["address"]) == ("Acme Tools", AT_THE_QUAY)


def test_a_title_said_as_a_name_is_read_as_a_title() -> None:
    title = "Contact us | Acme Tools"
    snippet = f'<title>{title}</title><div itemscope itemtype="http://schema.org/Organization">'
    row = row_of(f'{snippet}<meta itemprop="name" content="{title}"></div>')
    assert row["name"] == "Acme Tools"
