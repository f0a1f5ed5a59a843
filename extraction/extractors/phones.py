"""Phone and fax numbers, found on a page as written; `phone_numbers` reads them once the country is known.

`find` yields what looks like a number with its surroundings already judged: dates, hours, prices and accounts are
blotted out first, register and tax numbers are told by the word before them, a fax by its label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from extraction.document import Document
from extraction.extractors.phone_numbers import (
    MAX_WRITTEN,
    RUN_BEGINS,
    RUN_GOES_ON,
    VANITY,
    fold,
    keypad,
    tail_of,
    with_tail,
)
from extraction.findings import Finding
from extraction.labelled_numbers import Said
from extraction.line_cache import cached_by_line
from extraction.scan import Hints

#: Candidates taken from one page.
MAX_CANDIDATES = 120
#: Longest line that is a label and nothing else, characters.
MAX_LABEL = 30
MAX_HEAD = 16
#: Rows of tables looked at on one page.
MAX_ROWS = 1_000
MAX_CELLS = 60
#: Labels in a row before the numbers that they name.
MAX_LABELS = 6

_AFTER = r"(?!@)(?!(?!x\.?\s?\d|ext|fax|tel|e-?mail|[A-Z][a-zäöü])[^\W_])(?!\s?(?:€|EUR\b|USD\b|%|kg\b|mm\b|cm\b|GB\b))"
_NUMBER = re.compile(RUN_BEGINS + r"(?<![\w/@=#&%€$£¥+-].)(?<!\d[.,].)" + RUN_GOES_ON + _AFTER)
_AREA = re.compile(r"\d\d\d\)?[-. ].{0,5}[A-Z]{2}")
#: Whether the first number of a line may be its first word, whose label is the line before.
_BEGINS = re.compile(r".{0,2}[+(\[\d]")
_DIGITS_ENOUGH = re.compile(r"\d[^\n\d]{0,4}\d[^\n\d]{0,4}\d[^\n\d]{0,4}\d")
_LONG_DIGITS = re.compile(r"\d\d{15,}")
_FILLERS = re.compile(r"_{2,}")
#: `-119` behind `Fax:`, the end of the number before it.
_LABELLED_TAIL = re.compile(
    r"\s{0,2}[,;/|]?\s{0,2}(?:tele?fax|fax|telefon|tel|fon|mobil|dw|durchwahl|f|t)(?:[.:]{1,2}\s?|\s)(?P<tail>-\s?\d{1,5})"
    r"(?![\d:]|[ .,\-]{0,2}\d)",
    re.IGNORECASE,
)
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_MONEY = r"(?:[€$£¥]|EUR|USD|GBP|CHF|Kč|zł|kr)"
_CLOCK = r"(?:[01]?\d|2[0-4])[.:h][0-5]\d"
#: What is no number of a phone wherever it stands, blotted out before the search.
_BLOT = re.compile(
    r"(?<![\w.,/-])(?:(?=\d)(?:"
    # Ranges of days: `03.07 - 17.07.15`, `05.10-09.10.2026`.
    rf"{_DAY}\.{_MONTH}\.?(?:(?:20)?\d\d)?\s?-\s?{_DAY}\.{_MONTH}\b\.?(?:(?:20)?\d\d)?(?![\w./-]|\s\d)"
    # Dates with a whole year; those with half a one are told where nothing else is in the run.
    rf"|{_DAY}([./-]){_MONTH}\1{_YEAR}(?![\d/-]|\.\d)"
    rf"|{_MONTH}/{_DAY}/{_YEAR}(?![\d/-])"
    rf"|(?<!\d ){_YEAR}([./-]){_MONTH}\2{_DAY}(?![\d/-]|\.\d)"
    # Ranges of years, with or without months.
    rf"|(?<![\d)] )(?:{_MONTH}[/.])?{_YEAR}\s?[-/]\s?(?:{_MONTH}[/.])?{_YEAR}(?![\d/-]|\.\d|\s\d)"
    # Hours, prices.
    rf"|{_CLOCK}\s?(?:[Uu]hr|h)?\s?-\s?{_CLOCK}(?![\d-]|\.\d)"
    rf"|\d{{1,3}}(?:[.,' ]\d{{3}}){{0,4}}[.,]\d\d\s?{_MONEY}(?!\w))"
    rf"|{_MONEY}\s?\d{{1,9}}(?:[.,' ]\d{{3}}){{0,4}}(?:[.,]\d\d)?(?!\d)"
    # Accounts and Swiss firm numbers.
    r"|[A-Z]{2}\d\d(?:\s?[A-Z\d]{4}){2,7}(?:\s?[A-Z\d]{1,4})?(?!\w)|CHE-?\s?\d{3}\.\d{3}\.\d{3}(?!\d))"
)
#: What a run of digits is that is dialled nowhere: a date, a price, a place on the earth (`48.775846`), hours
#: (`10.00 - 18.00`, `8 - 12 / 13 - 17`).
_NOT_DIALLED = re.compile(
    r"\(?(?:(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)?\d\d|(?:19|"
    r"20)\d\d[./-](?:0?[1-9]|1[0-2])[./-](?:0?[1-9]|[12]\d|3[01])"
    r"|(?:19|20)\d\d\s?[-/ ]\s?(?:19|20)\d\d|(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])/(?:19|"
    r"20)?\d\d)(?:$|[ .,\-])"
    r"|\d+[.,]\d\d$|\d{1,3}(?:\.\d{1,3}){3}$|(?:[1-9]\d?|1[0-8]\d)\.\d{5,}$"
    r"|\d{1,2}[.: ]?\d{0,2}\s?-\s?\d{1,2}[.:]\d\d|\d{1,2}\.\d\d(?:\s?[-/ ]\s?\d{1,2}\.\d\d)+$"
)
#: Thousands, which nine digits of a Spanish, Polish or Czech number look like, and sizes: words before tell them apart.
_COUNTS = re.compile(
    r"^\d{1,3}(?:[.,]\d{3})+(?:[.,]\d\d)?$|^\d{1,2}(?: \d{3})+(?:[.,]\d\d)?$|"
    r"^(?:\d{1,2} )?\d{1,3}(?:/\d{1,3}){2,}(?!\d)"
)
_FAX = (
    r"(?:tele[- ]?)?fax|facs[ií]mil|fac-simil|téléc|faks|传真|傳真|факс|"
    r"ファックス|ファクス|ファクシミリ|팩스|فاكس|פקס|φαξ"
)
_FAX_HINTS = Hints(
    "fax facsimil facsímil fac-simil téléc faks 传真 傳真 факс ファックス ファクス ファクシミリ 팩스 "
    "فاكس פקס φαξ".split()
)
_FAX_WORD = re.compile(_FAX, re.IGNORECASE)
_FAX_LETTER = re.compile(r"(?:^|[\s|,;/·•\d(])F\s?[:.)]?\s?$|(?:^|[\s|,;·•])f[:.]\s?$")
_TEL_WORD = re.compile(
    r"(?<![^\W\d_])(?:tel(?!e?[- ]?fax|l)|tél(?!éc)|ph(?:one)?(?!\w)|(?:cell|fon|ring|dial|free|toll|ruf)(?!\w)|call)|"
    r"telef[oóu]|phone|mobi(?:l|el)|fono|(?<!\w)(?:tlf|tfn|tfno|puh|gsm)(?!\w)|"
    r"contact|kontakt|handy|hotline|helpline|office|direct|rufnummer|durchwahl|notruf|service|"
    r"text us|whatsapp|電話|电话|手机|携帯|전화|휴대폰|тел|τηλ|هاتف|"
    r"טלפון|נייד|\bT\s?[:.)]|(?<!\w)[tpm][:.]\s|\bT$|\b[MP]\s?[:.](?![^\W\d])",
    re.IGNORECASE,
)
_BOTH = re.compile(r"[/&+]\s{0,2}(?:" + _FAX + r")|(?<!\w)(?:und|and|et|en|y|e|u\.)\s(?:" + _FAX + ")", re.IGNORECASE)
_LABEL_LINE = re.compile(
    r"(?:(?:tel|ph|mob|t|p|m|f)\b[.:]?|[^\W\d]{0,12}(?:telef|phone|mobil|" + _FAX + r")[^\W\d]{0,8})"
    r"(?:[ .:-]{0,3}(?:no|nr|number|nummer|#))?[ .:]{0,3}",
    re.IGNORECASE,
)
_FAX_HEAD = re.compile(r"(?:" + _FAX + r")(?:[ .:-]{0,3}(?:no|nr|number|nummer|#))?[ .:]{0,3}", re.IGNORECASE)
_LABEL_BEHIND = re.compile(
    r"\s{0,2}(?:[(\[]\s?(?P<held>"
    + _FAX
    + r"|F(?=\s?[)\]])|tel|phone|telephone|mobile?|cell|toll[- ]free|office|local|main)"
    r"[^()\[\]\d]{0,12}[)\]]|[-:]?\s?(?P<bare>" + _FAX + r"|telefon|telephone|phone|tel|mobile?|cell)\.?"
    r"\s{0,2}(?=$|[,;|/]\s?[+(\d]))",
    re.IGNORECASE,
)
#: Words before a number that is none: registers, tax, banks, goods, licences. Whole words, and no part of an address.
_OTHER_NUMBER = re.compile(
    r"(?:(?<![\w@])(?<!\w\.)|(?<=\w\.)(?=nr|no\.|reg\W))(?:"
    r"vat|ust|mwst|tva|btw|iva|p\.? ?iva|nip|regon|krs|cnpj|cif|nif|siren|siret|rcs|hr[ab]|abn|"
    r"acn|cvr|kvk|org|ein|duns|d-u-n-s|iban|bic|oib|ico|ičo|dič|eori|"
    r"konto|account|acct|rekening|sort code|blz|isbn|issn|ean|upc|gtin|sku|asin|item|model|part|art|order|"
    r"bestell|ref|reference|invoice|serial|"
    r"patent|license|licence|lic|lizenz|dre|mls|nmls|npi|dot|mc|company|registered|registration|"
    r"registry|reg|charity|firm|handelsregister|"
    r"steuernummer|st|zip|id|po box|product|code|nr|no|number|example|beispiel|"
    r"e\.g|z\. ?b|ex|bijv|[^\W\d]{2,25}(?:nummer|numer|nr|番号|번호|编号|編號))(?![\w@])[\s.:#°-]{0,4}"
    r"(?:(?:id|idnr|nr|no|num|number|nummer|code|in england(?: (?:and|&) wales)?|"
    r"reg(?:istration)?)(?!\w)[\s.:#°-]{0,4}){0,3}(?:[A-Z]{2}\s?)?$|#\s?$|№\s?$",
    re.IGNORECASE,
)
#: Between two numbers that one label names: `Fax 1234 / 5678`, `Tel. 1234 oder 5678`.
_JOINED = re.compile(r"\W{0,5}(?:und|oder|or|and|ou|et|en|of|y|o|e)?\W{0,3}", re.IGNORECASE)
#: Between the parts of a line, each with its own label.
_BAR = re.compile("[|·•]")
_CALLS = re.compile(
    r"(?:tel|callto|fax|sms|whatsapp|viber)\s?:|(?:https?:)?//(?:www\.)?(?:wa\.me|(?:api|web)\.whatsapp\.com)/",
    re.IGNORECASE,
)
_CALLS_BEGIN = frozenset("tcfswvTCFSWV")
_MAY_CALL = _CALLS_BEGIN | frozenset("/hH")
_WRITES_TO = {"wa.me": "", "api.whatsapp.com": "phone", "web.whatsapp.com": "phone", "send": "phone", "chat": "number"}


class _Seen(NamedTuple):
    """A number in a line: `phone` or `fax`, as written, and how surely."""

    field: str
    written: str
    confidence: float


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `phone` or `fax`; the value is the number as written, not yet read."""
    yield from islice(_candidates(page), MAX_CANDIDATES)


