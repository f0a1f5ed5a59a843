"""What the company says it does, in a sentence or two: declared, from meta tags, else its first paragraph.

What stands there and says nothing of the kind is passed over: how to get there, cookies, menus, lists of keywords,
what the maker of a template left.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from extraction.document import Document
from extraction.extractors import languages
from extraction.extractors.name_texts import share_of_title_words
from extraction.findings import Finding
from extraction.text import clean

#: Longest description kept and shortest believed, characters; a longer one ends with a sentence.
MAX_DESCRIPTION = 600
MIN_DESCRIPTION = 25
#: Lines of a page that are looked at, and characters of a paragraph at least.
MAX_LINES = 200
MIN_PARAGRAPH = 90
_KINDS = {"home": 0.0, "about": -0.1}
_PLACEHOLDER = re.compile(
    r"lorem ipsum|dolor sit amet|just another .{0,20}site|eine weitere wordpress"
    r"|^(?:my |a |new |mein )?wordpress[- ](?:site|website|blog|seite)"
    r"|(?:your|site|page|meta|default|short|company|shop) description"
    r"|description (?:here|of (?:your|the) (?:site|page))|beschreibung hier|platzhalter"
    r"|(?:enter|add|insert|write|put) (?:your|a|the) (?:text|description|content)|sample (?:text|page)"
    r"|this is (?:an example|a sample|your)|hier (?:steht|können sie|kommt) (?:ihr|ihren|der) text"
    r"|coming soon|under construction|powered by|erstellt mit|créé avec|buy this domain|domain is for sale"
    r"|\{\{|\{%"
    r"|page not found|untitled|add your own text|click (?:here|edit|to edit)",
    re.IGNORECASE,
)
#: One of these stands wherever one of the pattern above does.
_LEFT = tuple(
    "ipsum|dolor|wordpress|another|description|beschreibung|platzhalter|text|content|sample|this is|soon|construction"
    "|powered|erstellt|créé|domain|{|not found|untitled|hier |click".split("|")
)
_USES_COOKIES = re.compile(
    r"\b(?:uses?|using|accept|verwende[nt]|nutz(?:en|t)|setz(?:en|t)|utilis(?:e|ons)|gebruik(?:t|en)|utiliza(?:mos)?"
    r"|utilizza(?:mo)?|używa(?:my)?|använder|bruger|bruker)\b.{0,15}\bcookies?\b",
    re.IGNORECASE,
)
_COOKIES = re.compile(
    r"\bcookies?\b|\bgdpr\b|\bdsgvo\b|javascript|your browser|ihren? browser|votre navigateur|uw browser"
    r"|all rights reserved|alle rechte vorbehalten|privacy policy|datenschutzerklärung|terms (?:and|of) |©|\bcaptcha\b",
    re.IGNORECASE,
)
_OF_BROWSERS = tuple(
    "cookie|gdpr|dsgvo|javascript|browser|navigateur|rights|rechte|privacy|datenschutz|terms|©|captcha".split("|")
)
_NUMBER_OR_SIGN = re.compile(r"[@\d]|[Öö]ffnung|opening|uverture|orari", re.IGNORECASE)
_CONTACT = re.compile(
    r"@|\+\d[\d ()/.-]{7,}|\b0\d[\d ()/.-]{6,}|\(\d{3}\) ?\d{3}|\b\d{3}[-.]\d{3}[-.]\d{4}\b"
    r"|\b(?:tel|fax|phone|telefoon|telefon|téléphone|teléfono)\b ?[.:]|\böffnungszeiten\b|\bopeningstijden\b"
    r"|\bopening (?:hours|times)\b|\bhoraires? d'ouverture\b|\borari di apertura\b",
    re.IGNORECASE,
)
_ADDRESSES = re.compile(r"[^\s@]+@[^\s@]+|\+?\d[\d ()/.-]{6,}")
#: How to get there; two of these make a description of a way.
_ROUTE = (
    "turn left|turn right|take exit|take the exit|exit the|motorway|junction|roundabout|traffic lights|traffic light "
    "|from the north|from the south|from the east|from the west|biegen sie|fahren sie|autobahn|ausfahrt|abfahrt"
    "|kreisverkehr|richtung |links ab|rechts ab|haltestelle|linksaf|rechtsaf|afslag|rotonde|afrit"
    "|snelweg|richting |tournez|prenez|sortie |autoroute|rond-point|tout droit|direction |girare|uscita"
    "|rotatoria|salida |autopista|glorieta|gire a la|tome la|skręć|zjazd|autostrad|sväng|avfart|afkørsel"
    "|drej til".split("|")
)
_SENTENCE_END = re.compile(r"[.!?…](?=\s)|[。！？]")


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `description`; the home page's count most, other pages describe themselves."""
    less = _KINDS.get(page.kind, -0.45)
    for node in page.graph.own:
        text = shortened(node.first("description") or "")
        if tells(text):
            yield page.declared("description", text, node, 0.9)
    for name, confidence in (("description", 0.85), ("og:description", 0.8), ("twitter:description", 0.75)):
        said = page.metas.get(name) if confidence + less > 0 else None
        text = shortened(html.unescape(said)) if said else ""
        if text and text != page.title and tells(text):
            yield page.found("description", text, "meta", confidence + less, quote=text)
    if 0.55 + less <= 0:
        return
    for place, line in enumerate(page.lines[:MAX_LINES]):
        if len(line) >= MIN_PARAGRAPH and _is_sentence(line) and tells(text := shortened(line)):
            yield page.found("description", text, "text", 0.55 + less, line=place)
            break


