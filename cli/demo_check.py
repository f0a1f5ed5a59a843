"""Is what came out what the sample sites say? Compares final rows with the truth, field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]
#: Share of the sites' statements that must come out right for the demo to pass.
LEAST_RIGHT = 1.0
#: Fields that must hold exactly these values, in any order.
_SETS = frozenset({"emails", "phones", "fax"})


@dataclass
class Comparison:
    """What was compared. `faults` break the demo each; `differences` only when they are too many."""

    #: Companies missing, twice, not asked for, or failed when they should not (or the other way round).
    faults: list[str] = field(default_factory=list)
    #: Fields that are other than their site says.
    differences: list[str] = field(default_factory=list)
    #: Fields compared.
    compared: int = 0

    @property
    def right(self) -> float:
        """Share of the compared fields that are as their site says."""
        return 1 - len(self.differences) / self.compared if self.compared else 0.0

    @property
    def passed(self) -> bool:
        return not self.faults and self.right >= LEAST_RIGHT


def compare(rows: Sequence[Row], truth: Mapping[str, Mapping[str, Any]]) -> Comparison:
    """Final rows against the truth by domain (see `sample_sites.truth.expected`), in sentences."""
    count = Counter(row["domain"] for row in rows)
    found = Comparison()
    found.faults += [f"{domain}: is missing" for domain in sorted(set(truth) - set(count))]
    found.faults += [f"{domain}: was not asked for" for domain in sorted(set(count) - set(truth))]
    found.faults += [f"{domain}: comes out {n} times" for domain, n in sorted(count.items()) if n > 1]
    for row in rows:
        _compare_row(row, truth.get(row["domain"], {}), found)
    return found


def _compare_row(row: Row, truth: Mapping[str, Any], found: Comparison) -> None:
    domain, category = row["domain"], truth.get("error_category")
    if row["error_category"] != category:
        cause = f"failed with {row['error_category']}: {row['error']}" if row["error"] else "did well"
        found.faults.append(f"{domain}: {cause}, but should {f'fail with {category}' if category else 'do well'}")
        return
    for name, wanted in truth.items():
        if name == "error_category":
            continue
        found.compared += 1
        if difference := _difference(name, wanted, row):
            found.differences.append(f"{domain}: {difference}")


def _difference(name: str, wanted: Any, row: Row) -> str | None:
    found = (row["address"] or {}).get("city") if name == "city" else row[name]
    match name:
        case "technologies":
            missing = sorted(set(wanted) - set(found or []))
            return f"technologies lack {', '.join(missing)}" if missing else None
        case "social":
            same = _profiles(wanted).items() <= _profiles(found or {}).items()
        case "language":  # the site says which language; a region beside it is as good
            same = str(found).partition("-")[0] == wanted
        case _ if name in _SETS:
            same = sorted(found or []) == sorted(wanted)
        case _:
            same = found == wanted
    return None if same else f"{name} is {found!r}, not {wanted!r}"


def _profiles(social: Mapping[str, str]) -> dict[str, str]:
    """Profiles without what two links to one of them may differ by: country hosts, old hosts, a last slash."""
    found = {}
    for network, url in social.items():
        host, _, path = url.partition("://")[2].rstrip("/").partition("/")
        site = ".".join(host.split(".")[-2:]).partition(".")[0]
        found[network] = f"{'x' if site == 'twitter' else site}/{path}"
    return found
