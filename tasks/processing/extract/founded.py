"""The year a company was founded: declared, or said in a sentence in one of several languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from tasks.processing.extract.document import Document
from tasks.processing.findings import Finding

#: Older than any company that has a site, save a few breweries.
EARLIEST = 1500

_SAID = re.compile(
    r"(?:\b(?:founded|established|est\.?|incorporated|formed|started|in business|family[- ]owned|"
    r"serving .{1,40}|proudly)\s(?:back\s)?(?:in\s|since\s)?"
    r"|\b(?:since|seit|depuis|desde|dal|sinds|sedan|siden|od roku|gegründet|gegr\.|"
    r"gründung(?:sjahr)?:?|fondée?|créée?|fundada|fundado|fondata|nata|opgericht|grundat|grundlagt|"
    r"założona)\s(?:im jahre?\s|en\s|nel\s|in\s|år\s|i\s)?)"
    r"(?:the year\s)?(1[5-9]\d\d|20[0-4]\d)\b(?!\s?[-–/]\s?\d)(?!\s?(?:people|customers|employees|kunden))",
    re.IGNORECASE,
)
_YEAR = re.compile(r"1[5-9]\d\d|20[0-4]\d")
_STRONG = re.compile(r"found|establ|est\b|incorp|gegr|gründ|fond|fund|opgericht|créé|grund|założ|nata", re.IGNORECASE)
_NOT_COMPANY = re.compile(
    r"copyright|©|member|mitglied|version|law|act of|gesetz|certified|accredited|price", re.IGNORECASE
)


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `founded`; the value is the year as text."""
    for item in page.items:
        if item.is_organization and not item.nested:
            for text in item.texts("foundingDate")[:1]:
                match = re.match(r"\D{0,10}(\d{4})", text)
                if match:
                    yield page.found("founded", match[1], item.method, 0.95)
    count = 0
    for line in page.lines:
        if _YEAR.search(line):
            for match in _SAID.finditer(line[:600]):
                around = line[max(0, match.start() - 40) : match.end() + 20]
                if _NOT_COMPANY.search(around):
                    continue
                strong = bool(_STRONG.search(match[0]))
                about = 0.1 if page.kind in ("about", "home") else 0.0
                yield page.found("founded", match[1], "text", (0.7 if strong else 0.5) + about)
                count += 1
                if count >= 10:
                    return


def settle(findings: Sequence[Finding], now: datetime) -> Finding | None:
    """The year said most surely and most often, between `EARLIEST` and this year."""
    possible = [f for f in findings if EARLIEST <= int(f.value) <= now.year]
    counts = Counter(f.value for f in possible)
    return max(possible, key=lambda f: (f.confidence + 0.05 * min(4, counts[f.value]), -int(f.value)), default=None)
