"""Which of the addresses found is the head office's, and which are those of other offices."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from extraction.extractors.addresses.formats import is_postcode
from extraction.extractors.addresses.parts import PARTS
from extraction.extractors.addresses.streets import is_box
from extraction.findings import Finding
from extraction.text import squash

#: Offices kept of one company.
MAX_OFFICES = 50
#: Streets told apart at one postcode.
_MAX_NEIGHBOURS = 50
#: What the surest of an office must be at least, where it is not the only one.
_SURE = 0.5
_ZIP_ADDED = re.compile(r"(?<=\d{5})-\d{4}\Z")
_NUMBERS = re.compile(r"\d+")


class _Office:
    """The findings of one address, and what tells it from its neighbours."""

    def __init__(self, finding: Finding) -> None:
        self.findings = [finding]
        self.street = squash(finding.value["street"] or "")
        self.numbers = frozenset(_NUMBERS.findall(finding.value["street"] or "")[:6])

    def is_at(self, street: str) -> bool:
        """Whether a street is this one: written with more or less, but with a number in common."""
        squashed = squash(street)
        if not squashed or not self.street or squashed in self.street or self.street in squashed:
            return True
        return not self.numbers.isdisjoint(_NUMBERS.findall(street)[:6])

    def add(self, finding: Finding) -> None:
        self.findings.append(finding)
        if not self.street:
            self.street = squash(finding.value["street"] or "")
            self.numbers = frozenset(_NUMBERS.findall(finding.value["street"] or "")[:6])

    @property
    def best(self) -> Finding:
        """The one that says most of it, and surely."""
        return max(self.findings, key=lambda f: f.confidence + 0.15 * sum(1 for part in PARTS if f.value[part]))

    def weight(self, country: str | None) -> float:
        """How likely it is the head office: surest, fullest, on most pages, called so, in the company's country."""
        best = max(self.findings, key=lambda f: f.confidence)
        filled = sum(1 for part in PARTS[:-1] if best.value[part]) + bool(best.value["postcode"])
        # What names no country is at home where it has a postcode: of another country's it would not have been kept.
        at_home = best.value["country"] == country or (best.value["country"] is None and best.value["postcode"])
        home = 0.15 if country is not None and at_home else 0.0
        called = 0.2 if any(f.value.get("head_office") for f in self.findings) else 0.0
        called += 0.12 if any(f.value.get("named") for f in self.findings) else 0.0
        called -= 0.15 if is_box(best.value["street"] or "") else 0.0  # letters go there, nobody is there
        return best.confidence + 0.08 * filled + 0.05 * min(4, len({f.page.url for f in self.findings})) + home + called


def offices(findings: Sequence[Finding], country: str | None) -> list[Finding]:
    """The addresses of a company, its head office first, each once; values are mappings of `PARTS`.

    The head office is the surest and most complete, said on the most pages, first in the order of the pages. Others
    must have a street or a postcode, and a town.
    """
    found = _told_apart(findings, country)
    if not found:
        return []
    head = max(found, key=lambda office: office.weight(country))
    others = [office for office in found if office is not head and _is_office(office.best)]
    others.sort(key=lambda office: -office.weight(country))
    return [_settled(office.best, country) for office in (head, *others[: MAX_OFFICES - 1])]


def settle(findings: Sequence[Finding], country: str | None) -> Finding | None:
    """The address of the head office, the first of `offices`."""
    return next(iter(offices(findings, country)), None)


def _told_apart(findings: Sequence[Finding], country: str | None) -> list[_Office]:
    """The findings by office: those of one postcode and street, or of one town and street where that is missing."""
    found: list[_Office] = []
    by_code: dict[str, list[_Office]] = defaultdict(list)
    by_town: dict[str, list[_Office]] = defaultdict(list)
    # What is declared is an address, whatever its code looks like.
    usable = [f for f in findings if f.value["country"] or f.node or is_postcode(f.value["postcode"] or "", country)]
    for finding in sorted(usable, key=lambda f: not f.value["postcode"]):
        # The four digits behind a ZIP code tell no other office.
        code = squash(_ZIP_ADDED.sub("", finding.value["postcode"] or ""))
        town = squash(finding.value["city"] or "")
        neighbours = by_code[code] if code else by_town[town]
        street = finding.value["street"] or ""
        same = next((office for office in neighbours[:_MAX_NEIGHBOURS] if office.is_at(street)), None)
        if same is not None:
            same.add(finding)
            continue
        office = _Office(finding)
        found.append(office)
        by_town[town].append(office)
        if code:
            neighbours.append(office)
    order = {id(finding): place for place, finding in enumerate(findings)}
    return sorted(found, key=lambda office: order[id(office.findings[0])])


def _is_office(finding: Finding) -> bool:
    value = finding.value
    return finding.confidence >= _SURE and bool(value["city"] and (value["street"] or value["postcode"]))


def _settled(finding: Finding, country: str | None) -> Finding:
    value = {part: finding.value[part] for part in PARTS}
    if value["country"] is None and is_postcode(value["postcode"] or "", country):
        value["country"] = country
    return finding._replace(value=value)
