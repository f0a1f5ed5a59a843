"""Which of the addresses found is the company's, and which are those of its other offices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from extraction.extractors.addresses.formats import is_postcode
from extraction.extractors.addresses.parts import PARTS
from extraction.findings import Finding
from extraction.text import squash


def settle(findings: Sequence[Finding], country: str | None) -> Finding | None:
    """The company's one address: the surest and most complete, said on the most pages, first in the page order."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        value = finding.value
        code = value["postcode"] or ""
        # What is declared is an address, whatever its code looks like.
        if value["country"] is None and not finding.node and not is_postcode(code, country):
            continue
        groups[squash(code + (value["street"] or value["city"] or ""))[:40]].append(finding)
    if not groups:
        return None

    def weight(found: list[Finding]) -> float:
        best = max(found, key=lambda f: f.confidence)
        filled = sum(1 for part in PARTS if best.value[part])
        home = 0.15 if country is not None and best.value["country"] == country else 0.0
        return best.confidence + 0.08 * filled + 0.05 * min(4, len({f.page.url for f in found})) + home

    strongest = groups[max(groups, key=lambda key: weight(groups[key]))]
    best = max(strongest, key=lambda f: f.confidence + 0.08 * sum(1 for part in PARTS if f.value[part]))
    value = {part: best.value[part] for part in PARTS}
    if value["country"] is None and is_postcode(value["postcode"] or "", country):
        value["country"] = country
    return best._replace(value=value)
