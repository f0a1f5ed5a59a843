"""The pages a seller opens next: contact, careers, pricing; and the logo. From page kinds, else from links.

A link to a page that the crawl asked for and that is not there names none; one that was not asked for may be.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from extraction.document import Document, Link, host_of
from extraction.findings import Finding
from extraction.scan import MARKUP, Hints, Scan

#: Pictures looked at on one page.
MAX_IMAGES = 200
#: Field → (page kind that is it, words of a path, words of a link's text).
_WANTED: dict[str, tuple[str, re.Pattern[str], re.Pattern[str]]] = {
    "contact_url": (
        "contact",
        re.compile(r"contact|kontakt|contacto|contatti|contato|get-in-touch|find-us|reach-us", re.IGNORECASE),
        re.compile(
            r"^(?:contact(?:ez)?|kontakt|contacto|contatti|contato|get in touch|find us|talk to us)\b", re.IGNORECASE
        ),
    ),
    "careers_url": (
        "careers",
        re.compile(r"(?:^|[/_.-])(?:careers?|jobs?|karriere|stellen(?:angebote)?|vacanc(?:y|ies)|recruit(?:ment|"
        r"ing)?|emplois?|carrieres?|recrutement|empleo|lavora-con-noi|werken-bij|vacatures|join-us|"
        r"work-with-us|hiring)(?:$|[/_.?-])", re.IGNORECASE),
        re.compile(r"^(?:careers?|jobs?|karriere|stellenangebote|vacanc(?:y|ies)|recruitment|emplois?|carrières?|"
        r"we(?:'|’)re hiring|join (?:us|our team)|work (?:with|for) us|employment|vacatures|werken "
        r"bij|lavora con noi|empleo|trabaj[ae])\b", re.IGNORECASE),
    ),
    "pricing_url": (
        "pricing",
        re.compile(r"(?:^|[/_.-])(?:pricing|prices?|plans|tarifs?|preise?|precios|prezzi|tarieven|"
        r"plans-and-pricing|price-list|rates)(?:$|[/_.?-])", re.IGNORECASE),
        re.compile(r"^(?:pricing|prices?|plans?(?: (?:&|and) pricing)?|tarifs?|preise|precios|prezzi|tarieven|"
        r"price list|rates)\b", re.IGNORECASE),
    ),
}  # fmt: skip
#: One of its words is in whatever a field's patterns above match: a search for all spares most links the patterns.
_WORDS = {
    "contact_url": "conta konta get-in touch find reach-us talk",
    "careers_url": "career job karri stelle vacan vacat recru emplo carri lavora werken join work hiring trabaj",
    "pricing_url": "pric plan tarif tarief tariev preis prec prez rates",
}
_FIELDS = {word: field for field, words in _WORDS.items() for word in words.split()}
_MAYBE = Hints(_FIELDS, scan=Scan(of_bytes=False))
_LOGO = Hints(("logo",), scan=MARKUP)
_ICON = Hints(("apple-touch-icon",), scan=MARKUP)


def find(page: Document) -> Iterator[Finding]:
    """Findings of `contact_url`, `careers_url`, `pricing_url` and `logo_url`, absolute http(s) URLs."""
    for field, (kind, _, _) in _WANTED.items():
        if page.kind == kind:
            yield page.found(field, page.url, "page-kind", 0.9, words=(page.url,))
    best: dict[str, Finding] = {}
    links = page.links[:600]
    for place, fields in _telling(links).items():
        link = links[place]
        for field, (_, path, words) in _WANTED.items():
            if field not in fields or (field in best and best[field].confidence >= 0.8):
                continue
            says = bool(words.search(link.text[:60])) if len(link.text) <= 40 else False
            leads = bool(path.search(link.href[:300]))
            confidence = 0.8 if says and leads else 0.6 if says else 0.5 if leads and link.text else 0.0
            if confidence and confidence > (best[field].confidence if field in best else 0.0):
                url = page.absolute(link.href)
                if url.startswith(("http://", "https://")) and _own(page, url, field) and not page.is_absent(url):
                    best[field] = page.found(field, url, "link", confidence, words=(link.text or link.href,))
    yield from best.values()
    yield from _logo(page)


def _telling(links: Sequence[Link]) -> dict[int, set[str]]:
    """The fields that links may lead to, by their places in order: all links are searched at once."""
    said = [f"{text[:60]} {href[:300]}" for href, text, _ in links]
    joined = "\n".join(said).lower()
    if len(joined) != sum(map(len, said)) + len(said) - 1:  # `İ` becomes two signs
        said = list(map(str.lower, said))
    starts = list(accumulate([len(text) + 1 for text in said], initial=0))
    fields: dict[int, set[str]] = {}
    for word, start in _MAYBE(joined):
        fields.setdefault(bisect_right(starts, start) - 1, set()).add(_FIELDS[word])
    return dict(sorted(fields.items()))


def _own(page: Document, url: str, field: str) -> bool:
    """On the company's own site; careers may be at a job portal."""
    host = host_of(url)
    return (
        host == page.domain
        or host.endswith(f".{page.domain}")
        or host == host_of(page.url)
        or (field == "careers_url" and bool(host))
    )


def _logo(page: Document) -> Iterator[Finding]:
    for firm in page.graph.own:
        for said in firm.links("logo")[:1]:
            if url := _picture(page, said):
                yield page.declared("logo_url", url, firm, 0.95, said)
    for node in page.elements("img")[:MAX_IMAGES] if page.marks(_LOGO) else ():
        source = node.attrs.get("src") or ""
        if "logo" in source[:500].lower():
            yield from _image(page, source, "img", 0.7)
            break
    for node in page.elements("link")[:MAX_IMAGES] if page.marks(_ICON) else ():
        if "apple-touch-icon" in (node.attrs.get("rel") or "")[:80].lower():
            yield from _image(page, node.attrs.get("href") or "", "icon", 0.4)
            break


def _image(page: Document, source: str, method: str, confidence: float) -> Iterator[Finding]:
    if url := _picture(page, source):
        yield page.found("logo_url", url, method, confidence, words=(source,))


def _picture(page: Document, source: str) -> str | None:
    url = page.absolute(source[:2_000])
    return url if url.startswith(("http://", "https://")) and " " not in url else None
