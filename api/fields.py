"""The fields of bodies and queries: what each may be, one by one. Texts are described for OpenAPI."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SkipValidation,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_before_validator_function

from leadmill.declared import KINDS, PIPELINE
from leadmill.errors import LeadmillError
from leadmill.mail_address import MAX_ADDRESSES, MAX_CHARS, is_address
from pipelines.intake.submission import MAX_DEADLINE_S
from pipelines.notices.rules import MAX_NOTIFY
from pipelines.request.inputs import MAX_COLUMN, MAX_INLINE, MAX_QUERIES, MAX_RESULTS
from pipelines.scoring.profile import Profile
from reports.formats import FORMATS
from reports.layout_choice import check_choice
from reports.lead_filter import REACHED_BY, SIZES
from reports.report_types import REPORT_TYPES

if TYPE_CHECKING:
    ReportType = str
    ReportFormat = str
    StageName = str
    KindName = str
    Size = str
    Has = str
else:  # which there are is found, not listed: the checker knows them as text, requests and OpenAPI by their names
    ReportType = Literal[tuple(REPORT_TYPES)]
    ReportFormat = Literal[FORMATS.names]
    StageName = Literal[PIPELINE]
    Size, Has = Literal[tuple(SIZES)], Literal[REACHED_BY]
    KindName = StrEnum("Kind", {name.upper(): name for name in KINDS})
    KindName.__doc__ = "What a job was submitted as."
DEFAULT_FORMATS: list[ReportFormat] = ["html", "csv"]


@dataclass(frozen=True)
class _Blank:
    """Takes an empty text for None, and says in the JSON schema that it may be one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_before_validator_function(lambda value: None if value == "" else value, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        return {"anyOf": [*found.get("anyOf", [found]), {"type": "string", "maxLength": 0}]}


#: A field of a form that was left empty is as if it had not been there. What else it must be stands within `| None`.
Blank = _Blank()
#: For OpenAPI.
_UNIQUE: JsonDict = {"uniqueItems": True}
#: What every reader of a time can say again, in any zone.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _text_only(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and not _is_number(value)):
        return value
    raise ValueError("give a time as text, like 2027-01-31T08:00:00Z")


def _is_number(text: str) -> bool:
    """Pydantic would take it for seconds since 1970."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _one_message(value: Any, either: ValidatorFunctionWrapHandler) -> Any:
    """One error for both forms, which names the field and not the form."""
    try:
        return either(value)
    except ValidationError as error:
        raise ValueError(
            f"give the seconds from now, above 0 and at most {MAX_DEADLINE_S:.0f} (a year), "
            "or a time with its zone, like 2027-01-31T08:00:00Z"
        ) from error


def _in_bounds(value: datetime) -> datetime:
    if not _FIRST <= value < _LAST:
        raise ValueError("give a time between 1970 and 2200")
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("holds characters that cannot be shown")
    return value


def _distinct(value: list[Any]) -> list[Any]:
    if len(set(value)) != len(value):
        raise ValueError("names something twice")
    return value


def _fits_formats(layout: str, given: ValidationInfo) -> str:
    try:
        check_choice(layout, tuple(given.data.get("formats", ())))
    except LeadmillError as error:
        raise ValueError(str(error)) from error
    return layout


def _bom_is_written(bom: bool, given: ValidationInfo) -> bool:
    formats = given.data.get("formats", ["csv"])
    if not bom and "csv" not in formats:
        raise ValueError(f"csv alone begins with one, and the formats are {', '.join(formats)}: leave it out")
    return bom


def _mailable(addresses: list[str]) -> list[str]:
    for address in addresses:
        if not is_address(address):
            raise ValueError(f"{address[:60]!r} is no mail address, like anna.meier@example.com")
    return addresses


Tag = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_printable)]
Fraction = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=MAX_DEADLINE_S, strict=True, allow_inf_nan=False)]
Bounded = Annotated[AwareDatetime, AfterValidator(_in_bounds)]
Time = Annotated[Bounded, BeforeValidator(_text_only)]
Deadline = Annotated[
    Seconds | Time | None,
    Field(description="Seconds from now, or a time; what is not done then is given up"),
    WrapValidator(_one_message),
]
Formats = Annotated[list[ReportFormat], Field(min_length=1, json_schema_extra=_UNIQUE), AfterValidator(_distinct)]
Stages = Annotated[list[StageName], Field(min_length=1, json_schema_extra=_UNIQUE), AfterValidator(_distinct)]
Url = Annotated[str, Field(max_length=2_000)]
Urls = Annotated[list[Url], Field(max_length=MAX_INLINE)]
CompanyIds = Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=MAX_INLINE)]
Queries = Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=MAX_QUERIES)]
LayoutName = Annotated[
    str,
    Field(min_length=1, max_length=100, description="Which columns CSV and XLSX have: docs/layouts.md"),
    AfterValidator(_fits_formats),
]
Bom = Annotated[
    StrictBool,
    Field(description="CSV begins with a byte-order mark, by which spreadsheets know UTF-8"),
    AfterValidator(_bom_is_written),
]
MailTo = Annotated[
    list[Annotated[str, Field(max_length=MAX_CHARS)]],
    Field(max_length=MAX_ADDRESSES, description="Addresses that the report is mailed to when it is ready"),
    AfterValidator(_mailable),
    AfterValidator(_distinct),
]
ModelName = Annotated[
    str, Field(min_length=1, max_length=100, pattern=r"^[\w.-]+$", description="Name of a scoring model")
]
#: Checked at submit, where the fields of a wrong one are named; here it is described.
Icp = Annotated[
    SkipValidation[str | Profile],
    Field(description="Ideal customer profile: one of LEADMILL_MODELS_DIR by its name, or itself"),
]
Notify = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=60)]],
    Field(
        max_length=MAX_NOTIFY,
        description="Who is told of the job's end: channels by name, or mail addresses (docs/notices.md)",
        json_schema_extra=_UNIQUE,
    ),
    AfterValidator(_distinct),
]
Column = Annotated[
    str,
    Field(min_length=1, max_length=MAX_COLUMN, description="Header of the column of websites in an uploaded list"),
]
PerQuery = Annotated[StrictInt, Field(ge=1, le=MAX_RESULTS)]
