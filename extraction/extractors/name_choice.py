"""Which name is the company's: the candidates of all its pages, weighed by in how many ways each is said."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import lru_cache

from extraction.extractors import legal_names
from extraction.extractors.legal_forms import has_form, without_form
from extraction.extractors.name_likeness import core_of, likeness
from extraction.findings import Finding
from extraction.text import squash

#: How much the domain alone counts.
LAST_RESORT = 0.04
#: What a name is worth whose site names itself otherwise, and one that is a trade and a town.
UNNAMED, KEYWORD = 0.2, 0.1
#: Letters at least of a title from which others go on, and words below which it has.
MIN_TITLE, SHORT_TITLE = 4, 2
_NOWHERE: frozenset[str] = frozenset()
#: What is left of one that may be, where nothing stands above the address.
LOCAL = 0.5
#: Ways of saying it that stand where names stand; text and titles are filled with keywords.
_NAMING = frozenset(
    (
        "meta",
        "copyright",
        "home-link",
        "logo",
        "legal",
        "json-ld",
        "microdata",
        "rdfa",
        "microformat",
        "address",
        "label",
    )
)
#: Words that are small within a name.
_LINKING = frozenset(
    "and of for the & und für von der die das et de la du des e di y del van en da do i og och".split()
)
#: What of a legal name's line says that it is the company's.
_TOLD = frozenset(("copyright", "registered", "label", "owner"))
#: Pages that tell of the company.
_TELLING = frozenset(("home", "contact", "about"))
#: A trade and where: `Plumber in Leeds`, `Maler i Aarhus`.
_TRADE_IN = re.compile(r"\w{3}\s(?:in|te|à|i|w|v|en|em|near)\s[^\W\d_a-zß-ÿ]")
_SMALL = re.compile(r"^[a-z0-9]")


def settle(
    findings: Sequence[Finding], domain: str, cities: Collection[str] = ()
) -> tuple[Finding | None, Finding | None]:
    """(name, legal name) of one company out of its pages' votes; their value and confidence are the settled ones.

    `cities` are those of the addresses on its pages.
    """
    core = core_of(domain)
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.field == "name_vote":
            groups[key_of(finding.value)].append(finding)
    for finding in findings:
        # A legal name speaks for a name that is there; on the imprint, or where it is the domain's, by itself, too.
        if finding.field == "legal_vote":
            imprint, key = finding.page.kind == "imprint", key_of(finding.value)
            sure = finding.method in _TOLD or key in groups or likeness(finding.value, core) >= 0.75
            if imprint or sure or finding.page.kind in _TELLING:
                weight = 0.4 if imprint else 0.15 if sure else 0.08
                groups[key].append(finding._replace(method="legal", confidence=weight))
    groups.pop("", None)
    _take_titles(groups)
    legal = [f for f in findings if f.field == "legal_vote"]
    legal += [
        f for f in findings if f.field == "name_vote" and f.method not in ("domain", "address") and has_form(f.value)
    ]
    if not groups:
        best_legal = max(legal, key=lambda f: f.confidence, default=None)
        return best_legal, best_legal
    pages = max(1, len({f.page.url for f in findings}))
    named = {key: _naming(votes, pages) for key, votes in groups.items()}
    # Where the site names itself twice over, what only the address and the text spell may be keywords.
    doubted = max(named.values()) >= 2
    towns = {squash(word) for f in findings if f.method == "address" and f.confidence >= 0.3 for word in f.words}
    doubts = {
        key: KEYWORD if _is_keyword(key, votes, towns) else UNNAMED if doubted else None
        for key, votes in groups.items()
        if named[key] == 0
    }
    strengths = {key: _strength(votes, core, pages, doubts.get(key)) for key, votes in groups.items()}
    towns |= {squash(city) for city in cities}
    for key, votes in groups.items():
        if _is_keyword(key, votes, towns, local=_TRADE_IN):
            strengths[key] *= LOCAL
    key = max(groups, key=lambda k: (strengths[k], len(k)))
    name = _shown(groups[key], strengths[key])
    return name, legal_names.settle(legal, name, [likeness(str(vote.value), core) for vote in legal])


def _take_titles(groups: dict[str, list[Finding]]) -> None:
    """A title that goes on from a name counts for that: from a legal one, or from the whole of another page's title.

    `Carbide Inserts Acme Tools` for `Acme Tools`, `Acme is the award winning maker of drives` for `Acme`.
    """
    titles = [vote for votes in groups.values() for vote in votes if vote.method == "title"]
    formal = {without_form(vote.value) for votes in groups.values() for vote in votes if vote.method == "legal"}
    formal = {name for name in formal if " " in name}
    pages: dict[str, set[str]] = defaultdict(set)
    for vote in titles:
        if len(vote.value) >= MIN_TITLE and vote.value.count(" ") < SHORT_TITLE:
            pages[vote.value].add(vote.page.url)
    for vote in titles:
        words = vote.value.split()
        for size in range(1, len(words) - 1):
            first, last = " ".join(words[:size]), " ".join(words[-size:])
            if first in formal or pages.get(first, _NOWHERE) - {vote.page.url}:
                groups[key_of(first)].append(vote._replace(value=first))
            elif last in formal:
                groups[key_of(last)].append(vote._replace(value=last))


def _is_keyword(key: str, votes: Sequence[Finding], towns: set[str], *, local: re.Pattern[str] | None = None) -> bool:
    """Whether a name is a trade and the town of the company, said by its titles and address only: `Plumber Leeds`.

    `local` tells such of any town.
    """
    if any(vote.method not in ("title", "domain") for vote in votes):
        return False
    if local is not None and any(local.search(vote.value) for vote in votes):
        return True
    return key in towns or any(
        len(key) >= len(town) + 3 and (key.startswith(town) or key.endswith(town)) for town in towns if town
    )


@lru_cache(maxsize=1_024)
def key_of(name: str) -> str:
    """What spellings of one name share: without legal form, article, blanks and case."""
    bare = squash(without_form(name)) or squash(name)
    return bare.removeprefix("the") if len(bare) >= 7 else bare


def _naming(votes: list[Finding], pages: int) -> int:
    """In how many ways the site names itself so, each on half of its pages at least."""
    seen: dict[str, set[str]] = defaultdict(set)
    for vote in votes:
        # The firm of an address is called otherwise than its shop.
        formal = vote.method in ("address", "label") and has_form(vote.value)
        if vote.method in _NAMING and vote.confidence >= 0.3 and not formal:
            seen[vote.method].add(vote.page.url)
    return sum(2 * len(urls) >= pages for urls in seen.values())


def _strength(votes: list[Finding], core: str, pages: int, doubt: float | None) -> float:
    """Each way of saying counts once at its best, more with every page that says it; all times the domain's word."""
    best: dict[str, float] = defaultdict(float)
    seen: dict[str, set[str]] = defaultdict(set)
    for vote in votes:
        method = vote.method if vote.confidence > LAST_RESORT else ""
        best[method] = max(best[method], vote.confidence)
        seen[method].add(vote.page.url)
    said = 0.0
    for method, weight in best.items():
        share = len(seen[method]) / pages
        # A part of but one of many titles is that page's.
        said += weight * (0.15 + 0.85 * share if method == "title" and pages >= 3 else 0.5 + 0.5 * share)
    fit = max(likeness(name, core) for name in {vote.value for vote in votes[:20]})
    return said * (0.35 + fit if doubt is None else doubt)


def _shown(votes: list[Finding], strength: float) -> Finding:
    """The commonest spelling, those with blanks and mixed case first, without legal form."""
    forms: dict[str, float] = defaultdict(float)
    source: dict[str, Finding] = {}
    for vote in votes:
        text = without_form(vote.value)
        shape = 1.0 if text not in (text.upper(), text.lower()) else (0.45 if len(text) > 5 else 0.9)
        if _SMALL.match(text):
            shape *= 0.6
        words = [word for word in text.split() if word.lower() not in _LINKING]
        shape *= 0.7 + 0.3 * sum(not word[0].islower() for word in words) / max(1, len(words))
        # The domain knows no articles and no forms: others spell the name more fully.
        forms[text] += vote.confidence * shape * (0.6 if vote.method == "domain" else 1.0)
        if text not in source or vote.confidence > source[text].confidence:
            source[text] = vote
    text = max(forms, key=lambda form: forms[form])
    return source[text]._replace(field="name", value=text, confidence=min(0.98, 0.25 + 0.4 * strength))
