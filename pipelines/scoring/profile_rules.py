"""An ideal customer profile as scoring rules: the fit, beside a model's rules that speak of reach.

The points of all that is wanted make 100, shared by the criteria's weights. What is known to be otherwise gives none,
what is unwanted takes as many away, and an exclusion takes all: score 0, tier D. What is not known gives no points, and
says so; it excludes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pipelines.scoring.conditions import TEXT_WINDOW, condition_sql
from pipelines.scoring.profile import (
    Countries,
    Criterion,
    Hiring,
    Industries,
    Listed,
    Profile,
    Size,
    Technologies,
    Words,
)
from pipelines.scoring.rules import EXCLUDED, REACH, Rule, ScoringModel, digest_of
from pipelines.scoring.vocabulary import Meant
from reports.rows import quote
from reports.wording import counted

#: Which form the rules have: the same profile has another version once it is made into other rules.
_FORM = "1"
#: What companies say of themselves, as words between single blanks, worked out once a row.
_SAID = "said_of_itself"
#: Letters that are written without blanks between words: there a word is found within others.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0xD7FF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


class _Outcome(NamedTuple):
    """One answer to a criterion's question: of a chain of them the first that holds counts."""

    name: str
    points: float
    reason: str
    sql: str


def model_for(profile: Profile, model: ScoringModel) -> ScoringModel:
    """The rule set `icp:<name>`: the profile's fit, with the reach and the tiers of a model."""
    shares = _shares(profile.criteria())
    rules = tuple(rule for key, criterion in profile.criteria().items() for rule in _rules(key, criterion, shares[key]))
    name = f"icp:{profile.name}"
    version = digest_of(_FORM.encode(), profile.as_json().encode(), model.version.encode())
    return ScoringModel(
        name=name,
        version=f"{name}-{version}",
        rules=rules + tuple(rule for rule in model.rules if rule.axis == REACH),
        tiers=model.tiers,
        of_profile=True,
        derived=((_SAID, _words_of("concat_ws(' ', name, legal_name, description)")),) if profile.words else (),
    )


def _shares(criteria: Mapping[str, Criterion]) -> dict[str, int]:
    """Whole points for each criterion, by weight; together 100 (the largest remainders are rounded up)."""
    total = sum(one.weight for one in criteria.values())
    exact = {key: 100 * one.weight / total for key, one in criteria.items()}
    found = {key: int(share) for key, share in exact.items()}
    for key in sorted(exact, key=lambda key: found[key] - exact[key])[: 100 - sum(found.values())]:
        found[key] += 1
    return found


def _rules(key: str, criterion: Criterion, share: int) -> Iterator[Rule]:
    for number, chain in enumerate(_chains(criterion, float(share))):
        for outcome in chain:
            name = f"{key}-{outcome.name}"
            yield Rule(name, "fit", outcome.points, outcome.reason, outcome.sql, group=f"{key}{number}")


def _chains(criterion: Criterion, share: float) -> list[list[_Outcome]]:
    match criterion:
        case Countries():
            return _listed(criterion, share, _Wording("country", "in {}", "outside {}", "not in {}"))
        case Industries():
            return _listed(criterion, share, _Wording("industry", "industry {}", "industry other than {}", "not {}"))
        case Technologies():
            wording = _Wording("technologies", "uses {}", "uses no {} as far as seen", "uses no {}")
            return _listed(criterion, share, wording)
        case Words():
            return _listed(
                criterion, share, _Wording("description", "says {}", "says nothing of {}", "does not say {}")
            )
        case Size():
            return [_size(criterion, share)]
        case Hiring():
            otherwise = _otherwise(criterion, "no careers page found", "no careers page")
            return [
                [
                    _Outcome(
                        "wanted", share, "hiring: has a careers page, as wanted", condition_sql("careers_url", "exists")
                    ),
                    otherwise._replace(sql="TRUE"),
                ]
            ]
    raise AssertionError(f"no rules for {criterion!r}")


class _Wording(NamedTuple):
    """A column, and what is said of a row that has one of the listed, that has none, and that rightly has none."""

    column: str
    has: str
    lacks: str
    free: str


