"""Scoring rules as the score stage takes them, each with its condition in SQL: the built-in ones or a user's file."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from leadmill.errors import ConfigError

#: Largest file, bytes: with the limits of `scoring_file` it keeps the compiled query small.
MAX_FILE = 256_000
TIERS = ("A", "B", "C", "D")
#: The axis of the rules that say whether a company can be reached.
REACH = "contact"


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
    #: The condition as a SQL expression over the columns of the stage before; null counts as false.
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

    @property
    def most_reach(self) -> float:
        """The points that its rules of axis contact can give at most; 0 when it has none."""
        return sum(rule.points for rule in self.rules if rule.axis == REACH and rule.points > 0)


def load_rules(path: Path | None) -> ScoringModel:
    """Read and check a TOML file of scoring rules; None takes the built-in one.

    Raises:
        ConfigError: the file cannot be read or a rule is wrong; the message names the rule and the key.
    """
    file = path or Path(__file__).with_name("scoring.toml")
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from error
    if len(raw) > MAX_FILE:
        raise ConfigError(f"{file}: larger than {MAX_FILE:,} bytes")
    try:
        return _compiled(raw)
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, a number or a nesting without an end
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


@lru_cache(maxsize=4)
def _compiled(raw: bytes) -> ScoringModel:
    """By content: a worker scores many jobs with one file, and an edit of it counts at once."""
    from tasks.processing.scoring_file import read

    file = read(tomllib.loads(raw.decode("utf-8")))
    return ScoringModel(
        name=file.model.name,
        version=f"{file.model.name}-{hashlib.sha256(raw).hexdigest()[:8]}",
        rules=tuple(Rule(rule.name, rule.axis, rule.points, rule.reason, rule.sql) for rule in file.rule),
        tiers=tuple((tier, getattr(file.tiers, tier)) for tier in TIERS[:-1]),
    )
