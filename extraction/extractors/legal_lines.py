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
from extraction.line_cache import cached_by_line
from extraction.scan import Hints
from extraction.text import clean, squash

#: Words of a name at most, and names read of one line.
MAX_NAME = 8
MAX_NAMES = 6
#: Longest line that ends with who is named below it.
MAX_LABEL = 200
#: Characters looked at before and behind a name.
NEAR = 70
#: Behind it, for what it is responsible for.
FAR = 200
_WORDS = tomllib.loads(Path(__file__).with_name("legal_words.toml").read_text(encoding="utf-8"))
LINKING = frozenset(_WORDS["linking"].split())
_BRINGING = frozenset(_WORDS["bringing"].split())
_NO_NAME = frozenset(squash(word) for line in _WORDS["before"] for word in line.split())
_CALLED = frozenset(_WORDS["called"].split())
#: Labels of the official name, squashed.
LABELS = frozenset(map(squash, _WORDS["labels"]))
#: Those that name nobody but the company, and hint words for them.
OWN_LABELS = frozenset(map(squash, _WORDS["own_labels"]))
NAME_LABELS = Hints(label.lower() for label in _WORDS["own_labels"])
#: What says that a firm is another's.
OTHERS = re.compile("|".join(_WORDS["others"]), re.IGNORECASE)
_OWNER = re.compile(rf"(?:{'|'.join(_WORDS['owner'])})\s*$", re.IGNORECASE)
#: Words that tell in terms and texts on privacy whose a site is.
TELLING = Hints(_WORDS["telling"])
#: Those of the commonest forms; and what is no name by itself.
FORM_WORDS = Hints(_WORDS["forms"])
GENERAL = frozenset(_WORDS["general"].split())
_BRAND = re.compile(rf"(?<!\w)(?:{'|'.join(_WORDS['brand'])})\s*$", re.IGNORECASE)
_MADE = re.compile("host|héberg|design|develop|entwickel|realis|réalis|maintain|powered", re.IGNORECASE)
_REGISTERED = re.compile(rf"[\s,.(–-]{{0,4}}(?:{'|'.join(_WORDS['registered'])})", re.IGNORECASE)
_SEATED = re.compile(rf"[\s,(–-]{{0,4}}(?:{'|'.join(_WORDS['seated'])})", re.IGNORECASE)
_CONTROLS = re.compile("|".join(_WORDS["controls"]), re.IGNORECASE)
#: Firms that texts on privacy speak of everywhere.
_KNOWN = re.compile("|".join(_WORDS["known"].split()), re.IGNORECASE)
_COPYRIGHT = re.compile(r"©|\(c\)|copyright", re.IGNORECASE)
_ENDS = re.compile(r"[:;!?|•·©→»]$|^[|•·©–—→*/>]+$|^-+$")
_ABBREVIATED = frozenset("bros assoc mfg intl indus tech prof dipl gebr burg".split())
_YEAR = re.compile(r"(?:19|20)\d\d(?:[-–/](?:19|20)?\d\d)?[.,]?|\d{5,}|\d+%|[+(]?\d[\d()+./-]{5,}")
_GLUED = re.compile(r"[|©,](?=[^\W\d_])")
_STICKY = re.compile(r"[|©]")
_COMMA = re.compile(r",(?=[^\W\d_])")
_MARKS = re.compile("[®™]")
_VERBS = frozenset("is are ist sind zijn est sont es son è sono är er e são wir we nous wij by".split())
_AROUND = " ,;:()[]\"'“”„«»‚‘’*·•|"
#: A comma before these is the name's: `Katz, Marshall & Banks`.
_AND = frozenset("& and und et y e og och".split())
#: A dot behind a longer word ends a sentence.
_LONGEST_ABBREVIATION = 4
#: Forms that are states of the US, Canada or Australia as well; and those that words in capitals are.
_STATES = frozenset("ab nv sa sc".split())
_LIKE_WORDS = frozenset(
    "as sa se da ab ad ag ac ae cc cv co de ee ek ev eg eu oe og rt mb sp sl sc ks ps hf hb ky is pa pc oy".split()
)
#: Small words in lines of capitals, that no name goes on before: `SALES BY ACME TOOLS, INC.`.
_SHOUTED = frozenset("BY WITH BETWEEN FROM TO PAR DOOR POR".split())
#: What a firm is to the one that names it: `Partner van Acme B.V.`.
_RELATIONS = frozenset(_WORDS["relations"].split())
#: What stands behind the name of who practises: `Ann Lee, M.D., Inc.`.
_TITLES = frozenset("md dds dmd dvm do od dc dpm cpa cpas pe ra aia jd esq phd lcsw rn dpt".split())
#: Forms behind which partners are named.
_OF_PARTNERS = frozenset("snc sas sncdi sasdi".split())
#: Articles that a sentence begins with before a name: `Die Acme GmbH ist …`; and particles that names begin with.
_BEGINNING = frozenset("Die Der Das La Le Les Il El O A As Os".split())
_PARTICLES = frozenset("van von de der den ter ten t di della".split())
#: Words of a line of its own that is a name, at most.
MAX_ALONE = 6
#: Countries where a trade is written small within a name; small words of one, at most.
_SMALL_TRADES = frozenset(_WORDS["small_trades"].split())
MAX_TRADE = 2
#: Articles that a name may begin with.
_ARTICLES = frozenset("The De La Le Les Il El Das Die Der".split())


