"""What an ideal customer profile may say, and what its errors say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leadmill.errors import ConfigError, InputError
from pipelines.scoring import vocabulary
from pipelines.scoring.profile import checked_profile, name_of, read_profile


def test_the_example_is_one(tmp_path: Path) -> None:
    from pipelines.scoring import profile

    file = tmp_path / "any name.toml"
    file.write_text((profile.__doc__ or "").split("```toml\n")[1].split("```")[0])
    found = read_profile(file)
    assert found.name == "dach-shops"
    assert list(found.criteria()) == ["countries", "industries", "size", "technologies", "words", "hiring"]
    assert checked_profile(found.model_dump(exclude_none=True)) == found
    assert checked_profile({"hiring": {"wanted": True}}).name == "icp"
    assert name_of(Path("x/DACH shops 2.toml")) == "dach-shops"


@pytest.mark.parametrize(
    ("document", "field", "told"),
    [
        ({}, "icp", "name at least one of countries, industries"),
        ("dach", "icp", "a table is needed"),
        ({"name": "DACH shops"}, "icp.name", "a short name in lower case"),
        ({"countrys": {}}, "icp.countrys", "did you mean 'countries'"),
        ({"countries": {"want": ["DE"]}}, "icp.countries.want", "did you mean 'wanted'"),
        ({"countries": ["DE"]}, "icp.countries", "a table is needed"),
        ({"countries": {"wanted": "DE"}}, "icp.countries.wanted", "a valid list"),
        ({"countries": {"wanted": []}}, "icp.countries", "name something wanted or unwanted"),
        ({"countries": {"wanted": ["Germny"]}}, "icp.countries", "wanted: no country or region 'Germny'; did you mean"),
        ({"countries": {"wanted": ["DE", "de"]}}, "icp.countries", "'de' is named twice"),
        ({"countries": {"wanted": ["DE"], "unwanted": ["DE"]}}, "icp.countries", "'DE' is named twice"),
        ({"countries": {"wanted": ["DE", "Germany"]}}, "icp.countries", "'Germany' is named twice, also as 'DE'"),
        ({"countries": {"wanted": ["Germany"], "unwanted": ["DE"]}}, "icp.countries", "is named twice, also as 'DE'"),
        ({"countries": {"wanted": ["AT"], "unwanted": ["DACH"]}}, "icp.countries", "wanted: all of 'AT' is unwanted"),
        ({"words": {"wanted": ["café"], "unwanted": ["Cafe"]}}, "icp.words", "'café' is named twice, also as 'Cafe'"),
        ({"words": {"wanted": ["a\x00b"]}}, "icp.words", "it has a character that nobody sees"),
        ({"words": {"wanted": ["\u202eab"]}}, "icp.words", "it has a character that nobody sees"),
        ({"countries": {"unwanted": ["DE"], "must": True}}, "icp.countries", "must: name what is wanted"),
        ({"countries": {"wanted": ["DE"], "veto": True}}, "icp.countries", "veto: name what is unwanted"),
        ({"countries": {"wanted": ["DE"], "weight": 0}}, "icp.countries.weight", "greater than or equal to 1"),
        ({"countries": {"wanted": ["DE"], "weight": True}}, "icp.countries.weight", "a valid integer"),
        ({"countries": {"wanted": ["x"] * 41}}, "icp.countries.wanted", "at most 40"),
        ({"industries": {"wanted": ["Softwar"]}}, "icp.industries", "did you mean 'Software'"),
        ({"technologies": {"wanted": ["Shopfy"]}}, "icp.technologies", "did you mean 'Shopify'"),
        ({"words": {"wanted": ["!!"]}}, "icp.words", "a word or a phrase is needed"),
        ({"words": {"wanted": ["a*b"]}}, "icp.words", "a word or a phrase is needed"),
        ({"size": {}}, "icp.size", "give min, max or both"),
        ({"size": {"min": 5, "max": 4}}, "icp.size", "min is larger than max"),
        ({"size": {"min": -1}}, "icp.size.min", "greater than or equal to 1"),
        ({"hiring": {"wanted": False}}, "icp.hiring.wanted", "True"),
    ],
)
def test_a_wrong_one_names_the_field(document: Any, field: str, told: str) -> None:
    with pytest.raises(InputError) as raised:
        checked_profile(document)
    assert raised.value.field == field and told.lower() in str(raised.value).lower()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "not valid TOML"),
        ("[size]\nmin = 0\n", r"size\.min: "),
        ("", "name at least one"),
        ("#" * 300_000, "larger"),
    ],
)
def test_a_wrong_file_names_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=rf"mine\.toml: .*{told}"):
        read_profile(file)


@pytest.mark.parametrize(
    ("word", "label", "some"),
    [
        ("dach", "DACH", {"DE", "AT", "CH"}),
        ("Deutschland", "Germany", {"DE"}),
        ("uk", "United Kingdom", {"GB"}),
        ("EU", "EU", {"FR", "PL"}),
        ("nordics", "Nordics", {"SE", "FI"}),
    ],
)
def test_places(word: str, label: str, some: set[str]) -> None:
    found = vocabulary.place(word)
    assert found.label == label and some <= found.values


def test_groups_hold_only_what_there_is() -> None:
    from iso3166 import countries_by_alpha2

    from extraction.enrichers.industries import leaves

    for name in vocabulary.places():
        assert vocabulary.place(name).values <= countries_by_alpha2.keys() | {"XK"}, name
    for name in vocabulary.industries():
        assert vocabulary.industry(name).values, name
    grouped = {
        leaf for name in vocabulary.industries() if name not in leaves() for leaf in vocabulary.industry(name).values
    }
    assert {"Insurance", "Online retail", "Electronics"} <= grouped <= leaves().keys()
