"""E-mail addresses: where a page holds them (links, declared data, text, attributes, scripts), and how surely.

What an address is, is told by `extraction.email_addresses`; how one is read that is hidden from machines, by
`extraction.email_cloaks` and `extraction.script_texts`.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote

from selectolax.lexbor import LexborNode

from extraction.document import Document
from extraction.email_addresses import HINTS, RESERVED, addresses, may_be_spelled, spelled, whole_address
from extraction.email_cloaks import is_own, plain_or_spelled, put_together, uncloaked
from extraction.findings import Finding
from extraction.line_cache import cached_by_line
from extraction.scan import MARKUP, Hints
from extraction.script_texts import Arguments, Text, texts

#: Addresses taken from one page, elements and scripts looked at for hidden ones, signs `@` looked around.
MAX_EMAILS = 40
MAX_ELEMENTS = 40
MAX_SCRIPTS = 8
MAX_SIGNS = 200
#: Characters of a script that are searched, and read before and behind what looks like an address in it.
MAX_CODE = 60_000
MAX_TAG = 408
MAX_BEFORE = 1_500
#: Scripts of at most twice that length whose addresses are kept in this process.
MAX_CODES = 128

#: Words beside an address that belongs to somebody else: who built the site, or speaks for the press.
_AGENCY = re.compile(
    r"web\s?-?(?:site|design|master|agen)|design(?:ed)? by|developed by|powered by|\bpress\b|\bPR\b|"
    r"media (?:contact|enquir|inquir)|"
    r"public relations|webdesign|umsetzung|realisi|agence|agentur|conception|hosting",
    re.IGNORECASE,
)
_MAILTO = re.compile(r"(?:https?://|//)?(?:mail ?to|e?-?mail|maito|malito)[:;]\s*", re.IGNORECASE)
#: Names of data attributes that announce an address or a part of one.
_DATA = re.compile(r"data-[a-z0-9_-]{1,50}+(?==)")
_TELLING = re.compile(
    r"mail|domain|scramb|cloak|crypt|rot13|obfus|spam|revers|b64|base64|addy|tld|(?:enc|host|website|contact)\Z"
)
#: How far before a sign its attribute begins, and behind it a tag opens.
_NEAR = 300
#: Before a value's opening quote.
_OF_ATTRIBUTE = re.compile(r"\s(data-[a-z0-9_.-]{1,40}|title|alt|aria-label|on[a-z]{4,12}|href)\s?=\s?\Z")
_MAX_NAME = 50
_BROKEN_UP = re.compile(r"</[a-z]{1,10}>[\w.+-]{0,64}\Z")
_MAX_END = 12
_UNSEEN = re.compile(r"display\s?:\s?none|visibility\s?:\s?hidden|<[a-z]{1,6} hidden\b")
_OPENS = re.compile(r"@[\w.-]{0,64}<[a-z]{1,10}\b")
#: Elements within a line that are not shown.
_HIDDEN = ",".join(
    f"{tag}[{said}]"
    for tag in ("span", "b", "i", "em", "a", "small", "strong", "font")
    for said in ('style*="display:none" i', 'style*="display: none" i', 'style*="visibility:hidden" i', "hidden")
)
_HIDDEN_CLASS = re.compile(r"\.([a-zA-Z][\w-]{0,40})\s{0,3}\{[^{}]{0,200}?display\s{0,3}:\s{0,3}none")
_SCRIPT = Hints(("<script",), scan=MARKUP)
_SCRIPT_HINTS = ("#64;", "x40", "%40", "fromCharCode", "atob(", "ail('", 'ail("')
#: What a script with one of these, or with a sign as below, has in lower case.
_IN_SCRIPT = Hints(("@", *map(str.lower, _SCRIPT_HINTS)), scan=MARKUP)
_JOOMLA = Hints(("joomla-hidden-mail",), scan=MARKUP)
#: Within a text, or put between two; not where a form is checked: `indexOf("@")`.
_SIGN_IN_CODE = re.compile(r"@[\w\[-]|@['\"`]\s?\+|(?:join\(|,\s?)['\"`]@['\"`]")
_SPEAKS_OF_MAIL = re.compile(r"mail|crypt|rot|obfus|revers|scram|decod|cloak|linkto|spam|addy", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]{0,400}>")
_URLS = re.compile(r"\b[a-z]{2,8}://[^\s\"'<>]{1,500}")


class _Seen(NamedTuple):
    """An address, how it was written, how surely it is the company's, and the line or node that has it."""

    address: str
    method: str
    confidence: float
    line: int | None = None
    node: str = ""


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `email`; confidence falls with the way it was written and with an agency beside it.

    Addresses under the reserved `.example` count on sites under `.example` (the sample ones); elsewhere they are
    what forms show to be written over.
    """
    seen: dict[str, float] = {}
    reserved = page.domain.endswith(RESERVED)
    signs = _Signs(page)
    for address, method, confidence, line, node in _candidates(page, signs):
        if address in signs.decoys or (address.endswith(RESERVED) and not reserved):
            continue
        if len(seen) >= MAX_EMAILS:
            return
        if confidence > seen.get(address, 0.0):
            seen[address] = confidence
            yield page.found("email", address, method, confidence, line=line, node=node)


class _Signs:
    """What stands around the signs `@` of the markup: in which attributes they are, and what is not shown."""

    def __init__(self, page: Document) -> None:
        self.attributes: set[str] = set()
        self.in_area = False
        self.in_noscript = False
        #: Addresses that nobody sees, or that only look so with what nobody sees.
        self.decoys: set[str] = set()
        #: Texts that hold an address once what is hidden is left out.
        self.shown: list[str] = []
        broken_up = False
        markup = page.html
        at = markup.find("@")
        for _ in range(MAX_SIGNS):
            if at < 0:
                break
            before = markup[max(0, at - _NEAR) : at]
            name = _attribute(before)
            if name == "href":
                self.in_area = self.in_area or "<area" in before.lower()
            elif name:
                self.attributes.add(name)
            broken_up = broken_up or _is_broken_up(before) or _OPENS.match(markup, at) is not None
            self.in_noscript = self.in_noscript or "<noscript" in before
            at = markup.find("@", at + 1)
        if broken_up:
            self._look_behind(page)

    def _look_behind(self, page: Document) -> None:
        hidden = _hidden(page)
        for node in page.tree.css(hidden)[:MAX_ELEMENTS]:
            parent = node.parent
            unseen = f"{node.attrs.get('href') or ''} {node.text()}"[:400]
            self.decoys.update(addresses(unquote(unseen)))
            if parent is not None and parent.tag != "body":
                whole = parent.text()[:1_000]
                if "@" in whole:
                    shown = "".join(_visible(parent, hidden))[:1_000]
                    self.shown.append(shown)
                    self.decoys.update(set(addresses(whole)) - set(addresses(shown)))


def _attribute(before: str) -> str:
    """The name of the attribute in whose value a text ends; empty where it does in none."""
    names = []
    for quote in ('"', "'"):
        opened = before.rfind(quote)
        if opened >= 0 and before.find("<", opened) < 0 and before.find(">", opened) < 0:
            name = _OF_ATTRIBUTE.search(before, max(0, opened - _MAX_NAME), opened)
            names += [(name.start(), name[1])] if name else []
    return min(names)[1] if names else ""


def _is_broken_up(before: str) -> bool:
    """Whether an element ends right before a sign, or one may be hidden."""
    end = before.rfind(">")
    if end >= 0 and _BROKEN_UP.search(before, max(0, end - _MAX_END)):
        return True
    return ("none" in before or "hidden" in before) and _UNSEEN.search(before) is not None


def _hidden(page: Document) -> str:
    """The selector of what is hidden within lines, also by the classes of the page's own style sheets."""
    names = [match[1] for node in page.tree.css("style")[:4] for match in _HIDDEN_CLASS.finditer(node.text()[:20_000])]
    return ",".join([_HIDDEN, *(f"span.{name},b.{name},i.{name},em.{name},a.{name}" for name in names[:12])])


