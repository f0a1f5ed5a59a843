"""Models and profiles by their names, and what is said of their files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leadmill.errors import InputError
from leadmill.settings import Settings
from pipelines.scoring.models import ModelFileError, Models
from pipelines.settings_check import setting_faults

RULE = (
    '[[rule]]\nname = "r"\naxis = "fit"\npoints = 5\nreason = "because"\nwhen = { field = "country", op = "exists" }\n'
)
PROFILE = '[countries]\nwanted = ["DACH"]\n'


def model(name: str) -> str:
    return f'[model]\nname = "{name}"\n{RULE}'


@pytest.fixture
def models(tmp_path: Path) -> Models:
    (tmp_path / "shops.toml").write_text(model("shops"))
    (tmp_path / "dach.toml").write_text(PROFILE)
    (tmp_path / "notes.txt").write_text("no TOML")
    return Models(tmp_path)


def test_names_are_those_of_the_files(models: Models) -> None:
    assert models.names() == ["default", "b2b-default", "shops"]
    assert models.profile_names() == ["dach"]
    assert (models.text("default"), models.text("b2b-default")) == (None, None)
    assert models.text("shops") == model("shops").encode()
    assert models.profile("dach").name == "dach"
    assert list(models.faults()) == []
    assert Models().names() == ["default", "b2b-default"]


def test_default_is_the_scoring_file_where_there_is_one(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(model("ours"))
    assert Models(None, file).text("default") == model("ours").encode()
    assert Models(None, file).text("b2b-default") is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("shop", "no scoring model 'shop'; did you mean 'shops'?"),
        ("B2B-Default", "did you mean 'b2b-default'?"),
        ("zzz", "known: b2b-default, default, shops"),
        ("../shops", "no scoring model"),
        ("dach", "'dach' is an ideal customer profile: give it as icp"),
    ],
)
def test_an_unknown_model_names_those_there_are(models: Models, name: str, told: str) -> None:
    with pytest.raises(InputError) as raised:
        models.text(name)
    assert told in str(raised.value) and raised.value.field == "scoring_model"


@pytest.mark.parametrize(("name", "told"), [("dachh", "did you mean 'dach'?"), ("shops", "give it as scoring_model")])
def test_an_unknown_profile_names_those_there_are(models: Models, name: str, told: str) -> None:
    with pytest.raises(InputError) as raised:
        models.profile(name)
    assert told in str(raised.value) and raised.value.field == "icp"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.toml", model("b"), r"a\.toml: \[model\]: key 'name': 'b' is not the file's own name, 'a'"),
        ("a.toml", 'name = "b"\n' + PROFILE, r"a\.toml: key 'name': 'b' is not the file's own name, 'a'"),
        ("A b.toml", PROFILE, "a name has lower-case letters"),
        ("default.toml", PROFILE, "'default' is built in"),
        ("b2b-default.toml", model("b2b-default"), "'b2b-default' is built in"),
        ("a.toml", "[model", "not valid TOML"),
        ("a.toml", model("a").replace("points = 5", "points = 500"), r"a\.toml: rule 'r': key 'points'"),
        ("a.toml", '[countries]\nwanted = ["DACHH"]\n', r"a\.toml: countries: wanted: .*did you mean 'DACH'"),
        ("a.toml", "[contries]\n", r"a\.toml: contries: no such key; did you mean 'countries'"),
    ],
)
def test_a_wrong_file_is_found_with_file_and_key(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    [finding] = Models(tmp_path).faults()
    assert finding.level == "fail" and re.search(f"LEADMILL_MODELS_DIR: .*{told}", finding.text)


def test_what_is_missing_is_found(tmp_path: Path) -> None:
    found = list(Models(tmp_path / "none", tmp_path / "none.toml").faults())
    assert [finding.level for finding in found] == ["fail", "fail"]
    assert re.search(r"LEADMILL_SCORING_FILE: .*none\.toml: cannot be read", found[0].text)
    assert re.search(r"LEADMILL_MODELS_DIR: .*none: no such folder", found[1].text)


def test_processes_doctor_and_health_ask_for_them(tmp_path: Path) -> None:
    settings = Settings(models_dir=tmp_path / "none", scoring_file=tmp_path / "none.toml")
    found = [fault.text for fault in setting_faults(settings) if fault.level == "fail"]
    assert [text.partition(":")[0] for text in found] == ["LEADMILL_SCORING_FILE", "LEADMILL_MODELS_DIR"]


def test_a_file_that_went_wrong_since_is_the_operators_fault(models: Models) -> None:
    assert models.folder is not None
    (models.folder / "shops.toml").write_text(model("shops").replace("because", ""))
    (models.folder / "dach.toml").write_text("[countries]\n")
    with pytest.raises(ModelFileError, match="rule 'r': key 'reason'"):
        models.text("shops")
    with pytest.raises(ModelFileError, match="countries: name something wanted or unwanted"):
        models.profile("dach")


def test_a_probability_in_a_file_of_before_is_said_to_have_no_effect(tmp_path: Path) -> None:
    file = tmp_path / "old.toml"
    file.write_text(model("old") + "[probability]\nmidpoint = 50\nslope = 0.1\n")
    [finding] = Models(None, file).faults()
    assert finding == ("warn", f"LEADMILL_SCORING_FILE: {file}: [probability] has no effect any more: remove it")
