"""The company's legal name: who is found with a legal form on its pages, and which of those is this company.

`legal_lines` reads the names of a line. An imprint, a label, a register number or a copyright sign beside one says that
it is the company; in other text only names like the company's own count, and those below another firm's heading never.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice, takewhile

from extraction.document import Document
from extraction.extractors import countries
from extraction.extractors.legal_forms import begins_with_form, has_form, without_form
from extraction.extractors.legal_lines import (
    FORM_WORDS,
    GENERAL,
    LABELS,
    LINKING,
    OTHERS,
    TELLING,
    Named,
    is_owners,
    may_name,
    names_in,
)
from extraction.extractors.name_likeness import likeness
from extraction.extractors.name_texts import is_page_title, segments
from extraction.findings import Finding, excerpt
from extraction.text import clean, squash

#: Lines looked at on a page that speaks of the company, and at the end of any other page; characters of each.
MAX_LINES = 400
MAX_FOOTER = 30
MAX_LINE = 400
#: Lines looked at elsewhere, and behind each the next, for their words on who has the site.
MAX_TOLD = 12
#: Longest line that is a heading or a label alone, and lines above a name in which one is looked for.
MAX_HEADING = 60
HEADINGS = 2
#: Longest line that is a legal form alone.
MAX_FORM = 40
#: Words of the first half of a name, at most; what none has in it; and from which on both halves are the domain's.
MAX_HALF = 5
_NO_HALF = re.compile(
    r"\d{3}|[@:;|©]|\b(?:inh|inhaber|inhaberin|dr|dipl|prof|herr|frau|vertreten|www)\b", re.IGNORECASE
)
SPELLED = 0.85
#: Shortest name by which a site is told, and from which on one is like the domain.
MIN_SITE = 3
ALIKE = 0.5
#: How surely a name is the company's, by what the line says of it; and how unlike its other names it may then be.
SAID = {
    "label": (0.85, 0.0),
    "owner": (0.85, 0.0),
    "registered": (0.85, 0.0),
    "copyright": (0.7, 0.0),
    "imprint": (0.8, 0.0),
    "address": (0.65, 0.25),
    "alone": (0.55, 0.5),
    "controller": (0.6, 0.0),
    "seated": (0.55, 0.3),
    "text": (0.5, 0.5),
    "sentence": (0.4, 0.5),
}
#: Public bodies: an imprint names the one that watches over the company.
_PUBLIC = ("KdöR", "AöR", "K.d.ö.R", "A.d.ö.R")
#: Forms whose last dot is theirs; any other ends the sentence.
_OWN_DOT = re.compile(
    r"(?:\b(?:Inc|Ltd|Co|Corp|Ltda?|Lda|Kft|Zrt|Nyrt|Bt|Tbk|ehf|hf|Bhd|Şti|Kfm|Kfr)|(?<!\w)\w{1,2}(?:\.\s?\w)+|"
    r"[Ss]p\. ?[jkp])\.$",
    re.IGNORECASE,
)
_SHOUTED_FORM = re.compile(r"\b(?:CO|INC|LTD|CORP|LIMITED|CORPORATION)\b")


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `legal_vote`: declared ones, those of an imprint, and those at the foot of other pages."""
    for node in page.graph.own:
        yield from (page.declared("legal_vote", text[:120], node, 0.9) for text in node.texts("legalName")[:2])
    lines = page.lines
    about_it = page.kind in ("imprint", "contact", "about")
    country = countries.from_domain(page.domain)
    places = range(min(MAX_LINES, len(lines))) if about_it else range(max(0, len(lines) - MAX_FOOTER), len(lines))
    # Wherever it stands, a line with a register number says who the company is.
    told = list(islice(page.marked(TELLING), MAX_TOLD))
    others = sorted({*(place for place, _ in page.numbers), *told, *(place + 1 for place in told)})
    for place in (*places, *(place for place in others if place not in places and place < len(lines))):
        line = lines[place]
        if len(line) <= MAX_LINE and may_name(line, country):
            for named in _in_place(lines, place, country, page.core):
                how = "imprint" if page.kind == "imprint" and named.how in ("alone", "text") else named.how
                if how == "brand":
                    how = "owner" if _names_site(page, line[: named.start]) else "other"
                if named.how == "text" and named.text.rstrip(".").endswith(_PUBLIC):
                    continue
                if how in SAID:
                    yield page.found("legal_vote", named.text, how, SAID[how][0], line=place)
    yield from _spelled(page, {*places, *others}, country)


def _spelled(page: Document, read: Collection[int], country: str | None) -> Iterator[Finding]:
    """The domain's own names with a form, in whatever line; what stands below those in running text is not theirs."""
    for place in islice((at for at in page.marked(FORM_WORDS) if at not in read), MAX_TOLD):
        line = page.lines[place]
        for named in names_in(line, country) if len(line) <= MAX_LINE else ():
            if named.how in SAID and likeness(named.text, page.core) >= ALIKE:
                yield page.found("legal_vote", named.text, "text", SAID["text"][0], quote=excerpt(line, named.text))


def _names_site(page: Document, before: str) -> bool:
    """Whether words name the site, as its domain or a part of its title does."""
    said = squash(before)
    titles = (squash(part) for part in segments(page.title))
    if any(len(name) >= MIN_SITE and name in said for name in (page.core, *titles)):
        return True
    subject = " ".join(takewhile(lambda word: not word[0].islower(), before.split()))
    return likeness(subject, page.core) >= ALIKE


