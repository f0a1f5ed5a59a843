"""What answers a submission, and what a list was read as."""

from __future__ import annotations

from typing import Literal, NotRequired

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class Links(TypedDict):
    """Where to go on from a job; `cancel` and `resume` where they are legal."""

    self: str
    events: NotRequired[str]
    errors: str
    report: NotRequired[str]
    cancel: NotRequired[str]
    resume: NotRequired[str]
    replay: NotRequired[str]


class Accepted(TypedDict):
    """Where a job is that was accepted. Accepted means recorded."""

    job_id: str
    kind: str
    status: str
    links: Links
    input: NotRequired[ListRead]
    """How the uploaded list is read."""


class ListRead(TypedDict):
    """How an uploaded list is read."""

    format: Literal["csv", "xlsx"]
    column: str
    """Header of the column of websites."""
    further_columns: NotRequired[list[str]]
    """Read, in this order, where that names no company."""
    header_line: NotRequired[int]
    """Missing where the list has no header."""
    delimiter: NotRequired[str]
    """Of CSV with more than one column."""
    encoding: NotRequired[str]
    """Of CSV."""
    sheet: NotRequired[str]
    """Of XLSX: the first that holds a list."""


class ListCounts(TypedDict):
    """What the lines of a list came to; each is counted once, but those merged are repeated, too."""

    lines: int
    companies: int
    without_address: int
    refused: int
    """By a reason that the job's errors tell."""
    repeated: int
    """Name a company that another line named before."""
    merged: int
    """Of those, by another address."""


class ListTold(ListRead, ListCounts):
    """How a job's list was read, and what its lines came to."""


class LineExample(TypedDict):
    """A line of a list without a company."""

    line: int
    text: str


class LineReason(TypedDict):
    """Why lines of a list name no company."""

    reason: str
    count: int
    examples: list[LineExample]


class LineShown(TypedDict):
    """A line of a list that names a company."""

    line: int
    domain: str
    url: str
    values: dict[str, str]
    """Its other columns, filled ones, by their headers."""


class ListLook(ListRead, ListCounts):
    """What would be understood of a list."""

    other_columns: list[str]
    """Come back with the leads, as `input`."""
    complete: bool
    """False: only the first lines were read."""
    reasons: list[LineReason]
    first: list[LineShown]


class ListPreview(ListLook):
    """The same, and how many of its companies are known."""

    known: int | None
    """Of the companies, those that have a row of an earlier job; null where it takes too long to tell."""
    newest_known_at: str | None
    """When the newest of those rows was made."""
