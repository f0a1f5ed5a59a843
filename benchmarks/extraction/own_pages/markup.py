"""What the pages of an invented company declare, by syntax: (company) → (HTML for the head, HTML for the footer)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Company = dict[str, Any]

_TYPES = {
    "Dentists": "Dentist",
    "Legal services": "LegalService",
    "Accounting and tax": "AccountingService",
    "Hotels and accommodation": "Hotel",
    "Restaurants and catering": "Bakery",
    "Building trades": "HomeAndConstructionBusiness",
    "Furniture and home decor": "FurnitureStore",
    "Food and beverage manufacturing": "Winery",
    "Automotive trade and repair": "AutoRepair",
    "Online retail": "SportingGoodsStore",
}


def _parts(company: Company) -> dict[str, str]:
    return {
        "type": _TYPES.get(company["industry"][0], "LocalBusiness"),
        "name": company["name"],
        "phone": company["phones"][0].partition("|")[0],
        "email": company["emails"][0],
        "street": company["street"],
        "code": company["postcode"],
        "city": company["city"],
        "region": company.get("region", ""),
        "country": company["country"],
    }


def _declared(company: Company) -> dict[str, Any]:
    its = _parts(company)
    address = {
        "@type": "PostalAddress",
        "streetAddress": its["street"],
        "postalCode": its["code"],
        "addressLocality": its["city"],
        "addressCountry": its["country"],
    }
    node: dict[str, Any] = {
        "@type": its["type"],
        "name": its["name"],
        "url": f"https://{company['host']}/",
        "telephone": its["phone"],
        "email": f"mailto:{its['email']}",
        "address": address | ({"addressRegion": its["region"]} if its["region"] else {}),
    }
    if "legal_name" in company:
        node["legalName"] = company["legal_name"]
    if "social" in company:
        node["sameAs"] = company["social"]
    if "founder" in company.get("traps", ()):
        node["founder"] = {
            "@type": "Person",
            "name": "Ida Falkner",
            "email": "ida@falkner-privat.example",
            "telephone": "+49 171 2345671",
        }
    return node


def _script(data: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps(data, ensure_ascii=False)}</script>'


def _json_ld(company: Company) -> tuple[str, str]:
    return _script({"@context": "https://schema.org"} | _declared(company)), ""


def _graph(company: Company) -> tuple[str, str]:
    """Nodes in one list that point to each other by their ids."""
    node, base = _declared(company), f"https://{company['host']}/"
    address = {"@id": f"{base}#address"} | node["address"]
    node |= {"@id": f"{base}#company", "address": {"@id": f"{base}#address"}}
    site = {"@type": "WebSite", "name": "Website", "url": base, "publisher": {"@id": f"{base}#company"}}
    crumbs = {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "position": 1, "name": "Start"}]}
    return _script({"@context": "https://schema.org", "@graph": [site, crumbs, node, address]}), ""


def _microdata(company: Company) -> tuple[str, str]:
    its = _parts(company)
    region = f'<span itemprop="addressRegion">{its["region"]}</span> ' if its["region"] else ""
    return "", (
        f'<div itemscope itemtype="http://schema.org/{its["type"]}"><strong itemprop="name">{its["name"]}</strong>'
        f'<div itemprop="address" itemscope itemtype="http://schema.org/PostalAddress"><span itemprop="streetAddress">{its["street"]}</span>, '
        f'<span itemprop="postalCode">{its["code"]}</span> <span itemprop="addressLocality">{its["city"]}</span> {region}'
        f'<meta itemprop="addressCountry" content="{its["country"]}"></div><span itemprop="telephone">{its["phone"]}</span></div>'
    )


def _rdfa(company: Company) -> tuple[str, str]:
    its = _parts(company)
    return "", (
        f'<div vocab="http://schema.org/" typeof="{its["type"]}"><span property="name">{its["name"]}</span> '
        f'<div property="address" typeof="PostalAddress"><span property="streetAddress">{its["street"]}</span>, '
        f'<span property="postalCode">{its["code"]}</span> <span property="addressLocality">{its["city"]}</span> '
        f'<span property="addressCountry" content="{its["country"]}"></span></div><span property="telephone">{its["phone"]}</span></div>'
    )


def _hcard(company: Company) -> tuple[str, str]:
    its = _parts(company)
    return "", (
        f'<div class="vcard"><span class="fn org">{its["name"]}</span><div class="adr"><span class="street-address">{its["street"]}</span>, '
        f'<span class="postal-code">{its["code"]}</span> <span class="locality">{its["city"]}</span></div>'
        f'<span class="tel">{its["phone"]}</span></div>'
    )


def _open_graph(company: Company) -> tuple[str, str]:
    its = _parts(company)
    said = {
        "og:type": "business.business",
        "og:site_name": its["name"],
        "business:contact_data:street_address": its["street"],
        "business:contact_data:locality": its["city"],
        "business:contact_data:postal_code": its["code"],
        "business:contact_data:country_name": its["country"],
        "business:contact_data:phone_number": its["phone"],
        "business:contact_data:email": its["email"],
    }
    return "".join(f'<meta property="{name}" content="{value}">' for name, value in said.items()), ""


def _broken(company: Company) -> tuple[str, str]:
    """JSON-LD with a comma too many and a comment, as it is often written by hand."""
    text = json.dumps({"@context": "http://schema.org/", **_declared(company)}, ensure_ascii=False, indent=1)
    return f'<script type="application/ld+json">\n{text[:-2]},\n}} <!-- end -->\n</script>', ""


#: By the name that `companies.jsonl` gives it.
MARKUPS: dict[str, Callable[[Company], tuple[str, str]]] = {
    "": lambda _: ("", ""),
    "json-ld": _json_ld,
    "graph": _graph,
    "open-graph": _open_graph,
    "broken": _broken,
    "microdata": _microdata,
    "rdfa": _rdfa,
    "hcard": _hcard,
}
