"""The TOML form in which users write scoring rules, checked by pydantic; `built_in/b2b-default.toml` explains it.

Loaded where a job is scored, and not when a worker starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from leadmill.errors import ConfigError
from leadmill.suggest import unknown
from pipelines.scoring.conditions import MAX_TEXT, OPERATORS, condition_sql

MAX_RULES = 64
MAX_CONDITIONS = 12

# Descriptions say what is wanted, to a user whose file has something else there.
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Name = Annotated[Slug, Field(description="a short name in lower case, like 'has_email',")]
Axis = Annotated[Slug, Field(description="a word: fit, intent, contact, or your own,")]
Points = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False, description="a number between -100 and 100")]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT),
    Field(description=f"a sentence of at most {MAX_TEXT} characters"),
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    #: What a value of another type is told.
    FORM: ClassVar[str] = "a table is needed"


class Condition(_Table):
    FORM = 'a condition looks like { field = "country", op = "in", value = ["DE"] }'

    field: str = Field(description="the name of a column")
    op: str = Field(description=f"one of {', '.join(OPERATORS)}")
    value: Any = None

    @cached_property
    def sql(self) -> str:
        return condition_sql(self.field, self.op, self.value)

    @model_validator(mode="after")
    def _fits(self) -> Condition:
        assert self.sql
        return self


Conditions = Annotated[list[Condition], Field(min_length=1, max_length=MAX_CONDITIONS)]
_FEW = f"a list of 1 to {MAX_CONDITIONS} conditions"


class RuleEntry(_Table):
    FORM = "a [[rule]] table is needed"

    name: Name
    axis: Axis
    points: Points
    reason: Reason
    when: Condition | None = None
    all: Conditions | None = Field(None, description=_FEW)
    any: Conditions | None = Field(None, description=_FEW)

    @model_validator(mode="before")
    @classmethod
    def _one_condition(cls, entry: Any) -> Any:
        if isinstance(entry, dict) and len({"when", "all", "any"} & entry.keys()) != 1:
            raise ValueError("exactly one of the keys 'when', 'all' and 'any' is needed")
        return entry

    @property
    def sql(self) -> str:
        """The rule's condition over a row."""
        conditions = [self.when] if self.when else self.all or self.any or []
        return (" OR " if self.any else " AND ").join(f"({condition.sql})" for condition in conditions)


class Head(_Table):
    name: Slug = Field(description="a short name in lower case, like 'b2b-default',")


class Tiers(_Table):
    """Lowest score of each tier; below C is D."""

    A: Points = 70.0
    B: Points = 50.0
    C: Points = 30.0

    @model_validator(mode="after")
    def _fall(self) -> Tiers:
        if self.model_fields_set not in (set(), set(Tiers.model_fields)):
            missing = min(set(Tiers.model_fields) - self.model_fields_set)
            raise ValueError(f"key '{missing}': name all three, or none")
        if not self.A > self.B > self.C > 0:
            raise ValueError("A, B and C must fall from A to C and stay above 0, like 70, 50, 30")
        return self


class Probability(_Table):
    """What made a probability of the score in files of 0.2.0. It has no effect; files that have it stay valid."""

    midpoint: float = Field(
        60.0, ge=-1_000, le=1_000, allow_inf_nan=False, description="a number between -1000 and 1000"
    )
    slope: float = Field(0.1, gt=0, le=10, allow_inf_nan=False, description="a number above 0, at most 10,")


class ScoringFile(_Table):
    """A whole file."""

    model: Head = Field(description="a table with a name")
    tiers: Tiers = Tiers()
    probability: Probability | None = None
    rule: list[RuleEntry] = Field(
        min_length=1, max_length=MAX_RULES, description=f"a list of 1 to {MAX_RULES} [[rule]] tables"
    )

    @model_validator(mode="after")
    def _names_differ(self) -> ScoringFile:
        seen: set[str] = set()
        for rule in self.rule:
            if rule.name in seen:
                raise ValueError(f"rule '{rule.name}': key 'name': used twice")
            seen.add(rule.name)
        return self


def read(document: Mapping[str, Any]) -> ScoringFile:
    """Check what a TOML file holds.

    Raises:
        ConfigError: something is wrong; the message names the rule and the key of the first such place.
    """
    try:
        return ScoringFile.model_validate(document)
    except ValidationError as error:
        # A key that does not exist explains why another is missing.
        fault = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        place, table = _place(document, fault["loc"])
        raise ConfigError(": ".join([*place, _said(fault, table)])) from error


_TABLES: dict[str, type[_Table]] = {"model": Head, "tiers": Tiers, "probability": Probability}


def _place(document: Mapping[str, Any], loc: tuple[int | str, ...]) -> tuple[list[str], type[_Table]]:
    """In words where a fault is, and the table that has it."""
    keys = [key for key in loc if isinstance(key, str)]
    if loc[:1] == ("rule",) and len(loc) > 1:
        number = int(loc[1])
        entry = document["rule"][number]
        name = entry.get("name") if isinstance(entry, dict) else None
        rule = f"rule '{name[:40]}'" if isinstance(name, str) else f"rule {number + 1}"
        table = Condition if {"when", "all", "any"} & set(keys[1:2]) else RuleEntry
        return [rule, *(f"key {key!r}" for key in keys[1:2]), *map(repr, keys[2:])], table
    if keys and keys[0] in _TABLES:
        return [f"[{keys[0]}]", *(f"key {key!r}" for key in keys[1:])], _TABLES[keys[0]]
    return [f"key {key!r}" for key in keys], ScoringFile


def _said(fault: Mapping[str, Any], table: type[_Table]) -> str:
    match fault["type"]:
        case "extra_forbidden":
            return unknown("key", fault["loc"][-1], table.model_fields)
        case "model_type":
            return table.FORM
        case "value_error":
            return str(fault["ctx"]["error"])
    wanted = _description(fault["loc"]) or str(fault["msg"])
    # Of what is too long or too short a user sees as much himself.
    return wanted if fault["type"] in ("missing", "too_short", "too_long") else f"{wanted}, not {_shown(fault)}"


def _description(loc: tuple[int | str, ...]) -> str | None:
    """What the key at a place wants, as a sentence."""
    keys = [key for key in loc if isinstance(key, str)]
    rule_level = RuleEntry if len(keys) == 2 else Condition
    table = ScoringFile if len(keys) < 2 else _TABLES.get(keys[0], rule_level)
    known = table.model_fields.get(keys[-1]) if keys and isinstance(loc[-1], str) else None
    return f"{known.description} is needed" if known and known.description else None


def _shown(fault: Mapping[str, Any]) -> str:
    return repr(str(fault["input"])[:60])
