"""Which jobs, typed once: the filter of `list`, `cancel --all` and `resume --all`."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from cli.typed import typed
from leadmill.client.options import JobFilter
from leadmill.declared import KINDS

Status = Annotated[
    str | None,
    typer.Option(help="pending, running, retry, completed, failed, cancelled", show_default=False),
]
Kind = Annotated[str | None, typer.Option(help=", ".join(KINDS), show_default=False)]
Tag = Annotated[str | None, typer.Option(help="Jobs that carry this tag.", show_default=False)]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Made since then: 1d, 12h, 2w, or 2026-11-24.", show_default=False)
]
Text = Annotated[str | None, typer.Option(help="Part of an id, a tag, an error or a message.", show_default=False)]


def _filter(
    *, status: Status = None, kind: Kind = None, tag: Tag = None, since: Since = None, text: Text = None
) -> JobFilter:
    from cli.times import ago

    since = None if since is None else ago(since, "--since")
    given = {"status": status, "kind": kind, "tag": tag, "since": since, "text": text}
    return cast(JobFilter, {name: value for name, value in given.items() if value is not None})


#: A command whose parameter `wanted` (filters of the API) is typed as all these options.
takes_filter = typed("wanted", _filter)
