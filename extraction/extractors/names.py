"""The company's name and legal name, by vote: markup, title, domain, copyright line and imprint all have one.

A page yields candidates of field `name_vote`; `name_choice` weighs those of all pages. What repeats over the pages
is the name, what changes is the page. The domain is the arbiter: a candidate that spells it out, or whose initials it
is, beats a longer slogan, unless the site calls itself otherwise where names stand.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from extraction.document import Document, host_of
from extraction.extractors import countries, legal_names
from extraction.extractors.legal_forms import form_follows, has_form
from extraction.extractors.legal_lines import LABELS, NAME_LABELS, OWN_LABELS
from extraction.extractors.name_choice import LAST_RESORT, key_of, settle
from extraction.extractors.name_heads import Head, heads, is_firm, is_label, is_trade
from extraction.extractors.name_likeness import SENTENCE_END, core_of, is_host, likeness, written
from extraction.extractors.name_logos import leads_home, logos
from extraction.extractors.name_spelling import spelled
from extraction.extractors.name_texts import (
    CRAFT,
    CREDIT,
    CREDITED,
    MAX_NAME,
    MAX_WORDS,
    NOT_OWNERS,
    OTHERS,
    WELCOMES,
    bare_title,
    is_page_title,
    is_sentence,
    parts_of_name,
    segments,
    tidy,
    welcomed,
)
from extraction.findings import Finding
from extraction.scan import Hints
from extraction.text import clean, squash

__all__ = ["MAX_NAME", "find", "likeness", "settle"]

#: Links at the top of a page among which one leads home and says the name.
MAX_HOME_LINKS = 40
#: Below that a name is unlike the domain.
UNLIKE = 0.25
#: Lines with a word of welcome looked at, and characters of one.
MAX_WELCOMES = 6
MAX_WELCOME = 160
#: Logos of a page, and how many names of them are those of brands.
MAX_LOGOS = 4
BRANDS = 3
#: Letters of a logo that may be a federation's initials.
MAX_INITIALS = 5
#: Lines at the end of a page that may say whose it is.
MAX_FOOT = 60
#: Letters of a name at least that the domain begins with, and words of a title that it stands before.
MIN_BEGUN, LONG_TITLE = 5, 4
#: How much the name above an address counts.
HEAD = 0.4
_COPYRIGHT = re.compile(
    r"(?:copyright|©|\(c\)|&copy;|版权所有|版權所有)[\s:：,.]*(?:©|\(c\)|copyright)?[\s:,.]*(?:\d{4}(?:\s?[-–/,]\s?(?:\d{2,4}|"
    r"present))?)?[\s,.:|·•–-]*(?:by\s|of\s)?\s*(.{2,120})",
    re.IGNORECASE,
)
#: A name before the sign: `Acme Tools © 2024`.
_BEFORE_SIGN = re.compile(r"([^|·•©]{2,60})\s(?:©|\(c\)|copyright)\s?(?:©\s?)?(?:(?:19|20)\d\d|$)", re.IGNORECASE)
_AFTER_NAME = re.compile(
    r"\ball rights?\b.*|\balle rechte\b.*|\btous droits\b.*|\btodos (?:los|os)\b.*|\btutti i diritti\b.*|"
    r"\balle rechten\b.*|\bwszelkie prawa\b.*|\balla rättigheter\b.*|\balle rettigheder\b.*|\balle rettigheter\b.*|"
    r"\bkaikki oikeudet\b.*|\bvšechna práva\b.*|\bminden jog\b.*|\btüm hakları\b.*|\btoate drepturile\b.*|"
    r"\bвсе права\b.*|無断.*|版权所有.*|保留所有.*|모든 권리.*|\bis a (?:registered|trad).*|"
    r"\b(?:site|website|web ?site|web|powered|designed|developed|created|hosted|"
    r"made)\b.{0,30}\bby\b.*|\bprivacy\b.*|\bterms\b.*|\bsitemap\b.*|\bsite map\b.*|"
    r"\b(?:web ?site|web ?design|umsetzung|gestaltung|realisi?erung|realisatie|réalisation|design)\s?[:&].*|"
    r"\s[|•·–—]\s.*|[|•·].*|©.*|\b(?:19|20)\d\d\b.*|\bdisclaimer\b.*|\bregistered\b.*|\bcompany (?:no|"
    r"reg).*|\bvat\b.*|\bp\.? ?iva\b.*|\bpartita iva\b.*|\bkvk\b.*|\bbtw\b.*|\bsiret\b.*|\bimpressum\b.*|"
    r"\bdatenschutz.*|\bcontact us\b.*|\bphone\b.*|\btel\b.*|\s[-]\s.*|\bhome\b.*",
    re.IGNORECASE,
)
#: A name beside the rights alone, with no sign before it: `Acme Tools | All rights reserved`.
_RIGHTS = re.compile(
    r"(.{2,60}?)[\s|·,.–-]{1,4}(?:all rights reserved|alle rechten voorbehouden|alle rechte vorbehalten|"
    r"tous droits r[ée]serv[ée]s|todos los derechos reservados|"
    r"tutti i diritti riservati|todos os direitos reservados|wszelkie prawa zastrzeżone)",
    re.IGNORECASE,
)
_SIGNED = ("©", "opyright", "(c)", "版")
_OWNED = Hints(
    (*_SIGNED, "all rights reserved", "rechten voorbehouden", "rechte vorbehalten", "droits réserv", "droits reserv",
     "derechos reservados", "diritti riservati", "direitos reservados", "prawa zastrzeżone")
)  # fmt: skip
#: The domain's words are but the beginning of the name: `Lone Star Roofing & Gutters`.
_GOES_ON = re.compile(r"\s?[&+]\s?[A-ZÀ-Þ]\w")
#: Where a company is: `Hotel Miramar in Cádiz`.
_LOCAL = re.compile(r"\s(?:in|te|à|i|w|v|en|em|near|a)\s[^\W\d_a-zß-ÿ][^,|:]{2,30}$")
#: A name with the firm behind it in brackets, or told to be of one.
_OF_FIRM = re.compile(
    r"\s?\($|,?\s(?:is\s|ist\s|est\s|is\s)?(?:an?|the|eine?|une|een)\s(?:trading|trade|registered|member|brand|division|part"
    r"|unit|company|subsidiary|marke|marque|handelsnaam|onderdeel|merk|unternehmen)\b.{0,40}$",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\S\s.{0,60}www\.|https?:|powered by", re.IGNORECASE)
#: What stands first of several in a line.
_PIECE = re.compile(r"([^\W\d_a-zß-ÿ][^|·•:;@\d,–©]{1,58}?)\s*(?:[|·•,–]|\s-\s)")
#: How much each meta tag counts.
_METAS = (
    ("og:site_name", 0.85),
    ("application-name", 0.6),
    ("apple-mobile-web-app-title", 0.5),
    ("author", 0.15),
    ("copyright", 0.4),
    ("dc.publisher", 0.4),
)


class _Vote(NamedTuple):
    text: str
    method: str
    weight: float
    line: int | None = None
    node: str = ""


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `name_vote`, any candidate; `legal_names` finds those of the legal name."""
    core = core_of(page.domain)
    for vote in _votes(page, core):
        text = tidy(vote.text)
        if text and (likeness(text, core) >= 0.75 or not (is_page_title(text) or squash(text) in OTHERS)):
            quote = vote.text if vote.line is None else ""
            weight = vote.weight
            if is_host(text):
                # An address in place of a name says what everybody knows, but for its capitals.
                named = text.lower().removeprefix("www.") == page.domain and text != text.lower()
                text, weight = (
                    (text.rpartition(".")[0], 0.5 * weight) if named and text.count(".") == 1 else (text, 0.1 * weight)
                )
            yield page.found("name_vote", text, vote.method, weight, line=vote.line, node=vote.node, quote=quote)
    yield from _of_domain(page)