def _listed(criterion: Listed, share: float, said: _Wording) -> list[list[_Outcome]]:
    """The chain of what is unwanted, and that of what is wanted; one chain where a row has one value alone."""
    one_value = said.column in ("country", "industry")
    unwanted, wanted = criterion.meant(criterion.unwanted), criterion.meant(criterion.wanted)
    against = [
        _Outcome(
            f"unwanted-{number}",
            EXCLUDED if criterion.veto else -share,
            said.has.format(one.label) + (": excluded" if criterion.veto else ", unwanted"),
            _has(said.column, one),
        )
        for number, one in enumerate(unwanted, 1)
    ]
    wishes = [
        _Outcome(f"wanted-{number}", share, f"{said.has.format(one.label)}, as wanted", _has(said.column, one))
        for number, one in enumerate(wanted, 1)
    ]
    if wanted:
        lacks = said.lacks.format(_named(wanted))
        rest = _otherwise(criterion, lacks, lacks)
    else:
        rest = _Outcome("free", share, f"{said.free.format(_named(unwanted))}, as wanted", "TRUE")
    unknown = _Outcome("unknown", 0.0, f"{said.column} not found", condition_sql(said.column, "missing"))
    ends = [unknown, rest._replace(sql="TRUE")]
    if one_value or not wanted:
        return [[*against, *wishes, *ends]]
    return [chain for chain in (against, [*wishes, *ends]) if chain]


def _otherwise(criterion: Criterion, told: str, excluded: str) -> _Outcome:
    """The answer of a company that is known to be otherwise."""
    if criterion.must:
        return _Outcome("missed", EXCLUDED, f"{excluded}: excluded", "TRUE")
    return _Outcome("missed", 0.0, told, "TRUE")


def _named(some: Sequence[Meant], most: int = 3) -> str:
    """`DACH`, `DACH or Poland`, `A, B, C or others`."""
    labels = [one.label for one in some[:most]] + (["others"] if len(some) > most else [])
    return " or ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))


def _has(column: str, meant: Meant) -> str:
    match column:
        case "technologies":
            return condition_sql(column, "contains_any", sorted(meant.values))
        case "description":
            return " OR ".join(_says(word) for word in sorted(meant.values))
        case _:
            return condition_sql(column, "in", sorted(meant.values))


def _size(size: Size, share: float) -> list[_Outcome]:
    """A company whose number is known as a range is in the band when the two overlap."""
    fewest, most = "coalesce(employees_min, 1)", "coalesce(employees_max, 2147483647)"
    smaller = f"{most} < {size.min or 1}"
    larger = f"{fewest} > {size.max or 2147483647}"
    few, many = (
        f"fewer than {_people(size.min)}" if size.min else "",
        f"more than {_people(size.max)}" if size.max else "",
    )
    if size.min and size.max:
        band = f"{size.min:,} to {_people(size.max)}" if size.min < size.max else _people(size.min)
    else:
        band = f"{_people(size.min)} or more" if size.min else f"{_people(size.max or 1)} or fewer"
    chain = [_Outcome("unknown", 0.0, "size not found", "employees_min IS NULL AND employees_max IS NULL")]
    if few:
        chain.append(_otherwise(size, few, few)._replace(name="smaller", sql=smaller))
    if many:
        chain.append(_otherwise(size, many, many)._replace(name="larger", sql=larger))
    return [*chain, _Outcome("wanted", share, f"{band}, as wanted", "TRUE")]


def _people(number: int) -> str:
    return counted(number, "person", "people")


def _says(word: str) -> str:
    """Whether a word or a phrase stands in what a company says of itself. Linear: no pattern."""
    bare = word.removesuffix("*")
    inside = any(first <= ord(letter) <= last for letter in bare for first, last in _UNSPACED)
    wanted = _words_of(quote(bare))
    if inside:
        wanted = f"trim({wanted})"
    elif word != bare:
        wanted = f"rtrim({wanted})"
    return f"contains({_SAID}, {wanted})"


def _words_of(text: str) -> str:
    """A text as its words between single blanks, in lower case and without accents; null where it has none."""
    folded = f"replace(lower(strip_accents(nfc_normalize(left({text}, {TEXT_WINDOW})))), 'ß', 'ss')"
    words = f"trim(regexp_replace({folded}, '[^\\p{{L}}\\p{{N}}\\p{{M}}+#]+', ' ', 'g'))"
    return f"(' ' || nullif({words}, '') || ' ')"