def _in_place(lines: Sequence[str], place: int, country: str | None, core: str) -> Iterator[Named]:
    """The names of a line, as the lines around it have it: a label, another firm's heading, a name in two lines."""
    names = names_in(lines[place], country)
    joined = in_two_lines(lines, place, country, core)
    if joined:
        names = (joined, *names[1:])
    if not names:
        return
    above = lines[max(0, place - HEADINGS) : place]
    short = [text for text in above if len(text) <= MAX_HEADING and not has_form(text)]
    if any(OTHERS.search(text) and not is_owners(text) for text in short):
        return
    # Above the first of two lines stands the label.
    over = (
        above[-2]
        if joined and above[1:] and joined.text.startswith(above[-1].rstrip(" ,"))
        else above[-1]
        if above
        else ""
    )
    labelled = is_owners(over) or (len(over) <= MAX_HEADING and squash(over.rstrip(" :：")) in LABELS)
    for named in names:
        yield named._replace(how="label") if labelled and named.how in ("alone", "text") else named


def in_two_lines(lines: Sequence[str], place: int, country: str | None, core: str) -> Named | None:
    """The first name of a line, where it goes on from the line above or in the next; `core` is the domain's label.

    `GmbH` alone has its name above it, as have `und Anlagenbau GmbH` and `Holding GmbH`; any other name goes on from
    above where both together are the domain's.
    """
    line = lines[place]
    first = next(iter(names_in(line, country)), None)
    above = lines[place - 1] if place else ""
    if line and _may_go_on(above) and (rest := _rest_of_name(above, line, first, core)):
        glued = "" if above.endswith("-") and rest[0].isupper() else " "
        whole = names_in(f"{above.rstrip(' ,')}{glued}{rest}", country)
        joined = next((named for named in whole if named.start == 0 and len(named.text) > len(above)), None)
        if joined is not None:
            return joined._replace(how=first.how if first and first.how not in ("text", "sentence") else "alone")
    following = lines[place + 1] if place + 1 < len(lines) else ""
    if first is not None and following[:1] in ("(", "&") and len(following) <= MAX_FORM and line.endswith(first.text):
        whole = names_in(f"{line} {following}", country)
        return next((named for named in whole if named.start == first.start and named.text != first.text), None)
    return None


def _may_go_on(line: str) -> bool:
    """Whether a line may be the first half of a name."""
    words = line.split()
    if not words or len(line) > MAX_HEADING or len(words) > MAX_HALF or not (line[0].isupper() or line[0].isdigit()):
        return False
    if line[-1] in ".:!?|" or _NO_HALF.search(line) or squash(line) in LABELS or is_page_title(line):
        return False
    return not has_form(line) and OTHERS.search(line) is None


def _rest_of_name(above: str, line: str, first: Named | None, core: str) -> str:
    """The words of a line by which a name above it goes on; none where it does not."""
    words = line.split()
    if first is None:
        form = begins_with_form(words)
        alone = form is not None and (form.end == len(words) or "capital" in words[form.end : form.end + 2])
        return " ".join(words[: form.end]) if form is not None and alone else ""
    if first.start:
        return line if line[: first.start].strip().lower() in LINKING else ""
    bare = without_form(first.text)
    if above[-1] in "-&+/" or all(squash(word) in GENERAL or word.endswith("gesellschaft") for word in bare.split()):
        return line
    name = f"{above} {bare}"
    repeats = not {word for word in above.casefold().split() if len(word) > 2}.isdisjoint(bare.casefold().split())
    return line if not repeats and likeness(name, core) >= SPELLED > likeness(bare, core) else ""


def in_line(line: str) -> str | None:
    """The first name with a legal form in a line, whosever."""
    return next((named.text for named in names_in(line) if named.how != "sentence"), None)


def settle(votes: Sequence[Finding], name: Finding, fits: Sequence[float]) -> Finding | None:
    """The surest vote that is this company: like its name, like its domain, or said to be it.

    `fits` says of each vote how well it fits the domain (`name_likeness`). A name that stands alone, and is like
    nothing, counts where it is the only one of all pages.
    """
    base = squash(str(name.value))
    ranked: list[tuple[float, Finding]] = []
    unlike: dict[str, Finding] = {}
    for vote, alike in zip(votes, fits, strict=True):
        fit = 1.0 if _akin(squash(without_form(vote.value)), base) else alike
        least = SAID.get(vote.method, (0.0, 0.25))[1]
        if fit >= least or vote.node:
            ranked.append((vote.confidence * (0.4 + fit), vote))
        elif vote.method in ("alone", "address"):
            unlike.setdefault(squash(vote.value), vote)
    if not ranked and len(unlike) == 1:
        ranked = [(0.4, vote) for vote in unlike.values()]
    if not ranked:
        return None
    strength, best = max(ranked, key=lambda pair: pair[0])
    text = clean(re.sub(r",\s+an?\s.*$", "", str(best.value)), 120).strip(" ,")
    if not _OWN_DOT.search(text):
        text = text.rstrip(" .")
    return best._replace(field="legal_name", value=_calmed(text, str(name.value)), confidence=min(0.95, strength))


def _akin(bare: str, base: str) -> bool:
    """Whether one is part of the other, or they begin alike: `Southern Cross Vets`, `… Veterinary Services`."""
    if len(bare) < 3 or not base:
        return False
    return bare in base or base in bare or _shared(bare, base) >= max(6, 0.6 * len(base))


def _shared(one: str, other: str) -> int:
    """How many letters two words begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, yours) in pairs if mine != yours), min(len(one), len(other)))


def _calmed(text: str, name: str) -> str:
    """A legal name in capitals, written as the name is: `ACME TOOLS CO., INC.` → `Acme Tools Co., Inc.`."""
    if text == text.upper() and name != name.upper() and squash(without_form(text)) == squash(name):
        return name + _SHOUTED_FORM.sub(lambda match: match[0].title(), text[len(name) :])
    return text