def beside(page: Document, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Findings of `name_vote` and `legal_vote` from what stands above the addresses among a page's findings."""
    core = core_of(page.domain)
    found = [
        (address, _whole(page, head, core))
        for address, head in heads(page, [finding for finding in findings if finding.field == "address"])
    ]
    kinds = 1.0 if page.kind in ("contact", "imprint", "home", "about") else 0.5
    several = len({key_of(head.text) for _, head in found if head.worth == 1.0}) > 2
    for address, head in found:
        first = address.line == found[0][0].line
        weight = HEAD * kinds * head.worth * _once(page, head.text, core)
        weight *= (1.0 if first else 0.5) * (0.4 if several else 1.0)
        if has_form(head.text):
            how = "address" if first and head.worth == 1.0 and not several else "text"
            yield page.found("legal_vote", head.text, how, legal_names.SAID[how][0], line=head.line)
            weight *= 0.5 if likeness(head.text, core) < UNLIKE else 1.0  # the firm behind the name
        town = (address.value["city"],) if address.value["city"] else ()
        for vote in _parts(_Vote(head.text, "address", weight, head.line), core):
            yield page.found("name_vote", vote.text, "address", vote.weight, line=head.line, words=town)


def _whole(page: Document, head: Head, core: str) -> Head:
    """The name above an address, both lines of it where it has two."""
    if not has_form(head.text):
        return head
    joined = legal_names.in_two_lines(page.lines, head.line, countries.from_domain(page.domain), core)
    return head if joined is None else head._replace(text=joined.text)


def _once(page: Document, name: str, core: str) -> float:
    """How likely what stands above an address is a name, 0 to 1: what is said once may be a person or a slogan."""
    if has_form(name) or likeness(name, core) >= UNLIKE or page.text.count(name) > 1:
        return 1.0
    return 0.3 if len(name.split()) > 3 else 1.0 if is_firm(name) else 0.6


def _votes(page: Document, core: str) -> Iterator[_Vote]:
    for node in page.graph.own:
        weight = 0.5 if node.nested else 0.9
        # A snippet for sharing calls the page by its title; the title's own parts are read below.
        said = [text for text in node.texts("name")[:3] if text != page.title or len(parts_of_name(text)) < 2]
        for text in said or node.texts("legalName")[:1]:
            yield from _parts(_Vote(text, node.method, weight, node=node.id), core)
        yield from (_Vote(text, node.method, 0.5, node=node.id) for text in node.texts("alternateName")[:2])
    for node in page.graph.websites:
        for text in node.texts("name")[:1]:
            yield from _parts(_Vote(text, node.method, 0.7, node=node.id), core)
    for name, weight in _METAS:
        # The maker of a site signs there, too.
        if name in page.metas and not CREDITED.match(page.metas[name]) and not _ADDRESS.search(page.metas[name]):
            yield from _parts(_Vote(page.metas[name], "meta", weight), core)
    yield from _title_votes(page)
    yield from _copyright_votes(page)
    yield from _home_votes(page)
    yield from _welcome_votes(page)
    yield from _label_votes(page)
    yield from _numbered_votes(page)
    yield from _logo_votes(page, core)
    yield from _spelled_votes(page, core)


def _parts(vote: _Vote, core: str) -> Iterator[_Vote]:
    """A name that is a whole title is parted: the part most like the domain counts, else the first."""
    parts = parts_of_name(vote.text)
    if len(parts) < 2 or likeness(vote.text, core) >= 0.85:
        yield vote
        return
    named = max(parts, key=lambda part: (likeness(part.strip(), core), -parts.index(part)))
    yield from (vote._replace(text=part, weight=vote.weight * (0.8 if part is named else 0.2)) for part in parts)


def _title_votes(page: Document) -> Iterator[_Vote]:
    core = core_of(page.domain)
    # A snippet for sharing says the same, or more.
    for title in dict.fromkeys((page.title, page.metas.get("og:title", "")[:300])):
        parts = [part for part in segments(title) if (name := tidy(part)) and not is_page_title(name)]
        for place, part in enumerate(parts):
            edge = place in (0, len(parts) - 1)
            weight = (0.35 if page.kind == "home" and place == 0 else 0.3) if edge else 0.2
            fits = likeness(part, core) >= 0.75
            if is_sentence(part) and not fits:
                weight *= 0.4
            if not fits and (begun := _begun(part, core)):
                yield _Vote(begun, "title", weight)
            if not fits and (local := _LOCAL.search(part)) and likeness(part[: local.start()], core) >= 0.75:
                yield _Vote(part[: local.start()], "title", weight)
            yield _Vote(part if fits else bare_title(part), "title", weight)


def _begun(title: str, core: str) -> str:
    """The first words of a long title that the domain begins with: `Balise` of `Balise Car Dealers …`, `baliseauto`."""
    words = title.split()[:MAX_WORDS]
    if len(words) < LONG_TITLE or core[:1] != words[0][0].lower():
        return ""
    runs = (" ".join(words[:end]) for end in range(3, 0, -1))
    told = (run for run in runs if len(squash(run)) >= MIN_BEGUN and 2 * len(squash(run)) > len(core))
    return next((run for run in told if core.startswith(squash(run)) and not is_trade(run)), "")


def _copyright_votes(page: Document) -> Iterator[_Vote]:
    first = len(page.lines) - MAX_FOOT
    for place in page.marked(_OWNED):
        if place < first:
            continue
        low = page.lines[place][:600]
        folded = low.lower()
        if any(sign in folded for sign in _SIGNED):
            match = _COPYRIGHT.search(low)
            if match is None or CREDIT.search(low[max(0, match.start() - 40) : match.start()]):
                continue
            legal = legal_names.in_line(match[1])
            whole = legal if legal and match[1].startswith(legal) else _AFTER_NAME.sub("", match[1])
            if legal and (of_firm := _OF_FIRM.search(whole.partition(legal)[0])):
                whole = whole[: of_firm.start()]
            if not any(map(str.isalpha, whole)) and (before := _BEFORE_SIGN.search(low)):
                whole = before[1]
            if whole[: len(page.domain)].lower() == page.domain:
                whole = whole[: len(page.domain)]  # what stands behind the site's address is a slogan
            if not NOT_OWNERS.match(whole) and not CREDITED.match(whole):
                yield _Vote(whole, "copyright", 0.6 * _of_owner(page, whole, place), place)
        elif (said := _RIGHTS.match(low)) and not is_sentence(said[1]):
            yield _Vote(said[1], "copyright", 0.5 * _of_owner(page, said[1], place), place)


def _of_owner(page: Document, name: str, place: int) -> float:
    """How likely a name beside a copyright sign is the site's owner and not who made the site, 0 to 1.

    Makers link to their own sites, and are called by their craft.
    """
    if likeness(name, core_of(page.domain)) >= 0.5:
        return 1.0
    host = host_of(page.url)
    for link in page.links:
        if link.line == place and link.text and link.text in name:
            return 1.0 if link.href[:4].lower() != "http" or host in link.href else 0.15
    return 0.3 if CRAFT.search(name) else 1.0


def _home_votes(page: Document) -> Iterator[_Vote]:
    """What the first link home says, and the only headline of a home page."""
    host = host_of(page.url)
    for link in page.links[:MAX_HOME_LINKS]:
        if 2 <= len(link.text) <= 60 and leads_home(link.href, host) and not is_page_title(link.text):
            yield _Vote(link.text, "home-link", 0.45, link.line)
            break
    if page.kind == "home":
        headlines = page.elements("h1")[:2]
        text = clean(headlines[0].text(), 80) if len(headlines) == 1 else ""
        if text and len(text.split()) <= 5:
            yield _Vote(text, "title", 0.25)


def _welcome_votes(page: Document) -> Iterator[_Vote]:
    """Who bids welcome: `Welcome to Acme Tools`, `Bakkerij Visser heet u welkom`."""
    if page.kind not in ("home", "about", "contact"):
        return
    for place in page.marked(WELCOMES)[:MAX_WELCOMES]:
        line = page.lines[place]
        if len(line) <= MAX_WELCOME and (name := welcomed(line)):
            yield _Vote(name, "welcome", 0.25, place)


def _label_votes(page: Document) -> Iterator[_Vote]:
    """What the page calls its company: `Company: Acme Tools`, `Handelsnaam` above it."""
    if page.kind not in ("home", "about", "contact", "imprint"):
        return
    lines = page.lines
    linked: set[int] = set()
    for place in page.marked(NAME_LABELS)[:MAX_WELCOMES]:
        label, colon, value = lines[place][:MAX_WELCOME].partition(":")
        if squash(label) not in OWN_LABELS:
            continue
        at = place
        if not value.strip() and place + 1 < len(lines):
            value, at = lines[place + 1], place + 1
        name = value.strip()
        if at > place and not linked:
            linked = {link.line for link in page.links if link.line is not None}
        if at > place and (at in linked or is_label(name)):
            continue
        # In a form the next label stands behind a label.
        if 2 <= len(name) <= MAX_NAME and name[-1] not in ":*?" and not is_page_title(name) and not is_sentence(name):
            yield _Vote(name, "label", 0.45 if colon or at > place else 0.3, at)


def _numbered_votes(page: Document) -> Iterator[_Vote]:
    """Who begins a line with a register or VAT number: `Acme Tools | KvK 27312345 | Hoofdweg 5`."""
    for place in dict.fromkeys(place for place, _ in page.numbers):
        piece = _PIECE.match(page.lines[place][:MAX_WELCOME])
        if piece is None or len(piece[1].split()) > MAX_WORDS or legal_names.in_line(piece[1]):
            continue
        if squash(piece[1]) not in LABELS and not is_page_title(piece[1]) and not is_sentence(piece[1]):
            yield _Vote(piece[1], "label", 0.3, place)


def _logo_votes(page: Document, core: str) -> Iterator[_Vote]:
    """What the logo's picture is called; of many logos, none like the domain, each is a brand that is sold there."""
    names = list(islice(logos(page, core), MAX_LOGOS))
    fits = [likeness(name, core) for name in names]
    brands = len(set(map(squash, names))) >= BRANDS and max(fits) < UNLIKE
    for place, (name, fit) in enumerate(zip(names, fits, strict=True)):
        # In small letters it is what the picture or the page is about.
        small = name == name.lower() and fit < 0.75
        weight = (0.2 if small else 0.4) / (1 + place) * (0.2 if brands else 0.4 if is_sentence(name) else 1.0)
        if fit < UNLIKE and len(name) <= MAX_INITIALS and name.isupper() and name not in page.text:
            weight *= 0.5  # of a federation
        yield from _parts(_Vote(name, "logo", weight), core)


def _spelled_votes(page: Document, core: str) -> Iterator[_Vote]:
    """The domain's label as the page spells it in words: `misterplumber` → `Mister Plumber`."""
    texts = [
        page.title,
        page.metas.get("description", ""),
        page.metas.get("og:title", ""),
        *page.lines[:60],
        *page.lines[-30:],
    ]
    forms: dict[str, int] = defaultdict(int)
    text = "\n".join(text[:400] for text in texts if text)
    for start, end in spelled(core, text):
        form = text[start:end]
        if _GOES_ON.match(text, end) or form_follows(text, end) or ("." in form and SENTENCE_END.search(form)):
            continue
        forms[form.strip(" -'’.")] += 1
        if sum(forms.values()) >= 60:
            break
    for form, count in forms.items():
        # Written as in the address bar it says nothing about blanks and capitals.
        if form != form.lower():
            yield _Vote(form, "domain", min(0.75, 0.4 + 0.05 * count + (0.15 if " " in form else 0.0)))


def _of_domain(page: Document) -> Iterator[Finding]:
    """The last resort."""
    name = written(page.domain)
    if name and tidy(name):
        yield page.found("name_vote", name, "domain", LAST_RESORT, words=(page.domain,))
