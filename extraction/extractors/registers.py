"""VAT numbers and register numbers of the company: declared, or read where a page calls a number one.

Only numbers whose check digits are right are taken, where their authority publishes any (`extraction.company_numbers`).
A bare number under words of many countries is read once the company's country is known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from extraction.document import Document
from extraction.extractors.phone_numbers import fold
from extraction.findings import Finding
from extraction.labelled_numbers import MAX_LINE, Label, countries, in_line, resolved
from extraction.structured import Node

#: Characters before a number in which its label is looked at again.
NEAR = 30
#: Words of a line that say of which country its numbers are.
_COUNTRY_WORDS = (("england", "GB"), ("wales", "GB"), ("scotland", "GB"), ("northern ireland", "GB"), ("ireland", "IE"))
_TOWN = (
    r"([^\W\d_a-zß-ÿ](?:[\w'’-]|(?<=St)\.){1,40}"
    r"(?: (?:an der|am|im|in|la|le|de|sur|[^\W\d_a-zß-ÿ][\w'’-]{1,40}|\([^()]{2,30}\))){0,3})"
)
_COURTS = {
    "DE": (
        re.compile(
            r"(?:Registergericht:?\s{1,3}(?:Amtsgericht\s{1,3})?|Amtsgerichts?\s{1,3}|(?:^|[,;:(|·]\s?)AG\s)"
            r"(?:in |zu )?" + _TOWN
        ),
        "Amtsgericht {0}",
    ),
    "AT": (re.compile(r"((?:Handels|Landes)gericht|(?<!\w)[LH]G)\s+(?:für ZRS )?" + _TOWN), "{0} {1}"),
    "FR": (re.compile(r"R\.?\s?C\.?\s?S\.?\s+(?:de |d['’])?" + _TOWN), "RCS {0}"),
    "ES": (re.compile(r"Registro Mercantil (?:de |d['’])?" + _TOWN), "Registro Mercantil de {0}"),
    "IT": (re.compile(r"Registro (?:delle )?Imprese (?:della CCIAA )?(?:di )" + _TOWN), "Registro Imprese di {0}"),
    "BE": (re.compile(r"(RPR|RPM)\s+" + _TOWN), "{0} {1}"),
    "PL": (re.compile(r"(Sąd\w* Rejonow\w+[^,;\d]{3,60})"), "{0}"),
    "CZ": (re.compile(r"((?:Městsk|Krajsk)\w+ soud\w* v \w+(?: \w+)?)"), "{0}"),
    "SK": (re.compile(r"((?:Okresn|Mestsk)\w+ súd\w* \w+(?: I{1,3})?)"), "{0}"),
    "HU": (re.compile(r"(\w+ (?:Törvényszék )?Cégbíróság)"), "{0}"),
}
_SPELLED = {"LG": "Landesgericht", "HG": "Handelsgericht"}
#: What `iso6523Code` and other codes begin with: the kind of number and its country (ISO 6523 ICD list, EAS of CEF).
_ICD = {
    "0002": "FR", "0007": "SE", "0009": "FR", "0037": "FI", "0096": "DK", "0106": "NL", "0184": "DK", "0191": "EE",
    "0192": "NO", "0195": "SG", "0196": "IS", "0200": "LT", "0208": "BE", "0212": "FI", "0218": "LV", "0188": "JP",
}  # fmt: skip


#: What calls a number a tax code; behind it stands a company's VAT number as well, but where both are given, that one.
_TAX_CODE = re.compile(
    r"(?<!\w)(?:c\.?\s?f\.?|cod(?:ice|\.)?\s?fisc(?:ale|\.)?)[\s:.]{0,3}(?:n\.?\s?)?$", re.IGNORECASE
)
_VAT = Label("vat", (), open=True)
_LEI = Label("lei", ())


class Number(NamedTuple):
    """A number that waits for the company's country: what it is called, its signs, and the court beside it."""

    label: Label
    compacts: tuple[str, ...]
    court: str = ""
    hint: str = ""


