"""The year a company was founded: declared, or said in a sentence in one of several languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from extraction.document import Document
from extraction.findings import Finding

#: Older than any company that has a site, save a few breweries.
EARLIEST = 1500

_YEAR_SAID = r"(1[5-9]\d\d|20[0-4]\d)(?!\d)(?!\s?[-–/]\s?\d)(?!\s?(?:people|customers|employees|kunden))"
_SAID = re.compile(
    r"(?:\b(?:founded|established|est\.?|incorporated|formed|started|in business|family[- ]owned|"
    r"serving .{1,40}|proudly)\s(?:back\s)?(?:in\s|since\s)?"
    r"|\b(?:since|seit|depuis|desde|dal|sinds|sedan|siden|od roku|gegründet|gegr\.|"
    r"gründung(?:sjahr)?:?|fondée?|créée?|constituée?|fundad[ao]|creada|constitu[ií]d[ao]|fondat[ao]|costituita|nata|"
    r"opgericht|grundat|grundades|startades|grundlagt|stiftet|etableret|perustettu|"
    r"założon[ay]|powstała|powstał|istnieje od|založen[ao]?)"
    r"\s(?:im jahre?\s|en\s|em\s|nel\s|in\s|år\s|i\s|w\s|v\s|(?:w|od)\sroku\s|roku\s|vuonna\s|l'année\s)?)"
    rf"(?:the year\s)?{_YEAR_SAID}",
    re.IGNORECASE,
)
#: Scripts without blanks, the year before or behind: `設立 1968年`, `1968年に創業`; `成立于1968年`.
_SAID_CJK = re.compile(
    r"(?:設立|創業|創立|成立于|成立於|创立于|創立於|설립)[\s:：年月日]{0,4}(1[5-9]\d\d|20[0-4]\d)(?=年|년|\s|$)"
    r"|(1[5-9]\d\d|20[0-4]\d)(?:年|년)[^。]{0,8}?(?:設立|創業|創立|成立|创立|설립)"
)
#: A line that is only the label of the year on the next.
_LABEL = re.compile(
    r"^(?:設立|創業|創立|成立|设立|설립|gründung|gründungsjahr|founded|established|fondation)\s?[:：]?$", re.I
)
_YEAR = re.compile(r"1[5-9]\d\d|20[0-4]\d")
_STRONG = re.compile(
    r"found|establ|est\b|incorp|gegr|gründ|fond|fund|opgericht|cré|grund|założ|nata|constit|costit|powsta|stift|perust",
    re.IGNORECASE,
)
_NOT_COMPANY = re.compile(
    r"copyright|©|member|mitglied|version|law|act of|gesetz|certified|accredited|price", re.IGNORECASE
)


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `founded`; the value is the year as text."""
    for node in page.graph.own:
        said = node.first("foundingDate") or ""
        if match := re.match(r"\D{0,10}(\d{4})", said):
            yield page.declared("founded", match[1], node, 0.95, said)
    count = 0
    about = 0.1 if page.kind in ("about", "home") else 0.0
    before = ""
    for place, line in enumerate(page.lines):
        if _YEAR.search(line):
            for year, confidence in _said(line[:600], before):
                yield page.found("founded", year, "text", confidence + about, line=place)
                count += 1
                if count >= 10:
                    return
        before = line


def _said(line: str, before: str) -> Iterator[tuple[str, float]]:
    """(year, how surely) for each time a line says when the company was founded."""
    for match in _SAID.finditer(line):
        if not _NOT_COMPANY.search(line[max(0, match.start() - 40) : match.end() + 20]):
            yield match[1], 0.7 if _STRONG.search(match[0]) else 0.5
    if not line.isascii():
        yield from ((match[1] or match[2], 0.7) for match in _SAID_CJK.finditer(line))
    if len(before) <= 20 and len(line) <= 30 and _LABEL.match(before) and (year := _YEAR.search(line)):
        yield year[0], 0.7


def settle(findings: Sequence[Finding], now: datetime) -> Finding | None:
    """The year said most surely and most often, between `EARLIEST` and this year."""
    possible = [f for f in findings if EARLIEST <= int(f.value) <= now.year]
    counts = Counter(f.value for f in possible)
    return max(possible, key=lambda f: (f.confidence + 0.05 * min(4, counts[f.value]), -int(f.value)), default=None)
