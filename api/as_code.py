"""A submission as what one would type to make it: with curl, from Python, on the command line."""

from __future__ import annotations

import json
import pprint
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import Request

from api.context import Context
from pipelines.views.view import API

#: Fields of a body by the option of `leadmill run` that gives them: with a value each, and those that are only said.
_OPTIONS = {
    "search_queries": "--search", "column": "--column", "stages": "--stages", "report.formats": "--formats",
    "report.layout": "--layout", "report.mail_to": "--mail-to", "crawl.max_pages": "--max-pages",
    "min_coverage": "--min-coverage", "scoring_model": "--scoring-model", "icp": "--icp", "priority": "--priority",
    "tags": "--tag", "notify": "--notify", "callback_url": "--callback-url",
}  # fmt: skip
_SAID = {("report.bom", False): "--no-bom", ("crawl.respect_signals", True): "--respect-signals",
         ("extract.people", True): "--people"}  # fmt: skip
_JOINED = frozenset({"stages", "report.formats"})


def as_code(request: Request, here: Context, body: Mapping[str, Any], file: str | None = None) -> list[tuple[str, str]]:
    """(name, text) of each way in which the caller may submit a pipeline; the command line is left out where it has no
    option for a field.

    Args:
        request: by whose address the API is reached, where no other is set.
        body: what `POST /pipelines` takes; of a list only what is beside it.
        file: the name of the list that is sent.
    """
    base = here.settings.public_url or str(request.base_url).rstrip("/")
    asks_key = here.caller.key_id is not None
    found = [("curl", _curl(body, base, file, asks_key=asks_key)), ("Python", _python(body, base, file))]
    command = _command(body, file)
    return found if command is None else [*found, ("Command line", command)]


def _curl(body: Mapping[str, Any], base: str, file: str | None, *, asks_key: bool) -> str:
    lines = [f"curl -s {base}{API}/pipelines"]
    if asks_key:
        lines.append('-H "X-API-Key: $LEADMILL_API_KEY"')
    text = json.dumps(body, ensure_ascii=False)
    if file is None:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(text)}"]
    else:
        lines += [f"-F {shlex.quote(f'file=@{file}')}", *([f"-F {shlex.quote(f'options={text}')}"] if body else [])]
    return " \\\n  ".join(lines)


def _python(body: Mapping[str, Any], base: str, file: str | None) -> str:
    given = [f"csv={file!r}"] if file is not None else []
    for name, value in body.items():
        text = pprint.pformat(value, width=88, sort_dicts=False)
        given.append(text if name == "company_urls" else f"{name}={text}")
    lines = ",\n        ".join(one.replace("\n", "\n        ") for one in given)
    return (
        f"from leadmill import Client\n\nwith Client({base!r}) as client:\n"
        f"    job = client.submit(\n        {lines},\n    )\n    print(job.wait().coverage)"
    )


def _command(body: Mapping[str, Any], file: str | None) -> str | None:
    words = ["leadmill", "run", *([file] if file is not None else []), *body.get("company_urls", ())]
    for name, value in _flat(body):
        if name == "company_urls":
            continue
        if (name, value if isinstance(value, bool) else None) in _SAID:
            words.append(_SAID[name, value])
        elif name not in _OPTIONS or isinstance(value, Mapping):
            return None
        elif name in _JOINED:
            words += [_OPTIONS[name], ",".join(value)]
        else:
            for one in value if isinstance(value, Sequence) and not isinstance(value, str) else [value]:
                words += [_OPTIONS[name], str(one)]
    return shlex.join([*words, "--watch"])


def _flat(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        if name in ("report", "crawl", "extract") and isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", one) for inner, one in value.items())
        else:
            yield name, value
