"""VAT and register numbers in a line of text: a number is looked at backwards, for the words that call it one.

What stands before it (or alone on the line above) must be a label of `number_labels.toml`. The label says of which
kind it is, and often of which country; where it does not, the country that the company turns out to be of does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from extraction.company_numbers import OF_PREFIX, VAT, Reading, lei, register_number, vat_id
from extraction.extractors.phone_numbers import fold
from extraction.line_cache import cached_by_line
from extraction.scan import Hints
from extraction.text import squash

#: Characters of a line that are looked at, and of a line that is a label alone.
MAX_LINE = 1_000
MAX_LABEL = 80
#: Words looked at of a line, words of one label at most, parts that a number is written in.
MAX_WORDS = 200
LABEL_WORDS = 6
PARTS = 7
#: Words between a register and its number: `RCS de Lyon sous le numéro`.
TOWN_WORDS = 8
#: Words for "number", and others, that may stand between a label and its number.
NUMBER_WORDS = frozenset(
    map(
        squash,
        "no nr nummer number num numer numero nro n nº n° id idnr kod code kode identification ident číslo szám "
        "številka broj numarası номер is lautet ist est es der des de di du del the under unter sous le la con com "
        "with gemäß nach 27 27a a abs 1 our unsere eu tunnus registration reg registered".split(),
    )
)
_SUFFIXES = tuple(map(squash, "nummer nr no number id idnr num numero nro numarası номер numer".split()))
#: Cheap enough for every line: three digits close together.
_DIGITS = re.compile(r"\d[\d. ]?\d[\d. ]?\d")
_WORD = re.compile(r"[^\s:;,|()\[\]<>]+")
_PREFIX = re.compile(r"[A-Z]{1,4}-?")
_GLUED = re.compile(r"[^\W\d_](?:[^\W\d_]|[.-]){1,20}(?=\d)")
#: Labels that common words hold as well: looked for with what stands around a label only.
_WITHIN_WORDS = frozenset(
    "rea nit alv atu dic ruc cin cro ico inn rut che fn cf pi kt mb cg cr ič bn uic ird "
    "uid rpr ssm uen hst lei mbs".split()
)
#: Those that are common by themselves: looked for with the words before them.
_COMMON = frozenset(("business", "house", "company", "register", "organization", "uin"))
_AROUND = (":", " n", "-", ". ", *map(str, range(10)), *(f" {digit}" for digit in range(10)))
_PLAIN = str.maketrans(
    "áàâäãåăąčćçďđéèêëęěíìîïłńñňóòôöõőøřśšşșťțúùûüűůýžźż", "aaaaaaaacccddeeeeeeiiiilnnnooooooorssssttuuuuuuyzzz"
)
#: Registers between which and the number a town or a court may stand.
_BEFORE_TOWNS = ("rcs", "kvk", "koophandel", "vereinsregister", "partnerschaftsregister", "genossenschaftsregister")
_SEPARATORS = re.compile(r"[\s.\-/]")
#: Labels that stand behind their number: `995 525 828 MVA`, `732 829 320 RCS Nanterre`.
_BEHIND = {"mva": ("vat", "NO"), "rcs": ("register", "FR"), "foretaksregisteret": ("register", "NO")} | {
    **dict.fromkeys(("rpr", "rpm"), ("register", "BE")),
    **dict.fromkeys(("mwst", "tva", "iva"), ("vat", "CH")),
}


class Label(NamedTuple):
    """What words before a number say of it."""

    #: vat, register or lei.
    kind: str
    #: The countries that use the words; `open`: others do as well, and the company's own comes first.
    countries: tuple[str, ...]
    open: bool = False
    #: The words name other numbers too: only one whose check digits are right is taken, or where a country is named.
    weak: bool = False
    #: What the number itself begins with: `HRB`.
    lead: str = ""


class Said(NamedTuple):
    """A number as a page says it: its signs, the longest reading first, and where in the folded line it stands."""

    label: Label
    compacts: tuple[str, ...]
    start: int
    end: int
    #: Read as a number of a country that the words name; else the company's country must tell.
    sure: bool


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("number_labels.toml").read_text(encoding="utf-8"))


@cache
def _labels() -> dict[str, tuple[Label, ...]]:
    """Squashed words → labels, with and without a word for number at their end."""
    table = _table()
    found: dict[str, dict[str, set[str]]] = {}
    for kind in ("vat", "register"):
        for country, phrases in table[kind].items():
            for key in (word + suffix for word in map(squash, phrases) for suffix in ("", *_SUFFIXES)):
                found.setdefault(key, {}).setdefault(kind, set()).add(country)
    labels = {
        key: tuple(
            Label(kind, tuple(sorted(said - {"any", "weak"})), not said.isdisjoint(("any", "weak")), "weak" in said)
            for kind, said in kinds.items()
        )
        for key, kinds in found.items()
    }
    for lead, country in table["lead"].items():
        label = Label("register", (country,), lead=lead if country == "DE" else "")
        labels |= {lead.lower() + suffix: (label,) for suffix in ("", "nr", "no", "nummer")}
    labels |= {squash(word): (Label("lei", ()),) for word in table["lei"]["words"]}
    return labels


def _hint_words() -> frozenset[str]:
    """The same as pages write them, for the search of the whole page: with and without accents, letters with dots."""
    table = _table()
    phrases = [phrase for kind in ("vat", "register") for those in table[kind].values() for phrase in those]
    words = {phrase.split()[-1] for phrase in (*phrases, *map(str.lower, table["lead"]), *table["lei"]["words"])}
    words |= {"".join(phrase.split()) for phrase in phrases if len(phrase) <= 6}
    words |= {"ust-id", "ust.-id", "ust.id", "ust id"}
    plain = {word.translate(_PLAIN) for word in words}
    dotted = {".".join(word) for word in plain if 1 < len(word) <= 4}
    words -= _COMMON
    plain = {word.translate(_PLAIN) for word in words}
    telling = {word for word in words | plain if len(word) > 2 - (not word.isascii()) and _tells(word)}
    # Of those that end with a word for number all words are looked for: `Y-tunnus`, `matični broj`.
    whole = {phrase for phrase in phrases if max(map(len, phrase.split()[:-1]), default=0) > 1}
    whole = {phrase for phrase in {*whole, "y tunnus"} if not _tells(phrase.split()[-1])}
    whole |= {phrase.translate(_PLAIN) for phrase in whole}
    telling |= {sign.join(phrase.split()) for phrase in whole for sign in (" ", "-", ". ", ".")}
    around = {f"{word}{end}" for word in _WITHIN_WORDS for end in _AROUND} | {f" {word} " for word in _WITHIN_WORDS}
    said = {phrase for phrase in phrases if phrase.split()[-1] in _COMMON and " " in phrase}
    said |= {
        "uid che",
        "uid atu",
        "registration n",
        "registration:",
        "reg. n",
        "reg n",
        "reg. code",
        *(f"company{end}" for end in (*_AROUND, " r", " i", " co")),
    }
    return frozenset((telling - _WITHIN_WORDS) | dotted | around | said)


def _tells(word: str) -> bool:
    """Whether a label's word says more than "number"."""
    return squash(word) not in NUMBER_WORDS and len(word.strip(".")) > 1


