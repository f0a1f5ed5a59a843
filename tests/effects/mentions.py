"""Which words a test must have to be one of something that may be given: what is typed, sent or called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from cli.main import all_commands
from leadmill.client.client import Client
from leadmill.client.job_handle import JobHandle
from leadmill.settings import Settings, variable_of
from tests.effects.reach import Words

_CLASSES = {"Client": Client, "JobHandle": JobHandle}


def field(name: str) -> Iterator[set[str]]:
    """`Crawl.max_pages`: its name, or the option of the command line that it comes from."""
    yield _forms(name.rpartition(".")[2])


def parameter(name: str) -> Iterator[set[str]]:
    """`GET /jobs/list tag`: its name, or the option of the command line that it comes from."""
    yield _forms(name.rpartition(" ")[2])


def option(name: str) -> Iterator[set[str]]:
    """`run --max-pages`: the command, and the option as it may be spelt."""
    *path, last = name.split(" ")
    if path and path[-1] not in ("*", "PIPELINE"):
        yield {path[-1]}
    if last.startswith("--"):
        yield _spellings(path, last)


def argument(name: str) -> Iterator[set[str]]:
    """`Client.errors limit`: the call, and the name of what is given by name alone."""
    call, _, given = name.partition(" ")
    kind, _, method = call.partition(".")
    yield {method if method != "__init__" else kind}
    parameters = inspect.signature(getattr(_CLASSES[kind], method)).parameters
    if parameters[given].kind is inspect.Parameter.KEYWORD_ONLY:
        yield {given}


def setting(name: str) -> Iterator[set[str]]:
    """`LEADMILL_STRICT`: the variable, or the field of the settings."""
    yield {name, *(one for one in Settings.model_fields if variable_of(one) == name)}


def make(name: str) -> Iterator[set[str]]:
    """`PORT`: as it stands."""
    yield {name}


#: Table of `named.toml` → sets of words; of each set the test has one.
MENTIONS: dict[str, Callable[[str], Iterator[set[str]]]] = {
    "field": field,
    "parameter": parameter,
    "option": option,
    "argument": argument,
    "setting": setting,
    "make": make,
}


def missing(table: str, name: str, words: Words) -> list[set[str]]:
    """What a test does not mention of something that it is named for."""
    there = words.texts if table == "option" else words.texts | words.names
    return [wanted for wanted in MENTIONS[table](name) if there.isdisjoint(wanted)]


def _forms(name: str) -> set[str]:
    return {name, name.title(), name.title().replace("Id", "ID"), f"--{name.replace('_', '-')}"}


@cache
def _commands() -> Any:
    return all_commands()


def _spellings(path: list[str], name: str) -> set[str]:
    """`--queues` and `-Q`; of what several commands share, only the one."""
    command = _commands()
    for word in path:
        command = getattr(command, "commands", {}).get(word, command)
    return next((set(one.opts) | set(one.secondary_opts) for one in command.params if name in one.opts), {name})