def settle(found: Sequence[Finding], language: str | None) -> Finding | None:
    """The surest, those in another language than the company's last."""
    ranked = sorted(found, key=lambda f: -f.confidence)
    own = (f for f in ranked if not language or languages.may_be(str(f.value), language))
    return next(own, ranked[0] if ranked else None)


def shortened(text: str) -> str:
    """At most `MAX_DESCRIPTION` characters, to the end of a sentence where one is late enough."""
    text = clean(text, 2 * MAX_DESCRIPTION)
    if len(text) <= MAX_DESCRIPTION:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, MAX_DESCRIPTION)]
    if ends and ends[-1] >= MAX_DESCRIPTION // 3:
        return text[: ends[-1]].rstrip()
    words = text[: MAX_DESCRIPTION - 1].rpartition(" ")[0].rstrip(" ,;:-–")
    return f"{words}…" if len(words) >= MAX_DESCRIPTION // 2 else text[:MAX_DESCRIPTION]


@lru_cache(maxsize=256)
def tells(text: str) -> bool:
    """Whether a text may say what a company does."""
    if len(text) < MIN_DESCRIPTION and (text.isascii() or len(text) < MIN_DESCRIPTION // 2):
        return False
    lower = text.lower()

    def may_say(signs: tuple[str, ...]) -> bool:
        return any(sign in lower for sign in signs)

    if may_say(_LEFT) and _PLACEHOLDER.search(text):
        return False
    if may_say(_OF_BROWSERS) and (_USES_COOKIES.search(text) or len(_COOKIES.findall(text)) * 100 > len(text)):
        return False
    if _NUMBER_OR_SIGN.search(text) and _CONTACT.search(text):
        # A sentence of what it does may end with how to reach it.
        rest = _ADDRESSES.sub("", text)
        if len(rest) < 80 or _CONTACT.match(text):
            return False
    return not (_is_menu(text) or _is_list_of_keywords(text)) and sum(words in lower for words in _ROUTE) < 2


def _is_sentence(line: str) -> bool:
    if "{" in line or "©" in line:
        return False
    return line.count(" ") >= 12 or (not line.isascii() and ("。" in line or "、" in line or "，" in line))


def _is_menu(text: str) -> bool:
    """`Home About us Services Contact`: of its words most name pages."""
    return _SENTENCE_END.search(text) is None and share_of_title_words(text) > 0.7


def _is_list_of_keywords(text: str) -> bool:
    parts = re.split(r"[,;|]", text[:MAX_DESCRIPTION])
    if len(parts) < 6 or _SENTENCE_END.search(text):
        return False
    return sum(len(part.split()) for part in parts) <= 3 * len(parts)
