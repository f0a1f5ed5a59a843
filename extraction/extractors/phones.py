"""Phone and fax numbers: found on a page as written, read as E.164 once the company's country is known.

`find` yields what looks like a number with its surroundings already judged (dates, prices, registration
and VAT numbers are left out; a fax is told from a phone). `read` turns it into numbers that exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from urllib.parse import unquote

import phonenumbers

from extraction.document import Document
from extraction.findings import Finding

#: Candidates taken from one page.
MAX_CANDIDATES = 120
#: Longest text handed to the number parser, characters.
MAX_NUMBER = 40

#: Runs of digits with what people put between them. Possessive: no digit is looked at twice for one start.
_NUMBER = re.compile(
    r"(?<![\w/.@=#&%€$£¥,+-])(?:\+\s?|00)?[(\[]?\+?\d(?:[ "
    r"\t\u00a0.\-–—‑/()\[\]·•]{0,4}\d){5,20}+(?![\w@])(?!\s?(?:€|EUR\b|USD\b|%|kg\b|mm\b|cm\b|GB\b))"
)
#: `303.333.PAUL`, `1-800-FLOWERS`: letters only after an area code.
_VANITY = re.compile(
    r"(?<![\w.+-])(?:\+?1[-. ])?\(?[2-9]\d{2}\)?[-. ]{1,2}(?:\d{3}[-. ]?[A-Z]{4}|\d{1,4}-?[A-Z]{3,6}|"
    r"[A-Z]{7}|[A-Z]{2,5}-[A-Z0-9]{2,5})(?![\w@])"
)
_AREA = re.compile(r"\d{3}\)?[-. ].{0,5}[A-Z]{2}")
_DIGITS_ENOUGH = re.compile(r"\d[^\n\d]{0,4}\d[^\n\d]{0,4}\d[^\n\d]{0,4}\d")
_LONG_DIGITS = re.compile(r"\d{16,}")
_DATE = re.compile(
    r"^\(?(?:(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)?\d\d|(?:19|"
    r"20)\d\d[./-](?:0?[1-9]|1[0-2])[./-](?:0?[1-9]|[12]\d|3[01])"
    r"|(?:19|20)\d\d\s?[-–—/ ]\s?(?:19|20)\d\d|(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])/(?:19|"
    r"20)?\d\d)(?:$|[ .,\-–])"
)
_PRICE = re.compile(r"^\d{1,3}(?:[., ]\d{3})+(?:[.,]\d\d)?$|^\d+[.,]\d\d$|^\d{1,3}(?:\.\d{1,3}){3}$")
#: Hours: `10.00 - 18.00`, `8 - 12 / 13 - 17`.
_HOURS = re.compile(r"^\d{1,2}[.: ]?\d{0,2}\s?[-–—]\s?\d{1,2}[.:]\d\d|^\d{1,2}\.\d\d(?:\s?[-–/ ]\s?\d{1,2}\.\d\d)+$")
_FAX_LETTER = re.compile(r"(?:^|[\s|,;/·•\d(])F\s?[:.)]?\s?$|(?:^|[\s|,;·•])f[:.]\s?$")
_FAX_WORD = re.compile(r"fax|téléc|télécop|传真|факс|ファックス|faks", re.IGNORECASE)
_TEL_WORD = re.compile(
    r"tel|ph(?:one)?\b|\bph[:.]|call|phone|mobil|cell|\bfon\b|fono|ring\b|dial|hotline|toll|freephone|"
    r"free\b|contact|text us|電話|电话|тел"
    r"|handy|whatsapp|\bT\s?[:.)]|\b[tpm][:.]\s|\bT$|\bM\s?[:.]|\bP\s?[:.]|helpline|office|direct",
    re.IGNORECASE,
)
#: Words before a number that is none: registers, tax, banks, goods, licences.
_OTHER_NUMBER = re.compile(
    r"\b(?:vat|ust|mwst|tva|btw|iva|p\.? ?iva|nip|regon|krs|cnpj|cif|nif|siren|siret|rcs|hr[ab]|abn|"
    r"acn|cvr|kvk|org|ein|duns|d-u-n-s|iban|bic|"
    r"konto|account|acct|sort code|blz|isbn|issn|ean|upc|gtin|sku|asin|item|model|part|art|order|"
    r"bestell|ref|reference|invoice|serial|"
    r"patent|license|licence|lic|lizenz|dre|mls|nmls|npi|dot|mc|company|registered|registration|"
    r"registry|reg|charity|firm|handelsregister|"
    r"steuernummer|st|zip|id|po box|product|code|nr|no|number)\b[\s.:#°-]{0,4}"
    r"(?:(?:id|nr|no|num|number|nummer|code|in england(?: (?:and|&) wales)?|"
    r"reg(?:istration)?)\b[\s.:#°-]{0,4}){0,3}(?:[A-Z]{2}\s?)?$|#\s?$|№\s?$",
    re.IGNORECASE,
)
_ZERO = re.compile(r"\(\s?0\s?\)|\[\s?0\s?\]")
_FAKE = re.compile(r"123456|234567|345678|987654|(\d)\1{6}")
_SLASHED = re.compile(r"\s*[/|]\s*")
#: What a North American or a British number looks like where nothing names the country.
_NANP_SHAPE = re.compile(r"^\(?[2-9]\d{2}\)?\s?[-–. ]?\s?[2-9]\d{2}\s?[-–. ]?\s?\d{4}$|^1[-. ]")
_GB_SHAPE = re.compile(
    r"^\(?0(?:[127]\d{3}\)?[ -]?\d{3}[ -]?\d{3}|1\d1\)?[ -]?\d{3}[ -]?\d{4}|2\d\)?[ -]?\d{4}[ "
    r"-]?\d{4}|[38]\d\d\)?[ -]?\d{3}[ -]?\d{3,4})$"
)


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `phone` or `fax`; the value is the number as written, not yet read."""
    yield from islice(_candidates(page), MAX_CANDIDATES)


