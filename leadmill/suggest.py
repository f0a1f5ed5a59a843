"""What to say of a name that does not exist: the nearest one that does, those that hold it, or all of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Longest part of a wrong name that is told again, and most of the right ones, where none is near.
_SHOWN, _LISTED = 60, 30
#: Shortest name that is looked for within others, and most of those that are told.
_PART, _HOLDERS = 3, 3


def nearest(name: object, known: Iterable[object]) -> str | None:
    """The one of `known` that was meant, whatever its case; None: none is near."""
    names = {str(one).casefold(): str(one) for one in sorted(map(str, known))}
    found = difflib.get_close_matches(str(name).casefold()[:_SHOWN], names, n=1)
    return names[found[0]] if found else None


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """`did you mean 'scraping'?`, or, where none is near, `known: analytics, scraping`; empty when there is none."""
    names = sorted(map(str, known))
    near = nearest(name, names)
    if near is not None:
        return f"did you mean '{near}'?"
    part = str(name).strip().casefold()
    if len(part) >= _PART and 0 < len(holders := [one for one in names if part in one.casefold()]) <= _HOLDERS:
        return f"did you mean {' or '.join(map(repr, holders))}?"
    more = f" … ({len(names)} in all)" if len(names) > _LISTED else ""
    return f"known: {', '.join(names[:_LISTED])}{more}" if names else ""


def unknown(what: str, name: object, known: Iterable[object]) -> str:
    """The sentence of an error: `no queue 'scrapping'; did you mean 'scraping'?`."""
    return "; ".join(filter(None, (f"no {what} {str(name)[:_SHOWN]!r}", did_you_mean(name, known))))
