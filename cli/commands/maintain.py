"""`leadmill maintenance …`: each kind of job that needs no companies, as a command; it is waited for."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import console
from cli.options import AsJson, DataFolder
from leadmill.declared import KINDS
from leadmill.kinds import Kind

if TYPE_CHECKING:
    from leadmill.client.job_handle import JobHandle

app = typer.Typer(help="Cleanup, health check, optimisation.", no_args_is_help=True, rich_markup_mode=None)


def _command(kind: Kind) -> Callable[..., int]:
    def command(*, data: DataFolder, as_json: AsJson, **options: Any) -> int:
        from cli.connection import connect, use_data

        use_data(data)
        with connect(patient=True) as client:
            return finish(client.submit_kind(kind.name, **options), as_json)

    def parameter(name: str, annotation: Any, default: Any = None) -> Parameter:
        return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)

    own = [
        parameter(name, Annotated[int | None, typer.Option(min=one.low, max=one.high, help=one.help)])
        for name, one in kind.options.items()
    ]
    shown = [*own, parameter("data", DataFolder), parameter("as_json", AsJson, False)]
    command.__signature__ = Signature(shown, return_annotation=int)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in shown}
    command.__doc__ = f"{kind.summary}."
    return command


def finish(handle: JobHandle, as_json: bool) -> int:
    """Wait for a job and print what it found."""
    from cli.failure import Exit
    from cli.progress import closing_line

    job = handle.wait()
    console.json_result(job.raw if as_json else job.result)
    console.note(closing_line(job))
    return Exit.OK if job.status == "completed" else Exit.JOB_FAILED


for _kind in KINDS.values():
    if _kind.route and not _kind.needs_companies:
        app.command(_kind.word)(_command(_kind))