def _candidates(page: Document) -> Iterator[Finding]:
    for item in page.items:
        if item.is_organization or "contactpoint" in item.types:
            for name, field in (("telephone", "phone"), ("phone", "phone"), ("faxNumber", "fax")):
                for text in item.texts(name):
                    yield page.found(field, text.removeprefix("tel:")[:MAX_NUMBER], item.method, 0.95)
    for link in page.links:
        scheme, _, target = link.href.partition(":")
        if scheme.lower() in ("tel", "callto", "fax"):
            number = unquote(target).partition(";")[0].strip("/ ")[:MAX_NUMBER]
            faxed = scheme.lower() == "fax" or _FAX_WORD.search(link.text)
            yield page.found("fax" if faxed else "phone", number, "tel-link", 0.95)
    yield from _in_text(page)


def _in_text(page: Document) -> Iterator[Finding]:
    before = ""
    for line in page.lines:
        if _DIGITS_ENOUGH.search(line) and "." * 3 not in line[:3]:
            text = _LONG_DIGITS.sub("x", line)
            yield from _in_line(page, text, before)
        elif _AREA.search(line):
            yield from _vanities(page, line)
        before = line


def _in_line(page: Document, line: str, before: str) -> Iterator[Finding]:
    end = 0
    field: str | None = None
    for match in _NUMBER.finditer(line):
        raw = match[0]
        gap = line[end : match.start()]
        label = gap[-40:] if end else (gap[-40:] if len(gap) > 2 else before[-30:] + " " + gap)
        follows = line[match.end() : match.end() + 12]
        if _is_other(raw, label):
            continue
        # A label holds for the numbers joined to the first: `Fax 1234 / 5678`.
        joined = field is not None and len(gap) <= 5 and not any(map(str.isalpha, gap))
        field = (field if joined else None) or _kind(label, follows)
        end = match.end()
        labelled = bool(_TEL_WORD.search(label) or field == "fax")
        confidence = 0.85 if labelled else 0.65
        if re.fullmatch(r"\d+", raw) and not labelled:
            # Bare digits with nothing that calls them a number: only on a line of their own.
            if len(line) > len(raw) + 12 or len(raw) < 10 or len(raw) > 11:
                continue
            confidence = 0.5
        yield page.found(field, raw[:MAX_NUMBER], "text", confidence)
    if _AREA.search(line):
        yield from _vanities(page, line)


