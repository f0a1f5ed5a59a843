"""What was read for a field of a company and not taken: kept, few of each field, so that a choice can be explained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from extraction.extractors import addresses, phone_numbers, registers
from extraction.extractors.legal_forms import without_form
from extraction.findings import MAX_CANDIDATES, Finding, fact, weight
from extraction.text import clean, squash
from leadmill.fact_fields import MAX_QUOTE
from leadmill.rows import Fact

#: Field of the row's facts → the findings that settling chooses from, where they are called otherwise.
_CHOSEN_FROM = {"name": ("name_vote",), "legal_name": ("legal_vote",), "language": ("language",)}
#: Fields whose findings are of the same name, beside every `social:…`.
_FIELDS = (
    *("country", "address", "phone", "fax", "email", "vat_id", "register", "founded", "description"),
    *("logo_url", "careers_url", "pricing_url", "contact_url"),
)


def unchosen(fields: Mapping[str, Sequence[Finding]], chosen: Iterable[Fact], country: str | None) -> list[Fact]:
    """The surest findings of each field whose values are none of those that were chosen, one of each value.

    `fields`: the findings by their field; `chosen`: the row's facts; `country` reads the numbers.
    """
    taken: dict[str, set[str]] = {}
    for one in chosen:
        taken.setdefault(_base(one["field"]), set()).add(_same(one["field"], one["value"]))
    taken["address"] = taken.get("address", set()) | taken.get("location", set())
    taken["phone"] = taken["fax"] = taken.get("phone", set()) | taken.get("fax", set())
    found: list[Fact] = []
    for field, source in _sources(fields):
        best: dict[str, tuple[Finding, str]] = {}
        others = taken.get(_base(field), set())
        keys: dict[str, str] = {}  # pages say the same over and over
        for finding in source:
            for value in _told(field, finding, country):
                key = keys.get(value)
                if key is None:
                    key = keys[value] = _same(field, value)
                if key not in others and (key not in best or finding.confidence > best[key][0].confidence):
                    best[key] = finding, value
        surest = sorted(best.values(), key=lambda told: -weight(told[0]))[:MAX_CANDIDATES]
        found += (fact(finding, clean(value, MAX_QUOTE), field=field, chosen=False) for finding, value in surest)
    return found


def _sources(fields: Mapping[str, Sequence[Finding]]) -> Iterator[tuple[str, Iterable[Finding]]]:
    for field, names in _CHOSEN_FROM.items():
        yield field, (finding for name in names for finding in fields.get(name, ()))
    for field in (*_FIELDS, *(name for name in fields if name.startswith("social:"))):
        yield field, fields.get(field, ())


def _told(field: str, finding: Finding, country: str | None) -> Iterable[str]:
    tell = _TOLD.get(field)
    return tell(finding, country) if tell else (str(finding.value),)


def _phones(finding: Finding, country: str | None) -> Iterable[str]:
    # What is no number of any country is shown as it stands.
    return [number for number, _ in phone_numbers.read(finding.value, country)] or (finding.value,)


def _address(finding: Finding, country: str | None) -> Iterable[str]:
    value = finding.value
    return (addresses.written({**value, "country": value["country"] or country}),)


def _registered(finding: Finding, country: str | None) -> Iterable[str]:
    found = registers.read_of(finding, country)
    if found is None:
        return (finding.value.compacts[0],)
    return (found.value if isinstance(found.value, str) else registers.written(found.value),)


#: How the findings of a field are told, where their value is not a text as it stands.
_TOLD: Mapping[str, Callable[[Finding, str | None], Iterable[str]]] = {
    "phone": _phones,
    "fax": _phones,
    "address": _address,
    "vat_id": _registered,
    "register": _registered,
}


def _base(field: str) -> str:
    return field.partition(":")[0] if not field.startswith("social:") else field


def _same(field: str, value: str) -> str:
    """What values share that say the same: of names all but the legal form, else all but the case."""
    return squash(without_form(value)) if field == "name" else value.casefold().strip()
