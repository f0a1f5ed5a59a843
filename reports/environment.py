"""The Jinja environment of pages: everything printed is escaped, and no character that HTML may not hold gets out."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from reports import display_domains, display_names, links
from reports.wording import counted, percent

TEMPLATES = Path(__file__).parent / "templates"
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@cache
def environment() -> jinja2.Environment:
    """The one of this process. Filters: web, mail, phone (links or None), percent, signed, number, counted, network."""

    def shown(value: Any) -> Any:
        """Characters that no HTML may hold are left out of everything that is printed."""
        return value if type(value) is not str or value.isprintable() else _UNSHOWN.sub("", value)

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    made.filters |= {
        "web": links.web,
        "domain": display_domains.shown,
        "mail": links.mail,
        "phone": links.phone,
        "percent": percent,
        "signed": _signed,
        "counted": counted,
        "network": display_names.network,
        "number": lambda value: f"{value:,}" if isinstance(value, int) else f"{value:,.0f}",
    }
    return made


@cache
def compiled(template: str) -> jinja2.Template:
    """A template given as its text."""
    return environment().from_string(template)


def _signed(points: float) -> str:
    return f"+{points:g}" if points >= 0 else f"−{-points:g}"
