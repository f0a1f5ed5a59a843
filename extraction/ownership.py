"""Which of a page's findings are the company's: those in a block of somebody else are marked with whose they are.

A block is another's where its kind or its contents say so: an agency's credit in an imprint is, the heading `Webdesign`
on an agency's own site is not, and a data protection officer at the company's own address is the company's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from extraction.blocks import Block
from extraction.email_domains import FREE
from extraction.extractors import legal_names, names
from extraction.findings import Finding
from extraction.line_cache import cached_by_line
from extraction.parties import with_parties
from extraction.roles import MANY, Role
from extraction.scan import MARKUP, Hints
from extraction.text import squash
from leadmill.ids import registrable_domain

if TYPE_CHECKING:
    from extraction.document import Document

#: Fields of which a value that stands in another's block is not the company's.
FIELDS = frozenset(
    ("phone", "fax", "email", "address", "legal_vote", "name_vote", "register", "vat_id", "founded", "employees")
)
#: Shortest label of a domain by which a name is told, characters.
MIN_CORE = 4
#: From which on a name is like the domain (`names.likeness`), and the longest line that names a firm, characters.
ALIKE = 0.5
RATHER_ALIKE = 0.3
MAX_NAMING = 200
MAX_LINE = 600
#: Elements looked at above a line.
MAX_ABOVE = 8
#: Lines at the end of a page that are its foot, whatever holds them; and what calls itself so.
MAX_LAST = 3
_FOOT = ("foot", "credit", "copyright", "bottom")
#: Of what is `made by` somebody, what only a site is.
_OF_SITES = re.compile(
    r"web|site|sito|sitio|página|stron|hemsida|hjemmeside|homepage|theme|template|host|héberg|aloja|umsetzung|design|"
    r"diseño|ontwerp|program|powered|realis|réalis|realiz",
    re.IGNORECASE,
)
_MAIL = re.compile(r"@([a-zA-Z0-9-]{1,63}(?:\.[a-zA-Z0-9-]{1,63}){1,4})")
_BY_NATURE = frozenset((Role.AGENCY, Role.HOST, Role.INSURER))
_PLACED = _BY_NATURE | {Role.DATA_PROTECTION}
#: Signs of a programming language in a line from which on it is code.
MANY_SIGNS = 3
_CODE = ("code", "language-", "highlight", "brush", "prettyprint", "source")
_QUOTES = re.compile(
    r"(?<![a-z])(?:testimonial|reviews?(?![a-z])|comments?(?![a-z])(?![-_](?:open|closed|off|on)(?![a-z]))|commentlist|"
    "kundenstimme|rezension|recensi|temoignage|opini)"
)
#: Markup without one of these quotes nobody.
_QUOTING = Hints(
    "<blockquote <q testimonial review comment kundenstimme rezension recensi temoignage opini".split(), scan=MARKUP
)
_PREFORMATTED = Hints(("<pre",), scan=MARKUP)
_SHARED_HOSTS = (
    "google facebook instagram linkedin twitter youtube youtu xing tiktok pinterest whatsapp wa apple bing "
    "openstreetmap goo x vimeo t maps w3 wordpress"
).split()


def attributed(page: Document, findings: Sequence[Finding]) -> list[Finding]:
    """The findings of a page, those of others with their `owner` and why."""
    return with_parties(page, Ownership(page, findings).attributed())


class Ownership:
    """What a page's blocks and its findings say of whose they are."""

    def __init__(self, page: Document, findings: Sequence[Finding]) -> None:
        self._page = page
        self._findings = findings
        self._judged: dict[tuple[int, int], bool] = {}

    def attributed(self) -> list[Finding]:
        """The findings, those of others with their `owner` and why."""
        told = [self._told(finding) for finding in self._findings]
        # An address that stands in no line, in a script or an attribute, is of the firm that its domain names.
        hosts = {
            host
            for finding in told
            if finding.owner and finding.field == "email" and self._is_foreign(host := _host(str(finding.value)))
        }
        return [
            finding._replace(owner=Role.AGENCY, why="of a firm whose address stands in another's block")
            if hosts and finding.field == "email" and finding.line is None and _host(str(finding.value)) in hosts
            else finding
            for finding in told
        ]

    def _told(self, finding: Finding) -> Finding:
        profile = finding.field.startswith("social:")
        if finding.line is None or finding.node or not (profile or finding.field in FIELDS):
            return finding
        block = self._page.blocks.of_line(finding.line, _shown(finding.value))
        # Pictures of networks stand in one line with the credit, whosever they are.
        if block is not None and not (profile and block.columns) and self._is_others(block, finding.line):
            return finding._replace(owner=block.role, why=f"stands under “{block.label}”")
        aside = None if profile else self._aside(finding)
        return finding._replace(owner=aside[0], why=aside[1]) if aside else finding

    def _is_others(self, block: Block, line: int) -> bool:
        start, end = self._entry(block, line) if block.role in MANY else (block.start, block.end)
        if (block.start, start) not in self._judged:
            self._judged[block.start, start] = self._judge(block, start, end)
        return self._judged[block.start, start]

    def _judge(self, block: Block, start: int, end: int) -> bool:
        texts = self._page.lines[start:end]
        if start == block.start:
            # A label names the company only as whose site it is: `Website of Acme by …`.
            first, last = block.columns or (len(texts[0]), len(texts[0]))
            texts[0] = texts[0][first:last][len(block.label) :]
        mails = {_host(f.value) for f in self._findings if f.field == "email" and self._stands(f, block, start, end)}
        mails |= {registrable_domain(host.lower()) for text in texts for host in _MAIL.findall(text[:MAX_LINE])}
        if any(not self._is_foreign(host, free=True) for host in mails) or self._is_named(texts):
            return False
        return (
            block.role in (Role.AUTHORITY, Role.SERVICE)
            or (block.role in _BY_NATURE and self._is_imprints(block, start))
            or (block.role in _PLACED and self._is_elsewhere(block, start, end))
            or any(map(self._is_foreign, mails))
            or self._leads_away(texts, start, end)
            or (block.role in MANY and (self._lists_numbers(block) or self._lists_addresses(block)))
        )

    def _lists_addresses(self, block: Block) -> bool:
        """Whether a block of many firms has several addresses, and the page one outside that names the company."""
        inside: set[str] = set()
        named = False
        for finding in self._findings:
            if finding.field == "address" and not finding.node:
                if finding.line is not None and block.start <= finding.line < block.end:
                    inside.add(_code(finding))
                else:
                    named = named or bool(finding.value.get("named"))
        return named and len(inside) >= 2

    def _lists_numbers(self, block: Block) -> bool:
        """Whether a block of many firms has several numbers, and the page another one outside."""
        inside: set[str] = set()
        outside: set[str] = set()
        for finding in self._findings:
            if finding.field == "phone":
                among = finding.line is not None and block.start <= finding.line < block.end
                (inside if among else outside).add(re.sub(r"\D", "", str(finding.value))[-7:])
        return len(inside - outside) >= 2 and bool(outside)

    def _stands(self, mail: Finding, block: Block, start: int, end: int) -> bool:
        """Whether an address that is no text of its line, a link's, stands in the lines."""
        if mail.line is None or not start <= mail.line < end:
            return False
        return block.columns is None or mail.line != block.start or mail.value not in self._page.lines[mail.line]

    def _is_imprints(self, block: Block, start: int) -> bool:
        """Whether a block stands where sites name who made and hosts them, or says that it does."""
        said = block.columns is not None and _OF_SITES.search(block.label) is not None
        return said or self._page.kind == "imprint" or self._in_footer(start)

    def _is_elsewhere(self, block: Block, start: int, end: int) -> bool:
        """Whether the lines give an address, and others of the page another one; an officer's need be the only one."""
        inside: set[str] = set()
        outside: set[str] = set()
        for finding in self._findings:
            if finding.field == "address":
                among = finding.line is not None and start <= finding.line < end
                (inside if among else outside).add(_code(finding))
        return bool(inside) and inside.isdisjoint(outside) and (bool(outside) or block.role is Role.DATA_PROTECTION)

    def _is_named(self, texts: Sequence[str]) -> bool:
        """Whether a text holds the domain's name."""
        core = self._page.core
        return len(core) >= MIN_CORE and any(core in squash(text[:MAX_NAMING]) for text in texts)

    def _leads_away(self, texts: Sequence[str], start: int, end: int) -> bool:
        """Whether the lines link to another firm's site, or give a legal name that is not like the company's."""
        legal = [name for text in texts if len(text) <= MAX_NAMING and (name := legal_names.in_line(text))]
        alike = [names.likeness(name, self._page.core) for name in legal]
        if any(fit >= RATHER_ALIKE for fit in alike):
            return False
        return bool(legal) or any(start <= line < end for line in self._links_away)

    @cached_property
    def _links_away(self) -> list[int]:
        """The lines of links to other firms' sites."""
        found = []
        for link in self._page.links:
            if link.line is not None and link.href[:4].lower() == "http":
                host = link.href.partition("//")[2].partition("/")[0].lower().removeprefix("www.")
                label = host.split(".")[0] if host.count(".") < 2 else host.split(".")[-2]
                if host and self._page.domain not in host and label not in _SHARED_HOSTS:
                    found.append(link.line)
        return found

    def _is_foreign(self, host: str, *, free: bool = False) -> bool:
        """Whether a mail's domain is another firm's; with `free` also where anyone may have an address."""
        label, core = squash(host.partition(".")[0]), self._page.core
        if host == self._page.domain or (min(len(label), len(core)) >= MIN_CORE and (label in core or core in label)):
            return False
        return free or host not in FREE

    def _entry(self, block: Block, line: int) -> tuple[int, int]:
        """Of a block with many firms the lines of one: its outermost part that holds the line."""
        joints = self._page.layout.joints
        first = block.start + 1
        if first >= block.end:
            return block.start, block.end
        outer = min(joints[first + 1 : block.end], default=0)
        start, end = max(line, first), line + 1
        while start > first and (joints[start] > outer or self._goes_on(start)):
            start -= 1
        while end < block.end and (joints[end] > outer or self._goes_on(end)):
            end += 1
        return start, end

    def _goes_on(self, line: int) -> bool:
        """Whether a line is of the same element as the one before: but a break stands between them."""
        one, other = self._page.layout.nodes[line - 1], self._page.layout.nodes[line]
        return one is not None and other is not None and one.parent == other.parent

    def _in_footer(self, line: int) -> bool:
        lines = self._page.lines
        if line >= len(lines) - MAX_LAST or any("©" in text for text in lines[max(0, line - 2) : line + 3]):
            return True
        return any(tag == "footer" or any(word in said for word in _FOOT) for tag, said in self._above(line))

    def _aside(self, finding: Finding) -> tuple[Role, str] | None:
        """Whose a mail, number or legal name is by what is around it: a quotation, a comment, a code sample."""
        value, line = str(finding.value), finding.line or 0
        foreign = (finding.field == "email" and self._is_foreign(_host(value))) or (
            finding.field == "legal_vote" and names.likeness(value, self._page.core) < ALIKE
        )
        if finding.field in ("phone", "fax"):
            foreign = line in self._quoted_numbers
        foreign = foreign and bool(self._page.marks(_QUOTING))
        if not foreign and not self._has_code:
            return None
        coded = sum(map(self._page.lines[line].count, "{}<>;=")) >= MANY_SIGNS
        for tag, said in self._above(line):
            coded = coded or tag == "code"
            if tag == "pre" and (coded or any(word in said for word in _CODE)):
                return Role.CODE, "stands in a code sample"
            if foreign and _is_quotation(tag, said):
                return Role.CUSTOMER, "stands in a quotation or comment"
        return None

    @cached_property
    def _quoted_numbers(self) -> frozenset[int]:
        """The lines of numbers in quotations; none where all of the page's numbers are, as old layouts have them."""
        if not self._page.marks(_QUOTING):
            return frozenset()
        lines = {f.line for f in self._findings if f.field in ("phone", "fax") and f.line is not None}
        quoted = frozenset(line for line in lines if any(_is_quotation(*above) for above in self._above(line)))
        return frozenset() if len(quoted) == len(lines) else quoted

    @cached_property
    def _has_code(self) -> bool:
        return bool(self._page.marks(_PREFORMATTED))

    def _above(self, line: int) -> Iterator[tuple[str, str]]:
        node = self._page.layout.nodes[line]
        for _ in range(MAX_ABOVE):
            node = node.parent if node is not None else None
            if node is None or node.tag in ("body", "html"):
                return
            attributes = node.attrs
            called, name = attributes.get("class"), attributes.get("id")
            yield node.tag or "", f"{called or ''} {name or ''}"[:200].lower() if called or name else ""


def _is_quotation(tag: str, said: str) -> bool:
    return tag in ("blockquote", "q") or (bool(said) and _is_of_quotation(said))


@cached_by_line
def _is_of_quotation(said: str) -> bool:
    return _QUOTES.search(said) is not None


def _shown(value: object) -> str:
    """What of a value its line shows."""
    if not isinstance(value, dict):
        return str(value)
    return next((str(value[part]) for part in ("street", "number", "postcode", "city") if value.get(part)), "")


def _code(address: Finding) -> str:
    return squash(f"{address.value.get('postcode') or ''}{address.value.get('street') or ''}")


def _host(address: str) -> str:
    return registrable_domain(address.rpartition("@")[2])
