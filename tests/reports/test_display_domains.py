"""Umlauts are read by people as umlauts; a domain that would deceive them stays as it is."""

from __future__ import annotations

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmill.errors import InputError
from leadmill.ids import normal_host
from reports.display_domains import shown, with_ascii


@pytest.mark.parametrize(
    "name",
    [
        "münchen.de", "köln-straße.de", "łódź.pl", "brașov.ro", "þing.is", "бухгалтерия.com", "почта.рф", "рф.рф",
        "καφενείο.gr", "東京カフェ.jp", "トヨタ.jp", "서울.kr", "ไทย.com", "भारत.in", "kontor24-öl.com", "s.küche.at",
    ],
)  # fmt: skip
def test_it_is_read_as_it_is_written(name: str) -> None:
    ascii_form = idna.encode(name).decode()
    assert ascii_form.isascii() and shown(ascii_form) == name
    assert with_ascii(ascii_form) == f"{name} ({ascii_form})"


@pytest.mark.parametrize(
    "name",
    [
        "pаypal.com",  # a Cyrillic а among Latin letters
        "аррӏе.com",  # all Cyrillic, all of them look Latin
        "νιο.com",  # all Greek, likewise
        "gооgle.com", "þaypal.com", "paypaı.com", "vĸ.com", "googlẹ.com", "ɡoogle.com", "東京abc.jp", "googleノ.com",
        "دبي.com", "שלום.com", "ภเ一.com",
    ],
)  # fmt: skip
def test_what_might_be_taken_for_another_stays(name: str) -> None:
    ascii_form = idna.encode(name).decode()
    assert shown(ascii_form) == with_ascii(ascii_form) == ascii_form


@pytest.mark.parametrize(
    "domain", ["", "a.de", "xn--", "xn--.de", "xn--a.de", "xn--mnchen-3ya-.de", "XN--MNCHEN-3YA.de", "xn--0.xn--1"]
)
def test_what_is_no_name_stays(domain: str) -> None:
    assert shown(domain) == domain


@given(st.text(min_size=1, max_size=20))
def test_what_is_shown_names_the_same_host(text: str) -> None:
    try:
        domain = normal_host(f"{text}.com")
    except InputError:
        return
    assert normal_host(shown(domain)) == domain