class Named(NamedTuple):
    """A name with its legal form, and how the line speaks of it.

    `label`, `owner`, `registered`, `copyright`, `alone` or `text`; `seated` where its place follows, `controller` where
    the site's data are its, `sentence` where a small word leads to it, `brand` where it owns what is named before it,
    `other` where it is another firm's.
    """

    text: str
    how: str
    #: Where in the line it begins.
    start: int = 0


@cached_by_line
def may_name(line: str, country: str | None) -> bool:
    """Cheap: whether a name with a legal form may stand in a line."""
    if legal_forms.may_have_form(line, country) or not line.isascii():
        return True
    return ("," in line or "|" in line) and _GLUED.search(line) is not None


def names_in(line: str, country: str | None = None) -> tuple[Named, ...]:
    """The names with a legal form in a line, in its order. `country`: whose forms may stand before a name."""
    return _names_in(line, country)


@cached_by_line
def _names_in(line: str, country: str | None) -> tuple[Named, ...]:
    return tuple(_read(line, country))


def _read(line: str, country: str | None) -> Iterator[Named]:
    found = 0
    line = _parted(line)
    if legal_forms.may_have_form(line, country):
        words = line.split()[: legal_forms.MAX_WORDS]
        spans = legal_forms.spans(line)
        for form in forms_in(words, behind(country)):
            named = _before(line, words, spans, form, country in _SMALL_TRADES)
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


def _parted(line: str) -> str:
    """The line with blanks where signs stick to words: `Acme Tools,Inc.|Leeds`, `©2012`."""
    if "|" in line or "©" in line:
        line = _STICKY.sub(r" \g<0> ", line)
    return line if "," not in line else _COMMA.sub(", ", line)


@cache
def _cjk() -> re.Pattern[str]:
    forms = "|".join(map(re.escape, legal_forms.joined()))
    name = r"[^\s、。，,．.（）()「」『』【】:：;；|｜／/〒©\d]{1,25}"
    return re.compile(rf"(?:{forms})\s?{name}|{name}?(?:{forms})")


def _before(
    line: str, words: Sequence[str], spans: Sequence[tuple[int, int]], form: Form, small_trades: bool
) -> Named | None:
    owned = _said_before(line, words, spans, form)
    first = _start(words, form, small_trades) if owned is None else owned
    first = _within_brackets(words, first, form)
    if first >= form.first:
        return None
    if len(form.key) <= 2 and not _is_calm(words, first, form):
        return None
    start, end = spans[first][0], spans[_behind_partners(words, form) - 1][1]
    text = line[start:end].strip(' ,;:"“”„«»*·•|!?')
    text = text.removeprefix("(").removeprefix("M/s ").removeprefix("M/s. ")
    if text.count("(") < text.count(")"):
        text = text.rstrip(")")
    how = _how(line, start, end)
    if first + 1 < form.first and squash(words[first]) in _RELATIONS and words[first + 1] in LINKING:
        how = "other"
    # A sentence about a firm does not say who the company is.
    if owned is None and how == "text" and _is_introduced(words, first):
        how = "sentence"
    return Named(clean(_MARKS.sub("", text), 120).lstrip("("), how, start)


