"""One company for a reader: who it is, how to reach it, why it scores so, what earlier jobs found."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli import console
from cli.times import shown
from reports import display_domains, display_names
from reports.provenance import origin

#: Other offices shown.
OFFICES = 5
#: Earlier jobs shown, and columns before a value.
SHOWN_HISTORY, _INDENT = 5, 18

Company = Mapping[str, Any]


def card(company: Company, width: int | None) -> list[str]:
    """Lines of at most `width` characters; None: as long as they are. Company: the answer of GET /companies/{id}."""
    lines = [console.clean(company.get("legal_name") or company.get("name") or company["domain"])]
    lines += wrapped(_standing(company), width)
    if company.get("description"):
        lines += wrapped(company["description"], width)
    for title, entries in (
        ("contact", [*_contact(company)]),
        ("about", [*_about(company)]),
        ("why", [*_why(company)]),
        ("history", [*_history(company)]),
    ):
        if entries:
            lines += ["", title, *(line for label, value in entries for line in entry(label, value, width))]
    return lines


def _standing(company: Company) -> str:
    """`brightforge.example   tier A   score 93.0   fit 71   reach 100`."""
    score = company.get("score")
    parts = [display_domains.with_ascii(company["domain"])]
    if company.get("tier"):
        parts.append(f"tier {company['tier']}")
    parts.append("not scored" if score is None else f"score {score:.1f}")
    parts += [f"{name} {company[name]:.0f}" for name in ("fit", "reach") if company.get(name) is not None]
    return "   ".join(parts)


def _contact(company: Company) -> Iterator[tuple[str, str]]:
    found = {(fact["field"], fact["value"]): fact for fact in company.get("facts") or ()}
    home = company.get("country")

    def with_origin(field: str, value: str, shown: str) -> str:
        fact = found.get((field, value))
        if fact is None:
            return shown
        told = origin(fact, company["domain"])
        return f"{shown}   ({', '.join(filter(None, (told.page, told.how)))})"

    for number, email in enumerate(company.get("emails") or ()):
        yield "" if number else "e-mail", with_origin("email", email, email)
    for number, phone in enumerate(company.get("phones") or ()):
        yield "" if number else "phone", with_origin("phone", phone, display_names.phone(phone, home))
    if address := company.get("address"):
        parts = [address.get(part) for part in ("street", "postcode", "city", "region")]
        country = address.get("country") or home
        yield "address", ", ".join(filter(None, [*parts, country and display_names.country(country)]))
    for office in (company.get("locations") or ())[1 : 1 + OFFICES]:
        yield "office", ", ".join(filter(None, (office.get(p) for p in ("street", "postcode", "city", "country"))))
    for name, label in (
        ("url", "website"),
        ("alias", "moved to"),
        ("contact_url", "contact page"),
        ("careers_url", "careers page"),
    ):
        if company.get(name):
            yield label, company[name]
    for network, url in sorted((company.get("social") or {}).items()):
        yield display_names.network(network), url


def _about(company: Company) -> Iterator[tuple[str, str]]:
    known = {
        "country": company.get("country") and display_names.country(company["country"]),
        "language": company.get("language") and display_names.language(company["language"]),
        "industry": company.get("industry"),
        "people": _size(company.get("employees_min"), company.get("employees_max")),
        "founded": company.get("founded"),
        "VAT number": company.get("vat_id"),
        "register": ", ".join(
            filter(None, ((company.get("register") or {}).get(part) for part in ("number", "court")))
        ),
        "uses": ", ".join(company.get("technologies") or ()),
    }
    yield from ((label, str(value)) for label, value in known.items() if value)


def _size(least: int | None, most: int | None) -> str | None:
    if least is None and most is None:
        return None
    if least == most:
        return str(least)
    return f"{least} or more" if most is None else f"{least or 1} to {most}"


def _why(company: Company) -> Iterator[tuple[str, str]]:
    reasons: Sequence[Mapping[str, Any]] = company.get("contributions") or ()
    for part in sorted(reasons, key=lambda part: -abs(part["points"])):
        yield f"{part['points']:+.0f}", part["reason"] or part["rule"]


def _history(company: Company) -> Iterator[tuple[str, str]]:
    past = company.get("history") or ()
    for row in past[:SHOWN_HISTORY]:
        at = shown(row.get("at"))
        score = "" if row.get("score") is None else f"score {row['score']:.1f}"
        tier = row.get("tier") and f"tier {row['tier']}"
        yield at, "   ".join(filter(None, (score, tier, row.get("error"), row["job_id"])))
    if len(past) > SHOWN_HISTORY:
        yield "", f"and {len(past) - SHOWN_HISTORY} earlier"


def entry(label: str, value: str, width: int | None) -> list[str]:
    """A labelled value in lines of at most `width` characters; None: in one."""
    first, *rest = wrapped(value, None if width is None else width - _INDENT - 2) or [""]
    return [f"  {label:<{_INDENT}}{first}".rstrip(), *(" " * (_INDENT + 2) + line for line in rest)]


def wrapped(text: str, width: int | None) -> list[str]:
    """A text from outside in lines of at most `width` characters, without what a terminal would obey."""
    text = console.clean(text)
    if width is None:
        return [text]
    return textwrap.wrap(text, max(20, width), break_long_words=False, break_on_hyphens=False)
