"""How lists of leads may be sorted: what each order looks at, as SQL of a row's columns, and as a key to go on behind.

A name is a column, with `-` in front for the other way round. Companies of which an order knows nothing come last
whichever way it goes; of several alike the domain decides, so that an order is always the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: Higher or later than any value, and than any text of ours.
_LAST, _LAST_TEXT = 1e18, "~"
#: When the row was made, of a row that holds the time of each stage.
_MADE_AT = "coalesce(scored_at, enriched_at, processed_at)"
#: Characters of a name that are looked at: a cursor holds them.
_CHARS = 60


@dataclass(frozen=True)
class SortPart:
    """One of the things that rows are sorted by."""

    #: As a person reads it; `key` gives the same order.
    sql: str
    #: A number or a text, never null.
    key: str
    kind: type
    descends: bool
    #: The column that a table of many may hold `key` in.
    prepared: str = ""

    @property
    def ordered(self) -> str:
        """In an ORDER BY over the columns of rows."""
        return f"{self.sql} DESC NULLS LAST" if self.descends else f"{self.sql} ASC NULLS LAST"


def _number(sql: str, descends: bool, key: str = "") -> SortPart:
    exact, unknown = f"({key or sql})::DOUBLE", -1 if descends else _LAST
    return SortPart(sql, f"CASE WHEN isfinite({exact}) THEN {exact} ELSE {unknown} END", float, descends)


def _text(sql: str, descends: bool) -> SortPart:
    return SortPart(sql, f"coalesce({sql}, '{'' if descends else _LAST_TEXT}')", str, descends)


_DOMAIN = SortPart("domain", "domain", str, descends=False)
#: As people look for it: without case and accents; of a company without a name its domain.
NAME = f"left(lower(strip_accents(coalesce(name, domain))), {_CHARS})"


def _parts(by: str, descends: bool) -> list[SortPart]:
    match by:
        case "score":  # with an ideal customer profile the score is the fit, so that fit comes first
            return [_number(column, descends) for column in ("score", "reach", "quality")]
        case "employees":
            return [_number("coalesce(employees_min, employees_max)", descends)]
        case "seen_at":
            return [_number("seen_at", descends, key="epoch_us(seen_at)")]
        case "country":
            return [_text("country", descends)]
        case _:
            return [SortPart(NAME, NAME, str, descends, prepared="sorted_name")]


@dataclass(frozen=True)
class LeadOrder:
    """An order of leads."""

    name: str
    parts: tuple[SortPart, ...]

    @property
    def sql(self) -> str:
        """What follows ORDER BY, over rows of a list."""
        return ", ".join([*(part.ordered for part in self.parts[:-1]), "domain ASC"])

    @property
    def of_final_rows(self) -> str:
        """The same over rows in the final columns."""
        return self.sql.replace("seen_at", _MADE_AT)

    def keys(self, *, prepared: bool = False) -> str:
        """Columns `k0`, `k1` … that a row is sorted by; `prepared`: what takes long lies in columns of the rows."""
        found = ((part.prepared if prepared else "") or part.key for part in self.parts)
        return ", ".join(f"{key} AS k{n}" for n, key in enumerate(found))

    @property
    def by_keys(self) -> str:
        """What follows ORDER BY, over these columns."""
        return ", ".join(f"k{n} DESC" if part.descends else f"k{n}" for n, part in enumerate(self.parts))

    @property
    def behind(self) -> str:
        """Whether a row comes behind the one with the keys `$k0`, `$k1` …"""
        found = "false"
        for n, part in reversed(list(enumerate(self.parts))):
            value = f"$k{n}::DOUBLE" if part.kind is float else f"$k{n}"
            found = f"(k{n} {'<' if part.descends else '>'} {value} OR (k{n} = {value} AND {found}))"
        return found

    @property
    def sort_key(self) -> str:
        """These columns as one that a cursor is made of; it names the order, for the keys of two may look alike."""
        return f"row('{self.name}', {', '.join(f'k{n}' for n in range(len(self.parts)))})"

    @property
    def kinds(self) -> Iterator[type]:
        """Of the keys."""
        return (part.kind for part in self.parts)


BEST_FIRST = "-score"
#: By name, the one that is usual first.
ORDERS = {
    name: LeadOrder(name, (*_parts(name.removeprefix("-"), name.startswith("-")), _DOMAIN))
    for name in (BEST_FIRST, "score", "name", "-name", "country", "-country", "-employees", "employees", "-seen_at",
                 "seen_at")
}  # fmt: skip
