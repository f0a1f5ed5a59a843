"""The markup of one answer, read once for all who look at it."""

from __future__ import annotations

import pytest

from extraction import markup
from extraction.markup import Markup, without
from extraction.markup_guard import bounded


def test_what_is_in_sight_is_told_apart_and_nothing_is_taken_from_the_page() -> None:
    page = Markup(
        b"<title>T</title><p>in <script>no</script>sight<noscript>no</noscript><svg><title>Menu</title></svg>"
    )
    assert page.text.split() == ["in", "sight", "Menu"]
    assert page.tree.css_first("script") is not None
    assert page.shown.css_first("script", default=None) is None
    assert page.has(b"<noscript") and not page.has(b"<style")


def test_a_page_is_decoded_and_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    guarded: list[bytes] = []

    def noted(html: bytes) -> bytes:
        guarded.append(html)
        return bounded(html)

    monkeypatch.setattr(markup, "bounded", noted)
    page = Markup("<p>Größe</p>".encode("latin-1"), "latin-1")
    assert (page.text, page.utf8) == ("Größe", "<p>Größe</p>".encode())
    assert page.shown is page.tree and page.lowered == "<p>größe</p>".encode().lower()
    assert guarded == [page.utf8]


def test_a_tree_without_some_elements_is_another_tree() -> None:
    page = Markup(b"<p>a<b>b</b>")
    rest = without(page.tree, ["b"])
    assert (rest.body.text(), page.text.split()) == ("a", ["a", "b"])
