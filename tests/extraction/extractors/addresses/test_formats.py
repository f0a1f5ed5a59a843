"""The table of formats: what it says of a country is read back, in whichever shape a page shows it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from extraction.extractors import addresses
from extraction.extractors.addresses.formats import countries_of, is_postcode, table

WRITTEN = tomllib.loads(Path(__file__).with_name("written.toml").read_text("utf-8"))
#: How the lines of an address may stand on a page.
SHAPES = {
    "one line": lambda lines: f"<p>{', '.join(lines)}",
    "bars": lambda lines: f"<footer>{' | '.join(lines)} | Impressum</footer>",
    "dots": lambda lines: f"<p>{' · '.join(lines)}",
    "lines": lambda lines: f"<p>{'<br>'.join(lines)}<br>Tel. 12 34 56",
    "elements": lambda lines: "<div>Acme</div>" + "".join(f"<div>{line}</div>" for line in lines),
    "cells": lambda lines: "<table>" + "".join(f"<tr><td>{line}</td></tr>" for line in lines) + "</table>",
    "labelled": lambda lines: f"<dl><dt>Address:<dd>{'<br>'.join(lines)}</dl>",
}


def samples():
    for country, cases in WRITTEN.items():
        known = [[part.strip() for part in told.split(";")] for _, told in cases]
        known = [parts for parts in known if parts[0] and parts[1]]
        for order in table().formats[country].orders:
            if "regioncity" in order or "CEDEX" in order:
                continue
            latin = order.startswith("street") and country in ("JP", "KR", "CN", "TW")
            for street, city, region, code in known:
                if latin and not street.isascii():
                    continue
                if ("code" in order) == bool(code) and (("region" in order) == bool(region)):
                    yield country, order, street, city, region, code
                    break


def lines_of(order, **parts):
    return [re.sub(r"street|city|region|code", lambda m: parts[m[0]], line) for line in order.split(" / ")]


@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_table_writes_is_read_back(document, shape):
    wrong = []
    for country, order, street, city, region, code in samples():
        markup = SHAPES[shape](lines_of(order, street=street, city=city, region=region, code=code))
        domain = f"acme.{'co.uk' if country == 'GB' else country.lower()}"
        found = addresses.settle(list(addresses.find(document(markup, domain=domain))), country)
        got = tuple((found.value[part] or "") if found else "" for part in addresses.PARTS)
        if got != (street, city, region, code, country):
            wrong.append((country, order, markup, got))
    assert not wrong


def test_every_country_of_the_table_has_a_format_that_can_be():
    formats = table().formats
    assert len(formats) >= 70 and len(WRITTEN) >= 55
    for country, one in formats.items():
        assert one.orders and all("city" in order and "street" in order for order in one.orders), country
        assert one.sides or not one.codes, f"{country}: no order has the code"


@pytest.mark.parametrize(
    ("code", "country", "may_be"),
    [
        ("62701", "US", True), ("62701-1234", "US", True), ("1234", "US", False), ("2010", "NO", True),
        ("20457", "DE", True), ("1015 CS", "NL", True), ("1015 SS", "NL", False), ("BS15QT", "GB", True),
        ("AA1 1AA", "GB", False), ("D02 AF30", "IE", True), ("V92 X4T1", "IE", True), ("01310-100", "BR", True),
        ("560 001", "IN", True), ("12345", None, True), ("1234", None, False), ("", "DE", True),
    ],
)  # fmt: skip
def test_codes(code, country, may_be):
    assert is_postcode(code, country) == may_be


def test_what_no_country_has_is_no_code():
    assert not countries_of("12") and not countries_of("AB12 34") and not countries_of("123-45")
