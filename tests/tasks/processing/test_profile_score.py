"""Leads scored by an ideal customer profile: points, reasons, order and exclusions, as the rows say them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.schemas import STAGE_SCHEMAS
from leadmill.errors import InputError
from pipelines.scoring import vocabulary
from pipelines.scoring.profile import checked_profile
from pipelines.scoring.profile_rules import model_for
from pipelines.scoring.rules import load_rules
from reports.final_rows import RANKED
from tests.tasks.processing.test_score import row, score, write


def scored(tmp_path: Path, profile: dict[str, Any], *rows: dict[str, Any]) -> list[dict[str, Any]]:
    model = model_for(checked_profile(profile), load_rules(None))
    named = [row(f"c{n}.com", **values) for n, values in enumerate(rows)]
    parts = [write(tmp_path / "p.parquet", named, STAGE_SCHEMAS["enrich"])]
    return sorted(score(tmp_path, model, named, rows=parts), key=lambda found: int(found["domain"][1:-4]))


def told(found: dict[str, Any]) -> list[tuple[float, str]]:
    """Points and reasons of the fit."""
    return [(part["points"], part["reason"]) for part in found["contributions"] if part["axis"] == "fit"]


def test_fit_comes_first_and_reach_is_apart(tmp_path: Path) -> None:
    profile = {"name": "dach", "countries": {"wanted": ["DACH"]}, "hiring": {"wanted": True, "weight": 3}}
    fits, reachable = scored(
        tmp_path,
        profile,
        {"country": "AT", "careers_url": "/jobs"},
        {"country": "FR", "emails": ["a"], "phones": ["1"]},
    )
    assert (fits["score"], fits["fit"], fits["reach"], fits["tier"]) == (100, 100, 0, "A")
    assert (reachable["score"], reachable["fit"], reachable["tier"]) == (0, 0, "D") and reachable["reach"] > 70
    assert told(fits) == [(63, "in DACH, as wanted"), (37, "hiring: has a careers page, as wanted")]
    assert fits["model_version"].startswith("icp:dach-") and fits["probability"] is None


def test_the_excluded_stand_behind_all_others_however_well_they_can_be_reached(tmp_path: Path) -> None:
    profile = {"countries": {"wanted": ["DACH"], "must": True}, "technologies": {"unwanted": ["Magento"], "veto": True}}
    reached = {"emails": ["a"], "phones": ["1"], "quality": 0.9}
    scored(
        tmp_path,
        profile,
        {"country": "FR", **reached},
        {},
        {"technologies": ["Magento"], "country": "DE", **reached},
        {"country": "FR"},
    )
    found = duckdb.sql(f"SELECT domain, fit FROM '{tmp_path / 'out.parquet'}' ORDER BY {RANKED}").fetchall()
    assert [domain for domain, _ in found] == ["c1.com", "c0.com", "c2.com", "c3.com"]
    assert {fit for _, fit in found} == {0}


def test_a_models_own_rule_excludes_nobody_from_a_profile(tmp_path: Path) -> None:
    rules = tmp_path / "m.toml"
    one = '[[rule]]\nname = "{}"\naxis = "contact"\npoints = {}\nreason = "r"\nwhen = {{field = "{}", op = "exists"}}\n'
    rules.write_text('[model]\nname = "m"\n' + one.format("mail", 50, "emails") + one.format("fax", -100, "fax"))
    model = model_for(checked_profile({"countries": {"wanted": ["DE"]}}), load_rules(rules))
    named = [row("c0.com", country="DE", fax="1")]
    [found] = score(tmp_path, model, named, rows=[write(tmp_path / "p.parquet", named, STAGE_SCHEMAS["enrich"])])
    assert (found["fit"], found["reach"]) == (100, 0)


CASES: list[tuple[dict[str, Any], dict[str, Any], list[tuple[float, str]]]] = [
    ({"countries": {"wanted": ["DACH"]}}, {}, [(0, "country not found")]),
    ({"countries": {"wanted": ["DACH"], "must": True}}, {}, [(0, "country not found")]),
    ({"countries": {"wanted": ["DACH"]}}, {"country": "FR"}, [(0, "outside DACH")]),
    ({"countries": {"wanted": ["DACH"], "must": True}}, {"country": "FR"}, [(-100, "outside DACH: excluded")]),
    (
        {"countries": {"wanted": ["EU"], "unwanted": ["HU"], "must": True}},
        {"country": "HU"},
        [(-100, "in Hungary, unwanted")],
    ),
    ({"countries": {"unwanted": ["US", "CN"]}}, {"country": "DE"}, [(100, "not in United States or China, as wanted")]),
    ({"industries": {"wanted": ["Retail"]}}, {"industry": "Online retail"}, [(100, "industry Retail, as wanted")]),
    (
        {"industries": {"unwanted": ["Insurance"], "veto": True}},
        {"industry": "Insurance"},
        [(-100, "industry Insurance: excluded")],
    ),
    (
        {"size": {"min": 12, "max": 40}},
        {"employees_min": 30, "employees_max": 90},
        [(100, "12 to 40 people, as wanted")],
    ),
    ({"size": {"min": 12}}, {"employees_max": 9}, [(0, "fewer than 12 people")]),
    ({"size": {"max": 40, "must": True}}, {"employees_min": 41}, [(-100, "more than 40 people: excluded")]),
    ({"size": {"max": 40, "must": True}}, {}, [(0, "size not found")]),
    ({"size": {"max": 1}}, {"employees_min": 1}, [(100, "1 person or fewer, as wanted")]),
    ({"size": {"max": 1}}, {"employees_min": 2}, [(0, "more than 1 person")]),
    ({"countries": {"wanted": ["DACH"], "unwanted": ["AT"]}}, {"country": "AT"}, [(-100, "in Austria, unwanted")]),
    (
        {"technologies": {"wanted": ["Magento", "shopify"], "unwanted": ["HubSpot"]}},
        {"technologies": ["Shopify", "HubSpot"]},
        [(-100, "uses HubSpot, unwanted"), (100, "uses Shopify, as wanted")],
    ),
    ({"technologies": {"wanted": ["Shopify"], "must": True}}, {"technologies": []}, [(0, "technologies not found")]),
    ({"technologies": {"unwanted": ["Magento"]}}, {"technologies": ["Nginx"]}, [(100, "uses no Magento, as wanted")]),
    ({"hiring": {"wanted": True, "must": True}}, {}, [(-100, "no careers page: excluded")]),
]


@pytest.mark.parametrize(("profile", "company", "reasons"), CASES)
def test_each_answer_of_a_criterion(
    tmp_path: Path, profile: dict[str, Any], company: dict[str, Any], reasons: list[tuple[float, str]]
) -> None:
    [found] = scored(tmp_path, profile, company)
    assert told(found) == reasons
    assert found["fit"] == found["score"] == max(0, min(100, sum(points for points, _ in reasons)))


@pytest.mark.parametrize(
    ("word", "said", "holds"),
    [
        ("wholesale", "Europe's WHOLESALE, since 1990", True),
        ("whole", "Europe's wholesale", False),
        ("whole*", "Europe's wholesale", True),
        ("Großhandel", "GROSSHANDEL für Pumpen", True),
        ("grosshandel", "Ihr Großhandel.", True),
        ("café", "Le Cafe\u0301 central", True),
        ("machine learning", "We do machine\n  learning", True),
        ("machine learning", "learning machine", False),
        ("B2B", "für B2B-Kunden", True),
        ("C++", "in C++, mostly", True),
        ("製造", "株式会社は製造業です", True),
        ("оптовая", "Оптовая торговля", True),
        ("O'Neil", "by O'Neil; DROP TABLE x", True),
        ("100%", "100 % organic", True),
        ("a.b", "axb", False),
    ],
)
def test_words_are_whole_ones_of_any_language(tmp_path: Path, word: str, said: str, holds: bool) -> None:
    [found] = scored(tmp_path, {"words": {"wanted": [word]}}, {"description": said})
    assert told(found) == [(100, f"says “{word}”, as wanted") if holds else (0, f"says nothing of “{word}”")]


def test_of_a_company_that_says_nothing_it_is_said(tmp_path: Path) -> None:
    by_name, silent = scored(tmp_path, {"words": {"wanted": ["Pumpen"]}}, {"name": "Pumpen Müller"}, {"name": "Müller"})
    assert told(by_name) == [(100, "says “Pumpen”, as wanted")]
    assert told(silent) == [(0, "description not found")]


def listed(entries: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    words = st.lists(entries, min_size=1, max_size=6, unique_by=vocabulary.folded)
    return st.builds(
        lambda found, cut, weight, must, veto: {
            key: value
            for key, value in {
                "wanted": found[:cut],
                "unwanted": found[cut:],
                "weight": weight,
                "must": must and cut > 0,
                "veto": veto and cut < len(found),
            }.items()
            if value
        },
        words,
        st.integers(0, 6),
        st.integers(1, 10),
        st.booleans(),
        st.booleans(),
    )


def agrees(key: str, criterion: dict[str, Any]) -> bool:
    """Whether nothing wanted is unwanted by another name."""
    try:
        checked_profile({key: criterion})
    except InputError as error:
        assert "unwanted" in str(error) or "named twice" in str(error)
        return False
    return True


HOSTILE = (
    st.text(min_size=1, max_size=30)
    .map(lambda text: " ".join("".join(c for c in text if c.isprintable() and c != "*").split()))
    .filter(lambda text: any(letter.isalnum() for letter in text))
)
PROFILE = st.fixed_dictionaries(
    {"words": listed(st.one_of(HOSTILE, st.sampled_from(["'; DROP TABLE x; --", "$now", "{0}", "\\p{L}"])))},
    optional={
        "countries": listed(st.sampled_from(vocabulary.places())).filter(lambda one: agrees("countries", one)),
        "industries": listed(st.sampled_from(vocabulary.industries())).filter(lambda one: agrees("industries", one)),
        "technologies": listed(st.sampled_from(vocabulary.technologies())),
        "size": st.integers(1, 500).map(lambda n: {"min": n, "max": n * 2, "must": True}),
        "hiring": st.just({"wanted": True}),
    },
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(profile=PROFILE, said=st.text(max_size=60))
def test_any_profile_scores_any_company(tmp_path: Path, profile: dict[str, Any], said: str) -> None:
    company = {"description": said, "country": "DE", "industry": "Software", "technologies": ["Shopify"]}
    full, bare = scored(tmp_path, profile, {**company, "employees_min": 20, "careers_url": "/jobs"}, {})
    for found in (full, bare):
        assert found["fit"] == max(0, min(100, sum(points for points, _ in told(found))))
        assert (found["tier"] == "D") or not any("excluded" in reason for _, reason in told(found))
    assert all(points <= 0 for points, reason in told(bare) if "hiring" not in reason)
    wanted = model_for(checked_profile(profile), load_rules(None)).rules
    assert len({rule.name for rule in wanted}) == len(wanted)
