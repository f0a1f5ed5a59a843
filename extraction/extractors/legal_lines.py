"""Names with a legal form in one line of text: where each begins and ends, and what the line says of it.

A name is read from its form backwards (or, where the form stands first, onwards) to what is no name any more: a small
word, a label, a bar, a sentence's end, a year. What stands around it tells how surely it is the company of the page.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from extraction.extractors import legal_forms
from extraction.extractors.legal_forms import Form, behind, forms_in
from extraction.text import clean, squash

#: Words of a name at most, and names read of one line.
MAX_NAME = 8
MAX_NAMES = 6
#: Characters looked at before and behind a name.
NEAR = 70
_WORDS = tomllib.loads(Path(__file__).with_name("legal_words.toml").read_text(encoding="utf-8"))
LINKING = frozenset(_WORDS["linking"].split())
_BRINGING = frozenset(_WORDS["bringing"].split())
_NO_NAME = frozenset(squash(word) for line in _WORDS["before"] for word in line.split())
#: Labels of the official name, squashed.
LABELS = frozenset(map(squash, _WORDS["labels"]))
#: What says that a firm is another's.
OTHERS = re.compile("|".join(_WORDS["others"]), re.IGNORECASE)
_OWNER = re.compile(rf"(?:{'|'.join(_WORDS['owner'])})\s*$", re.IGNORECASE)
_MADE = re.compile("host|héberg|design|develop|entwickel|realis|réalis|maintain|powered", re.IGNORECASE)
_REGISTERED = re.compile(rf"[\s,.(–-]{{0,4}}(?:{'|'.join(_WORDS['registered'])})", re.IGNORECASE)
_COPYRIGHT = re.compile(r"©|\(c\)|copyright", re.IGNORECASE)
_ENDS = re.compile(r"[:;!?|•·©®→»]$|^[|•·©–—→*/]+$|^-+$")
_ABBREVIATED = frozenset("bros assoc mfg intl indus tech prof dipl".split())
_YEAR = re.compile(r"(?:19|20)\d\d(?:[-–/](?:19|20)?\d\d)?[.,]?|\d{5,}|\d+%")
_AROUND = " ,;:()[]\"'“”„«»‚‘’*·•|"
#: A comma before these is the name's: `Katz, Marshall & Banks`.
_AND = frozenset("& and und et y e og och".split())
#: A dot behind a longer word ends a sentence.
_LONGEST_ABBREVIATION = 4
#: Articles that a name may begin with.
_ARTICLES = frozenset("The De La Le Les Il El Das Die Der".split())


class Named(NamedTuple):
    """A name with its legal form, and how the line speaks of it: `label`, `owner`, `registered`, `copyright`, `alone`,
    `text`, or `other` where it is another firm's.
    """

    text: str
    how: str


def names_in(line: str, country: str | None = None) -> Iterator[Named]:
    """The names with a legal form in a line, in its order. `country`: whose forms may stand before a name."""
    found = 0
    if legal_forms.may_have_form(line):
        words = line.split()[: legal_forms.MAX_WORDS]
        spans = legal_forms.spans(line)
        for form in forms_in(words, behind()):
            named = _before(line, words, spans, form)
            if named:
                yield named
                found += 1
                if found >= MAX_NAMES:
                    return
        if not found:
            yield from _behind_form(line, words, country)
    elif not line.isascii():
        match = _cjk().search(line)
        if match:
            yield Named(match[0], _how(line, *match.span()))


@cache
def _cjk() -> re.Pattern[str]:
    forms = "|".join(map(re.escape, legal_forms.joined()))
    name = r"[^\s、。，,．.（）()「」『』【】:：;；|｜／/〒©\d]{1,25}"
    return re.compile(rf"(?:{forms})\s?{name}|{name}?(?:{forms})")


def _before(line: str, words: Sequence[str], spans: Sequence[tuple[int, int]], form: Form) -> Named | None:
    first = _start(words, form)
    if first >= form.first:
        return None
    if len(form.key) <= 2 and not _is_calm(words, first, form):
        return None
    for place in range(first + 1, form.first):  # `Web Shop for Acme Tools Ltd`
        if words[place - 1] in LINKING and _OWNER.search(line[: spans[place][0]]):
            first = place
    start, end = spans[first][0], spans[form.end - 1][1]
    text = line[start:end].strip(' ,;:"“”„«»*·•|')
    if text.count("(") < text.count(")"):
        text = text.rstrip(")")
    return Named(clean(text, 120).lstrip("("), _how(line, start, end))


def _is_calm(words: Sequence[str], first: int, form: Form) -> bool:
    """Whether a form of two letters is none of a word in capitals, and no state behind a town: `Calgary, AB T2P`."""
    name = words[first : form.first]
    comma, dotted = name[-1].endswith(","), "." in "".join(words[form.first : form.end])[:-1]
    number = form.end < len(words) and words[form.end][:1].isalnum() and any(map(str.isdigit, words[form.end]))
    shouted = not any(sign.islower() for word in name for sign in word)
    numeric = name[-1].strip(_AROUND).replace(".", "").isdigit()
    return dotted or not (comma or number or (shouted and len(words) > form.end - first) or numeric)


def _start(words: Sequence[str], form: Form) -> int:
    """The place of the first word of the name that ends before a form; the form's own where there is no name."""
    first = form.first
    while first and form.first - first < MAX_NAME and not _ends_before(words, first, form):
        first -= 1
    while first < form.first and words[first] not in _ARTICLES:
        bare = squash(words[first].strip(_AROUND))
        if bare and bare not in _NO_NAME and words[first] not in LINKING:
            break
        first += 1
    introduced = (
        first and words[first - 1].isalpha() and words[first - 1].islower() and words[first - 1] not in _BRINGING
    )
    # A sentence about a firm (`visits Bergbau AG`) does not say who the company is.
    return form.first if introduced else first