def _candidates(page: Document) -> Iterator[Finding]:
    for node, branch in page.graph.contacts:
        faxes = any(_FAX_WORD.search(said) for said in node.texts("contactType"))
        for name, field in (("telephone", "fax" if faxes else "phone"), ("faxNumber", "fax")):
            for text in node.texts(name):
                # One text may name both: `Tel. 030 1234, Fax 030 1235`.
                for place, number in enumerate(_FAX_WORD.split(_CALLS.sub("", text, count=1), maxsplit=1)):
                    kind = "fax" if place and not _BOTH.search(text) else field
                    if _DIGITS_ENOUGH.search(number):
                        sure = 0.9 if branch else 0.95
                        yield page.declared(kind, number[:MAX_WRITTEN], node, sure, text)
    for link in page.links:
        href = link.href
        if href[0] in _MAY_CALL and _may_call(href) and _CALLS.match(href) and (number := _linked(href)):
            faxed = href[:4].lower() == "fax:" or _FAX_WORD.search(link.text)
            yield page.found("fax" if faxed else "phone", number, "tel-link", 0.95, line=link.line)
    yield from _in_text(page)


def _may_call(href: str) -> bool:
    """A cheap look: most links of a page lead to a page."""
    if href[0] not in "/hH":
        return href[0] in _CALLS_BEGIN
    host = href[:24].lower()
    return "wa." in host or "wha" in host