def _visible(parent: LexborNode, hidden: str) -> Iterator[str]:
    for child in parent.iter(include_text=True):
        if child.tag == "-text" or not child.css_matches(hidden):
            yield child.text()


def _candidates(page: Document, signs: _Signs) -> Iterator[_Seen]:
    for node, branch in page.graph.contacts:
        for text in node.texts("email"):
            for address in plain_or_spelled(unquote(_MAILTO.sub("", text, count=1))):
                yield _Seen(address, node.method, 0.9 if branch else 0.95, node=node.id)
    yield from _in_links(page, signs)
    for text in signs.shown:
        yield from (_Seen(address, "text", 0.8) for address in addresses(text))
    yield from _in_text(page, signs)
    yield from _in_attributes(page, signs)
    yield from _in_scripts(page)


def _in_links(page: Document, signs: _Signs) -> Iterator[_Seen]:
    for href, text, line in page.links:
        if href[0] in "mM" and href[:7].lower() == "mailto:":
            yield from _at(line, _linked(page.domain, href, text))
        elif "@" in href:
            if _MAILTO.match(href) or whole_address(href):
                yield from _at(line, _linked(page.domain, href, text))
        elif "/cdn-cgi/l/email-protection#" in href:
            yield from _at(line, _hidden_in(href.rpartition("#")[2], page.domain, "cfemail", 0.95))
    if signs.in_area:
        for node in page.tree.css('area[href^="mailto:" i]')[:MAX_ELEMENTS]:
            yield from _linked(page.domain, node.attrs.get("href") or "", node.attrs.get("alt") or "")


