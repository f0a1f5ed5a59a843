"""Which columns lists of companies show and count."""

from __future__ import annotations

#: Columns of a list; the whole row is told for one company.
SHORT = (
    "company_id", "domain", "url", "name", "description", "emails", "phones", "country", "language", "industry",
    "technologies", "employees_min", "employees_max", "quality", "score", "tier", "fit", "reach", "probability",
    "job_id",
)  # fmt: skip
#: Columns of a row that are not told of a company: what a list says of it belongs to the job that was given the list.
NOT_TOLD = frozenset({"stage_rank", "filename", "input"})
#: Fields whose values can be counted; of a list each value counts, of jobs the companies that narrowing by one finds.
FACETS = ("tier", "country", "language", "industry", "technologies", "size", "has", "job")
