"""The mapped language model answers as the library's own does."""

from __future__ import annotations

import py3langid
import pytest

from extraction.language_model import ranked


@pytest.mark.parametrize(
    "text",
    [
        "Wir bauen seit 1987 Anlagen für Gewerbe und Haushalte in ganz Norddeutschland.",
        "Nous concevons des machines pour l'industrie alimentaire depuis trois générations.",
        "日本語のページです。会社概要とお問い合わせ。",
        "Ελληνικά προϊόντα και υπηρεσίες για επιχειρήσεις",
        "WIR BAUEN",
        "4711",
        "",
        "\ud800",
    ],
)
def test_answers_are_the_librarys_own(text: str) -> None:
    assert ranked(text) == py3langid.rank(text)
