"""The industry: one of the leaves in `industries.toml`, by the words its name, description and pages use.

Words count by where they stand: name and title most, then description and headings, then running text.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from extraction.enrichers import Enricher, Outcome
from extraction.findings import Finding, fact
from extraction.scan import Hints, Mark

if TYPE_CHECKING:
    from extraction.document import Document

LEAVES = Path(__file__).with_name("industries.toml")
#: Characters of running text read from a page.
MAX_TEXT = 6_000
#: Least score and least confidence believed; confidence is the lead over the next leaf.
LEAST = 3.0
LEAST_CONFIDENCE = 0.2
#: Weight of a place, counted once for each keyword on a page; the page's kind multiplies.
PLACES = {"types": 6.0, "name": 4.0, "title": 3.0, "description": 2.0, "text": 0.5}
#: One keyword's occurrences in running text that count.
MOST_OCCURRENCES = 4


class Leaf(NamedTuple):
    """One industry."""

    name: str
    nace: str
    naics: str


@cache
def leaves() -> dict[str, Leaf]:
    """Name → leaf, in the file's order."""
    return {entry["name"]: Leaf(entry["name"], entry["nace"], entry["naics"]) for entry in _entries()}


@cache
def _entries() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = tomllib.loads(LEAVES.read_text(encoding="utf-8"))["industry"]
    return entries


class _Words(NamedTuple):
    #: Beginning of a word, or phrase → leaves it speaks for. Up to four letters are a whole word, a plural s aside.
    leaves: dict[str, list[str]]
    #: schema.org type in lower case → leaf.
    types: dict[str, str]


@cache
def _words() -> _Words:
    words: dict[str, list[str]] = defaultdict(list)
    types: dict[str, str] = {}
    for entry in _entries():
        for word in entry["keywords"]:
            words[word.lower()].append(entry["name"])
        types.update((kind.lower(), entry["name"]) for kind in entry.get("types", ()))
    return _Words(dict(words), types)


_HINTS = Hints(lambda: _words().leaves)


def _look(page: Document) -> Iterator[Finding]:
    words = _words()
    scores: dict[str, float] = defaultdict(float)
    for node in page.graph.nodes:
        if not node.nested:
            for kind in node.types:
                if kind in words.types:
                    scores[words.types[kind]] += PLACES["types"]
    for place, text in (
        ("title", page.title),
        ("description", f"{page.metas.get('description', '')} {page.metas.get('keywords', '')[:400]}"),
    ):
        _count(text, place, words, scores)
    _weigh(_times(page.marks(_HINTS), page.lower[:MAX_TEXT]), "text", words, scores)
    factor = {"home": 1.5, "about": 1.2, "products": 1.2}.get(page.kind, 0.6)
    for leaf, score in scores.items():
        yield page.found("industry", (leaf, score * factor), "keywords", 0.5)


def _count(text: str, place: str, words: _Words, scores: dict[str, float]) -> None:
    text = text.lower()
    _weigh(dict.fromkeys(_times(_HINTS(text), text), 1), place, words, scores)


def _weigh(times: Mapping[str, int], place: str, words: _Words, scores: dict[str, float]) -> None:
    for word, count in times.items():
        # Long words and phrases say more than short ones.
        weight = PLACES[place] * min(MOST_OCCURRENCES, count) * (1.5 if " " in word or len(word) >= 10 else 1.0)
        for leaf in words.leaves[word]:
            scores[leaf] += weight


def _times(marks: Iterable[Mark], text: str) -> dict[str, int]:
    """How often each word stands in the text where a word begins, the short ones as whole words."""
    times: dict[str, int] = defaultdict(int)
    for word, start in marks:
        end = start + len(word)
        if end > len(text) or (start and text[start - 1].isalnum()):
            continue
        behind = text[end : end + 2] if len(word) <= 4 else ""
        if not behind[:1].isalnum() or (behind[0] == "s" and not behind[1:].isalnum()):
            times[word] += 1
    return times


def _settle(row: Mapping[str, Any], findings: Sequence[Finding]) -> Outcome:
    scores: dict[str, float] = defaultdict(float)
    best: dict[str, Finding] = {}
    pages = max(1, len({finding.page.url for finding in findings}))
    for finding in findings:
        leaf, score = finding.value
        scores[leaf] += score / pages
        if leaf not in best or score > best[leaf].value[1]:
            best[leaf] = finding
    named: dict[str, float] = defaultdict(float)
    _count(f"{row.get('name') or ''} {row.get('legal_name') or ''}", "name", _words(), named)
    for leaf, score in named.items():
        if leaf in best:
            scores[leaf] += score
    ranked = sorted(scores, key=lambda leaf: -scores[leaf])
    if not ranked or scores[ranked[0]] < LEAST:
        return Outcome({"industry": None}, [])
    lead = scores[ranked[0]] / (scores[ranked[0]] + (scores[ranked[1]] if len(ranked) > 1 else 0.0))
    confidence = round(min(0.9, lead * min(1.0, scores[ranked[0]] / 12)), 3)
    if confidence < LEAST_CONFIDENCE:
        return Outcome({"industry": None}, [])
    winner = leaves()[ranked[0]]
    told = best[winner.name]._replace(confidence=confidence)
    return Outcome(
        {"industry": winner.name},
        [fact(told, winner.name), fact(told, winner.nace, field="nace"), fact(told, winner.naics, field="naics")],
    )


ENRICHER = Enricher("industries", ("industry",), _look, _settle)
