"""Companies of the lake."""

from __future__ import annotations

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class Company(TypedDict):
    """The newest row of a company, as lists show it."""

    company_id: str
    domain: str
    url: str | None
    name: str | None
    description: str | None
    emails: list[str] | None
    phones: list[str] | None
    """E.164."""
    country: str | None
    """ISO 3166, two letters."""
    language: str | None
    """BCP 47."""
    industry: str | None
    technologies: list[str] | None
    employees_min: int | None
    employees_max: int | None
    quality: float | None
    """0 to 1: how much was found."""
    score: float | None
    """0 to 100."""
    tier: str | None
    """A to D."""
    fit: float | None
    """0 to 100: how well it fits the profile that was asked for; null without one."""
    reach: float | None
    """0 to 100: how easily it is reached."""
    probability: float | None
    """Null until a model was learned from outcomes."""
    job_id: str
    """The job that found this row."""
    seen_at: str | None


class CompanyPage(TypedDict):
    """Companies, best score first."""

    items: list[Company]
    next_cursor: str | None
    """Give it as `cursor` for the next page; null: this was the last one."""


class CompanyHistory(TypedDict):
    """What one job found of a company."""

    job_id: str
    stage: str
    at: str | None
    quality: float | None
    score: float | None
    tier: str | None
    model_version: str | None
    error_category: str | None
    error: str | None


class ValueCount(TypedDict):
    """A value of a field, and how many companies have it."""

    value: str
    companies: int


class CompanyFacets(TypedDict):
    """How many companies match a filter, and of each field that was asked for its most frequent values."""

    companies: int
    facets: dict[str, list[ValueCount]]
