"""What the stack's Python processes run: `python -P -m cli.child celery ARGS…` and `… api HOST PORT`.

Our packages have everyday names. Loading them here, before Celery or uvicorn put the working directory
on the path, keeps a `tasks/` or `api/` folder of the user's from standing in for ours.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence

from leadmill.errors import ConfigError
from leadmill.loading import imports_kept, without_pandas
from leadmill.log import crashed, last_words, of_process
from leadmill.redaction import hide_in_crashes


def python_command(*arguments: str) -> list[str]:
    """How to run this module with this interpreter; `-P` keeps the working directory off the path."""
    return [sys.executable, "-P", "-m", "cli.child", *arguments]


def worker_arguments(given: Sequence[str]) -> list[str]:
    """Celery's arguments for a worker: what was given, and a node name that no other worker has."""
    arguments = ["worker", *given]
    if not _has(given, "-n", "--hostname"):
        name = f"{_first_queue(given) or 'all'}-{os.getpid()}-{secrets.token_hex(3)}"
        arguments += ["-n", f"{name}@%h"]
    if not _has(given, "-l", "--loglevel"):
        arguments += ["-l", "INFO"]
    # Neither is a setting in Celery; node names are unique and the record knows who works.
    return [*arguments, "--without-gossip", "--without-mingle"]


def beat_arguments(given: Sequence[str]) -> list[str]:
    """Celery's arguments for beat. Our scheduler keeps what it ticked in Redis: there is no schedule file."""
    arguments = ["beat", *given]
    if not _has(given, "-l", "--loglevel"):
        arguments += ["-l", "INFO"]
    return arguments


def _has(arguments: Sequence[str], short: str, long: str) -> bool:
    return any(
        word == long or word.startswith(f"{long}=") or (word.startswith(short) and word[1] != "-") for word in arguments
    )


def _first_queue(arguments: Sequence[str]) -> str:
    for index, word in enumerate(arguments):
        if word in ("-Q", "--queues"):
            found = "".join(arguments[index + 1 : index + 2])
        elif word.startswith("--queues="):
            found = word.partition("=")[2]
        elif word.startswith("-Q"):
            found = word[2:]
        else:
            continue
        return "".join(letter for letter in found.partition(",")[0] if letter.isalnum() or letter in "-_")
    return ""


def celery(arguments: Sequence[str]) -> int:
    """Run Celery's own command line on our app; returns its exit code."""
    import click

    try:
        with imports_kept():
            from tasks.app import app, settings
        of_process(process=arguments[0])
        # Where machines read the log, Celery's banner is none of its lines.
        quiet = ["--quiet"] if settings.log_format == "json" else []
        return int(app.start([*quiet, *arguments]) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):  # before the worker has handlers of its own
        return 130


def api(host: str, port: int) -> None:
    """Serve the REST API until told to stop."""
    with imports_kept(), without_pandas():
        import pyarrow.dataset  # noqa: F401

        from api.app import app
        from api.server import serve

    serve(app, host, port)


def main(arguments: list[str]) -> int:
    hide_in_crashes(crashed)
    # numpy comes with pyarrow: its threads, which nothing here uses, cost each process 0.1 s and their stacks.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return _run(arguments)
    except ConfigError as error:  # a setting or a plug-in: nothing can be loaded
        last_words(f"error: {error}")
        return 2


def _run(arguments: list[str]) -> int:
    match arguments:
        case ["celery", *rest]:
            return celery(rest)
        case ["api", host, port]:
            api(host, int(port))
            return 0
        case _:
            print("usage: python -m cli.child celery ARGS… | api HOST PORT", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