def _within_brackets(words: Sequence[str], first: int, form: Form) -> int:
    """The place of the name's first word, where a bracket opens before it: `Bob's RVs (Haller Sales, Inc.)`."""
    for place in range(form.first - 1, first, -1):
        if ")" in words[place]:
            break
        if words[place].startswith("("):
            return place
    return first


def _behind_partners(words: Sequence[str], form: Form) -> int:
    """The place behind a form, and behind the partners that an Italian one names: `S.n.c. di Rossi Mario & C.`."""
    end = form.end
    if form.key not in _OF_PARTNERS or words[end - 1][-1:] in ",;":
        return end
    if words[end - 1].lower() != "di":
        if words[end : end + 1] != ["di"]:
            return end
        end += 1
    last = end
    while last < min(len(words), end + MAX_NAME):
        bare = words[last].strip(_AROUND)
        if not bare or _ENDS.search(words[last]) or not (bare[0].isupper() or bare in LINKING):
            break
        last += 1
        if words[last - 1][-1:] in ",;" or bare in ("C.", "C"):
            break
    return last if last > end else form.end


def _said_before(line: str, words: Sequence[str], spans: Sequence[tuple[int, int]], form: Form) -> int | None:
    """The place of the word behind what is said before an owner: `Web Shop for Acme Tools Ltd`, `a brand of …`."""
    for place in range(form.first - 1, max(0, form.first - MAX_NAME), -1):
        if words[place - 1].islower() and words[place][:1].isupper():
            head = line[max(0, spans[place][0] - NEAR) : spans[place][0]]
            if _OWNER.search(head) or _BRAND.search(head):
                return place
    return None


def _is_calm(words: Sequence[str], first: int, form: Form) -> bool:
    """Whether a form of two letters is none of a word in capitals, and no state behind a town: `Calgary, AB T2P`."""
    name = words[first : form.first]
    if "." in "".join(words[form.first : form.end])[:-1]:
        return True
    ahead = words[form.end] if form.end < len(words) else ""
    coded = ahead[:1].isalnum() and any(map(str.isdigit, ahead)) and not _YEAR.fullmatch(ahead.strip(_AROUND))
    if form.key in _STATES and (name[-1].endswith(",") or coded):
        return False
    if name[-1].strip(_AROUND).replace(".", "").isdigit() and (form.key == "kg" or len(name) == 1):
        return False
    # In a text that is all in capitals a form may be a word.
    rest = [*words[:first], *words[form.end :]]
    loud = any(map(str.isalpha, "".join(rest))) and not any(sign.islower() for word in (*name, *rest) for sign in word)
    return not (loud and form.key in _LIKE_WORDS and words[form.end - 1][-1:] not in ",;")


def _start(words: Sequence[str], form: Form, small_trades: bool) -> int:
    """The place of the first word of the name that ends before a form; the form's own where there is no name."""
    first = form.first
    while first and form.first - first < MAX_NAME and not _ends_before(words, first, form):
        first -= 1
    first = _alone(words, first, form, small_trades)
    before = words[first - 1] if first else ""
    begins = not before or _ENDS.search(before) is not None or _YEAR.fullmatch(before.strip(_AROUND)) is not None
    if begins and words[first].strip(_AROUND) in _PARTICLES and first + 1 < form.first:
        return first
    while first < form.first and words[first] not in _ARTICLES:
        bare = squash(words[first].strip(_AROUND))
        called = (
            bare in _CALLED
            and first + 1 < form.first
            and (words[first + 1] in LINKING or squash(words[first + 1]) in _CALLED)
        )
        if bare and bare not in _NO_NAME and words[first] not in LINKING and not called:
            break
        first += 1
    ahead = words[form.end] if form.end < len(words) else ""
    if first + 1 < form.first and words[first] in _BEGINNING and ahead.isalpha() and ahead.islower():
        first += 1
    return first


