"""What the numbers of an analysis mean, in sentences: the warnings a report opens with.

Also says why a report holds no lead, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: A field that more than this share of the leads lack is worth a warning.
MISSING = 0.25
#: Below this share of readable companies the report says so first.
COVERAGE = 0.9
#: One country or industry with more than this share dominates.
DOMINANT = 0.8
#: Fewer leads than this give no shares worth a warning about their mix.
FEW = 10

_WATCHED = {"emails": "no e-mail address", "phones": "no phone number", "industry": "no known industry"}
_CAUSES = {
    "network": "the site could not be reached",
    "data": "the site or the input gave nothing to read",
    "system": "a fault on our side",
    "deadline": "the deadline struck first",
    "poison": "the page ended its process again and again",
}


def percent(share: float) -> str:
    """A share in words: `38 %`, `under 1 %`, never a rounded 0 or 100 that is neither."""
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{share * 100:.0f} %"


def counted(number: int, one: str, many: str) -> str:
    """`1 lead`, `2,310 leads`."""
    return f"{number:,} {one if number == 1 else many}"


def warnings(analysis: Mapping[str, Any]) -> list[str]:
    """The sentences that a reader must not miss, most serious first; none when all is well."""
    totals = analysis["totals"]
    if not totals["leads"]:
        return []
    said = [*_coverage(analysis), *_fields(analysis), *_scores(analysis)]
    if totals["leads"] >= FEW:
        said += [*_dominant(analysis, "countries", "country"), *_dominant(analysis, "industries", "industry")]
    if totals["model_versions"] > 1:
        said.append(f"Scores come from {totals['model_versions']} model versions and do not compare well.")
    return said


def why_empty(analysis: Mapping[str, Any], job_id: str | None) -> tuple[str, str] | None:
    """Why there is no lead, and what to do; None when there is one."""
    totals = analysis["totals"]
    if totals["leads"]:
        return None
    if not totals["companies"]:
        return (
            "This report was asked for a set of companies that is empty.",
            "Start with a list of websites: leadmill run companies.csv",
        )
    cause = analysis["errors"][0]
    reason = _CAUSES.get(cause["category"], cause["category"])
    why = (
        f"None of {counted(totals['companies'], 'company', 'companies')} could be read. Most often "
        f"({cause['count']:,} times) {reason}: {cause['example_error']}"
    )
    if cause["category"] == "data":
        return why, "Check the addresses in the input; what is refused today will be refused again."
    return why, f"Try the failed companies again: leadmill resume {job_id or 'JOB'}"


def _coverage(analysis: Mapping[str, Any]) -> list[str]:
    totals = analysis["totals"]
    if totals["coverage"] >= COVERAGE:
        return []
    cause = analysis["errors"][0]["category"]
    gap = percent(1 - totals["coverage"])
    of = f"{totals['failed']:,} of {totals['companies']:,}"
    return [f"{gap} of the companies could not be read ({of}); most often {_CAUSES.get(cause, cause)}."]


def _fields(analysis: Mapping[str, Any]) -> list[str]:
    found = {field["field"]: field["share"] for field in analysis["fields"]}
    gaps = sorted(((1 - found[field], words) for field, words in _WATCHED.items()), reverse=True)
    said = [f"{percent(gap)} have {words}." for gap, words in gaps if gap > MISSING]
    totals = analysis["totals"]
    unreachable = totals["leads"] - totals["reachable"]
    if unreachable:
        verb = "has" if unreachable == 1 else "have"
        said.append(f"{counted(unreachable, 'lead', 'leads')} {verb} neither e-mail nor phone.")
    return said


def _scores(analysis: Mapping[str, Any]) -> list[str]:
    totals = analysis["totals"]
    tiers = {tier["tier"]: tier["count"] for tier in analysis["tiers"]}
    if not sum(tiers.values()):
        return ["The companies have not been scored: the job has no score stage."]
    said = []
    if tiers["D"] == totals["leads"]:
        said.append("Every lead is in tier D: the scoring rules may not fit these companies.")
    elif not tiers["A"]:
        said.append("No lead is in tier A.")
    if totals["leads"] >= FEW and (totals["score_spread"] or 0) < 5:
        said.append("The scores lie close together, so their order says little.")
    return said


def _dominant(analysis: Mapping[str, Any], key: str, word: str) -> list[str]:
    values = analysis[key]["values"]
    if not values or values[0]["share"] < DOMINANT:
        return []
    return [f"{percent(values[0]['share'])} of the leads share one {word}: {values[0]['value']}."]
