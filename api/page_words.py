"""Times, numbers and commands as pages show them: in units that people read, the exact value for who looks closer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from api.field_words import field_words, plainly
from api.stored_pages import place_id
from leadmill.answers import FieldError, JobTurn
from leadmill.sample_sites import is_reserved
from reports import display_domains, links, provenance
from reports.wording import turn_words

#: What stands for a figure that there is not.
NONE = "–"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
#: Where a long address may be broken; browsers break at dashes by themselves.
_JOINT = re.compile(r"(?<=[.@/_])(?=\w)")
_CODE = re.compile(r"`([^`\n]{1,500})`")


def lasted(seconds: float | None) -> str:
    """252 → `4 m 12 s`; the two largest units."""
    if seconds is None:
        return NONE
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "under 0.1 s" if seconds > 0 else "0 s"
    left, parts = round(seconds), []
    for size, unit in _UNITS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
        elif parts:
            break
    return " ".join(parts[:2])


def ago(at: str | None, now: datetime | None = None) -> str:
    """How long a time lies back, or ahead: `3 m ago`, `in 2 h`."""
    if not at:
        return NONE
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(at)).total_seconds()
    if abs(seconds) < 5:
        return "just now"
    size, unit = next(one for one in _UNITS if abs(seconds) >= one[0])
    number = f"{int(abs(seconds) // size)} {unit}"
    return f"{number} ago" if seconds > 0 else f"in {number}"


def exact(at: str | None) -> str:
    """A time to the second, in UTC."""
    return f"{at[:19].replace('T', ' ')} UTC" if at else NONE


def clock(at: str | None) -> str:
    """A time as the clock of its own zone shows it: `Mon 30 Nov 2026, 07:00`."""
    return f"{datetime.fromisoformat(at):%a %-d %b %Y, %H:%M}" if at else NONE


def number(value: float | None) -> str:
    """With separators of thousands, no needless decimals."""
    if value is None:
        return NONE
    return f"{value:,.1f}".removesuffix(".0") if isinstance(value, float) else f"{value:,}"


def percent(share: float | None) -> str:
    """0.625 → `62 %`; never `100 %` of what is not whole, nor `0 %` of what is not nothing."""
    if share is None:
        return NONE
    whole = round(100 * share)
    if whole == 100 and share < 1:
        whole = 99
    return "under 1 %" if whole == 0 and share > 0 else f"{whole} %"


def counted(value: int | None, one: str, many: str) -> str:
    """`1 company`, `2 companies`."""
    return f"{number(value)} {one if value == 1 else many}"


def size(bytes_: float) -> str:
    """Of a file or of what came over the network."""
    for unit in ("B", "kB", "MB"):
        if bytes_ < 1_000:
            return f"{bytes_:.0f} {unit}" if unit == "B" else f"{bytes_:.1f} {unit}"
        bytes_ /= 1_000
    return f"{bytes_:.1f} GB"


def commands(text: str) -> Markup:
    """A sentence whose parts between backquotes are set as what one types."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  escaped before


def breakable(text: str) -> Markup:
    """An address whose lines end at its dots and slashes, before they end anywhere else."""
    return Markup(_JOINT.sub("<wbr>", str(escape(text))))  # noqa: S704  escaped before


def fault_words(fault: FieldError) -> str:
    """What is wrong with a field of a form, for who sees the form and not the body of a request."""
    if fault["field"] in ("company_urls", "file"):
        return capital(fault["message"])
    return f"{field_words(fault['field'])}: {plainly(fault['message'])}"


def problem_words(problem: Mapping[str, Any]) -> Markup:
    """What is wrong with a request, as a sentence; what its address names is called as it stands there."""
    text, name = problem["detail"], problem.get("field")
    if name is None:
        return commands(capital(text))
    return Markup("<code>{}</code>: ").format(name) + commands(text.removeprefix(f"{name}: "))


def capital(text: str) -> str:
    """A sentence that begins as one."""
    return text[:1].upper() + text[1:]


def signed(points: float) -> str:
    """What a rule adds or takes: `+8`, `−6`; no more than one decimal."""
    return f"{round(points, 1):+g}".replace("-", "−") if round(points, 1) else "0"


def told(value: object) -> str:
    """What a line of a log says of something: names with their values, one after the other, as people write them."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {told(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(told(one) for one in value)
    return NONE if value is None else str(value)


def json_text(value: object) -> str:
    """A list or an object as a person reads it."""
    return json.dumps(value, ensure_ascii=False)


def turn(of: JobTurn) -> str:
    """When a job that takes turns with others has its own."""
    return turn_words(of["jobs"], of["processes"], of["seconds"])


FILTERS: dict[str, Callable[..., Any]] = {
    "lasted": lasted, "ago": ago, "exact": exact, "clock": clock,
    "number": number, "percent": percent, "counted": counted, "size": size,
    "json_text": json_text, "signed": signed, "told": told,
    "commands": commands, "breakable": breakable, "capital": capital,
    "fault_words": fault_words, "field_words": field_words, "problem_words": problem_words, "turn": turn,
    "domain": display_domains.shown, "web": links.web, "mail": links.mail, "phone": links.phone,
    "quoted": provenance.quoted, "shown_page": provenance.shown_page,
    "place_id": place_id, "made_up": is_reserved,
}  # fmt: skip
