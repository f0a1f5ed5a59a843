"""Writes the parts of the docs that code declares: `make docs`. What stands outside of the marked blocks is left alone.

A block begins with `<!-- made by make docs: NAME ARGUMENT -->` and ends with `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from docs import draw_map

DOCS = Path(__file__).parent
PAGES = (*sorted(DOCS.glob("*.md")), DOCS / "decisions" / "README.md")
_BLOCK = re.compile(r"(<!-- made by make docs: (\w+) ?(\w*) -->\n).*?(<!-- end -->\n)", re.DOTALL)
_METHODS = ("get", "post", "put", "patch", "delete")


def main() -> None:
    """Write anew every page that has such a block, and the picture of the tree."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if (made := renewed(text)) != text:
            page.write_text(made, encoding="utf-8")
    draw_map.TARGET.write_text(draw_map.draw(), encoding="utf-8")


def renewed(text: str) -> str:
    """A page with its blocks as the code has them now.

    Raises:
        KeyError: a block has a name that nothing makes.
    """
    return _BLOCK.sub(lambda block: f"{block[1]}\n{BLOCKS[block[2]](block[3]).strip()}\n\n{block[4]}", text)


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


# ---- settings ------------------------------------------------------------------------------------------


def settings(group: str) -> str:
    """The settings of one group (`leadmill.settings.Group`)."""
    from leadmill.settings import Settings, variable_of

    fields = {name: field for name, field in Settings.model_fields.items() if _about(field)["group"] == group}
    lines = ([f"`{variable_of(name)}`", _default(field), _what_it_does(field)] for name, field in fields.items())
    return _table(["variable", "default", "what it does"], lines)


def log_fields(of: str) -> str:
    """The fields of every line of the log, or of access lines."""
    from leadmill.log import ACCESS_FIELDS, FIELDS

    fields = {"every": FIELDS, "access": ACCESS_FIELDS}[of]
    return _table(["field", "what it holds"], ([f"`{name}`", about] for name, about in fields.items()))


def _what_it_does(field: Any) -> str:
    return f"{field.description} May lie in a file (below)." if _about(field)["hides"] else field.description


def _about(field: Any) -> Mapping[str, str]:
    return field.json_schema_extra


def _default(field: Any) -> str:
    if shown := _about(field)["shown"]:
        return shown
    match field.default:
        case None | []:
            return "none"
        case bool(on):
            return "on" if on else "off"
        case list(words):
            return f"`{','.join(words)}`"
        case value:
            return f"`{value}`"


# ---- what is found -------------------------------------------------------------------------------------


def found(point: str) -> str:
    """The plug-ins of one extension point, and what each says of itself."""
    from pipelines.request.search_providers import PROVIDERS
    from reports.formats import FORMATS
    from reports.layouts import LAYOUTS

    plugins: Mapping[str, Any] = {"formats": FORMATS, "layouts": LAYOUTS, "providers": PROVIDERS}[point].all()
    return "\n".join(f"- `{name}`: {plugin.about}" for name, plugin in plugins.items())


def fields(_: str) -> str:
    """Every field that a layout may name."""
    from reports.lead_fields import lead_fields

    return f"Fields: {', '.join(f'`{name}`' for name in lead_fields())}."


# ---- commands ------------------------------------------------------------------------------------------


def commands(_: str) -> str:
    """Every command of `leadmill` with its arguments and options."""
    from cli.main import all_commands

    return "\n\n".join(_commands("leadmill", all_commands()))


def _commands(path: str, command: Any) -> Iterator[str]:
    if inner := getattr(command, "commands", None):
        for name in inner:
            yield from _commands(f"{path} {name}", inner[name])
        return
    context = command.context_class(command, info_name=path, resilient_parsing=True)
    records = filter(None, (parameter.get_help_record(context) for parameter in command.get_params(context)))
    lines = [[f"`{what}`", " ".join(about.split())] for what, about in records if what != "--help"]
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield "\n\n".join([f"### `{usage}`", " ".join((command.help or "").split()), _table(["", ""], lines)])


# ---- decisions -----------------------------------------------------------------------------------------


def decisions(_: str) -> str:
    """Every page of docs/decisions by its title."""
    pages = sorted((DOCS / "decisions").glob("0*.md"))
    titles = (page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for page in pages)
    numbered = (title.partition(". ") for title in titles)
    lines = ([number, f"[{title}]({page.name})"] for page, (number, _, title) in zip(pages, numbered, strict=True))
    return _table(["", "decision"], lines)


# ---- calls ---------------------------------------------------------------------------------------------


def calls(_: str) -> str:
    """Every call of the API with its parameters, its body and its answer."""
    document = _document()
    parts = []
    for path, methods in document["paths"].items():
        for method in filter(methods.get, _METHODS):
            parts.append(_call(f"{method.upper()} {path}", methods[method]))
    return "\n\n".join(parts)