#: Lines without one have no label.
HINTS = Hints(_hint_words)
_word = lru_cache(maxsize=4_096)(squash)


class _Line:
    """The words of one line: as written with their places, and squashed."""

    def __init__(self, text: str) -> None:
        self.spans: list[tuple[int, int]] = []
        self.raw: list[str] = []
        for match in islice(_WORD.finditer(text), MAX_WORDS):
            start, end = match.span()
            glued = None if match[0].isalpha() else _GLUED.match(text, start, end)
            # `HRB12345`, `P.IVA01234567890`: the label and its number are two words.
            if glued and glued.end() < end and (_word(glued[0]) in _labels() or _word(glued[0]) in NUMBER_WORDS):
                self._add(text, start, glued.end())
                start = glued.end()
            self._add(text, start, end)
        self.words = [_word(raw) for raw in self.raw]

    def _add(self, text: str, start: int, end: int) -> None:
        self.spans.append((start, end))
        self.raw.append(text[start:end])


def in_page(lines: Sequence[str], marked: Iterable[int]) -> Iterator[tuple[int, Said]]:
    """The numbers of a page's lines, each with the place of its line; `marked` are the places of those with a hint.

    A line of digits takes the label that stands alone on the line above.
    """
    for place in dict.fromkeys(place for mark in marked for place in (mark, mark + 1) if place < len(lines)):
        if not _DIGITS.search(lines[place]):
            continue
        above = lines[place - 1] if place else ""
        above = above if len(above) <= MAX_LABEL and not _DIGITS.search(above) else ""
        for said in _in_lines(lines[place][:MAX_LINE], above):
            yield place, said


@cached_by_line
def _in_lines(line: str, above: str) -> tuple[Said, ...]:
    return tuple(in_line(fold(line), fold(above)))