def _vanities(page: Document, line: str) -> Iterator[Finding]:
    for match in _VANITY.finditer(line):
        yield page.found("phone", match[0], "text", 0.6)


def _kind(label: str, follows: str) -> str:
    """`fax` where the nearest word says so and does not say phone as well (`Tel/Fax`)."""
    fax = max((match.end() for match in _FAX_WORD.finditer(label)), default=-1)
    letter = _FAX_LETTER.search(label)
    fax = max(fax, letter.end() if letter else -1)
    tel = max(
        (match.end() for match in _TEL_WORD.finditer(label.replace("telefax", "  fax").replace("Telefax", "  fax"))),
        default=-1,
    )
    if fax > tel:
        return (
            "phone" if tel >= 0 and re.search(r"[/&+]\s{0,2}(?:tele)?fax", label[tel - 1 :], re.IGNORECASE) else "fax"
        )
    if tel < 0 and re.match(r"\s{0,2}[(\[]?\s{0,2}(?:tele)?fax\b|\s{0,2}[(\[]F[)\]]", follows, re.IGNORECASE):
        return "fax"
    return "phone"


def _is_other(raw: str, label: str) -> bool:
    """Whether the text is a date, a price, hours or some other number rather than a phone number."""
    if _DATE.match(raw) or _PRICE.match(raw) or _HOURS.match(raw) or raw.count("(") > 2:
        return True
    other = _OTHER_NUMBER.search(label)
    if other is None:
        return False
    return not _TEL_WORD.search(label[max(0, other.start() - 18) :])


def guess_region(written: str) -> str | None:
    """The country whose way of writing this is, where nothing else tells: `(555) 234-5678` is North American."""
    if _NANP_SHAPE.match(written):
        return "US"
    return "GB" if _GB_SHAPE.match(written) else None


@lru_cache(maxsize=8_192)
def read(written: str, region: str | None) -> tuple[tuple[str, str], ...]:
    """(E.164, country alpha-2 or '') of each number in what was written; empty when none exists.

    `region` is the company's country: it reads numbers without a country code.
    """
    whole = _read_one(written, region)
    if whole is not None:
        return (whole,)
    pieces = _SLASHED.split(written)
    if not 2 <= len(pieces) <= 6:
        return ()
    base = pieces[0].strip()
    found: list[tuple[str, str]] = []
    for piece in pieces:
        number = piece.strip()
        if found and len(number) < len(base) - 2:
            # `0265-551 3638 / 4799`: the second replaces the end of the first.
            number = base[: len(base) - len(number)] + number
        one = _read_one(number, region)
        if one is not None and one not in found:
            found.append(one)
    return tuple(found)


def _read_one(written: str, region: str | None) -> tuple[str, str] | None:
    text = written.strip()
    if any(c.isalpha() and c.isascii() for c in text):
        text = phonenumbers.convert_alpha_characters_in_number(text)
    digits = re.sub(r"\D", "", text)
    if not 7 <= len(digits) <= 16 or _FAKE.search(digits):
        return None
    if text.startswith(("+", "00")) or "+" in text[:3]:
        text = "+" + re.sub(r"\D", "", _ZERO.sub("", text)).removeprefix("00")
        return _valid(text, None)
    trunk = _ZERO.sub("0", text)
    for guess in dict.fromkeys((region, guess_region(text))):
        if guess:
            number = _valid(trunk, guess)
            if number is not None:
                return number
    return None


def _valid(text: str, region: str | None) -> tuple[str, str] | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164, phonenumbers.region_code_for_number(number) or ""
