"""Scoring rules as the score stage takes them, each with its condition in SQL, and how they are read from a file."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from leadmill.errors import ConfigError

#: Largest file, bytes: with the limits of `rule_file` it keeps the compiled query small.
MAX_FILE = 256_000
TIERS = ("A", "B", "C", "D")
#: The axis of the rules that say whether a company can be reached.
REACH = "contact"
#: Points of a profile's rule that excludes: as many as all that is wanted can give.
EXCLUDED = -100.0
BUILT_IN = Path(__file__).with_name("built_in")
#: The model that scores where none is named.
DEFAULT_MODEL = "b2b-default"


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
    #: Of neighbours with the same group only the first that holds counts.
    group: str = ""


@dataclass(frozen=True)
class ScoringModel:
    """A checked set of rules."""

    name: str
    #: `name-` + 8 hex digits of sha256(file).
    version: str
    rules: tuple[Rule, ...]
    #: Tier → lowest score that gets it, best first; a score below all of them is tier D.
    tiers: tuple[tuple[str, float], ...]
    #: The rules come from an ideal customer profile: those that do not speak of reach make the fit.
    of_profile: bool = False
    #: Name → SQL of what conditions read beside the columns, worked out once a row.
    derived: tuple[tuple[str, str], ...] = ()
    #: What a reader of the file should know: something in it has no effect.
    warning: str | None = None

    @property
    def most_reach(self) -> float:
        """The points that its rules of axis contact can give at most; 0 when it has none."""
        return sum(rule.points for rule in self.rules if rule.axis == REACH and rule.points > 0)


def load_rules(path: Path | None) -> ScoringModel:
    """Read and check a TOML file of scoring rules; None takes the built-in one.

    Raises:
        ConfigError: the file cannot be read or a rule is wrong; the message names the file, the rule and the key.
    """
    file = path or BUILT_IN / f"{DEFAULT_MODEL}.toml"
    return compiled(read_file(file), str(file))


def read_file(file: Path) -> bytes:
    """What a file of rules holds.

    Raises:
        ConfigError: it cannot be read, or is too large.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from error
    if len(raw) > MAX_FILE:
        raise ConfigError(f"{file}: larger than {MAX_FILE:,} bytes")
    return raw


def compiled(raw: bytes, place: str) -> ScoringModel:
    """The model that a TOML text says; `place` is where it was read.

    Raises:
        ConfigError: as `load_rules`.
    """
    try:
        return _compiled(raw)
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, a number or a nesting without an end
        raise ConfigError(f"{place}: not valid TOML: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None


def digest_of(*texts: bytes) -> str:
    """8 hex digits that tell one text from another."""
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:8]


@lru_cache(maxsize=16)
def _compiled(raw: bytes) -> ScoringModel:
    """By content: a worker scores many jobs with one file, and an edit of it counts at once."""
    from pipelines.scoring.rule_file import read

    file = read(tomllib.loads(raw.decode("utf-8")))
    return ScoringModel(
        name=file.model.name,
        version=f"{file.model.name}-{digest_of(raw)}",
        rules=tuple(Rule(rule.name, rule.axis, rule.points, rule.reason, rule.sql) for rule in file.rule),
        tiers=tuple((tier, getattr(file.tiers, tier)) for tier in TIERS[:-1]),
        warning="[probability] has no effect any more: remove it" if file.probability is not None else None,
    )
