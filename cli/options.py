"""Options that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leadmill.places import path_of

DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        parser=path_of,
        help="Data folder, or s3://bucket/prefix (default: LEADMILL_DATA_URL, ./var).",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="A job's id: job_…")]
Watch = Annotated[
    bool | None,
    typer.Option("--watch/--no-watch", help="Show progress on stderr while waiting.", show_default=False),
]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A tag to find the job by; may be repeated.")]
Notify = Annotated[
    list[str] | None,
    typer.Option("--notify", metavar="WHO", help="Channel or mail address told of its end; may be repeated."),
]
CallbackUrl = Annotated[
    str | None, typer.Option("--callback-url", metavar="URL", help="Told of its end by a signed webhook.")
]
Priority = Annotated[str | None, typer.Option(help="high, normal or low.", show_default=False)]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
All = Annotated[bool, typer.Option("--all", help="Every job that matches --status, --kind, --tag, --since, --text.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def words(text: str) -> list[str]:
    """The values of an option that takes several: `a,b,c`."""
    return [word.strip() for word in text.split(",") if word.strip()]
