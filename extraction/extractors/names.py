"""The company's name and legal name, by vote: markup, title, domain, copyright line and imprint all have one.

A page yields candidates of field `name_vote`; `settle` weighs those of all pages. The domain is the
arbiter: a candidate that spells it out, or whose initials it is, beats a longer slogan.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from extraction.document import Document
from extraction.extractors import legal_names
from extraction.extractors.legal_forms import has_form, without_form
from extraction.findings import Finding
from extraction.text import clean, squash

#: Longest name believed, characters, and most words in it.
MAX_NAME = 90
MAX_WORDS = 9

_BAR = re.compile(r"\s[|–—·•»-]\s")
_SEPARATOR = re.compile(
    r"\s+[|–—·•»«>/~:]+\s+|\s+-{1,2}\s+|\s*[|｜»•·]\s*|\s*::\s*|:\s+|\s+[–—]\s*|,\s+(?=[A-Z])|\.\s+(?=[A-Z])"
)
_COPYRIGHT = re.compile(
    r"(?:copyright|©|\(c\)|&copy;)[\s:,.]*(?:©|\(c\))?[\s:,.]*(?:\d{4}(?:\s?[-–/,]\s?(?:\d{2,4}|"
    r"present))?)?[\s,.:-]*(?:by\s|of\s)?\s*(.{2,120})",
    re.IGNORECASE,
)
_AFTER_NAME = re.compile(
    r"\ball rights?\b.*|\balle rechte\b.*|\btous droits\b.*|\btodos los\b.*|\btutti i diritti\b.*|"
    r"\balle rechten\b.*|\bis a (?:registered|trad).*|"
    r"\b(?:site|website|web ?site|web|powered|designed|developed|created|hosted|"
    r"made)\b.{0,30}\bby\b.*|\bprivacy\b.*|\bterms\b.*|\bsitemap\b.*|\bsite map\b.*|"
    r"\s[|•·–—]\s.*|[|•·].*|©.*|\b(?:19|20)\d\d\b.*|\bdisclaimer\b.*|\bregistered\b.*|\bcompany (?:no|"
    r"reg).*|\bvat\b.*|\bcontact us\b.*|\bphone\b.*|\btel\b.*|\s[-]\s.*|\bhome\b.*",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"^(?:your|my|ihr|ihre|votre|su|name of|the|sample|demo|test|example)?\s?(?:company|business|firm|"
    r"shop|store|site|website|firmen?|unternehmen|entreprise|empresa|organi[sz]ation|brand|blog|"
    r"webseite)"
    r"(?:\s?name|name|\s?title)?$|^lorem ipsum|^(?:untitled|welcome|home ?page|homepage|home|index|"
    r"accueil|startseite|inicio|default|new page|untitled document|coming soon|just another wordpress "
    r"site|"
    r"copyright.*|contact(?: us)?|about(?: us)?|all rights reserved|rights reserved|reserved|login|"
    r"error|404|not found|page not found|privacy policy|wordpress|wix|godaddy|squarespace|shopify|"
    r"organization|none|null|undefined|n/a|"
    r"impressum|kontakt|imprint|legal notice|mentions légales|über uns|blog|news|products|services|"
    r"our services|company|menu|search|website|template|joomla!?|drupal)$",
    re.IGNORECASE,
)
_WELCOME = re.compile(
    r"^(?:welcome to|willkommen bei|bienvenue chez|bienvenidos a|home of|about|contact|visit)\s+(?:the\s)?",
    re.IGNORECASE,
)
_HOST = re.compile(r"^[\w-]+(?:\.[\w-]+)+$", re.ASCII)
#: The domain's words are but the beginning of the name: `Lone Star Roofing & Gutters`.
_GOES_ON = re.compile(r"\s?[&+]\s?[A-ZÀ-Þ]\w")
_SMALL = re.compile(r"^[a-z0-9]")
#: What parts two words of a name where the domain writes them as one.
_BLANKS = r"[ \-]{0,2}+"
_GAP = r"(?:[ \-'’.·]|\s?&\s?){0,2}+"


class _Vote(NamedTuple):
    text: str
    method: str
    weight: float
    line: int | None = None
    node: str = ""


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `name_vote`, any candidate; `legal_names` finds those of the legal name."""
    for vote in _votes(page):
        text = _tidy(vote.text)
        if text:
            quote = vote.text if vote.line is None else ""
            yield page.found("name_vote", text, vote.method, vote.weight, line=vote.line, node=vote.node, quote=quote)


