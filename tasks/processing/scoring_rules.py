"""Scoring rules: the TOML form in which users write them, its checks, and each rule as a SQL condition.

A rule is data, never SQL: a field of the schema, one of a few operators, a literal. Regular expressions
run in RE2 (linear time) on a bounded text. `tasks/processing/scoring.toml` is the built-in model and
explains the form.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from data.schemas import ADDRESS, STAGE_SCHEMAS
from leadmill.errors import ConfigError
from reports.rows import name as identifier
from reports.rows import quote

#: Limits of a model: they keep the compiled query small whatever the file holds.
MAX_FILE = 256_000
MAX_RULES = 64
MAX_CONDITIONS = 12
MAX_VALUES = 200
MAX_TEXT = 200
#: Characters of a field that an operator on text looks at.
TEXT_WINDOW = 10_000

#: Operator → the kinds of field it takes.
OPERATORS: dict[str, frozenset[str]] = {
    "exists": frozenset({"text", "number", "list", "map", "struct", "time"}),
    "missing": frozenset({"text", "number", "list", "map", "struct", "time"}),
    "equals": frozenset({"text", "number"}),
    "in": frozenset({"text", "number"}),
    "contains_any": frozenset({"text", "list"}),
    "at_least": frozenset({"number", "list", "map"}),
    "at_most": frozenset({"number", "list", "map"}),
    "matches": frozenset({"text"}),
}
TIERS = ("A", "B", "C", "D")
_SLUG = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")
_MAP_KEY = re.compile(r"[a-z0-9_.-]{1,40}\Z")


@dataclass(frozen=True)
class Rule:
    """One rule: when its condition holds, its points are added and its reason is shown."""

    name: str
    #: What the rule speaks of: fit, intent, contact, or a word of your own.
    axis: str
    #: May be negative.
    points: float
    #: Shown to people beside the points.
    reason: str
    #: The condition as a SQL expression over the enrich-stage columns; null counts as false.
    sql: str


@dataclass(frozen=True)
class ScoringModel:
    """A checked set of rules."""

    name: str
    #: `name-` + 8 hex digits of sha256(file).
    version: str
    rules: tuple[Rule, ...]
    #: Tier → lowest score that gets it, best first; a score below all of them is tier D.
    tiers: tuple[tuple[str, float], ...]
    #: probability = 1 / (1 + exp(-slope × (score - midpoint)))
    midpoint: float
    slope: float


def load_rules(path: Path | None) -> ScoringModel:
    """Read and check a TOML file of scoring rules; None takes the built-in one.

    Raises:
        ConfigError: the file cannot be read or a rule is wrong; the message names the rule and the key.
    """
    file = path or Path(__file__).with_name("scoring.toml")
    try:
        raw = file.read_bytes()
        if len(raw) > MAX_FILE:
            raise ConfigError(f"{file}: larger than {MAX_FILE:,} bytes; a model has at most {MAX_RULES} rules")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from error
    try:
        return _compiled(raw)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


@lru_cache(maxsize=4)
def _compiled(raw: bytes) -> ScoringModel:
    """By content: a worker scores many jobs with one file, and an edit of it counts at once."""
    return _model(tomllib.loads(raw.decode("utf-8")), hashlib.sha256(raw).hexdigest()[:8])


def _model(document: Mapping[str, Any], digest: str) -> ScoringModel:
    _only(document, {"model", "tiers", "probability", "rule"}, "the file")
    head = _table(document, "model")
    _only(head, {"name"}, "[model]")
    model_name = head.get("name")
    if not isinstance(model_name, str) or not _SLUG.match(model_name):
        raise ConfigError("[model]: key 'name': a short name in lower case is needed, like 'b2b-default'")
    rules = document.get("rule", [])
    if not isinstance(rules, list) or not 0 < len(rules) <= MAX_RULES:
        raise ConfigError(f"key 'rule': between 1 and {MAX_RULES} [[rule]] entries are needed")
    compiled = tuple(_rule(entry, number) for number, entry in enumerate(rules, 1))
    seen: set[str] = set()
    for rule in compiled:
        if rule.name in seen:
            raise ConfigError(f"rule '{rule.name}': key 'name': used twice")
        seen.add(rule.name)
    probability = _table(document, "probability")
    _only(probability, {"midpoint", "slope"}, "[probability]")
    slope = _number(probability.get("slope", 0.1), "[probability]: key 'slope'", 10)
    if slope <= 0:
        raise ConfigError("[probability]: key 'slope': must be above 0")
    midpoint = _number(probability.get("midpoint", 60), "[probability]: key 'midpoint'", 1_000)
    return ScoringModel(model_name, f"{model_name}-{digest}", compiled, _tiers(document), midpoint, slope)


def _tiers(document: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    table = _table(document, "tiers") or {"A": 70, "B": 50, "C": 30}
    _only(table, set(TIERS[:-1]), "[tiers]")
    found = [(tier, _number(table.get(tier), f"[tiers]: key '{tier}'", 100)) for tier in TIERS[:-1]]
    scores = [score for _, score in found]
    if scores != sorted(set(scores), reverse=True) or scores[-1] <= 0:
        raise ConfigError("[tiers]: A, B and C must fall from A to C and stay above 0, like 70, 50, 30")
    return tuple(found)


def _rule(entry: Any, number: int) -> Rule:
    where = f"rule {number}"
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: must be a [[rule]] table")
    title = entry.get("name")
    if not isinstance(title, str) or not _SLUG.match(title):
        raise ConfigError(f"{where}: key 'name': a short name in lower case is needed, like 'has_email'")
    where = f"rule '{title}'"
    _only(entry, {"name", "axis", "points", "reason", "when", "all", "any"}, where)
    axis = entry.get("axis")
    if not isinstance(axis, str) or not _SLUG.match(axis):
        raise ConfigError(f"{where}: key 'axis': a word is needed: fit, intent, contact, or your own")
    points = _number(entry.get("points"), f"{where}: key 'points'", 100)
    reason = entry.get("reason")
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= MAX_TEXT:
        raise ConfigError(f"{where}: key 'reason': a sentence of at most {MAX_TEXT} characters is needed")
    return Rule(title, axis, points, reason.strip(), _when(entry, where))


def _when(entry: Mapping[str, Any], where: str) -> str:
    keys = [key for key in ("when", "all", "any") if key in entry]
    if len(keys) != 1:
        raise ConfigError(f"{where}: exactly one of the keys 'when', 'all' and 'any' is needed")
    key = keys[0]
    conditions = [entry[key]] if key == "when" else entry[key]
    if not isinstance(conditions, list) or not 0 < len(conditions) <= MAX_CONDITIONS:
        raise ConfigError(f"{where}: key '{key}': between 1 and {MAX_CONDITIONS} conditions are needed")
    glue = " OR " if key == "any" else " AND "
    return glue.join(f"({_condition(condition, where + ': key ' + repr(key))})" for condition in conditions)


def _condition(condition: Any, where: str) -> str:
    if not isinstance(condition, dict):
        raise ConfigError(f'{where}: a condition looks like {{ field = "country", op = "in", value = ["DE"] }}')
    _only(condition, {"field", "op", "value"}, where)
    kind, sql = _field(condition.get("field"), where)
    op = condition.get("op")
    if op not in OPERATORS:
        raise ConfigError(f"{where}: 'op': {_unknown(op, OPERATORS)}")
    if kind not in OPERATORS[op]:
        fitting = ", ".join(sorted(known for known, kinds in OPERATORS.items() if kind in kinds))
        raise ConfigError(f"{where}: 'op': '{op}' does not work on '{condition['field']}' (a {kind}); use {fitting}")
    if op in ("exists", "missing"):
        if "value" in condition:
            raise ConfigError(f"{where}: 'value': '{op}' takes none")
        found = _exists(kind, sql)
        return found if op == "exists" else f"NOT {found}"
    if "value" not in condition:
        raise ConfigError(f"{where}: 'value': '{op}' needs one")
    return _compare(kind, sql, op, condition["value"], f"{where}: 'value'")


def _exists(kind: str, sql: str) -> str:
    match kind:
        case "text":
            return f"(coalesce(trim({sql}), '') <> '')"
        case "list":
            return f"(coalesce(len({sql}), 0) > 0)"
        case "map":
            return f"(coalesce(cardinality({sql}), 0) > 0)"
        case "struct":
            parts = ", ".join(f"{sql}.{identifier(part.name)}" for part in ADDRESS)
            return f"(coalesce({parts}) IS NOT NULL)"
        case _:
            return f"({sql} IS NOT NULL)"


def _compare(kind: str, sql: str, op: str, value: Any, where: str) -> str:
    if op in ("at_least", "at_most"):
        size = {"list": f"coalesce(len({sql}), 0)", "map": f"coalesce(cardinality({sql}), 0)"}.get(kind, sql)
        return f"{size} {'>=' if op == 'at_least' else '<='} {_number(value, where, 1e12)!r}"
    if op == "matches":
        return f"regexp_matches(left({sql}, {TEXT_WINDOW}), {quote(_pattern(value, where))}, 'i')"
    values = value if isinstance(value, list) else [value]
    if isinstance(value, list) == (op == "equals") or not 0 < len(values) <= MAX_VALUES:
        wanted = "one value" if op == "equals" else f"a list of 1 to {MAX_VALUES} values"
        raise ConfigError(f"{where}: {wanted} is needed")
    if kind == "number":
        return f"{sql} IN ({', '.join(repr(_number(item, where, 1e12)) for item in values)})"
    literals = [f"lower({quote(_text(item, where))})" for item in values]
    if op in ("equals", "in"):
        return f"lower({sql}) IN ({', '.join(literals)})"
    if kind == "list":
        return f"list_has_any(list_transform({sql}, lambda x: lower(x)), [{', '.join(literals)}])"
    window = f"lower(left({sql}, {TEXT_WINDOW}))"
    return "(" + " OR ".join(f"contains({window}, {literal})" for literal in literals) + ")"


def _field(field: Any, where: str) -> tuple[str, str]:
    """Kind and SQL of a field: a column, `address.city`, or `social.linkedin`."""
    schema = STAGE_SCHEMAS["enrich"]
    column, _, part = field.partition(".") if isinstance(field, str) else ("", "", "")
    if column not in schema.names:
        raise ConfigError(f"{where}: 'field': {_unknown(field, schema.names)}")
    kind, sql = schema.field(column).type, identifier(column)
    if part and pa.types.is_struct(kind) and part in [child.name for child in kind]:
        return "text", f"{sql}.{identifier(part)}"
    if part and pa.types.is_map(kind) and _MAP_KEY.match(part):
        return "text", f"{sql}[{quote(part)}]"
    if part:
        raise ConfigError(f"{where}: 'field': '{column}' has no part '{part[:40]}'")
    return _kind(kind), sql


def _kind(kind: pa.DataType) -> str:
    for test, word in (
        (pa.types.is_string, "text"),
        (pa.types.is_list, "list"),
        (pa.types.is_map, "map"),
        (pa.types.is_struct, "struct"),
        (pa.types.is_timestamp, "time"),
    ):
        if test(kind):
            return word
    return "number"


def _pattern(value: Any, where: str) -> str:
    """A regular expression that RE2 takes."""
    import duckdb

    pattern = _text(value, where)
    try:
        duckdb.execute("SELECT regexp_matches('', ?, 'i')", [pattern]).fetchall()
    except duckdb.Error as error:
        raise ConfigError(f"{where}: not a regular expression that RE2 knows: {str(error).splitlines()[0]}") from error
    return pattern


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or "\x00" in value:
        raise ConfigError(f"{where}: a text of 1 to {MAX_TEXT} characters is needed, not {str(value)[:60]!r}")
    return value


def _number(value: Any, where: str, limit: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value) > limit:
        raise ConfigError(f"{where}: a number between -{limit:g} and {limit:g} is needed, not {str(value)[:60]!r}")
    return float(value)


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = document.get(key, {})
    if not isinstance(table, dict):
        raise ConfigError(f"key '{key}': must be a [{key}] table")
    return table


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: {_unknown(key, known)}")


def _unknown(value: Any, known: Any) -> str:
    near = difflib.get_close_matches(str(value), sorted(known), n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known))}"
    return f"unknown key or name {str(value)[:60]!r}; {hint}"
