"""The company's language: what its pages are written in; `<html lang>` counts where the text agrees.

Templates ship with `lang="en"` and nobody changes it, so the text decides wherever there is enough of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from extraction.document import Document
from extraction.findings import Finding

#: Characters of prose needed before the text outweighs the declaration, and characters sampled from a page.
ENOUGH = 120
SAMPLE = 1_200

_TAG = re.compile(r"^([a-zA-Z]{2,3})(?:[-_]([a-zA-Z]{4}))?(?:[-_]([a-zA-Z]{2}))?(?:[-_].*)?$")
_SCHEMES = re.compile(r"https?://\S+|\S+@\S+|\d+")


def find(page: Document) -> Iterator[Finding]:
    """Findings `language` (declared) and `prose` (a sample of sentences, read once a company when it settles)."""
    declared = page.html_lang or page.metas.get("og:locale", "") or page.headers.get("content-language", "")
    if _TAG.match(declared[:40]):
        yield page.found("language", declared[:40], "html-lang", 0.6)
    sample = prose(page)
    if sample:
        yield page.found("prose", sample, "text", 0.8)


def prose(page: Document) -> str:
    """Sentences of the page up to `SAMPLE` characters; menus, widgets and map labels are too short."""
    taken: list[str] = []
    size = 0
    for line in page.lines:
        if (
            len(line) >= 60
            or (len(line) >= 12 and not line.isascii() and line.count(" ") >= 2)
            or (len(line) >= 25 and line.count(" ") >= 4)
        ):
            taken.append(_SCHEMES.sub(" ", line[:400]))
            size += len(taken[-1])
            if size >= SAMPLE:
                break
    return " ".join(taken)[:SAMPLE]


def settle(findings: Sequence[Finding], country: str | None) -> Finding | None:
    """The language as BCP 47. A region is kept when a page declares it and it is the company's country.

    So `en-gb` on a firm of the United States is `en`, and `en` above German text is `de`.
    """
    declared = [(f, *_tag(f.value)) for f in findings if f.field == "language"]
    samples = [f for f in findings if f.field == "prose"]
    # A page's share of the sample is capped, so that one long page in another language does not decide.
    text = "\n".join(f.value[:600] for f in samples[:6])
    spoken = _identify(text) if len(text) >= ENOUGH else None
    common = Counter(primary for _, primary, _ in declared).most_common(1)
    if spoken and common and spoken != common[0][0] and not _sure(text, spoken):
        spoken = None
    primary = spoken or (common[0][0] if common else None)
    if primary is None:
        return None
    agreeing = [(f, region) for f, tag, region in declared if tag == primary]
    regional = [f for f, region in agreeing if region and region == country]
    tag = f"{primary}-{country}" if regional else primary
    if agreeing:
        return (regional[0] if regional else agreeing[0][0])._replace(value=tag, confidence=0.95 if spoken else 0.6)
    return samples[0]._replace(field="language", value=tag, confidence=0.8)


def _tag(text: str) -> tuple[str, str | None]:
    match = _TAG.match(text)
    if match is None:
        return "", None
    primary = match[1].lower()
    return {"iw": "he", "in": "id", "no": "nb"}.get(primary, primary), match[3].upper() if match[3] else None


def _sure(text: str, language: str) -> bool:
    """Whether each half of the text alone gives the same language: lists of product names do not."""
    middle = len(text) // 2
    return _identify(text[:middle]) == _identify(text[middle:]) == language


@lru_cache(maxsize=64)
def _identify(text: str) -> str | None:
    import py3langid

    language = str(py3langid.classify(text)[0])
    return {"no": "nb", "nn": "nb"}.get(language, language) or None
