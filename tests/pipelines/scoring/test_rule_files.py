"""What a scoring file may hold, and what its errors say."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from data.schemas import STAGE_SCHEMAS
from leadmill.errors import ConfigError
from pipelines.scoring.conditions import READS, condition_sql
from pipelines.scoring.rules import load_rules

HEAD = '[model]\nname = "m"\n'
RULE = '[[rule]]\nname = "r"\naxis = "fit"\npoints = 5\nreason = "because"\n'
WHEN = 'when = { field = "country", op = "exists" }\n'


def load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return load_rules(path)


def test_the_built_in_model_can_reach_every_tier() -> None:
    model = load_rules(None)
    assert re.fullmatch(r"b2b-default-[0-9a-f]{8}", model.version)
    assert sum(rule.points for rule in model.rules if rule.points > 0) >= 100 > model.tiers[0][1]
    assert {rule.axis for rule in model.rules} == {"fit", "intent", "contact"}


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    first = load(tmp_path, HEAD + RULE + WHEN)
    assert first == load(tmp_path, HEAD + RULE + WHEN)
    assert first.version != load(tmp_path, HEAD + RULE.replace("5", "6") + WHEN).version  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[model", "not valid TOML"),
        (RULE + WHEN, r"\[model\]: a table with a name is needed"),
        (
            "[model]\n" + RULE + WHEN,
            r"\[model\]: key 'name': a short name in lower case, like 'b2b-default', is needed",
        ),
        (HEAD.replace('"m"', '"M 1"') + RULE + WHEN, r"\[model\]: key 'name': a short name"),
        ("model = 1\n" + RULE + WHEN, r"\[model\]: a table is needed"),
        ("rule = [1]\n" + HEAD, "rule 1: a \\[\\[rule\\]\\] table"),
        ("rules = 1\n" + HEAD + RULE + WHEN, "key 'rules': .*did you mean 'rule'"),
        (HEAD, "key 'rule': a list of 1 to 64"),
        (HEAD + RULE, "rule 'r': exactly one of the keys 'when', 'all' and 'any'"),
        (HEAD + RULE + WHEN + "any = []\n", "exactly one of"),
        (HEAD + RULE + "any = []\n", "rule 'r': key 'any': a list of 1 to 12 conditions is needed"),
        (HEAD + RULE + WHEN + RULE + WHEN, "rule 'r': key 'name': used twice"),
        (HEAD + RULE.replace("points = 5", 'points = "5"') + WHEN, "rule 'r': key 'points'"),
        (
            HEAD + RULE.replace("points = 5", "points = nan") + WHEN,
            "'points': a number between -100 and 100 is needed, not 'nan'",
        ),
        (HEAD + RULE.replace("points = 5", "points = true") + WHEN, "rule 'r': key 'points'"),
        (HEAD + RULE.replace("points", "point") + WHEN, "rule 'r': .*did you mean 'points'"),
        (HEAD + RULE.replace('"fit"', '"Fit; DROP"') + WHEN, "rule 'r': key 'axis': a word: fit, intent, contact"),
        (HEAD + RULE.replace('"r"', f'"{"R" * 9_000}"') + WHEN, r"rule 'R{40}': key 'name': .{,150}\Z"),
        (
            HEAD + RULE + WHEN.replace('"country"', '"pages"').replace('"exists"', f'"equals", value = {"9" * 400}'),
            "1e",
        ),
        ("x = " + "9" * 5_000, "not valid TOML"),
        ("x = " + "[" * 5_000, "not valid TOML"),
        (HEAD + RULE.replace('"because"', '""') + WHEN, "rule 'r': key 'reason'"),
        (HEAD + RULE + 'when = "country = 1"\n', "a condition looks like"),
        (HEAD + RULE + WHEN.replace("country", "contry"), "'field': .*did you mean 'country'"),
        (HEAD + RULE + WHEN.replace("country", "country) OR (1=1"), "rule 'r': key 'when': 'field'"),
        (HEAD + RULE + WHEN.replace("country", "score"), "'field'"),
        (HEAD + RULE + WHEN.replace("country", "address.planet"), "has no part 'planet'"),
        (HEAD + RULE + WHEN.replace("country", "social.x'y"), "has no part"),
        (HEAD + RULE + WHEN.replace("exists", "exist"), "'op': .*did you mean 'exists'"),
        (HEAD + RULE + WHEN.replace('"exists"', '"exists", value = 1'), "'exists' takes none"),
        (HEAD + RULE + WHEN.replace('"exists"', '"in"'), "'in' needs one"),
        (HEAD + RULE + WHEN.replace('"exists"', '"in", value = "DE"'), "a list of 1 to"),
        (HEAD + RULE + WHEN.replace('"exists"', '"equals", value = ["DE"]'), "one value"),
        (HEAD + RULE + WHEN.replace('"exists"', '"equals", value = 5'), "a text of 1 to"),
        (HEAD + RULE + WHEN.replace('"exists"', '"at_least", value = 5'), "does not work on 'country'"),
        (HEAD + RULE + WHEN.replace('"exists"', '"matches", value = "a(?=b)"'), "RE2"),
        (HEAD + RULE + WHEN.replace('"exists"', '"matches", value = "(a{1000}){1000}"'), "RE2"),
        (HEAD + "[tiers]\nA = 50\nB = 60\nC = 30\n" + RULE + WHEN, r"\[tiers\]"),
        (HEAD + "[tiers]\nA = 50\n" + RULE + WHEN, r"\[tiers\]: key 'B'"),
        (HEAD + "[probability]\nslope = 0\n" + RULE + WHEN, "slope"),
        (
            HEAD + "".join(RULE.replace('"r"', f'"r{n}"') + WHEN for n in range(65)),
            "key 'rule': a list of 1 to 64",
        ),
        ("#" * 300_000, "larger than"),
    ],
)
def test_a_wrong_file_names_the_rule_and_the_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as raised:
        load(tmp_path, text)
    assert "rules.toml" in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        load_rules(tmp_path / "none.toml")


@pytest.mark.parametrize(("value", "held"), [(True, [True, False, None]), (False, [False, True, None])])
def test_a_column_of_yes_and_no_is_asked_for_either(
    monkeypatch: pytest.MonkeyPatch, value: bool, held: list[bool | None]
) -> None:
    schema = STAGE_SCHEMAS[READS].append(pa.field("flag", pa.bool_()))
    monkeypatch.setitem(STAGE_SCHEMAS, READS, schema)
    rows = "(VALUES (1, true), (2, false), (3, NULL)) AS rows(n, flag)"
    found = duckdb.execute(f"SELECT {condition_sql('flag', 'equals', value)} FROM {rows} ORDER BY n").fetchall()
    assert [row[0] for row in found] == held
    with pytest.raises(ValueError, match="true or false is needed"):
        condition_sql("flag", "equals", "yes")