def _linked(href: str) -> str:
    """The number that a link calls or writes to; a link that shares, follows or invites has none."""
    scheme, _, target = ("", "", href[:400]) if href[:2] == "//" else href[:400].partition(":")
    if scheme.strip().lower() in ("tel", "callto", "fax", "sms"):
        return re.split("[;?,]", unquote(target))[0].strip("/ ")[:MAX_WRITTEN]
    return _written_to(target)


def _written_to(target: str) -> str:
    """The number of `//wa.me/49…`, `//api.whatsapp.com/send?phone=49…`: always one with its country's code."""
    try:
        url = urlsplit(target)
    except ValueError:
        return ""
    parameter = _WRITES_TO.get((url.hostname or url.path).strip("/").removeprefix("www."))
    if parameter is None:
        return ""
    said = parse_qs(url.query, max_num_fields=None).get(parameter, [""])[0] if parameter else url.path
    digits = re.fullmatch(r"[/+ ]{0,3}((?:[ ()-]{0,2}\d){7,15})/?", unquote(said))
    return f"+{digits[1].strip()}" if digits else ""


def _in_text(page: Document) -> Iterator[Finding]:
    lines, columns = page.lines, _fax_columns(page)
    named: list[str] = []
    last = -1
    others: dict[int, list[Said]] = {}
    for place, said in page.numbers:
        if said.sure:
            others.setdefault(place, []).append(said)
    for place in page.digit_lines:
        line = lines[place]
        if not _DIGITS_ENOUGH.search(line) or line.startswith("..."):
            named = []
            seen: Iterable[_Seen] = _spelled(line)
        else:
            named = named if place == last + 1 else []
            named = named or (_labels_of(lines, place) if place != last + 1 else [])
            before = named.pop(0) if named else lines[place - 1] if place else ""
            plain = _plain(line, others.get(place, ()))
            seen = _in_line(plain, before, columns) if _NUMBER.search(plain) else _spelled(plain)
        last = place
        for field, written, confidence in seen:
            yield page.found(field, written, "text", confidence, line=place)


