"""The file with the list of companies that a command is given: there, and readable, or what to type instead."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.failure import CommandError
from leadmill.suggest import nearest


def readable(file: Path, column: str | None, command: str) -> Path:
    """The file, if `command` (`leadmill run`) can take it; only its first rows are read.

    Raises:
        CommandError: it is not there, or no list of companies, or it has no such column.
    """
    from pipelines.request.lists.company_list import CompanyList

    if file.is_dir():
        raise CommandError(f"{file} is a folder, no list", hint=f"{command} {shlex.quote(str(file / 'companies.csv'))}")
    if not file.is_file():
        raise CommandError(f"no such file: {file}", hint=f"{command} {shlex.quote(str(_beside(file)))}")
    with refused(file, command):
        CompanyList(file, column)
    return file


@contextmanager
def refused(file: Path, command: str) -> Iterator[None]:
    """What is wrong with a list, as a command says it."""
    from leadmill.errors import InputError

    try:
        yield
    except InputError as error:
        told = str(error).replace("by `column`", "by --column")
        hint = f"{command} {shlex.quote(str(file))} --column NAME" if "--column" in told or error.field else None
        raise CommandError(f"{file.name}: {told}", hint=hint) from error


def _beside(file: Path) -> Path:
    """The file that was probably meant."""
    try:
        names = [one.name for one in file.parent.iterdir() if one.suffix.lower() in (".csv", ".tsv", ".txt", ".xlsx")]
    except OSError:
        names = []
    near = nearest(file.name, names)
    return file.parent / near if near else Path("companies.csv")
