"""Several firms in one imprint: which of them has the site, and what on the pages is another's.

On a page that gives more than one legal name, each name's lines reach up to the next one's, and what stands in them is
that firm's. Of all firms of a company's pages the one whose site it is, is chosen once; the others are related to it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from extraction.email_domains import FREE
from extraction.extractors import addresses, names
from extraction.extractors.legal_forms import without_form
from extraction.findings import Finding
from extraction.roles import Role
from extraction.text import squash
from leadmill.ids import registrable_domain

if TYPE_CHECKING:
    from extraction.document import Document

#: Lines that are a firm's below its name, and characters that a line has beside the name.
MAX_LINES = 30
MAX_BESIDE = 25
#: Characters of a label above a name.
MAX_LABEL = 80
#: By how much the firm whose site it is must stand above another.
MARGIN = 0.25
#: Below that it is not told which has the site.
MIN_RATING = 0.45
_SITES = re.compile(
    "betreib|betrieben|diensteanbieter|anbieter|operat|verantwortlich|éditeur|exploit|titular|gestore|"
    "exploitant|utgivare|ansvarig|udbyder|website (?:of|owner)|site owner|responsável|właściciel|usługodawca",
    re.IGNORECASE,
)
_ABOVE = re.compile(
    r"holding|mutter(?:gesellschaft|haus)|konzern|gruppe|\bgroup\b|groupe|gruppo|grupo|parent company|part of|"
    r"member of|mitglied|teil der|tochter|subsidiar|filiale d|komplementär|persönlich haftend|gesellschafter|"
    r"beteiligung|verwaltung|moedermaatschappij|moderbolag|moderselskab|maison mère|capogruppo|sociedad matriz|"
    r"spółka dominująca|ein unternehmen",
    re.IGNORECASE,
)


def with_parties(page: Document, findings: Sequence[Finding]) -> list[Finding]:
    """The findings of a page, where it gives several firms with the legal name of that in whose lines each stands."""
    anchors: dict[int, str] = {}
    for finding in findings:
        if finding.field == "legal_vote" and finding.line is not None and not finding.owner:
            line = page.lines[finding.line]
            names_it = line.startswith(finding.value) or len(line) <= len(finding.value) + MAX_BESIDE
            anchors.setdefault(finding.line, finding.value if names_it else "")
    if len({key(name) for name in anchors.values() if name}) < 2:
        return list(findings)
    owned = _lines(page, anchors)
    return [
        finding._replace(party=owned[finding.line][0], cue=owned[finding.line][1])
        if finding.line in owned and not finding.owner
        else finding
        for finding in findings
    ]


def key(name: str) -> str:
    """What spellings of one firm's name share."""
    return squash(without_form(name)) or squash(name)


def _lines(page: Document, anchors: dict[int, str]) -> dict[int, tuple[str, str]]:
    """Line → (legal name, label above it)."""
    owned: dict[int, tuple[str, str]] = {}
    joints = page.layout.joints
    numbers = sorted(anchors)
    for place, number in enumerate(numbers):
        before = numbers[place - 1] if place else None
        start = number
        while start - 1 > (before if before is not None else -1) and page.blocks.is_heading(start - 1):
            start -= 1
        label = " ".join(page.lines[line][:MAX_LABEL] for line in range(start, number))
        label = f"{label} {page.lines[number][: page.lines[number].find(anchors[number])]}"
        after = numbers[place + 1] if place + 1 < len(numbers) else None
        end = after if after is not None else len(joints)
        others = [joint for other in (before, after) if other is not None
                  for joint in joints[min(other, number) + 1 : max(other, number) + 1]]  # fmt: skip
        shared = min(others, default=0)
        for line in range(number, min(end, number + MAX_LINES)) if anchors[number] else ():
            if line > number and (joints[line] < shared or (after is None and page.blocks.is_heading(line))):
                break
            owned[line] = anchors[number], label.strip()
    return owned


def of_others(findings: Sequence[Finding], domain: str, name: str) -> list[Finding]:
    """The findings, those of firms that are but related to the company with their legal name as owner.

    `name` is the company's as settled from all that names it.
    """
    rated = _rated(findings, domain, name)
    if len(rated) < 2:
        return list(findings)
    best = max(rated, key=lambda party: rated[party])
    if rated[best] < MIN_RATING:
        return list(findings)
    others = {party for party, points in rated.items() if rated[best] - points >= MARGIN}
    return [
        finding._replace(owner=finding.party, why=f"stands in the lines of {finding.party}")
        if finding.party and not finding.owner and key(finding.party) in others
        else finding
        for finding in findings
    ]


def _rated(findings: Iterable[Finding], domain: str, name: str) -> dict[str, float]:
    """Of each firm in whose lines something stands how likely the site is its."""
    core = squash(domain.split(".", maxsplit=1)[0])
    rated: dict[str, float] = {}
    mails: dict[str, float] = defaultdict(float)
    for finding in findings:
        if not finding.party or finding.owner:
            continue
        party = key(finding.party)
        if party not in rated:
            akin = 1.0 if name and party == key(name) else 0.0
            points = max(akin, names.likeness(finding.party, core))
            points += 0.3 * bool(_SITES.search(finding.cue)) - 0.3 * bool(
                _ABOVE.search(f"{finding.cue} {finding.party}")
            )
            rated[party] = points
        if finding.field == "email":
            host = registrable_domain(str(finding.value).rpartition("@")[2])
            mails[party] = max(mails[party], 0.3 if host == domain else 0.0 if host in FREE else -0.3)
    return {party: points + mails[party] for party, points in rated.items()}


def related(findings: Iterable[Finding]) -> list[Finding]:
    """One finding of field `related_company` for each firm that is but related, with its address and phone in words."""
    firms: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.owner and finding.owner == finding.party:
            firms[key(finding.party)].append(finding)
        elif finding.owner == Role.GROUP and finding.field == "legal_vote":
            firms[key(str(finding.value))].append(finding._replace(party=str(finding.value)))
    found = []
    for lines in firms.values():
        first = next((f for f in lines if f.field == "legal_vote"), lines[0])
        address = next((addresses.written(f.value) for f in lines if f.field == "address"), "")
        phone = next((str(f.value) for f in lines if f.field == "phone"), "")
        said = ", ".join(filter(None, (first.party, address, phone)))
        found.append(first._replace(field="related_company", value=said, confidence=0.7))
    return found