def _at(line: int | None, found: Iterable[_Seen]) -> Iterator[_Seen]:
    yield from (seen._replace(line=line) for seen in found)


@cached_by_line
def _linked(domain: str, href: str, text: str) -> tuple[_Seen, ...]:
    target = unquote(_MAILTO.sub("", href, count=1).partition("?")[0])
    confidence = 0.35 if _AGENCY.search(text) else 0.95
    found = list(addresses(target)) or list(spelled(target))
    if found:
        return tuple(_Seen(address, "mailto", confidence) for address in found)
    if "<" in target:
        return _in_code(target, domain)
    return tuple(_hidden_in(target, domain, "mailto", confidence))


def _in_text(page: Document, signs: _Signs) -> Iterator[_Seen]:
    for place in page.marked(HINTS):
        line = page.lines[place]
        if "@" in line or "\uff20" in line:
            confidence = 0.3 if _AGENCY.search(line) else 0.8
            found = list(addresses(line))
            yield from (_Seen(address, "text", confidence, place) for address in found)
            if not found:
                yield from (_Seen(address, "text", confidence - 0.1, place) for address in addresses(line[::-1]))
        if may_be_spelled(line):
            yield from (_Seen(address, "text", 0.7, place) for address in spelled(line))
    if signs.in_noscript:
        for piece in page.html.split("<noscript")[1 : MAX_ELEMENTS + 1]:
            code = piece.partition("</noscript")[0][:4_000]
            if "@" in code:
                said = html.unescape(_TAGS.sub(" ", _URLS.sub(" ", code.partition(">")[2])))
                yield from (_Seen(address, "text", 0.75) for address in addresses(said))


def _in_attributes(page: Document, signs: _Signs) -> Iterator[_Seen]:
    names = signs.attributes | set(filter(_tells, set(_DATA.findall(page.html))))
    if page.marks(_JOOMLA):
        for node in page.tree.css("joomla-hidden-mail")[:MAX_ELEMENTS]:
            address = put_together(dict(node.attrs), page.domain)
            if address:
                yield _Seen(address, "attribute", 0.9)
    chosen = sorted(names)[:12]
    for node in page.tree.css(",".join(f"[{name}]" for name in chosen))[:MAX_ELEMENTS] if chosen else ():
        attributes = dict(node.attrs)
        address = put_together(attributes, page.domain)
        if address:
            yield _Seen(address, "attribute", 0.85)
        for name in chosen:
            value = (attributes.get(name) or "")[:2_000]
            if value:
                yield from _of_attribute(name, value, page)


@lru_cache(maxsize=1_024)
def _tells(name: str) -> bool:
    return _TELLING.search(name) is not None


