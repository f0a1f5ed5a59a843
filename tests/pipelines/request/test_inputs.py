"""URL lists and ids from outside, and what fields of a submission may be together."""

from __future__ import annotations

import pytest

from leadmill.errors import InputError
from pipelines.intake.submission import Submission
from pipelines.request.inputs import check_company_ids, check_urls


def test_wrong_items_are_named_by_their_place() -> None:
    with pytest.raises(InputError) as wrong:
        check_urls(["a.com", "ftp://b.com"])
    assert wrong.value.field == "company_urls[1]"
    with pytest.raises(InputError) as wrong:
        check_company_ids(["comp_0123456789abcdef", "comp_x"])
    assert wrong.value.field == "company_ids[1]"


@pytest.mark.parametrize(
    ("submission", "field"),
    [
        (Submission("pipeline"), "company_urls"),
        (Submission("pipeline", company_urls=["a.com"], stages=["scrap"]), "stages[0]"),
        (Submission("pipeline", company_urls=["a.com"], stages=["scrape", "enrich"]), "stages"),
        (Submission("pipeline", search_queries=[" "]), "search_queries[0]"),
        (Submission("pipeline", company_urls=["a.com"], tags=["x"] * 21), "tags"),
    ],
)
def test_rules_between_fields(submission: Submission, field: str) -> None:
    with pytest.raises(InputError) as wrong:
        submission.check()
        submission.checked_stages()
    assert wrong.value.field == field
