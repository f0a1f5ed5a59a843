"""What is wrong with a query parameter, in words that name what may be given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

#: Characters of a wrong value that are told again.
_SHOWN = 60
#: Beginnings of pydantic's names of faults which say less than what may be given: another kind of value, or bounds.
_TOLD_BETTER = ("bool_", "datetime_", "finite_", "float_", "greater_", "int_", "less_", "string_", "timezone_", "too_")
_KINDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
_TIME = "a time with its zone, like 2027-01-31T08:00:00Z"


def query_parameters(dependant: Dependant) -> Iterator[tuple[str, FieldInfo]]:
    """Each of a call, by the name that a caller gives it."""
    yield from ((field.alias, field.field_info) for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from query_parameters(inner)


def fault(route: object, error: Mapping[str, Any]) -> str | None:
    """What to say of an error of pydantic's about a query parameter; None: what it says itself."""
    where, name = error["loc"][:2] if len(error["loc"]) > 1 else ("", "")
    if where != "query" or not error["type"].startswith(_TOLD_BETTER) or not isinstance(route, APIRoute):
        return None
    found = dict(query_parameters(route.dependant)).get(str(name))
    if found is None:
        return None
    kind: Any = Annotated[found.annotation, found]
    schema = TypeAdapter(kind).json_schema()
    # One of several values is at fault by itself; all of them by their number.
    may_be = _allowed(schema["items"] if "items" in schema and len(error["loc"]) > 2 else schema)
    value = error.get("input")
    short = isinstance(value, str) and 0 < len(value) <= _SHOWN
    return may_be and f"give {may_be}{f', not {value!r}' if short else ''}"


def _allowed(schema: Mapping[str, Any]) -> str | None:
    """`a number from 0 to 100`; None: its schema says no more than that it is a text."""
    one = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    if one.get("format") == "date-time":
        return _TIME
    match one.get("type"):
        case "array":
            return _bounded(one.get("minItems", 0), one.get("maxItems"), "value")
        case "string" if "pattern" in one:
            return "one of those that the page before named"
        case "string":
            return _bounded(one.get("minLength", 0), one.get("maxLength"), "character")
        case "integer" | "number" | "boolean" as kind:
            low, high = one.get("minimum"), one.get("maximum")
            return _KINDS[kind] + ("" if low is None or high is None else f" from {low:,g} to {high:,g}")
    return None


def _bounded(low: int, high: int | None, noun: str) -> str | None:
    if high is None:
        return f"at least {low:,} {noun}{'' if low == 1 else 's'}" if low else None
    return f"{low:,} to {high:,} {noun}s" if low else f"at most {high:,} {noun}s"
