"""The client's options are those of the API, and a wrong one says which was meant."""

from __future__ import annotations

from inspect import signature
from typing import Any, get_args, get_type_hints

import pytest

from api import bodies
from api.companies import _wanted
from api.company_columns import FACETS
from data.jobs import Status
from data.schemas import STAGE_SCHEMAS
from leadmill import Client
from leadmill.client import options
from leadmill.errors import InputError
from leadmill.rows import Lead
from pipelines.scoring import profile
from reports.report_types import REPORT_TYPES


def accepted(model: Any) -> set[str]:
    """Fields that a caller may give."""
    return {name for name, field in model.model_fields.items() if not field.exclude}


@pytest.mark.parametrize(
    ("typed", "model", "named"),
    [
        (options.JobOptions, bodies.Common, set()),
        (options.PipelineOptions, bodies.PipelineBody, {"company_urls"}),
        (options.CrawlOptions, bodies.Crawl, set()),
        (options.ReportOptions, bodies.Report, set()),
        (options.CrawlJobOptions, bodies.ScrapeBody, {"company_urls"}),
        (options.ScoreJobOptions, bodies.ScoreBody, {"company_ids"}),
        (options.ReportJobOptions, bodies.ReportBody, {"company_ids", "report_type"}),
        (options.LeadFilterOptions, bodies.LeadFilterBody, set()),
        (options.JobFilter, bodies.FilterBody, set()),
        (options.IcpOptions, profile.Profile, set()),
        (options.ListedCriterion, profile.Listed, set()),
        (options.SizeCriterion, profile.Size, set()),
        (options.HiringCriterion, profile.Hiring, set()),
    ],
)
def test_options_are_the_fields_of_the_api(typed: type, model: Any, named: set[str]) -> None:
    """`named`: what the call has as a parameter of its own."""
    assert set(typed.__annotations__) - {"idempotency_key"} == accepted(model) - named


def test_companies_are_filtered_as_by_the_api() -> None:
    assert set(options.CompanyFilter.__annotations__) == set(signature(_wanted).parameters) - {"here"}
    with Client("http://127.0.0.1:9") as client, pytest.raises(TypeError, match="did you mean 'country'"):
        client.companies(contry="DE")  # type: ignore[call-arg]


def test_words_are_those_of_the_api() -> None:
    assert set(get_args(options.Priority)) == set(get_args(bodies.Common.model_fields["priority"].annotation))
    assert get_args(options.Facet) == FACETS
    assert set(get_args(options.ReportType)) == set(REPORT_TYPES)
    assert set(get_args(options.JobStatus)) == {status.value for status in Status}


def test_a_lead_has_the_columns_of_the_final_rows() -> None:
    assert set(get_type_hints(Lead)) == set(STAGE_SCHEMAS["score"].names)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"priorty": "high"}, "no option 'priorty'; did you mean 'priority'?"),
        ({"report": {"fromats": ["csv"]}}, "report: no option 'fromats'; did you mean 'formats'?"),
        ({"crawl": {"pages": 3}}, "crawl: no option 'pages'; did you mean 'max_pages'?"),
        ({"icp": {"country": {}}}, "icp: no option 'country'; did you mean 'countries'?"),
        ({"tags": "one"}, "tags: a list of texts is wanted, not one text"),
    ],
)
def test_a_wrong_option_says_what_was_meant(given: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError) as caught:
        options.body({}, given, options.SubmitOptions)
    assert str(caught.value) == told


def test_no_option_is_sent_as_a_number_that_is_none() -> None:
    with pytest.raises(InputError, match="min_coverage: not a number"):
        options.body({}, {"min_coverage": float("nan")}, options.SubmitOptions)


def test_what_is_none_is_not_sent_and_any_list_is_one() -> None:
    body = options.body(
        {"company_urls": (url for url in ("a", "b"))},
        {"tags": {"x"}, "deadline": None, "report": {"formats": ("csv",)}},
        options.SubmitOptions,
    )
    assert body == {"company_urls": ["a", "b"], "tags": ["x"], "report": {"formats": ["csv"]}}