def bodies(_: str) -> str:
    """Every body that the calls speak of."""
    schemas = _document()["components"]["schemas"]
    return "\n\n".join(_body(name, schemas) for name in schemas if "properties" in schemas[name])


@cache
def _document() -> dict[str, Any]:
    from api.app import create_app
    from leadmill.settings import Settings

    return create_app(Settings()).openapi()


def _call(title: str, call: Mapping[str, Any]) -> str:
    parts = [f"### `{title}`", call["summary"] + "."]
    if call.get("description"):
        parts.append(" ".join(call["description"].split()))
    given = {parameter["name"].lower(): parameter for parameter in call.get("parameters", ())}
    repeatable = given.pop("idempotency-key", None)
    if given:
        lines = (
            [f"`{p['name']}` ({p['in']})", *_told(_schema_of(p), p.get("required", False), p)] for p in given.values()
        )
        parts.append(_table(["parameter", "type", "default", "what it is"], lines))
    sent = [_type(content["schema"]) for content in call.get("requestBody", {}).get("content", {}).values()]
    if named := [shown for shown in sent if shown.startswith("[")]:
        parts.append(f"Body: {named[0]}.")
    status, answer = next((status, answer) for status, answer in call["responses"].items() if status[0] == "2")
    content = next(iter(answer.get("content", {}).values()), {}).get("schema", {})
    answers = f"Answers {status}" + (f": {_type(content)}." if "$ref" in content else ".")
    parts.append(answers + (" Takes an `Idempotency-Key`." if repeatable else ""))
    return "\n\n".join(parts)


def _schema_of(parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    """A parameter that is no text holds JSON."""
    found: Mapping[str, Any] = parameter.get("schema") or parameter["content"]["application/json"]["schema"]
    return found


def _body(name: str, schemas: Mapping[str, Any]) -> str:
    schema = schemas[name]
    common = schemas["Common"]["properties"]
    own = {field: of for field, of in schema["properties"].items() if name == "Common" or common.get(field) != of}
    parts = [f"### {name}", " ".join(schema.get("description", "").split())]
    if len(own) < len(schema["properties"]):
        parts.append("With the fields of [Common](#common), and:" if own else "The fields of [Common](#common).")
    required = schema.get("required", ())
    lines = ([f"`{field}`", *_told(of, field in required, of)] for field, of in own.items() if not of.get("deprecated"))
    if own:
        parts.append(_table(["field", "type", "default", "what it is"], lines))
    return "\n\n".join(parts)


def _told(schema: Mapping[str, Any], required: bool, described: Mapping[str, Any]) -> list[str]:
    """Type, default and description of a parameter or a field."""
    default = schema.get("default")
    shown = "" if default in (None, "", [], {}) else f"`{json.dumps(default)}`"
    return [_type(schema), "required" if required else shown, described.get("description", "")]


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in words, with its bounds."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        inner = _document()["components"]["schemas"][name]
        return _type(inner) if "enum" in inner else f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = {"date-time": "time", "binary": "file"}.get(schema.get("format", ""), schema.get("type", "any"))
    if kind == "array":
        most = f" of at most {schema['maxItems']:,}" if "maxItems" in schema else ""
        return f"list{most}: {_type(schema.get('items', {}))}"
    if "maxLength" in schema:
        return f"{kind} of at most {schema['maxLength']:,} characters" if schema["maxLength"] else "empty"
    return " ".join([kind, *_bounds(schema)])


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    for key, sign in {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}.items():
        if key in schema:
            number = schema[key]
            yield f"{sign} {int(number) if number == int(number) else number:,}"


# ---- metrics -------------------------------------------------------------------------------------------


def metrics(_: str) -> str:
    """Every metric, by what it is about."""
    from leadmill.metrics import GROUPS

    head = ["metric", "type", "labels", "what it says"]
    parts = []
    for group, declared in GROUPS.items():
        lines = (
            [f"`{m.name}`", m.type, ", ".join(f"`{name}`" for name in m.labels), f"{m.help}.{_buckets(m.buckets)}"]
            for m in declared
        )
        parts.append(f"## {group}\n\n{_table(head, lines)}")
    return "\n\n".join(parts)


def _buckets(bounds: Sequence[float]) -> str:
    return f" Buckets up to {', '.join(f'{bound:g}' for bound in bounds)} and more." if bounds else ""


BLOCKS: Mapping[str, Callable[[str], str]] = {
    "settings": settings,
    "log_fields": log_fields,
    "found": found,
    "fields": fields,
    "commands": commands,
    "decisions": decisions,
    "calls": calls,
    "bodies": bodies,
    "metrics": metrics,
}

if __name__ == "__main__":
    main()
