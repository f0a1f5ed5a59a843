"""The company's language: what its home page is written in; `<html lang>` counts where the text agrees.

Templates ship with `lang="en"` and nobody changes it, so the text decides wherever it is clearly another language's:
by its script, else by how likely `py3langid` finds each language. Where the common words of the declared one are there,
nothing needs to be asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from extraction.document import Document
from extraction.findings import Finding
from extraction.language_model import ranked

#: Characters of prose below which all text of a page, and of the home page below which other pages are read; characters
#: sampled from a page.
ENOUGH = 120
SAMPLE = 800
#: Characters that say anything at all.
LEAST = 16
#: How much likelier (as natural logarithm) a language must be than the declared one; in text too short to be halved.
MARGIN = 20.0
HALVED = 240
#: The share of a declared language's common words in prose of it.
COMMON = 0.1

_TAG = re.compile(r"^([a-zA-Z]{2,3})(?:[-_]([a-zA-Z]{4}))?(?:[-_]([a-zA-Z]{2}))?(?:[-_].*)?$")
_SCHEMES = re.compile(r"https?://\S+|\S+@\S+|\d+")
_DIGITS = re.compile(r"\d+")
#: What widgets and browsers say, in their own language.
_BOILERPLATE = re.compile("[Jj]ava[Ss]cript|[Cc]ookie")
_WORD = re.compile(r"[^\W\d_]+")
#: What stands in `lang` for a language: codes of three letters, of countries, and old ones.
_CODES = dict(
    pair.split(":")
    for pair in (
        "iw:he in:id no:nb nn:nb mo:ro sh:sr yue:zh wuu:zh eng:en ger:de deu:de fre:fr fra:fr dut:nl nld:nl ita:it "
        "spa:es por:pt pol:pl swe:sv dan:da nor:nb fin:fi jpn:ja kor:ko zho:zh chi:zh rus:ru tur:tr ces:cs cze:cs "
        "hun:hu jp:ja cz:cs dk:da gr:el ua:uk kr:ko cn:zh tw:zh at:de us:en gb:en"
    ).split()
)
#: Languages that firms write in; others of the model's are dialects that their neighbours are taken for.
_SPOKEN = frozenset(
    "af ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko lt "
    "lv mk ml mn mr ms mt my ne nl no pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh".split()
)
#: Letters of one language each, and their share of its text, the surest first: Japanese before Chinese.
_SCRIPTS: tuple[tuple[str, re.Pattern[str], float], ...] = (
    ("ja", re.compile("[\u3041-\u3096\u30a1-\u30fa]"), 0.08),
    ("ko", re.compile("[\uac00-\ud7a3]"), 0.3),
    ("zh", re.compile("[\u4e00-\u9fff]"), 0.3),
    ("th", re.compile("[\u0e01-\u0e4e]"), 0.4),
    ("el", re.compile("[\u0370-\u03ff]"), 0.4),
    ("he", re.compile("[\u05d0-\u05ea]"), 0.4),
    ("ka", re.compile("[\u10d0-\u10ff]"), 0.4),
    ("hy", re.compile("[\u0561-\u0587]"), 0.4),
)
_CYRILLIC = re.compile("[\u0400-\u04ff]")
#: Of the languages in Cyrillic letters those that have letters of their own.
_CYRILLIC_LETTERS = (("be", "ўЎ"), ("uk", "іїєґІЇЄҐ"), ("ru", "ыэёЫЭЁ"))
#: Common words of languages, above all those that their neighbours do not have.
_WORDS = {
    "en": "the and of to for with our your is are we from this that you by on at have will can all more",
    "de": "und der die das mit für von ist wir sie auf eine den im zu sich auch nicht bei oder ihre unsere werden",
    "nl": "en het van een voor met zijn wij onze bij ook niet worden naar uw u deze wordt kunt aan op dat",
    "fr": "et les des une pour dans vous nous est votre sur avec du au qui nos vos par plus notre sont",
    "es": "y el los las del una por con nuestra nuestro su más para sus que está son en como también usted",
    "it": "di che il per una del della con nostro sono nella alla gli dei le è più anche nostra vostro si",
    "pt": "do da em uma para com os das dos não nossa nosso ao são à mais pela como na no você sua",
    "pl": "i w na z się do nie jest dla oraz od po przez są to nasze że jak które o",
    "sv": "och att det som för är av vi med till på en ett har kan du den oss våra inte",
    "da": "og af til det er vi på med som for at du har en et kan os vores ikke jer",
    "nb": "og av til det er vi på med som for å du har en et kan oss våre ikke dere",
    "fi": "ja on ei tai myös sekä kanssa ovat että voit meidän sen kun joka mutta se ole",
    "cs": "a v na se je pro s z do že jsou nebo od ve jako naše které si po o",
    "hu": "és az egy hogy nem is van vagy meg csak ez minden már mint mi a",
    "tr": "ve bir için ile bu olarak daha en çok olan da de her gibi sonra",
    "ro": "și de la în cu pentru pe din este un o care sunt nu mai sau al",
}
_SPEAKERS: dict[str, list[str]] = {}
for _language, _common in _WORDS.items():
    for _word in _common.split():
        _SPEAKERS.setdefault(_word, []).append(_language)


def find(page: Document) -> Iterator[Finding]:
    """Findings `language` (declared) and `prose` (a sample of sentences, read once a company when it settles)."""
    for declared in (page.html_lang, page.metas.get("og:locale", ""), page.headers.get("content-language", "")):
        if _TAG.match(declared[:40]):
            yield page.found("language", declared[:40], "html-lang", 0.6, words=(declared[:40],))
            break
    sample = prose(page)
    if sample:
        yield page.found("prose", sample, "text", 0.8)


def prose(page: Document) -> str:
    """Sentences of the page up to `SAMPLE` characters; where there are few, all its words, menus too."""
    taken: list[str] = []
    seen: set[str] = set()
    size = 0
    for line in page.lines:
        length = len(line)
        if length < 12:
            continue
        telling = (
            length >= 60 or (not line.isascii() and line.count(" ") >= 2) or (length >= 25 and line.count(" ") >= 4)
        )
        if telling and line not in seen and not (("ava" in line or "ookie" in line) and _BOILERPLATE.search(line)):
            seen.add(line)
            taken.append(_words_of(line[:400]))
            size += len(taken[-1])
            if size >= SAMPLE:
                break
    if size < ENOUGH:
        taken = [_words_of(" ".join([page.title, *page.lines[:120]])[: 2 * SAMPLE])]
    return " ".join(" ".join(taken)[:SAMPLE].split())


def _words_of(text: str) -> str:
    """The text without addresses and digits."""
    return (_SCHEMES if "@" in text or "://" in text else _DIGITS).sub(" ", text)


def settle(findings: Sequence[Finding], country: str | None) -> Finding | None:
    """The language as BCP 47. A region is kept when a page declares it and it is the company's country.

    So `en-gb` on a firm of the United States is `en`, and `en` above German text is `de`.
    """
    declared = [(f, *_tag(f.value)) for f in findings if f.field == "language"]
    samples = [f for f in findings if f.field == "prose"]
    ours = [primary for f, primary, _ in declared if f.page.kind == "home"] or [primary for _, primary, _ in declared]
    common = Counter(ours).most_common(1)
    claimed = common[0][0] if common else None
    spoken = _spoken(_sampled(samples), claimed)
    primary = spoken or claimed
    if primary is None:
        return None
    agreeing = [(f, region) for f, tag, region in declared if tag == primary]
    regional = [f for f, region in agreeing if region and region == country]
    tag = f"{primary}-{country}" if regional else primary
    if agreeing:
        said = (regional or [f for f, _ in agreeing])[0]
        why = "declared, and its text is written in it" if spoken else "declared; its text is too little to tell"
        return said._replace(value=tag, confidence=0.95 if spoken else 0.6, why=why)
    return samples[0]._replace(field="language", value=tag, confidence=0.8, why="its text is written in it")


def may_be(text: str, language: str) -> bool:
    """Whether a text can be in a language: neither its letters nor its common words say another."""
    primary = language.partition("-")[0]
    said = _by_script(text) or _by_words(text, None)
    return said is None or said == primary


def _sampled(samples: Sequence[Finding]) -> str:
    """Text of the home page; where that is short, a little of each other page, so that no long one decides alone."""
    home = "\n".join(f.value for f in samples if f.page.kind == "home")[: 2 * SAMPLE]
    if len(home) >= ENOUGH:
        return home[:SAMPLE]
    others = [f.value for f in samples if f.page.kind != "home"][:5]
    return "\n".join([home, *(text[: SAMPLE // len(others)] for text in others)]).strip()


def _tag(text: str) -> tuple[str, str | None]:
    match = _TAG.match(text)
    if match is None:
        return "", None
    primary = match[1].lower()
    return _CODES.get(primary, primary), match[3].upper() if match[3] else None


@lru_cache(maxsize=64)
def _spoken(text: str, claimed: str | None) -> str | None:
    """The language of a text; None where it does not clearly tell another than the claimed one, nor that one itself."""
    if len(text) < LEAST and text.isascii():
        return None
    if script := _by_script(text):
        return script
    return _by_words(text, claimed) or _likeliest(text, claimed)


def _likeliest(text: str, claimed: str | None) -> str | None:
    if len(text) >= ENOUGH:  # a product's name that is said a hundred times counts once
        text = " ".join(dict.fromkeys(text.split()))
    (best, likely), *others = list(_ranked(text).items()) or [("", 0.0)]
    rival = dict(others).get(claimed, likely - 2 * MARGIN) if claimed else others[0][1] if others else 0.0
    if not best or best == claimed:
        return best or None
    plain = not claimed and (len(text) >= ENOUGH or best in _WORDS)
    if likely - rival < (0.0 if plain else MARGIN):
        return None
    middle = len(text) // 2
    # Names of products and places speak one language here and another there.
    halves = (text[:middle], text[middle:]) if claimed and len(text) >= HALVED else ()
    return best if all(next(iter(_ranked(half)), None) == best for half in halves) else None


def _by_script(text: str) -> str | None:
    if text.isascii():
        return None
    letters = sum(map(str.isalpha, text))
    for name, signs, least in _SCRIPTS:
        if len(signs.findall(text)) > least * letters:
            return name
    if len(_CYRILLIC.findall(text)) > letters / 2:
        return next((name for name, own in _CYRILLIC_LETTERS if any(sign in text for sign in own)), None)
    return None


def _by_words(text: str, claimed: str | None) -> str | None:
    """The language whose common words a text is full of: the claimed one, or where none is, one far before others."""
    words = _WORD.findall(text.lower())
    counts = Counter(language for word in words for language in _SPEAKERS.get(word, ()))
    (best, most), (_, others) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    least = max(4.0, COMMON * len(words))
    clear = best == claimed and most > others if claimed else most >= 2 * others
    return best if clear and most >= least else None


def _ranked(text: str) -> dict[str, float]:
    """Languages that firms write in → how likely the text is theirs, as logarithm; the likeliest first."""
    spoken: dict[str, float] = {}
    for name, likely in ranked(text)[:40]:
        if name in _SPOKEN:
            spoken.setdefault(_CODES.get(name, name), float(likely))
    return spoken