def _of_attribute(name: str, value: str, page: Document) -> Iterator[_Seen]:
    if name == "data-cfemail":
        yield from _hidden_in(value, page.domain, "cfemail", 0.95)
    elif name.startswith("on"):
        yield from _in_code(value, page.domain)
    else:
        confidence = 0.3 if _AGENCY.search(value) else 0.75
        found = list(plain_or_spelled(unquote(html.unescape(_URLS.sub(" ", value)))))
        hidden = uncloaked(value, page.domain) if name.startswith("data-") or not found else None
        if hidden and (not found or is_own(hidden, page.domain)):
            found = [hidden]
        yield from (_Seen(address, "attribute", confidence) for address in found)


def _hidden_in(value: str, domain: str, method: str, confidence: float) -> Iterator[_Seen]:
    address = uncloaked(value.strip(), domain)
    if address:
        yield _Seen(address, method, confidence)


def _in_scripts(page: Document) -> Iterator[_Seen]:
    for code in page.scripted_links[:MAX_ELEMENTS]:
        yield from _in_code(unquote(code), page.domain)
    for code in islice(_telling_scripts(page), MAX_SCRIPTS):
        yield from _in_code(code, page.domain)


def _telling_scripts(page: Document) -> Iterator[str]:
    """Of each inline script with something like an address what stands around it, from a statement's beginning on."""
    places = [mark.start for mark in page.marks(_IN_SCRIPT)]
    scripts = page.marks(_SCRIPT) if places else ()
    markup, lower, end = page.markup, page.lower_markup, 0
    for mark in scripts:
        begin = lower.find(b">", mark.start, mark.start + MAX_TAG) + 1
        if not begin or mark.start < end:
            continue
        end = lower.find(b"</script", begin)
        end = end if end >= 0 else len(lower)
        attributes = lower[mark.start : begin]
        near = bisect_left(places, begin)
        if near < len(places) and places[near] < end and b"src=" not in attributes and b"json" not in attributes:
            code = markup[begin:end].decode("utf-8", "replace")[:MAX_CODE]
            signs = [place for hint in _SCRIPT_HINTS if (place := code.find(hint)) >= 0]
            if "@" in code and (sign := _SIGN_IN_CODE.search(code)):
                signs.append(sign.start())
            if signs:
                start = code.rfind(";", 0, max(0, min(signs) - MAX_BEFORE)) + 1
                yield code[start : start + 2 * MAX_BEFORE]


def _in_code(code: str, domain: str) -> tuple[_Seen, ...]:
    """Addresses that a script puts together; one that it only mentions counts on the company's own domain alone."""
    return _kept(code, domain) if len(code) <= 2 * MAX_BEFORE else _read_code(code, domain)


@lru_cache(maxsize=MAX_CODES)
def _kept(code: str, domain: str) -> tuple[_Seen, ...]:
    """The same of what is kept in this process: the pages of one site share their scripts."""
    return _read_code(code, domain)


def _read_code(code: str, domain: str) -> tuple[_Seen, ...]:
    found: list[_Seen] = []
    for said in texts(code, domain):
        if isinstance(said, Arguments):
            found += _from_parts(said, domain)
        elif len(said.text) >= 6 and "\x00" not in said.text:
            found += _from_text(said, domain)
    return tuple(found)


def _from_text(said: Text, domain: str) -> Iterator[_Seen]:
    text = html.unescape(_URLS.sub(" ", said.text))
    found = list(addresses(_TAGS.sub(" ", unquote(text)) if "mailto:" not in text else unquote(text)))
    if not found and _SPEAKS_OF_MAIL.search(said.given_to):
        hidden = uncloaked(said.text, domain)
        found = [hidden] if hidden else []
    elif not (said.made or "mailto:" in text):
        found = [address for address in found if is_own(address, domain)]
    yield from (_Seen(address, "script", 0.75) for address in found)


def _from_parts(call: Arguments, domain: str) -> Iterator[_Seen]:
    """`mail('info', 'acme', 'com')`, `mail('acme.com', 'info')`: on the company's own domain."""
    if _SPEAKS_OF_MAIL.search(call.function):
        first, second, *more = call.texts
        for user, host in ((first, second), (second, first), (first, ".".join([second, *more[:1]]))):
            address = whole_address(f"{user}@{host}")
            if address and is_own(address, domain):
                yield _Seen(address, "script", 0.75)
                return
