"""What the calls of the API answer: the one definition of each, for who makes it, for OpenAPI and for the client.

Times are ISO 8601 in UTC, durations seconds, shares 0 to 1. The text below a field is its description in OpenAPI
(`api/openapi.py`). All of a company, columns of plug-ins too, is described by the lake's columns
(`api/company_answers.py`).
"""

from __future__ import annotations

from leadmill.answers.audit import AuditEntry, AuditPage
from leadmill.answers.companies import Company, CompanyFacets, CompanyHistory, CompanyPage, ValueCount
from leadmill.answers.events import ProgressEvent, StageEvent, StatusEvent, UnitEvent
from leadmill.answers.health import Health, Readiness
from leadmill.answers.jobs import (
    BulkAction,
    BulkAnswer,
    BulkCounts,
    BulkTotals,
    Cause,
    DeadLetter,
    DeadLetterPage,
    ErrorEntry,
    ErrorPage,
    FailedUnit,
    Job,
    JobError,
    JobPage,
    JobResult,
    JobStage,
    Partitions,
    Progress,
    ProgressDetails,
    RefusedJob,
)
from leadmill.answers.keys import ApiKey, ApiKeyPage, NewApiKey, RoleName
from leadmill.answers.problems import FieldError, Problem
from leadmill.answers.projects import Project, ProjectPage, Quota
from leadmill.answers.schedules import LastTick, Schedule, SchedulePage
from leadmill.answers.statistics import (
    CriticalEvent,
    Durations,
    Figures,
    Finding,
    LastHealth,
    QueueState,
    Rates,
    Statistics,
    Totals,
    UnitsBegun,
    WorkerState,
    WrongNow,
)
from leadmill.answers.submissions import (
    Accepted,
    LineExample,
    LineReason,
    LineShown,
    Links,
    ListCounts,
    ListPreview,
    ListRead,
    ListTold,
)
from leadmill.answers.words import JobStatus, PriorityName, StageStatus

__all__ = [
    "Accepted",
    "ApiKey",
    "ApiKeyPage",
    "AuditEntry",
    "AuditPage",
    "BulkAction",
    "BulkAnswer",
    "BulkCounts",
    "BulkTotals",
    "Cause",
    "Company",
    "CompanyFacets",
    "CompanyHistory",
    "CompanyPage",
    "CriticalEvent",
    "DeadLetter",
    "DeadLetterPage",
    "Durations",
    "ErrorEntry",
    "ErrorPage",
    "FailedUnit",
    "FieldError",
    "Figures",
    "Finding",
    "Health",
    "Job",
    "JobError",
    "JobPage",
    "JobResult",
    "JobStage",
    "JobStatus",
    "LastHealth",
    "LastTick",
    "LineExample",
    "LineReason",
    "LineShown",
    "Links",
    "ListCounts",
    "ListPreview",
    "ListRead",
    "ListTold",
    "NewApiKey",
    "Partitions",
    "PriorityName",
    "Problem",
    "Progress",
    "ProgressDetails",
    "ProgressEvent",
    "Project",
    "ProjectPage",
    "QueueState",
    "Quota",
    "Rates",
    "Readiness",
    "RefusedJob",
    "RoleName",
    "Schedule",
    "SchedulePage",
    "StageEvent",
    "StageStatus",
    "Statistics",
    "StatusEvent",
    "Totals",
    "UnitEvent",
    "UnitsBegun",
    "ValueCount",
    "WorkerState",
    "WrongNow",
]
