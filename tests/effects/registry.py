"""Everything that may be given, read from where it is declared: names like those in `named.toml`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.app import create_app
from api.bodies import Body
from cli.main import all_commands
from leadmill.client.client import Client
from leadmill.client.job_handle import JobHandle
from leadmill.settings import Settings, variable_of

ROOT = Path(__file__).parents[2]


def fields() -> Iterator[str]:
    """`Crawl.max_pages`: the fields of every body, each where it is declared."""
    models = list(Body.__subclasses__())
    for model in models:
        models += model.__subclasses__()
        yield from (f"{model.__name__}.{name}" for name in model.__annotations__ if name in model.model_fields)


def parameters() -> Iterator[str]:
    """`GET /jobs/list tag`: the query parameters and headers of every call."""
    for path, calls in create_app(Settings()).openapi()["paths"].items():
        for method, call in calls.items():
            if method in ("get", "post", "put", "patch", "delete"):
                for one in call.get("parameters", ()):
                    if one["in"] in ("query", "header"):
                        yield f"{method.upper()} {path.removeprefix('/api/v1')} {one['name'].lower()}"


def options() -> Iterator[str]:
    """`run --max-pages`, `status JOB`: the options and arguments of every command."""
    yield from _options("", all_commands())


def _options(path: str, command: Any) -> Iterator[str]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _options(f"{path}{name} ", inner)
    for one in command.params:
        named = max(one.opts, key=len) if one.param_type_name == "option" else (one.metavar or one.name.upper())
        if one.name not in ("help", "install_completion", "show_completion"):
            yield f"{path}{named}"


def arguments() -> Iterator[str]:
    """`Client.submit csv`: the named parameters of the client's calls (its typed options are fields)."""
    for kind in (Client, JobHandle):
        for name, call in inspect.getmembers(kind, inspect.isroutine):
            if not name.startswith("_") or (kind is Client and name == "__init__"):
                for one in inspect.signature(call).parameters.values():
                    if one.name != "self" and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL):
                        yield f"{kind.__name__}.{name} {one.name}"


def settings() -> Iterator[str]:
    """`LEADMILL_STRICT`: every setting."""
    return (variable_of(name) for name in Settings.model_fields)


def make_variables() -> Iterator[str]:
    """`PORT`: what make takes behind a target."""
    found = re.search(r"^VARIABLES := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return iter(found[1].split())


#: Table of `named.toml` → what it has to name.
REGISTRIES = {
    "field": fields,
    "parameter": parameters,
    "option": options,
    "argument": arguments,
    "setting": settings,
    "make": make_variables,
}
