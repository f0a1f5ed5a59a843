"""The `leadmill` command: its groups, and how every way to end becomes an exit code and one line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.core import TyperGroup
from typer.main import get_command

from cli import console
from cli.failure import CommandError, Exit
from cli.option_words import say_in_words
from cli.streams import OutputClosedError, open_missing, silence
from leadmill.errors import ConfigError, LeadmillError
from leadmill.redaction import trace_of


def all_commands() -> TyperGroup:
    """Every command, below one. Some are made of declarations, whose faults are told like any other.

    Raises:
        ConfigError: a stage or a kind of job is declared wrongly.
    """
    from cli.commands import (
        audit,
        blocks,
        check,
        doctor,
        jobs,
        keys,
        lake,
        leads,
        ledger,
        logs,
        maintain,
        notices,
        people,
        processes,
        projects,
        report,
        run_job,
        schedules,
        scoring,
        sql,
        stack,
    )

    app = typer.Typer(
        name="leadmill",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    groups = (
        stack, run_job, check, jobs, logs, report, leads, people, ledger, sql, scoring, processes, audit, blocks,
        doctor,
    )  # fmt: skip
    for group in groups:
        group.register(app)
    app.callback()(_leadmill)
    app.add_typer(scoring.app, name="icp")
    app.add_typer(schedules.app, name="schedules")
    app.add_typer(keys.app, name="keys")
    app.add_typer(projects.app, name="projects")
    app.add_typer(lake.app, name="lake")
    app.add_typer(notices.app, name="notices")
    app.add_typer(maintain.app, name="maintenance")
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    say_in_words(command)
    return command


def _tell_version(asked: bool) -> None:
    if asked:
        from leadmill import __version__

        console.result(f"leadmill {__version__}")
        raise typer.Exit


def _leadmill(
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Turn company websites into scored sales leads. Start with: leadmill demo"""


def run() -> None:
    """Entry point of the installed command."""
    open_missing()
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code (see `Exit`)."""
    try:
        answer = all_commands()(list(arguments), standalone_mode=False, prog_name="leadmill")
        sys.stdout.flush()
        return int(answer or 0)
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except (BrokenPipeError, OutputClosedError):
        silence("stdout")
        return Exit.OK
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        silence("stdout")  # click's own way out, when nobody reads the help
        return Exit.OK
    except Exception as error:
        return _tell(error)


def _tell(error: Exception) -> int:
    """Say in one line why a command could not go on; returns the exit code."""
    match error:
        case UnicodeEncodeError():
            console.error(f"this is no text: {error.object!r}", "leadmill --help")
            return Exit.USER_ERROR
        case CommandError():
            console.error(str(error), error.hint)
            return error.exit_code
        case typer.TyperException():
            return _usage_error(error)
        case LeadmillError():
            return _known_error(error)
        case OSError():
            where = f": {error.filename}" if error.filename else ""
            console.error(f"{error.strerror or error}{where}")
            return Exit.USER_ERROR
        case _:
            console.note(trace_of(error).rstrip())
            console.error("this is a fault of Leadmill itself", "leadmill doctor")
            return Exit.BUG


def _usage_error(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":  # no arguments at all: the help is the answer
        console.result(error.format_message())
        return Exit.USER_ERROR
    path = context.command_path if context is not None else "leadmill"
    console.error(error.format_message(), f"{path} --help")
    return Exit.USER_ERROR


def _known_error(error: LeadmillError) -> int:
    from leadmill.client.errors import ApiError

    text = str(error)
    if isinstance(error, ApiError):
        if error.field and not text.startswith(error.field):
            text = f"{error.field}: {text}"
        if error.request_id and error.status >= 500:
            text = f"{text} (request {error.request_id})"
        if error.job_id:
            console.error(text, f"leadmill status {error.job_id}    # it may count all the same")
            return Exit.USER_ERROR
        if error.status == 0:
            console.error(text, "leadmill doctor")
            return Exit.USER_ERROR
        if error.status == 401:
            from cli.connection import KEY_HINT

            # What the API says of headers is for those who send them.
            console.error("the API asks for a key" if error.code == "key_missing" else text, KEY_HINT)
            return Exit.USER_ERROR
    elif getattr(error, "field", None):
        text = f"{error.field}: {text}"  # type: ignore[attr-defined]
    looked_into = error.status >= 500 and not isinstance(error, ConfigError)  # which says itself what to mend
    console.error(text, "leadmill doctor" if looked_into else None)
    return Exit.USER_ERROR


if __name__ == "__main__":
    run()
