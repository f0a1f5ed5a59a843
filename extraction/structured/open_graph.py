"""Open Graph as businesses use it: `business:contact_data:…`, and the older `og:street-address` and its like."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser

from extraction.structured.node import Nodes

METHOD = "open-graph"
MAX_METAS = 200
SIGNS = ("business:contact_data", "og:street", "og:phone", "og:email", "og:locality", "og:postal", "og:fax")
_PARTS = {
    "street_address": "streetaddress",
    "locality": "addresslocality",
    "region": "addressregion",
    "postal_code": "postalcode",
    "country_name": "addresscountry",
    "country": "addresscountry",
}
_CONTACTS = {"email": "email", "phone_number": "telephone", "fax_number": "faxnumber", "website": "url"}


def read(tree: LexborHTMLParser, nodes: Nodes) -> None:
    """Adds the one business that a page's meta tags declare."""
    said: dict[str, str] = {}
    for element in tree.css("meta[property],meta[name]")[:MAX_METAS]:
        attributes = element.attrs
        name = (attributes.get("property") or attributes.get("name") or "")[:80].lower().replace("-", "_")
        vocabulary, _, rest = name.partition(":")
        prefix, _, last = rest.rpartition(":")
        content = attributes.get("content") or ""
        if content and (vocabulary, prefix) in (("business", "contact_data"), ("og", "")):
            said.setdefault(last, content)
    address = {_PARTS[name]: text for name, text in said.items() if name in _PARTS}
    contacts = {_CONTACTS[name]: text for name, text in said.items() if name in _CONTACTS}
    business = nodes.open(METHOD, frozenset(("localbusiness",)), nested=False) if address or contacts else None
    if business is None:
        return
    for name, text in contacts.items():
        business.add(name, text)
    place = nodes.open(METHOD, frozenset(("postaladdress",)), nested=True) if address else None
    if place is not None:
        for name, text in address.items():
            place.add(name, text)
        business.add("address", place)