def _plain(line: str, others: Sequence[Said]) -> str:
    """The line as it is searched: the numbers of registers and taxes in it blotted out."""
    text = fold(line)
    for said in others:
        text = f"{text[: said.start]}{'~' * (said.end - said.start)}{text[said.end :]}"
    text = _LONG_DIGITS.sub("x", text)
    return _FILLERS.sub(" ", text) if "__" in text else text


def _labels_of(lines: Sequence[str], place: int) -> list[str]:
    """The lines right before that are labels and nothing else, where as many lines of digits follow: a label for each.

    So a row of labels is read, and then a row of numbers; one label before one number is the common case.
    """
    first = place
    while first > max(0, place - MAX_LABELS) and _is_label(lines[first - 1]):
        first -= 1
    labels = lines[first:place]
    return list(labels) if all(map(_DIGITS_ENOUGH.search, lines[place : place + len(labels)])) else []


def _is_label(line: str) -> bool:
    return len(line) <= MAX_LABEL and _LABEL_LINE.fullmatch(line) is not None


def _behind_digits(line: str) -> str:
    """What a line says behind its last digits may name the number of the next: `12345 Acmetown, Fax`."""
    if not _DIGITS_ENOUGH.search(line):
        return line
    words = re.split(r"\d", line[-MAX_LABEL:])[-1]
    return "" if ")" in words else words


def _fax_columns(page: Document) -> frozenset[str]:
    """The numbers, digits only, that stand in a table below a heading which says fax and nothing else."""
    heads = (page.lines[place] for place in page.marked(_FAX_HINTS))
    headed = any(len(line) <= MAX_HEAD and _FAX_HEAD.fullmatch(line) for line in heads)
    if not headed or b"<tr" not in page.lower_markup:
        return frozenset()
    columns: dict[int, list[int]] = {}
    found: set[str] = set()
    for row in page.tree.tags("tr")[:MAX_ROWS]:
        table = row.parent.mem_id if row.parent else 0
        texts = [cell.text()[:200].strip() for cell in islice(row.iter(), MAX_CELLS) if cell.tag in ("td", "th")]
        heads_at = [place for place, text in enumerate(texts) if len(text) <= MAX_HEAD and _FAX_HEAD.fullmatch(text)]
        if heads_at and not any(map(_DIGITS_ENOUGH.search, texts)):
            columns[table] = heads_at
        elif table in columns:
            numbers = [re.sub(r"\D", "", text) for text in texts]
            # The same number beside it, as phone, is no fax.
            found.update(n for p, n in enumerate(numbers) if p in columns[table] and numbers.count(n) == 1)
    return frozenset(found)


def _in_line(line: str, before: str, columns: frozenset[str]) -> Iterable[_Seen]:
    """The numbers of a plain line; the label of the first may be the line before, where it is the first word."""
    before = _behind_digits(before)[-30:] if _BEGINS.match(line) else ""
    return tuple(_labelled(line, before, columns)) if columns else _labelled_by_line(line, before)