def in_line(text: str, before: str = "") -> Iterator[Said]:
    """What a line calls VAT or register numbers; `before` is the line above, whose label a line of digits takes."""
    line = _Line(text)
    above = _Line(before).words if before else []
    place = 0
    while place < len(line.raw):
        if not any(map(str.isdigit, line.raw[place])):
            place += 1
            continue
        said, following = _said_at(line, place, above)
        yield from said
        place = following


def _said_at(line: _Line, place: int, above: Sequence[str]) -> tuple[list[Said], int]:
    """The numbers read where a word with digits stands, and the place of the word to go on with."""
    prefixed = place > 0 and _PREFIX.fullmatch(line.raw[place - 1]) and line.words[place - 1] not in _labels()
    for begin in (place - 1, place) if prefixed else (place,):
        labels = _label(line.words[:begin] or above)
        if not labels and not any(line.words[:begin]):
            labels = _label(above)
        labels = (*labels, *_labels_behind(line, place))
        found = [said for label in labels if (said := _read(line, begin, label))]
        if found:
            end = max(said.end for said in found)
            return found, next((n for n, span in enumerate(line.spans) if span[0] >= end), len(line.raw))
    return [], place + 1


def _label(words: Sequence[str]) -> tuple[Label, ...]:
    """The label that the words end with, words for number left out; those with most words first."""
    labels = _labels()
    end = len(words)
    for _ in range(LABEL_WORDS):
        for size in range(min(LABEL_WORDS, end), 0, -1):
            if found := labels.get("".join(words[end - size : end])):
                return found
        if not end or (words[end - 1] and words[end - 1] not in NUMBER_WORDS):
            break
        end -= 1
    # A town may stand between: `RCS Paris 732 829 320`, `KvK Den Haag 12345678`.
    return next((labels[word] for word in _BEFORE_TOWNS if word in words[-TOWN_WORDS:]), ())


def _labels_behind(line: _Line, place: int) -> tuple[Label, ...]:
    for word in line.words[place + 1 : place + 5]:
        kind, country = _BEHIND.get(word, ("", ""))
        # Before a Swiss word stands a Swiss number, with its prefix; elsewhere it is the label of what follows.
        if kind and (country != "CH" or "CHE" in "".join(line.raw[max(0, place - 1) : place + 1])):
            return (Label(kind, (country,)),)
    return ()


def _read(line: _Line, begin: int, label: Label) -> Said | None:
    """The number of a label that begins at a word, or None where no reading of it is one."""
    compacts: list[tuple[str, int]] = []
    compact = label.lead
    for raw, (_, end) in zip(line.raw[begin : begin + PARTS], line.spans[begin:], strict=False):
        part = _SEPARATORS.sub("", raw.rstrip(".-/"))
        if not part.isascii() or not part.replace("+", "").replace("*", "").isalnum() or len(part) > 24:
            break
        # Small letters are words, but for the one that ends a number (`FN 56247t`).
        if part != part.upper() and not ((part[:-1].isdigit() or len(part) == 1) and part[-1:].isalpha()):
            break
        compact += part.upper()
        compacts.append((compact, end))
    compacts = [pair for pair in compacts[::-1] if any(map(str.isdigit, pair[0]))]
    if label.open or label.kind == "lei":
        compacts = [pair for pair in compacts if 5 <= len(pair[0]) <= 24]
    for compact, end in compacts:
        if any(resolved(label.kind, compact, country) for country in countries(label, compact, None)):
            return Said(label, (compact,), line.spans[begin][0], end, sure=True)
    if compacts and label.open:
        return Said(label, tuple(compact for compact, _ in compacts), line.spans[begin][0], compacts[-1][1], sure=False)
    return None


def countries(label: Label, compact: str, settled: str | None) -> Sequence[str]:
    """The countries whose number it may be, likeliest first: its prefix's, the company's, those of the label."""
    if label.kind == "lei":
        return ("",)
    if label.kind == "vat":
        for size in (2, 3):
            code = OF_PREFIX.get(compact[:size], compact[:size])
            if code in VAT and not compact[:size].isdigit() and vat_id(compact, code):
                return (code,) if label.open or code in label.countries else ()
    own = (settled,) if settled and (label.open or settled in label.countries) else ()
    return own if own and label.open else tuple(dict.fromkeys((*own, *label.countries)))


def resolved(kind: str, compact: str, country: str) -> Reading | None:
    """The signs read as a number of a kind of label and a country."""
    if kind == "vat":
        return vat_id(compact, country)
    return register_number(compact, country) if kind == "register" else lei(compact)
