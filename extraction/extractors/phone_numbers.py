"""Numbers as written → numbers that exist, as E.164.

What people write is folded first (full-width digits, every dash, signs that do not show), then cut into runs of
digits: words, names, hours and extensions around a number are no digits of it. One run may hold several numbers,
and the end of a number alone stands for a second one: `030 555-10 und -14`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any, NamedTuple

import phonenumbers

#: Longest text read as numbers, characters, and how much of it is looked at before it is folded.
MAX_WRITTEN = 80
MAX_GIVEN = 300
#: Numbers read from one text.
MAX_NUMBERS = 8

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u207b\u208b\u2212\u2e3a\u2e3b\u301c\u3030\ufe58\ufe63\uff0d"
#: Signs that do not show: soft hyphen, joiners, marks of direction, variants of pictures.
_HIDDEN = (
    *(0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF),
    *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10)),
)
#: Digits that count footnotes and lists (`²`, `①`) are none of a number, so they go before compatibility folding.
_COUNTING = re.compile(
    "[\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2079\u2080-\u2089\u2150-\u218b\u2460-\u24ff\u2776-\u2793]"
)
#: What folding may change: all but ASCII, the letters of European languages, and the signs that their texts have.
_FOLDABLE = re.compile(
    "[^\x00-\x7f\u00a7\u00a9\u00ab\u00ae\u00bb\u00c0-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e"
    "\u0391-\u03a9\u03b1-\u03c9\u0410-\u044f\u2018-\u201e\u2022\u20ac]"
)
_FOLD = {ord(dash): "-" for dash in _DASHES} | dict.fromkeys(_HIDDEN)
#: Japanese pages write the sign of a long vowel, or the numeral one, for a dash.
_LONG_VOWEL = re.compile(r"(?<=\d)\s?[\u30fc\u4e00]\s?(?=\d)")

#: A run of digits with what people put between them: its first sign, by which the search finds it, and what follows.
#: Possessive: no digit is looked at twice for one start.
RUN_BEGINS = r"[+(\[\d]"
RUN_GOES_ON = (
    r"(?:(?<=\+)\s?[(\[]?\+?\d|(?<=0)0[(\[]?\+?\d|(?<=[(\[])\+?\d|(?<=\d))(?:[ \t.\-/()\[\]·•|]{0,4}\d){5,40}+"
)
_RUN = re.compile(RUN_BEGINS + RUN_GOES_ON)
_JOINER = r"\s{0,2}(?:[,;/&+]|(?<!\w)(?:und|oder|u\.|bzw\.?|or|and|ou|et|en|of|y|o|e|och|og|eller|lub|i)(?!\w))\s{0,2}"
#: The end of a second number behind a first. Without its dash it must look like the end that it replaces, and stand
#: before no word: `-10 und 15 Jahre` is one number.
TAIL = re.compile(
    _JOINER + r"(?:(?P<dashed>-\s?\d{1,5})|(?P<bare>\d{2,4}))(?![\d:%]|[ .,\-]{0,2}\d)(?(bare)(?!\s?[^\W\d_]))"
)
#: Letters on the keypad, after an American area code only: `303.333.PAUL`, `1-800-FLOWERS`.
VANITY = re.compile(
    r"(?<![\w.+-])(?:(?P<one>\+?1[-. ]{0,2})(?P<area>\(?[2-9]\d\d\)?)[-. ]{1,2}"
    r"|(?P<own>\([2-9]\d\d\)[-. ]?|[2-9]\d\d[-.]|[2-9]\d\d (?=\d)))"
    r"(?P<keys>\d{3}[-. ]?[A-Z]{4}|(?:[A-Z\d]{1,7}[-.]){0,2}[A-Z\d]{2,10})(?![\w@])"
)
_LETTERS = re.compile("[A-Z]{2}")
_NO_DIGIT = re.compile(r"\D")
_SEPARATOR = re.compile(r"\s?[/|•·]\s?|\s-\s|\.\s|(?<=\d)\s(?=[(\[]|0\d|\d{3}-\d{3}-\d{4})")
_SLASHED_TAIL = re.compile(r"\s?[/|]\s?(-?)\s?\d{1,4}$")
_DASHED_END = re.compile(r"-\s?\d{1,5}$")
#: A bracket that no other closes: `030 5551234 (14 ct/min)`.
_OPEN_END = re.compile(r"(?<=\d)\s{0,4}[(\[][\d\s]*$")
_TIGHT_DOT = re.compile(r"(?<=\d)[·•](?=\d)")
_ZERO = re.compile(r"\(\s?0\s?\)|\[\s?0\s?\]")
_FAKE = re.compile(r"123456|234567|345678|987654|(\d)\1{6}")
#: What a North American or a British number looks like where nothing names the country.
_NANP_SHAPE = re.compile(r"^\(?[2-9]\d{2}\)?\s?[-. ]?\s?[2-9]\d{2}\s?[-. ]?\s?\d{4}$|^1[-. ]")
_GB_SHAPE = re.compile(
    r"^\(?0(?:[127]\d{3}\)?[ -]?\d{3}[ -]?\d{3}|1\d1\)?[ -]?\d{3}[ -]?\d{4}|2\d\)?[ -]?\d{4}[ "
    r"-]?\d{4}|[38]\d\d\)?[ -]?\d{3}[ -]?\d{3,4})$"
)

#: The kinds of numbers that exist, as `phonenumbers` calls them; most that firms give are of the first two.
_KINDS = (
    *("fixed_line", "mobile", "toll_free", "shared_cost", "premium_rate", "voip", "personal_number", "pager", "uan"),
    "voicemail",
)

Number = tuple[str, str]


def fold(text: str) -> str:
    """The text with plain digits, one kind of dash and of space, and without signs that do not show."""
    if text.isascii() or not _FOLDABLE.search(text):
        return text
    text = unicodedata.normalize("NFKC", _COUNTING.sub(" ", text)).translate(_FOLD)
    return _LONG_VOWEL.sub("-", text)


def with_tail(base: str, tail: str) -> str:
    """The number whose end is `tail`: it replaces what stands behind the last dash where it has one itself."""
    digits = _digits(tail)
    if tail.lstrip().startswith("-") and (end := _DASHED_END.search(base)):
        return f"{base[: end.start()]}-{digits}"
    place, left = len(base), len(digits)
    while place and left:
        place -= 1
        left -= base[place].isdigit()
    return base[:place] + digits


def tail_of(line: str, base: str, place: int) -> re.Match[str] | None:
    """The end of a second number that stands at `place` of a line, behind the number `base`."""
    tail = TAIL.match(line, place)
    if tail is None or tail["dashed"]:
        return tail
    last = re.search(r"\d+$", base)
    return tail if last and len(last[0]) == len(tail["bare"]) and not _is_year(tail["bare"]) else None


def guess_region(written: str) -> str | None:
    """The country whose way of writing this is, where nothing else tells: `(555) 234-5678` is North American."""
    if _NANP_SHAPE.match(written):
        return "US"
    return "GB" if _GB_SHAPE.match(written) else None


def read(written: str, region: str | None) -> tuple[Number, ...]:
    """(E.164, country alpha-2 or '') of each number in what was written; empty when none exists.

    `region` is the company's country: it reads numbers without a country code.
    """
    # Cut before it is remembered: pages declare texts of any length as numbers.
    return _read(written[:MAX_GIVEN], region)


@lru_cache(maxsize=8_192)
def _read(written: str, region: str | None) -> tuple[Number, ...]:
    text = fold(written)[:MAX_WRITTEN]
    for match in VANITY.finditer(text) if _LETTERS.search(text) else ():
        spelled = keypad(match)
        number = _valid(spelled, "US") if spelled else None
        if number is not None:
            return (number,)
    found: dict[str, str] = {}
    for match in _RUN.finditer(text):
        base = match[0]
        numbers = _in_run(base, region)
        end = match.end()
        while numbers and len(numbers) < MAX_NUMBERS and (tail := tail_of(text, base, end)):
            base, end = with_tail(base, tail["dashed"] or tail["bare"]), tail.end()
            numbers += filter(None, [_read_one(base, region)])
        found |= dict(numbers)
    return tuple(found.items())[:MAX_NUMBERS]


def keypad(match: re.Match[str]) -> str | None:
    """The ten digits that a match of `VANITY` spells, or None where it is no number."""
    keys = re.sub(r"[-. ]", "", match["keys"])
    letters = sum(map(str.isalpha, keys))
    if not 7 <= len(keys) <= 10 or letters < 3:
        return None
    return _digits(match["area"] or match["own"]) + phonenumbers.convert_alpha_characters_in_number(keys)[:7]


def _in_run(run: str, region: str | None) -> list[Number]:
    """The numbers of one run of digits: the whole of it, or what its slashes and spaced dashes hold apart."""
    if "(" in run or "[" in run:
        run = _OPEN_END.sub("", run)
    elif ")" in run and len(_digits(run.partition(")")[0])) >= 7:
        run = run.partition(")")[0]  # `(types 140/155/170) 1999`
    if "·" in run or "•" in run:
        run = _TIGHT_DOT.sub(".", run)
    tail = _SLASHED_TAIL.search(run) if "/" in run or "|" in run else None
    head = run[: tail.start()] if tail else ""
    tailed = len(_digits(head)) >= 9 and _read_one(head, region) is not None
    whole = None if tailed else _read_one(run, region)
    if whole is not None:
        return [whole]
    separators = list(_SEPARATOR.finditer(run))
    if not separators:
        return []
    found: list[Number] = []
    base, pending, start = "", "", 0
    for end in (*separators, None):
        piece = run[start : end.start() if end else len(run)]
        alone = pending + piece
        number = _read_one(alone, region)
        if number is None and pending and (number := _read_one(piece, region)):
            alone = piece
        if number is None and base and not pending and _digits(piece) and _is_end(run[:start], piece, base):
            alone = with_tail(base, piece)
            number = _read_one(alone, region)
        if number is not None:
            found.append(number)
            base, pending = alone, ""
        elif end:
            pending = alone + end[0]
        if end:
            start = end.end()
    return found[:MAX_NUMBERS]


def _is_end(before: str, piece: str, base: str) -> bool:
    return before.rstrip()[-1:] in "/|" and len(_digits(piece)) <= len(_digits(base)) - 2


def _is_year(digits: str) -> bool:
    return len(digits) == 4 and digits[:2] in ("19", "20")


def _digits(text: str) -> str:
    return _NO_DIGIT.sub("", text)


def _read_one(written: str, region: str | None) -> Number | None:
    text = written.strip(" \t.-/()[]·•|") if written.count("(") != written.count(")") else written.strip()
    digits = _digits(text)
    if not 7 <= len(digits) <= 16 or _FAKE.search(digits):
        return None
    if text.startswith(("+", "00")) or "+" in text[:3]:
        text = "+" + _digits(_ZERO.sub("", text)).removeprefix("00")
        return _valid(text, None)
    trunk = _ZERO.sub("0", text)
    for guess in dict.fromkeys((region, guess_region(text))):
        if guess:
            number = _valid(trunk, guess)
            if number is not None:
                return number
    return None


@lru_cache(maxsize=4_096)
def _valid(text: str, region: str | None) -> Number | None:
    """What a text of at most `MAX_WRITTEN` characters is, dialled in a region."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    national, calling = phonenumbers.national_significant_number(number), number.country_code or 0
    home = _home_of(national, calling)
    return None if home is None else (f"+{calling}{national}", home)