def find(page: Document) -> Iterator[Finding]:
    """Findings of fields `vat_id` and `register`; the value is a `Number`, not yet read."""
    yield from _declared(page)
    for place, said in page.numbers:
        field = "vat_id" if said.label.kind == "vat" else "register"
        court = _court(page.lines, place, said.label) if field == "register" else ""
        number = Number(said.label, said.compacts, court, _hint(page.lines[place]))
        sure = 0.9 if page.kind == "imprint" else 0.85
        if field == "vat_id" and "IT" in said.label.countries:
            before = fold(page.lines[place][:MAX_LINE])[max(0, said.start - NEAR) : said.start]
            sure -= 0.05 if _TAX_CODE.search(before) else 0.0
        yield page.found(field, number, "text", sure, line=place)


def _declared(page: Document) -> Iterator[Finding]:
    for node in page.graph.own:
        for name, label in (("vatID", _VAT), ("taxID", _VAT), ("leiCode", _LEI)):
            for text in node.texts(name)[:2]:
                yield _declared_number(page, node, label, text)
        for code in node.texts("iso6523Code")[:3]:
            icd, _, text = code.partition(":")
            if icd in _ICD or icd == "0199":
                label = Label("register", (_ICD[icd],)) if icd in _ICD else _LEI
                yield _declared_number(page, node, label, text)
        for part in node.nodes("identifier")[:5]:
            name = part.first("propertyID") or part.first("name") or ""
            for said in in_line(fold(f"{name[:60]}: {(part.first('value') or '')[:40]}")):
                field = "vat_id" if said.label.kind == "vat" else "register"
                yield page.declared(field, Number(said.label, said.compacts), node, 0.95, part.first("value") or "")


def _declared_number(page: Document, node: Node, label: Label, text: str) -> Finding:
    compact = re.sub(r"[\s.\-/]", "", fold(text[:60])).upper()
    return page.declared("vat_id" if label.kind == "vat" else "register", Number(label, (compact,)), node, 0.95, text)


def _hint(line: str) -> str:
    low = line[:MAX_LINE].lower()
    return next((code for word, code in _COUNTRY_WORDS if word in low), "")


def _court(lines: Sequence[str], place: int, label: Label) -> str:
    """The court that a line of a register number, or one beside it, names: `DE Amtsgericht München`."""
    for near in (place, place - 1, place + 1, place - 2, place + 2):
        if 0 <= near < len(lines):
            for country, (pattern, form) in _COURTS.items():
                here = label.open or country in label.countries
                match = pattern.search(lines[near][:MAX_LINE]) if here else None
                if match:
                    parts = [_SPELLED.get(part, part) for part in match.groups()]
                    return f"{country} {form.format(*parts)}".rstrip(" .-")
    return ""


def settle(findings: Sequence[Finding], country: str | None) -> tuple[Finding | None, Finding | None]:
    """(VAT number, register entry) of one company, with their values as the row has them.

    The VAT number is a text (`DE123456789`), the register entry a mapping number, court, country. Those of the
    company's own country come first, then what is said most surely and on most pages.
    """
    best: dict[str, Finding | None] = {}
    for field in ("vat_id", "register"):
        read = [one for f in findings if f.field == field and (one := read_of(f, country)) is not None]
        pages = Counter(number for number, _ in {(_number(f), f.page.url) for f in read})
        best[field] = max(read, key=lambda f: f.confidence + 0.02 * min(4, pages[_number(f)]), default=None)
    return best["vat_id"], best["register"]


def written(entry: Mapping[str, str | None]) -> str:
    """A register entry as one line: `HRB 77120, Amtsgericht Bochum, DE`."""
    return ", ".join(part for part in (entry["number"], entry["court"], entry["country"]) if part)


def _number(finding: Finding) -> str:
    return str(finding.value if isinstance(finding.value, str) else finding.value["number"])


def read_of(finding: Finding, settled: str | None) -> Finding | None:
    """The finding with its number read, or None where it is none of the countries that it may be of."""
    said: Number = finding.value
    for compact in said.compacts:
        for country in countries(said.label, compact, said.hint or settled):
            reading = resolved(said.label.kind, compact, country)
            own = country in (settled, said.hint) or (settled is None and not said.label.weak)
            sure = said.hint or not said.label.weak or len(compact) >= 12
            if reading is None or not (reading.proved or (own and sure)):
                continue
            away = (0.0 if country in ("", settled) or settled is None else 0.2) + 0.03 * reading.place
            value: Any = reading.number
            if said.label.kind != "vat":
                code, _, court = said.court.partition(" ")
                court = court if code and code == country else ""
                value = {"number": reading.number, "court": court or None, "country": country or settled}
            return finding._replace(value=value, confidence=finding.confidence - away)
    return None