def _votes(page: Document) -> Iterator[_Vote]:
    for node in page.graph.own:
        weight = 0.5 if node.nested else 0.9
        # A snippet for sharing calls the page by its title; the title's own parts are read below.
        said = [text for text in node.texts("name")[:3] if text != page.title or not _BAR.search(text)]
        names = said or node.texts("legalName")[:1]
        yield from (_Vote(text, node.method, weight, node=node.id) for text in names)
        yield from (_Vote(text, node.method, 0.5, node=node.id) for text in node.texts("alternateName")[:2])
    for node in page.graph.websites:
        yield from (_Vote(text, node.method, 0.7, node=node.id) for text in node.texts("name")[:1])
    for name, weight in (
        ("og:site_name", 0.85),
        ("application-name", 0.6),
        ("apple-mobile-web-app-title", 0.5),
        ("author", 0.3),
        ("copyright", 0.4),
        ("dc.publisher", 0.4),
    ):
        if name in page.metas:
            yield _Vote(page.metas[name], "meta", weight)
    yield from _title_votes(page)
    yield from _copyright_votes(page)
    yield from _logo_votes(page)
    yield from _spelled_votes(page)


def _title_votes(page: Document) -> Iterator[_Vote]:
    segments = [part for part in _SEPARATOR.split(page.title) if part and part.strip()][:8]
    for place, segment in enumerate(segments):
        edge = place in (0, len(segments) - 1)
        yield _Vote(segment, "title", (0.35 if page.kind == "home" and place == 0 else 0.3) if edge else 0.2)


def _copyright_votes(page: Document) -> Iterator[_Vote]:
    last = len(page.lines)
    for place in range(max(0, last - 60), last):
        low = page.lines[place][:600]
        if "©" in low or "opyright" in low.lower() or "(c)" in low.lower():
            match = _COPYRIGHT.search(low)
            if match:
                legal = legal_names.in_line(match[1])
                whole = legal if legal and match[1].startswith(legal) else _AFTER_NAME.sub("", match[1])
                yield _Vote(whole, "copyright", 0.6, place)


def _logo_votes(page: Document) -> Iterator[_Vote]:
    """What the logo's picture is called; it says logo in its file, class or text, or stands in such a box."""
    votes = 0
    for node in page.tree.tags("img")[:60]:
        attributes = node.attrs
        alt = clean(attributes.get("alt") or "", 120)
        if not alt:
            continue
        own = f"{attributes.get('src') or ''} {attributes.get('class') or ''} {alt}"
        if "logo" not in own[:600].lower() and not _in_logo(node):
            continue
        name = re.sub(r"\blogo\b", "", alt, flags=re.IGNORECASE).strip(" -–|:")
        if name:
            yield _Vote(name, "logo", 0.4)
            votes += 1
            if votes == 4:
                return


def _in_logo(node: LexborNode) -> bool:
    box = node.parent
    for _ in range(2):
        if box is None:
            return False
        attributes = box.attrs
        if "logo" in f"{attributes.get('class') or ''} {attributes.get('id') or ''}"[:300].lower():
            return True
        box = box.parent
    return False


def _spelled_votes(page: Document) -> Iterator[_Vote]:
    """The domain's label as the page spells it in words: `misterplumber` → `Mister Plumber`."""
    pattern = _spelling(page.core)
    if pattern is None:
        return
    texts = [
        page.title,
        page.metas.get("description", ""),
        page.metas.get("og:title", ""),
        *page.lines[:60],
        *page.lines[-30:],
    ]
    forms: dict[str, int] = defaultdict(int)
    text = "\n".join(text[:400] for text in texts if text)
    for match in pattern.finditer(text):
        if _GOES_ON.match(text, match.end()) or legal_names.FORM.match(text, match.end()):
            continue
        forms[match[0].strip(" -'’.")] += 1
        if sum(forms.values()) >= 60:
            break
    for form, count in forms.items():
        # Written as in the address bar it says nothing about blanks and capitals.
        if form != form.lower():
            yield _Vote(form, "domain", min(0.75, 0.4 + 0.05 * count + (0.15 if " " in form else 0.0)))


@lru_cache(maxsize=256)
def _spelling(core: str) -> re.Pattern[str] | None:
    if not 4 <= len(core) <= 40:
        return None
    letters = re.split(r"(?<!^)(and|und)(?!$)", core)
    parts = [
        r"(?:and|und|&|\+)" if part in ("and", "und") and place % 2 else _GAP.join(map(re.escape, part))
        for place, part in enumerate(letters)
        if part
    ]
    # Around an `and` the gap leaves an ampersand to it.
    return re.compile(rf"(?<![\w@./-]){_BLANKS.join(parts)}(?![\w@/-]|\.[a-z])", re.IGNORECASE)