def _home_of(national: str, calling: int) -> str | None:
    """The region that has a number of a calling code, as `phonenumbers` tells it; None where it exists nowhere."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(calling, ())
    for region in regions:
        plan = _plan(region, calling)
        if len(regions) == 1 or (plan.begins is not None and plan.begins.match(national)):
            return region if plan.has(national) else None
        if plan.begins is None and plan.has(national):
            return region
    return None


class _Numbers(NamedTuple):
    """Numbers of some lengths (of any, where none are told) and a form."""

    lengths: tuple[int, ...]
    form: re.Pattern[str]

    def have(self, national: str) -> bool:
        return (not self.lengths or len(national) in self.lengths) and self.form.fullmatch(national) is not None


class _Plan(NamedTuple):
    """The numbers of a region: what they begin with among those of its calling code, all in general, and each kind."""

    begins: re.Pattern[str] | None
    general: tuple[_Numbers, ...]
    kinds: tuple[_Numbers, ...]

    def has(self, national: str) -> bool:
        return any(one.have(national) for one in self.general) and any(one.have(national) for one in self.kinds)


@cache
def _plan(region: str, calling: int) -> _Plan:
    known: Any = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(calling, region)

    def numbers(*names: str) -> tuple[_Numbers, ...]:
        told = [said for name in names if (said := getattr(known, name)) and said.national_number_pattern]
        return tuple(_Numbers(one.possible_length, re.compile(one.national_number_pattern)) for one in told)

    begins = re.compile(known.leading_digits) if known.leading_digits is not None else None
    return _Plan(begins, numbers("general_desc"), numbers(*_KINDS))
