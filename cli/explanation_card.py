"""An explanation of one field for a reader: the value, each fact with its words, what was not taken, empty fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli.company_card import entry, wrapped
from cli.times import shown
from reports import display_domains
from reports.provenance import quoted
from reports.wording import percent

#: What the part of a fact's field behind its colon is called.
_PARTS = {"social": "network"}
#: Values shown at the top, and pages of an empty field.
_VALUES, _PAGES = 10, 10

Told = Mapping[str, Any]


def explanation_card(told: Told, width: int | None) -> list[str]:
    """Lines of at most `width` characters; None: as long as they are. `told`: the answer of GET …/explain."""
    lines = wrapped(f"{told['field']} of {display_domains.with_ascii(told['domain'])}", width)
    lines += [f"  {line}" for value in _values(told) for line in wrapped(value, width and width - 2)]
    if told["state"] == "found" and not told["facts"]:
        lines += [f"  {line}" for line in wrapped(f"({told['told']})", width and width - 2)]
    for fact in told["facts"]:
        lines += _evidence(fact, width)
    if told["candidates"]:
        lines += ["", "read, but not taken"]
        for candidate in told["candidates"]:
            lines += _evidence(candidate, width, taken=False)
    lines += _section("pages read", [*_pages(told)], width)
    lines += _section("what went wrong", [(one["stage"], _error(one)) for one in told["errors"][:_PAGES]], width)
    return lines


def _values(told: Told) -> Iterator[str]:
    if told["state"] != "found":
        yield f"{told['state'].replace('_', ' ')}: {told['told']}"
        return
    value = told["value"]
    shown_below = {fact["value"] for fact in told["facts"]}
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    if isinstance(value, dict):
        values = [] if shown_below else [f"{name}: {part}" for name, part in value.items() if part is not None]
    if shown_below.issuperset(map(str, values)):
        return  # each with its evidence
    yield from map(_text, values[:_VALUES])
    if len(values) > _VALUES:
        yield f"and {len(values) - _VALUES} more"


def _text(value: Any) -> str:
    """A value on one line; of a struct its parts."""
    parts = value.items() if isinstance(value, dict) else [("", value)]
    told = (name.replace("_", " ") if part is True and name else part for name, part in parts)
    return ", ".join(str(part) for part in told if part not in (None, False))


def _evidence(fact: Told, width: int | None, *, taken: bool = True) -> list[str]:
    field, colon, part = fact["field"].partition(":")
    at = fact["seen_at"] and shown(fact["seen_at"])
    lines = ["", *(f"  {line}" for line in wrapped(fact["value"], width and width - 2))]
    for label, value in (
        (_PARTS.get(field, "kind"), part if colon else None),
        ("quote", fact["quote"] and quoted(fact["quote"])),
        ("words", fact["words"] and ", ".join(fact["words"])),
        ("page", ", ".join(filter(None, (fact["source"], fact["place"])))),
        ("how", ", ".join(filter(None, (fact["how"], _sure(fact, taken=taken), at)))),
        ("why", fact["why"]),
    ):
        lines += entry(f"  {label}", value, width) if value else []
    return lines


def _sure(fact: Told, *, taken: bool) -> str:
    if fact["confidence"] is None:
        return ""
    if not taken:
        return f"weight {fact['confidence']:g}" if fact["confidence"] else ""
    return f"{percent(fact['confidence'])} sure"


def _pages(told: Told) -> Iterator[tuple[str, str]]:
    for page in told["pages"][:_PAGES]:
        yield page["kind"], f"{page['url']} (HTTP {page['status']}, {shown(page['fetched_at'])})"
    if len(told["pages"]) > _PAGES:
        yield "", f"and {len(told['pages']) - _PAGES} more"


def _error(one: Told) -> str:
    return f"{one['url'] or ''}  {one['error']}".strip()


def _section(title: str, entries: Sequence[tuple[str, str]], width: int | None) -> list[str]:
    return ["", title, *(line for label, value in entries for line in entry(label, value, width))] if entries else []
