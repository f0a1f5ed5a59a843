"""The industry: one of the leaves in `industries.toml`, by the words its name, description and pages use.

Words count by where they stand: name and title most, then description and headings, then running text.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from extraction.enrichers import Enricher, Outcome
from extraction.findings import MAX_CANDIDATES, Finding, fact
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
PLACES = {"types": 6.0, "name": 4.0, "title": 3.0, "domain": 3.0, "heading": 2.0, "description": 2.0, "text": 0.5}
#: One keyword's occurrences in running text that count.
MOST_OCCURRENCES = 4
#: Letters up to which a word is a whole one, or the end of a compound one; from which it is told within a domain.
SHORT = 4
SHORT_WITHIN = 5
LEAST_SPELLED = 7
#: What a word counts for a leaf that gives way to others.
GENERAL = 0.5


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
    leaves: dict[str, set[str]]
    #: Those of them that stand within compound words, too.
    compound: set[str]
    #: schema.org type in lower case → leaf.
    types: dict[str, str]
    #: Leaves that give way to those that say more.
    general: set[str]


@cache
def _words() -> _Words:
    words = _Words(defaultdict(set), set(), {}, set())
    for entry in _entries():
        for word in (*entry["keywords"], *chain.from_iterable(entry.get("words", {}).values())):
            bare = word.removeprefix("-")
            words.leaves[bare].add(entry["name"])
            if bare != word:
                words.compound.add(bare)
        words.types.update((kind, entry["name"]) for kind in entry.get("types", ()))
        if entry.get("general"):
            words.general.add(entry["name"])
    return words


#: Leaf → word → what it adds.
_Scores = dict[str, dict[str, float]]
_HINTS = Hints(lambda: _words().leaves)


def _look(page: Document) -> Iterator[Finding]:
    words = _words()
    scores: _Scores = defaultdict(lambda: defaultdict(float))
    for node in page.graph.nodes:
        if not node.nested:
            for kind in node.types:
                if kind in words.types:
                    scores[words.types[kind]][kind] += PLACES["types"]
    headings = " \n ".join(node.text()[:120] for node in page.elements("h1")[:3])
    for place, text in (
        ("title", page.title),
        ("heading", headings),
        ("description", f"{page.metas.get('description', '')} {page.metas.get('keywords', '')[:400]}"),
    ):
        _count(text, place, words, scores)
    _weigh(_times(page.marks(_HINTS), page.lower[:MAX_TEXT], words), "text", words, scores)
    # A domain has no blanks between its words: the long ones are told apart by themselves.
    spelled = {mark.word: 1 for mark in _HINTS(page.core) if len(mark.word) >= LEAST_SPELLED}
    _weigh(spelled, "domain", words, scores)
    factor = {"home": 1.5, "about": 1.2, "products": 1.2}.get(page.kind, 0.6)
    for leaf, by_word in scores.items():
        said = sorted(by_word, key=lambda word: -by_word[word])
        yield page.found("industry", [leaf, sum(by_word.values()) * factor], "keywords", 0.5, words=said)


def _count(text: str, place: str, words: _Words, scores: _Scores) -> None:
    text = text.lower()
    _weigh(dict.fromkeys(_times(_HINTS(text), text, words), 1), place, words, scores)


def _weigh(times: Mapping[str, int], place: str, words: _Words, scores: _Scores) -> None:
    for word, count in times.items():
        # Long words and phrases say more than short ones.
        weight = PLACES[place] * min(MOST_OCCURRENCES, count) * (1.5 if " " in word or len(word) >= 10 else 1.0)
        for leaf in words.leaves[word]:
            scores[leaf][word] += weight * (GENERAL if leaf in words.general else 1.0)


def _times(marks: Iterable[Mark], text: str, words: _Words) -> dict[str, int]:
    """How often each word stands in the text, as it may stand (`industries.toml`)."""
    times: dict[str, int] = defaultdict(int)
    for word, start in marks:
        end = start + len(word)
        within = start > 0 and text[start - 1 : start].isalnum()
        if end > len(text) or (within and word not in words.compound):
            continue
        behind = text[end : end + 2] if len(word) <= (SHORT_WITHIN if within else SHORT) else ""
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
    named: _Scores = defaultdict(lambda: defaultdict(float))
    _count(f"{row.get('name') or ''} {row.get('legal_name') or ''}", "name", _words(), named)
    for leaf, by_word in named.items():
        if leaf in best:
            scores[leaf] += sum(by_word.values())
    ranked = sorted(scores, key=lambda leaf: -scores[leaf])
    told = []
    for leaf in ranked[: MAX_CANDIDATES + 1]:
        score, rival = scores[leaf], max((scores[other] for other in ranked[:2] if other != leaf), default=0.0)
        # The lead over the next leaf; of a leaf behind, what it is worth beside the first.
        confidence = round(min(0.9, score / (score + rival) * min(1.0, score / 12)), 3)
        told.append(best[leaf]._replace(confidence=confidence))
    if not ranked or scores[ranked[0]] < LEAST or told[0].confidence < LEAST_CONFIDENCE:
        return Outcome({"industry": None}, [], [fact(one, one.value[0], chosen=False) for one in told])
    first, *others = told
    winner = leaves()[first.value[0]]
    return Outcome(
        {"industry": winner.name},
        [fact(first, winner.name), fact(first, winner.nace, field="nace"), fact(first, winner.naics, field="naics")],
        [fact(one, one.value[0], chosen=False) for one in others],
    )


ENRICHER = Enricher("industries", ("industry",), _look, _settle)