def _ends_before(words: Sequence[str], first: int, form: Form) -> bool:
    """Whether the word before a place is no part of the name that goes on there."""
    word = words[first - 1]
    bare = word.strip(_AROUND)
    if not bare or _ENDS.search(word) or _YEAR.fullmatch(bare):
        return True
    if first < form.first:
        lists = not _AND.isdisjoint(words[first : form.first])
        sentence = word.endswith(".") and bare.count(".") == 1 and len(bare) > _LONGEST_ABBREVIATION
        if (word.endswith(",") and not lists) or (sentence and squash(bare) not in _ABBREVIATED):
            return True
    return bare[0].islower() and bare not in LINKING and not any(map(str.isupper, bare[1:]))


def _behind_form(line: str, words: Sequence[str], country: str | None) -> Iterator[Named]:
    """The names whose form stands before them: one of another country's short forms is a word."""
    forms = legal_forms.before()
    for form in forms_in(words, forms):
        own = forms.spelled[form.key] is None or country in forms.countries[form.key] or not form.key.isascii()
        end = _end(words, form.end) if own else form.end
        if end > form.end:
            text = clean(" ".join(words[form.first : end]), 120).strip(" ,;:|.")
            place = line.find(words[form.first])
            yield Named(text, _how(line, place, place + len(text)))


def _end(words: Sequence[str], begin: int) -> int:
    """The place behind the last word of the name that begins behind a form."""
    end = begin
    quoted = begin < len(words) and words[begin][:1] in '«"“„'
    while end < min(len(words), begin + MAX_NAME):
        bare = words[end].strip(_AROUND)
        small = bare[:1].islower() and bare not in LINKING and not quoted
        if not bare or bare.isdigit() or small or _ENDS.search(words[end][:1]):
            break
        end += 1
        if words[end - 1][-1:] in ',;:.|»”"' and len(bare) > 1:
            break
    while end > begin and words[end - 1] in LINKING:
        end -= 1
    return end


def _how(line: str, start: int, end: int) -> str:
    near, following = line[max(0, start - NEAR) : start], line[end : end + NEAR]
    # What stands behind a bar or a sentence's end speaks of something else.
    near = re.split(r"[|•·]|\.\s|\s[–—-]\s", near)[-1]
    owner = _OWNER.search(near)
    # `Le site est édité par …` is said of the owner, `hosted and operated by …` of another.
    if OTHERS.search(near[: owner.start()] if owner and not _MADE.search(near) else near):
        return "other"
    label = squash(near.rstrip(" :：-").rpartition(".")[2])
    if label in LABELS:
        return "label"
    if owner:
        return "owner"
    if _REGISTERED.match(following):
        return "registered"
    if _COPYRIGHT.search(near[-40:]) or _COPYRIGHT.match(following.lstrip(" ,.")):
        return "copyright"
    return "alone" if not near.strip() and not following.strip(" .") else "text"
