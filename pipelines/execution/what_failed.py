"""What failed in one run of a stage, as one line of the log: how many companies and pages, of which category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from data.held_rows import HeldRows
from data.jobs import Answer
from leadmill.log import get_logger

log = get_logger(__name__)

#: Companies that are named with their reason.
EXAMPLES = 3


class WhatFailed:
    """Counts the error rows of a run."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {"company": Counter(), "page": Counter()}
        self._examples: list[str] = []
        self._later = 0

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Error rows as they are written."""
        for row in rows:
            if row.get("deferred_until") is not None:
                self._later += 1
                continue
            self._counts[row["scope"]][str(row["category"])] += 1
            if row["scope"] == "company" and len(self._examples) < EXAMPLES:
                self._examples.append(f"{row.get('domain') or row.get('company_id')}: {row['error']}")

    def tell(self) -> None:
        """A warning, once companies have failed; where only pages have, the job's errors alone tell."""
        companies, pages = self._counts["company"], self._counts["page"]
        if self._later:
            log.info("hosts asked to be left alone; their companies are asked again later", companies=self._later)
        if companies:
            log.warning(
                "companies failed",
                companies=companies.total(),
                categories=dict(companies.most_common()),
                pages=pages.total() or None,
                page_categories=dict(pages.most_common()) or None,
                examples=self._examples,
            )


def tell_refused(inputs: HeldRows) -> None:
    """The same of what launch was given that names no company: rows of the plan (`data.schemas.PLAN`)."""
    if inputs:
        first = range(min(len(inputs), EXAMPLES))
        examples = [f"{inputs.value(number, 'domain')}: {inputs.value(number, 'error')}" for number in first]
        log.warning("inputs name no company", inputs=len(inputs), examples=examples)


def what_follows(answer: Answer, tries: int, most: int) -> str:
    """What follows a failed try, in words."""
    if answer.refused:
        return f"nothing: it held its unit no more ({answer.refused})"
    if (at := answer.body.get("retry_at")) is None:
        return f"given up after try {tries}"
    return f"try {tries + 1} of {most} in {(at - answer.body['now']) / 1000:.1f} s"
