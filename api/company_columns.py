"""Which columns lists of companies show, count and are sorted by."""

from __future__ import annotations

#: Columns of a list; the whole row is told for one company.
SHORT = (
    "company_id", "domain", "url", "name", "description", "emails", "phones", "country", "language", "industry",
    "technologies", "employees_min", "employees_max", "quality", "score", "tier", "fit", "reach", "probability",
    "job_id",
)  # fmt: skip
#: Columns of a row that are not told of a company: what a list says of it belongs to the job that was given the list.
NOT_TOLD = frozenset({"stage_rank", "filename", "input"})
#: Fields whose values can be counted; of a list each value counts.
FACETS = ("tier", "country", "language", "industry", "technologies", "size", "has")
_RANKED = ("score", "reach", "quality")
#: How a list is sorted (`reports.final_rows.RANKED`), as one key that ascends; exact, for a rounded one skips rows.
SORT_KEY = (
    f"({', '.join(f'-(CASE WHEN isfinite({name}) THEN {name} ELSE -1 END)::DOUBLE' for name in _RANKED)}, domain)"
)