def _tidy(text: str) -> str | None:
    text = _WELCOME.sub("", clean(text, 200)).strip(" \t-–—|:;,·•\"'“”«»®™©*")
    text = re.sub(r"\s*[®™℠]|\s*\((?:R|TM|SM)\)", "", text).strip()
    if text.endswith(".") and not has_form(text):
        text = text.rstrip(". ")
    words = text.split()
    if not 2 <= len(text) <= MAX_NAME or len(words) > MAX_WORDS or _PLACEHOLDER.match(text):
        return None
    if "@" in text or "://" in text or not any(map(str.isalpha, text)) or text.lower().startswith("www."):
        return None
    return text


def likeness(name: str, core: str) -> float:
    """How well a name fits the domain's label, 0–1: 1 spelled out, 0.85 begins it, 0.75 initials, fewer by words."""
    bare = squash(without_form(name))
    if not bare or not core:
        return 0.0
    if _HOST.match(name):
        return 0.45
    spelled = {bare, bare.removeprefix("the"), squash(name)}
    if core in spelled or bare.replace("and", "") == core.replace("and", ""):
        return 1.0
    if len(core) >= 4 and (bare.startswith(core) or bare.endswith(core)):
        return 0.85 if len(bare) <= 2.5 * len(core) else 0.55
    if len(bare) >= 4 and core.startswith(bare):
        return 0.85 * min(1.0, 0.35 + len(bare) / len(core))
    return _likeness_of_words(without_form(name), len(bare), core)


def _likeness_of_words(name: str, length: int, core: str) -> float:
    words = [word for part in re.split(r"[\s&,/.-]+", name) if (word := squash(part))]
    initials = "".join(word[0] for word in words if word not in ("and", "of", "the", "und"))
    if len(initials) >= 2 and (core == initials or (core.startswith(initials) and len(initials) >= 3)):
        return 0.75
    shared = sum(len(word) for word in words if len(word) >= 3 and word in core)
    return min(0.7, 0.7 * shared / len(core)) * min(1.0, 1.4 * shared / length)


def settle(findings: Sequence[Finding], domain: str) -> tuple[Finding | None, Finding | None]:
    """(name, legal name) of one company out of its pages' votes; their value and confidence are the settled ones."""
    core = squash(domain.split(".", maxsplit=1)[0])
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.field == "name_vote":
            groups[_key(finding.value)].append(finding)
    groups.pop("", None)
    legal = [f for f in findings if f.field == "legal_vote"]
    legal += [
        f
        for f in findings
        if f.field == "name_vote" and has_form(f.value) and (f.node or f.method in ("copyright", "meta"))
    ]
    if not groups:
        best_legal = max(legal, key=lambda f: f.confidence, default=None)
        return best_legal, best_legal
    pages = max(1, len({f.page.url for f in findings}))
    key = max(groups, key=lambda k: (_strength(groups[k], core, pages), len(k)))
    name = _shown(groups[key], core, pages)
    return name, legal_names.settle(legal, name, [likeness(str(vote.value), core) for vote in legal])


def _key(name: str) -> str:
    """What spellings of one name share: without legal form, article, blanks and case."""
    bare = squash(without_form(name)) or squash(name)
    return bare.removeprefix("the") if len(bare) >= 7 else bare


def _strength(votes: list[Finding], core: str, pages: int) -> float:
    """Each way of saying counts once at its best, more with every page that says it; all times the domain's word."""
    best: dict[str, float] = defaultdict(float)
    seen: dict[str, set[str]] = defaultdict(set)
    for vote in votes:
        best[vote.method] = max(best[vote.method], vote.confidence)
        seen[vote.method].add(vote.page.url)
    said = sum(weight * (0.5 + 0.5 * len(seen[method]) / pages) for method, weight in best.items())
    fit = max(likeness(vote.value, core) for vote in votes[:20])
    return said * (0.35 + fit)


def _shown(votes: list[Finding], core: str, pages: int) -> Finding:
    """The commonest spelling, those with blanks and mixed case first, without legal form."""
    forms: dict[str, float] = defaultdict(float)
    source: dict[str, Finding] = {}
    for vote in votes:
        text = without_form(vote.value)
        shape = 1.0 if text not in (text.upper(), text.lower()) else (0.45 if len(text) > 5 else 0.9)
        if _SMALL.match(text):
            shape *= 0.6
        # The domain knows no articles and no forms: others spell the name more fully.
        forms[text] += vote.confidence * shape * (0.6 if vote.method == "domain" else 1.0)
        if text not in source or vote.confidence > source[text].confidence:
            source[text] = vote
    text = max(forms, key=lambda form: forms[form])
    confidence = min(0.98, 0.25 + 0.4 * _strength(votes, core, pages))
    return source[text]._replace(field="name", value=text, confidence=confidence)