@cached_by_line
def _labelled_by_line(line: str, before: str) -> tuple[_Seen, ...]:
    return tuple(_labelled(line, before, frozenset()))


def _labelled(line: str, before: str, columns: frozenset[str]) -> Iterator[_Seen]:
    yield from _spelled(line)
    matches = list(_NUMBER.finditer(line))
    clear = _BLOT.sub(lambda match: "~" * len(match[0]), line)
    if clear != line:
        line, matches = clear, list(_NUMBER.finditer(clear))
    end = 0
    field: str | None = None
    labelled = False
    for match in matches:
        if match.start() < end:
            continue
        raw, stop = match[0], match.end()
        gap = line[end : match.start()]
        borrowed = not end and len(gap) <= 2
        label = before + " " + gap if borrowed else gap[-40:]
        kind = _kind(label)
        if _is_other(raw, label) or (kind is None and _COUNTS.match(raw)):
            continue
        last = stop == len(line)
        behind = None if last else _LABEL_BEHIND.match(line, stop)
        if behind and (behind["held"] or borrowed or kind is None):
            kind = "fax" if _FAX_WORD.match(behind["held"] or behind["bare"]) or behind["held"] == "F" else "phone"
        elif field and _JOINED.fullmatch(gap) and not (field == "fax" and _BAR.search(gap)):
            # A label holds for the numbers joined to the first: `Fax 1234 / 5678`.
            kind = field if labelled else None
        elif columns and (borrowed or kind is None) and re.sub(r"\D", "", raw) in columns:
            kind = "fax"
        field, labelled = kind or "phone", kind is not None
        if field == "fax" and (bar := _BAR.search(raw)):
            # `F 0341 55501 | 0171 55502`: the bar ends what the label names.
            yield _Seen("phone", raw[bar.end() :][:MAX_WRITTEN], 0.65)
            raw, stop, last = raw[: bar.start()], match.start() + bar.start(), False
        base = raw
        while not last and (tail := tail_of(line, base, stop)):
            base, stop = with_tail(base, tail["dashed"] or tail["bare"]), tail.end()
        end = behind.end() if behind else stop
        confidence = 0.85 if labelled else 0.65 if not raw.isdecimal() else _of_bare_digits(raw, line)
        if not confidence:
            continue
        yield _Seen(field, line[match.start() : stop][:MAX_WRITTEN], confidence)
        while not last and (tail := _LABELLED_TAIL.match(line, end)):
            end = tail.end()
            yield _Seen(_kind(tail[0]) or "phone", with_tail(base, tail["tail"]), 0.85)


def _of_bare_digits(raw: str, line: str) -> float:
    """The confidence of digits that nothing calls a number: only on a line of their own."""
    return 0.5 if len(line) <= len(raw) + 12 and 10 <= len(raw) <= 11 else 0.0


def _spelled(line: str) -> Iterable[_Seen]:
    """The numbers that are spelled by the letters of the keypad."""
    return _vanities(line) if _AREA.search(line) else ()


def _vanities(line: str) -> Iterator[_Seen]:
    for match in VANITY.finditer(line):
        if keypad(match):
            kind = _kind(line[max(0, match.start() - 40) : match.start()])
            yield _Seen(kind or "phone", match[0], 0.6)


@lru_cache(maxsize=1_024)
def _kind(label: str) -> str | None:
    """`fax` where the nearest word says so and does not say phone as well (`Tel/Fax`); None where no word says."""
    fax = max((match.end() for match in _FAX_WORD.finditer(label)), default=-1)
    letter = _FAX_LETTER.search(label)
    fax = max(fax, letter.end() if letter else -1)
    tel = max((match.end() for match in _TEL_WORD.finditer(label)), default=-1)
    if fax <= tel:
        return "phone" if tel >= 0 else None
    return "phone" if tel >= 0 and _BOTH.search(label, tel - 1) else "fax"


def _is_other(raw: str, label: str) -> bool:
    """Whether the text is a date, a price, hours or some other number rather than a phone number."""
    if _NOT_DIALLED.match(raw) or raw.count("(") > 4:
        return True
    return _names_other(label)


@lru_cache(maxsize=1_024)
def _names_other(label: str) -> bool:
    """Whether the word before a number says that it is none of a phone."""
    other = _OTHER_NUMBER.search(label)
    if other is None:
        return False
    named = label[max(0, other.start() - 18) :]
    return not (_TEL_WORD.search(named) or _FAX_WORD.search(named))
