"""How well a name fits a domain's label: spelled out in it, begun by it, its initials; also across alphabets."""

from __future__ import annotations

import contextlib
import re
from functools import lru_cache

from extraction.extractors.legal_forms import without_form
from extraction.text import squash

_HOST = re.compile(r"^[\w-]+(?:\.[\w-]+)+$", re.ASCII)
SENTENCE_END = re.compile(r"\w{4}\.\s")
#: Letters as domains spell them.
_SPELLED = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "æ": "ae",
        "ø": "oe",
        "å": "aa",
        "œ": "oe",
        "ł": "l",
        "ı": "i",
        **dict(zip("абвгдезиклмнопрстуфыэ", "abvgdeziklmnoprstufye", strict=True)),
        "ё": "e",
        "ж": "zh",
        "й": "y",
        "х": "h",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "sch",
        "ъ": "",
        "ь": "",
        "ю": "yu",
        "я": "ya",
        "і": "i",
        "ї": "yi",
        "є": "ye",
        "ґ": "g",
        **dict(zip("αβγδεζηικλμνοπρσςτυφχωάέήίόύώ", "avgdeziiklmnoprsstyfhoaeiioyo", strict=True)),
        "θ": "th",
        "ξ": "x",
        "ψ": "ps",
    }
)
#: Other ways to write the same sounds in Latin letters, made one.
_SOUNDS = (
    ("kh", "h"),
    ("ou", "u"),
    ("j", "y"),
    ("w", "v"),
    ("ph", "f"),
    ("iy", "y"),
    ("ia", "ya"),
    ("iu", "yu"),
    ("oy", "u"),
    ("ef", "ey"),
    ("ev", "ey"),
)


@lru_cache(maxsize=256)
def core_of(domain: str) -> str:
    """The company's own label of its domain, letters and digits only; an international one in its own letters."""
    return squash(_label(domain))


def _label(domain: str) -> str:
    label = domain.split(".", maxsplit=1)[0]
    if label.startswith("xn--"):
        with contextlib.suppress(UnicodeError):
            return label[4:].encode("ascii").decode("punycode")
    return label


@lru_cache(maxsize=4_096)
def likeness(name: str, core: str) -> float:
    """How well a name fits the domain's label, 0–1: 1 spelled out, 0.85 begins it, 0.75 initials, fewer by words."""
    bare = without_form(name)
    fit = _likeness(name, bare, core)
    if fit >= 0.85 or name.isascii():
        return fit
    spelled, sounds = bare.lower().translate(_SPELLED), _sounds(core)
    return max(fit, _likeness(name, spelled, core), _likeness(name, _sounds(spelled), sounds))


def is_host(text: str) -> bool:
    """Whether a text is a host's name, as `acme.com`."""
    return _HOST.match(text) is not None


def _sounds(text: str) -> str:
    for written, one in _SOUNDS:
        text = text.replace(written, one)
    return text


def _likeness(name: str, shown: str, core: str) -> float:
    bare = squash(shown)
    if not bare or not core:
        return 0.0
    if is_host(name):
        return 0.45
    spelled = {bare, bare.removeprefix("the"), squash(name)}
    if core in spelled or bare.replace("and", "") == core.replace("and", ""):
        return 1.0
    if len(core) >= 4 and (bare.startswith(core) or bare.endswith(core)):
        return 0.85 if len(bare) <= 2.5 * len(core) else 0.55
    if len(bare) >= 4 and core.startswith(bare):
        return 0.85 * min(1.0, 0.35 + len(bare) / len(core))
    return _likeness_of_words(shown, len(bare), core)


def _likeness_of_words(name: str, length: int, core: str) -> float:
    words = [word for part in re.split(r"[\s&,/.-]+", name) if (word := squash(part))]
    initials = "".join(word[0] for word in words if word not in ("and", "of", "the", "und"))
    if len(initials) >= 2 and (core == initials or (core.startswith(initials) and len(initials) >= 3)):
        return 0.75
    shared = sum(len(word) for word in words if len(word) >= 3 and word in core)
    return min(0.7, 0.7 * shared / len(core)) * min(1.0, 1.4 * shared / length)


@lru_cache(maxsize=256)
def written(domain: str) -> str:
    """A name as the domain spells it, when nothing else does: `acme-tools.com` → `Acme Tools`."""
    words = [word for word in re.split(r"[-_]+", _label(domain)) if word]
    linking = ("und", "and", "of", "de", "du", "di", "van", "von", "en", "et", "y", "e", "og", "och", "i")
    return " ".join(
        word if place and word in linking else word[:1].upper() + word[1:] for place, word in enumerate(words)
    )