def _alone(words: Sequence[str], first: int, form: Form, small_trades: bool) -> int:
    """The first place of the name, where small words are part of it: all of a line, or of what stands between bars."""
    closed = form.end == len(words) or words[form.end - 1][-1:] in ",;|" or _ENDS.search(words[form.end]) is not None
    if first == 0 or not closed or words[first - 1].endswith(","):
        return first
    start = first
    while (
        start
        and form.first - start < MAX_ALONE
        and not (_ENDS.search(words[start - 1]) or words[start - 1].endswith((",", ".")))
    ):
        bare = words[start - 1].strip(_AROUND)
        if not bare or _YEAR.fullmatch(bare) or "@" in bare or bare in _VERBS:
            break
        start -= 1
    whole = start == 0 or _ENDS.search(words[start - 1]) or _YEAR.fullmatch(words[start - 1].strip(_AROUND))
    called = words[start] in _ARTICLES or (small_trades and _is_called(words[start:first]))
    return start if whole and called else first


def _is_called(words: Sequence[str]) -> bool:
    """Whether words before a name, some of them small, may be its trade."""
    small = [word for word in words if word[:1].islower()]
    if not small or not words[0][:1].isupper() or len(small) > MAX_TRADE or not "".join(small).isalpha():
        return False
    if squash(words[0]) in _NO_NAME or not _BRINGING.isdisjoint(small) or not LINKING.isdisjoint(small):
        return False
    return OTHERS.search(" ".join(words)) is None and _OWNER.search(" ".join(words)) is None


def _is_introduced(words: Sequence[str], first: int) -> bool:
    """Whether a small word before a name makes it part of a sentence: `visits Bergbau AG`."""
    before = words[first - 1] if first else ""
    return before.isalpha() and before.islower() and before not in _BRINGING


def _ends_before(words: Sequence[str], first: int, form: Form) -> bool:
    """Whether the word before a place is no part of the name that goes on there."""
    word = words[first - 1]
    bare = word.strip(_AROUND)
    if not bare or _ENDS.search(word) or _YEAR.fullmatch(bare):
        return True
    if first < form.first:
        lists = not _AND.isdisjoint(words[first : form.first])
        sentence = word.endswith(".") and bare.count(".") == 1 and len(bare) > _LONGEST_ABBREVIATION
        titled = all(squash(part) in _TITLES for part in words[first : form.first])
        if (word.endswith(",") and not lists and not titled) or (sentence and squash(bare) not in _ABBREVIATED):
            return True
    if first > 1 and bare in _SHOUTED:
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
        last = end > begin and (end + 1 == len(words) or words[end][-1:] in ",;")
        small = bare[:1].islower() and bare not in LINKING and not quoted and not last
        if not bare or bare.isdigit() or small or _ENDS.search(words[end][:1]):
            break
        end += 1
        if words[end - 1][-1:] in ',;:.|»”"' and len(bare) > 1:
            break
    while end > begin and words[end - 1] in LINKING:
        end -= 1
    return end


def is_owners(line: str) -> bool:
    """Whether a line says that the owner of the site follows: `This site is operated by:`."""
    return len(line) <= MAX_LABEL and _OWNER.search(line.rstrip(" :：")) is not None and _MADE.search(line) is None


def _how(line: str, start: int, end: int) -> str:
    near, following = line[max(0, start - NEAR) : start], line[end : end + NEAR]
    # What stands behind a bar or a sentence's end speaks of something else.
    near = re.split(r"[|•·]|\.\s|\s[–—-]\s", near)[-1]
    label = squash(near.rstrip(" :：-").rpartition(".")[2]) in LABELS
    owner = _OWNER.search(near)
    # `Le site est édité par …` is said of the owner, `hosted and operated by …` of another.
    if brand := _BRAND.search(near):
        return "other" if OTHERS.search(near[: brand.start()]) else "brand"
    if not label and OTHERS.search(near[: owner.start()] if owner and not _MADE.search(near) else near):
        return "other"
    if label or owner:
        return "label" if label else "owner"
    if _REGISTERED.match(following):
        return "registered"
    if _COPYRIGHT.search(near[-40:]) or _COPYRIGHT.match(following.lstrip(" ,.")):
        return "copyright"
    return _how_it_goes_on(line, start, end) or ("alone" if not near.strip() and not following.strip(" .") else "text")


def _how_it_goes_on(line: str, start: int, end: int) -> str:
    """What follows on where a firm is, and whether it has the site's data."""
    if not _SEATED.match(line[end : end + NEAR]):
        return ""
    return "controller" if _CONTROLS.search(line[end : end + FAR]) and not _KNOWN.search(line[start:end]) else "seated"
