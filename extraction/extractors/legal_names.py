"""The company's legal name: who is found with a legal form on its pages, and which of those is this company.

A footer or an imprint says it in a line with much else, so a name is read from its form backwards. A
sentence may speak of other firms: away from the imprint only names like the company's own count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from extraction.document import Document
from extraction.extractors.legal_forms import without_form
from extraction.findings import Finding
from extraction.text import clean, squash

#: Lines looked at on a page that speaks of the company, and at the end of any other page; characters of each.
MAX_LINES = 400
MAX_FOOTER = 30
MAX_LINE = 400

#: Forms as they stand behind a name in running text; more are known where a name stands alone (`legal_forms`).
#: The blank comes first and is looked behind from: so the search is for blanks, which is quick.
FORM = re.compile(
    r" (?<=[\w.)&,!'’] )(?:(?:CO\.,? |Co\.,? )?(?:Inc\b\.?|INC\b\.?|inc\.|Ltd\b\.?|LTD\b\.?)|"
    r"Pty\b\.? (?:Ltd\b\.?|Limited)|Limited|PLC|plc|Incorporated|Corp\b\.?|Corporation|LLC|LLP|PLLC|"
    r"L\.\s?L\.\s?[CP]\.|P\.\s?[AC]\.|"
    r"g?GmbH(?:\s?&\s?Co\.?\s?(?:KGaA|KG|OHG))?|UG(?: \(haftungsbeschränkt\))?|AG(?:\s?&\s?Co\.?\s?KG)?|KGaA|KG|"
    r"OHG|GbR|e\.\s?[KV]\.|eG|PartG(?:\s?mbB)?|SARL|SASU?|EURL|S\.\s?à\s?r\.\s?l\.|B\.\s?V\.|BV|N\.\s?V\.|NV|"
    r"S\.\s?r\.\s?l\.|Srl|S\.\s?p\.\s?A\.|SpA|S\.\s?A\.(?:\s?U\.)?|S\.\s?L\.(?:\s?U\.)?|Lda\b\.?|Ltda\b\.?|"
    r"A/S|ApS|IVS|AB|Oyj?|Sp\.\s?z\s?o\.\s?o\.|s\.\s?r\.\s?o\.|d\.\s?o\.\s?o\.)(?![\w/&])"
)
#: Forms that a comma parts from the name; behind others it ends a list or a town (`Calgary, AB`).
_AFTER_COMMA = re.compile(
    r"(?:C[Oo]\.|I[Nn][Cc]|inc|L[Tt][Dd]|Pty|Limited|PLC|Incorporated|Corp|P?LLC|LLP|[LPS]\.|Lda|Ltda)"
)
#: Where a company's name begins within a line: after a label, a bar, a bullet, a sentence.
_BEFORE_NAME = re.compile(
    r".*(?:[|•·:;©!?]|\s[-–—]\s|\w{4}\.\s|\b(?:of|by|from|is|the operator|copyright)\s|\d{4}\s)", re.IGNORECASE
)
_LINKING = frozenset("and of for the & und für von der die das et de la du des e di y del van en + da do".split())
_CJK = "株式会社|有限会社|合同会社|合資会社|合名会社|股份有限公司|有限责任公司|有限公司|주식회사"
_CJK_NAME = r"[^\s、。，,．.（）()「」『』【】:：;；|｜／/〒©\d]{1,25}"
_CJK_LEGAL = re.compile(rf"(?:{_CJK}){_CJK_NAME}|{_CJK_NAME}?(?:{_CJK})")
#: Forms whose last dot is theirs; any other ends the sentence.
_OWN_DOT = re.compile(r"(?:\b(?:Inc|Ltd|Co|Corp|Ltda?|Lda)|(?<!\w)\w{1,2}(?:\.\s?\w)+)\.$", re.IGNORECASE)
_SHOUTED_FORM = re.compile(r"\b(?:CO|INC|LTD|CORP|LIMITED|CORPORATION)\b")


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `legal_vote`: declared ones, those of an imprint, and those at the foot of other pages."""
    for node in page.graph.own:
        yield from (page.declared("legal_vote", text[:120], node, 0.9) for text in node.texts("legalName")[:2])
    about_it = page.kind in ("imprint", "contact", "about")
    weight = 0.8 if page.kind == "imprint" else 0.5
    last = len(page.lines)
    places = range(min(MAX_LINES, last)) if about_it else range(max(0, last - MAX_FOOTER), last)
    for place in places:
        line = page.lines[place]
        if len(line) <= MAX_LINE:
            legal = in_line(line)
            if legal:
                method = "imprint" if page.kind == "imprint" else "text"
                yield page.found("legal_vote", legal, method, weight, line=place)


def in_line(line: str) -> str | None:
    """The name that ends with a legal form in a line; a sentence about a company (`visits Acme AG`) is none."""
    match = FORM.search(line)
    if match is None:
        found = None if line.isascii() else _CJK_LEGAL.search(line)
        return found[0] if found else None
    form = match[0].strip()
    before = line[max(0, match.start() - 80) : match.start()]
    name = _BEFORE_NAME.sub("", before).strip(" ,-–(\"'“„")
    words = name.split()
    if not 1 <= len(words) <= 6 or any(word[0].islower() and word not in _LINKING for word in words):
        return None
    comma = "," if before.rstrip().endswith(",") else ""
    if comma and not _AFTER_COMMA.match(form):
        return None
    return clean(f"{name}{comma} {form}", 120)


def settle(votes: Sequence[Finding], name: Finding, likeness: Sequence[float]) -> Finding | None:
    """The surest vote that is this company: like its name, like its domain, or from its imprint.

    `likeness` says of each vote how well it fits the domain (`names.likeness`).
    """
    base = squash(str(name.value))
    ranked: list[tuple[float, Finding]] = []
    for vote, alike in zip(votes, likeness, strict=True):
        fit = 1.0 if _akin(squash(without_form(vote.value)), base) else alike
        if fit >= (0.25 if vote.method == "copyright" else 0.5) or vote.page.kind == "imprint":
            ranked.append((vote.confidence * (0.4 + fit), vote))
    if not ranked:
        return None
    strength, best = max(ranked, key=lambda pair: pair[0])
    text = re.sub(r",\s+an?\s.*$", "", str(best.value)).strip(" ,")
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
    if text == text.upper() and name != name.upper() and text.startswith(name.upper()):
        return name + _SHOUTED_FORM.sub(lambda match: match[0].title(), text[len(name) :])
    return text
