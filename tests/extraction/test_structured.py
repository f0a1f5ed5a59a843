"""The tolerant JSON-LD reader, each fault as seen on real pages, and microdata."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest

from extraction.budget import CpuBudget
from extraction.structured import Node
from extraction.structured.json_ld import read_script
from extraction.structured.node import MAX_TYPES, Nodes

GOOD = '{"@type": "Organization", "name": "Acme", "url": "http://acme.com/a//b"}'


def read_json_ld(script: str) -> list[Node]:
    nodes = Nodes("https://acme-tools.com/")
    read_script(script, nodes)
    return nodes.all


@pytest.mark.parametrize(
    "script",
    [
        GOOD,
        f"<!-- {GOOD} -->",
        f"<![CDATA[{GOOD}]]>",
        f"//<![CDATA[\n{GOOD}\n//]]>",
        f"/* hello */ {GOOD}",
        GOOD.replace(', "url"', ', // the url\n "url"'),
        GOOD.replace("Acme", "Ac\nme"),
        GOOD.replace("Acme", "Ac\x02me"),
        GOOD.replace('b"}', 'b",}'),
        GOOD.replace("Acme", r"Ac\me"),
        GOOD + "}",
        GOOD + "}}]",
        GOOD + ";",
        GOOD[:-1],
        GOOD + GOOD,
        f"[{GOOD}]",
        f'{{"@context": "x", "@graph": [{GOOD}]}}',
        GOOD.replace(", ", ",, "),
        GOOD.replace("Organization", "https://schema.org/Organization"),
        GOOD.replace('"Organization"', '["Thing", "Organization"]'),
        GOOD.replace('"', "&quot;"),
        GOOD.replace('"', "&#34;"),
        GOOD.replace('"@type"', "&quot;@type&quot;"),
        GOOD.replace('"', "&#x22;"),
        GOOD.replace('"', "&amp;quot;"),
        GOOD.replace('"', '\\"'),
        json.dumps(GOOD),
        GOOD.replace('"', "'"),
        GOOD.replace('"', "\u201d"),
        GOOD.replace('"name"', "name"),
        GOOD.replace(', "name"', '\n "name"'),
        GOOD.replace(', "name"', ' "name"'),
        f"<script>{GOOD}</script>",
        f"var data = {GOOD};",
        f"\ufeff{GOOD}",
        GOOD.replace('"Acme"', '{"@value": "Acme", "@language": "en"}'),
        GOOD.replace('"Acme"', '{"de": "Acme", "en": "Acme"}'),
        GOOD.replace('"Acme"', '{"@list": ["Acme"]}'),
        GOOD.replace("@type", "type"),
        GOOD.replace('"name"', '"schema:name"').replace('"Org', '"schema:Org'),
        GOOD.replace('"name"', '"http://schema.org/name"'),
        GOOD.replace("Organization", "LocalBusiness").lower(),
    ],
)
def test_broken_json_ld_is_read(script):
    items = read_json_ld(script)
    assert items[0].is_organization
    assert items[0].first("name").replace(" ", "").lower() == "acme"
    assert items[0].first("url") == "http://acme.com/a//b"


def test_quotes_within_a_string_are_its_own():
    (node,) = read_json_ld('{"@type": "Hotel", "name": "Hotel "Zur Post" Kiel", "telephone": "1"}')
    assert (node.first("name"), node.first("telephone")) == ('Hotel "Zur Post" Kiel', "1")


@pytest.mark.parametrize("cut", range(len(GOOD)))
def test_what_is_cut_short_is_read_so_far(cut):
    for node in read_json_ld(GOOD[:cut]):
        assert node.first("name") in (None, *("Acme"[:end] for end in range(1, 5)))


@pytest.mark.parametrize(
    "script", ["", "null", "12", "{", "not json", "[[[[", '{"@type": {}}', '{"@type": "Organization']
)
def test_what_is_no_json_gives_no_company(script):
    assert not [item for item in read_json_ld(script) if item.first("name")]


def test_things_that_are_called_after_each_other_are_called_nothing():
    one, two, three = read_json_ld(
        '[{"@id": "#a", "name": {"@id": "#b"}}, {"@id": "#b", "name": {"@id": "#a"}}, {"@id": "#c", "name": "Acme"}]'
    )
    assert (one.first("name"), two.first("name"), three.first("name")) == (None, None, "Acme")


def test_many_names_of_names_are_not_all_looked_at():
    things = [
        {"@id": f"#{row}-{place}", "name": [{"@id": f"#{row + 1}-{other}"} for other in range(30)]}
        for row in range(8)
        for place in range(30)
    ]
    nodes = read_json_ld(json.dumps(things))
    with CpuBudget(1.0):
        assert nodes[0].first("name") is None


def test_what_is_kept_from_page_to_page_is_small_whatever_a_page_declares():
    """Names of types and properties are remembered, and so are the kinds of sets of types."""
    many = [{"@id": "#a", "@type": [f"t{place}-{number}" for number in range(20)]} for place in range(250)]
    tracemalloc.start()
    try:
        (node,) = read_json_ld(json.dumps(many))
        for number in range(10):
            long = f"{number}{'x' * 250_000}"
            read_json_ld(json.dumps({"@type": long, long: "1"}))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(node.types) < 2 * MAX_TYPES
    assert kept < 2_000_000


def test_nested_entities_are_marked():
    items = read_json_ld('{"@type":"Article","publisher":{"@type":"Organization","name":"P"}}')
    assert [(item.first("name"), item.nested) for item in items if item.is_organization] == [("P", True)]


@pytest.mark.parametrize(
    "script", ["[" * 100_000, '{"a":' * 60_000, '"' * 200_000, "/*" * 100_000, "//" * 100_000, "," * 200_000]
)
def test_hostile_json_is_bounded(script):
    started = time.process_time()
    read_json_ld(script)
    assert time.process_time() - started < 6


def test_microdata(document):
    page = document(
        '<div itemscope itemtype="http://schema.org/LocalBusiness"><b itemprop=name>Acme</b>'
        '<p itemprop=address itemscope itemtype="http://schema.org/PostalAddress"><i itemprop=postalCode>80525</i></p>'
        '<a itemprop=telephone href="tel:+1970">call</a></div>'
    )
    item = page.graph.nodes[0]
    assert item.is_organization
    assert item.first("name") == "Acme"
    assert item.first("telephone") == "+1970"
    assert item.nodes("address")[0].first("postalCode") == "80525"


@pytest.mark.parametrize(
    "html",
    [
        "<div class=vcard><!-- a --><b class='fn org'>Acme Tools</b><i class=tel>0114<!-- b --></i></div>",
        "<!-- a comment --><html vocab=http://schema.org/ typeof=Organization><body><b property=name>Acme Tools</b>",
        "<div itemscope itemtype=http://schema.org/Store><!-- c --><b itemprop=name><!-- d -->Acme Tools</b></div>",
    ],
    ids=["in a card", "around the whole", "in an item"],
)
def test_comments_and_the_document_itself_are_no_elements(document, html):
    assert [node.first("name") for node in document(html).graph.nodes if node.first("name")] == ["Acme Tools"]
