"""Codes as people say them; what is no code is given back as it is."""

from __future__ import annotations

import pytest

from reports import display_names


@pytest.mark.parametrize(
    ("code", "name"),
    [("DE", "Germany"), ("GB", "United Kingdom"), ("TW", "Taiwan"), ("XK", "Kosovo"), ("zz", "zz"), ("", "")],
)
def test_countries_have_their_everyday_names(code: str, name: str) -> None:
    assert display_names.country(code) == name


@pytest.mark.parametrize(
    ("tag", "name"),
    [("en", "English"), ("en-US", "English"), ("zh-Hant", "Chinese"), ("PT-br", "Portuguese"), ("x", "x")],
)
def test_a_language_is_the_same_in_every_country(tag: str, name: str) -> None:
    assert display_names.language(tag) == name


@pytest.mark.parametrize(
    ("number", "home", "written"),
    [
        ("+493023125017", "DE", "030 23125017"),
        ("+14155550132", "US", "(415) 555-0132"),
        ("+33140205050", "FR", "01 40 20 50 50"),
        ("+493023125017", "AT", "+49 30 23125017 (Germany)"),
        ("+493023125017", None, "+49 30 23125017 (Germany)"),
        ("+80012345678", "DE", "+800 1234 5678"),
        ("+999", "DE", "+999"),
        ("call us", "DE", "call us"),
    ],
)
def test_numbers_are_national_at_home_and_name_their_country_elsewhere(
    number: str, home: str | None, written: str
) -> None:
    assert display_names.phone(number, home) == written
