"""The shape of a page, as far as it tells whose page it is: what stands out, how much text, which links.

Only pages that look thin, or hold a sign, come here; everything is bounded.
"""

from __future__ import annotations

import re
from functools import cached_property
from urllib.parse import unquote, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.email_domains import FREE
from extraction.markup import Markup, without
from extraction.page_words import PHRASES, fold, words_of
from extraction.stand_ins.signs import OWN_NAME
from extraction.text import clean
from leadmill.ids import registrable_domain

#: Characters of visible text, headings and links looked at.
MAX_TEXT = 6_000
MAX_HEADINGS = 8
MAX_LINKS = 80
#: Where a page's text begins: so many characters of it stand out as its title does.
BEGINNING = 300
#: Kinds of pages that a company alone has.
_OWN_KINDS = ("contact", "imprint", "about")
#: What structured data call somebody by.
_NAMES = ('"telephone"', '"address"', '"name"')
_SAME = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "…": "...", "\u00a0": " "})
_MAIL = re.compile(r"[\w.+-]{1,64}@([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4})", re.IGNORECASE)
_PHONE = re.compile(
    r"(?:\bt[eé]l\b|\btlf\b|τηλ|\bfon\b|phone|telefon|téléphone|teléfono|telefoon|puhelin|тел|電話|电话|전화|טל|هاتف|โทร|"
    r"\bcall\b|mobil|whatsapp|☎|📞)[^\d\n]{0,20}\d[\d ()/.-]{6,20}"
    # Without a word as well, where it is long enough: with a country code or a leading zero.
    r"|(?<![\d.,/-])(?!\d\d[./-]\d\d[./-]20\d\d)(?:\+ ?\d|\(?0[1-9])(?:[ ()/.-]{0,2}\d){7,14}(?![\d.,:])",
    re.IGNORECASE,
)
#: A street with a number.
_STREET = re.compile(
    r"\d{1,4}[a-z]?,? (?:rue|avenue|boulevard|place|chemin)\b"
    r"|\d{1,4}[a-z]? (?:[a-z']{2,20} ){1,3}(?:street|road|lane|avenue|drive|close)\b"
    r"|(?:stra(?:ß|ss)e|str\.|weg|platz|gasse|laan|straat|vägen|gatan|vej|gade)\.? \d{1,4}\b"
    r"|\b(?:via|viale|piazza|calle|avenida|rua|ul\.|ulica) (?:[^\W\d_]{2,20} ){1,3}\d{1,4}\b"
)
#: What tools write where nobody has described the page.
_NO_DESCRIPTIONS = ("web site created using create-react-app", "description", "vite app")
_NO_PICTURE = re.compile(r"\b(?:ajax-?)?(?:pre)?(?:loader|loading|spinner|blank|spacer|pixel)\d*\.\w{2,4}\b|/tr\?id=")
_SPACES = re.compile(" {2,}")


def plain(text: str) -> str:
    """Text as signs are written: lower case, one apostrophe, three dots, single spaces."""
    text = text.replace("`", "'") if text.isascii() else text.translate(_SAME)
    return " ".join(text.lower().split())


class Shape:
    """A page, as far as it tells whose it is."""

    def __init__(self, markup: Markup, url: str, domain: str) -> None:
        self.url = url
        self._markup = markup
        host = (urlsplit(url).hostname or "").lower()
        self._own = {domain, registrable_domain(host)}
        self._names = {plain(domain), plain((host or domain.lower()).removeprefix("www."))}

    @cached_property
    def _tree(self) -> LexborHTMLParser:
        """What is in sight, without the names of drawings."""
        shown, titles = self._markup.shown, self._markup.lowered.count(b"<title")
        above = self._title.parent if titles == 1 and self._title is not None else None
        is_plain = titles == 0 or (titles == 1 and (above is None or above.tag == "head"))
        return shown if is_plain and not self._markup.has(b"<svg") else without(shown, ["svg", "title"])

    @cached_property
    def _title(self) -> LexborNode | None:
        return self._markup.tree.css_first("title", default=None) if self._markup.has(b"<title") else None

    @cached_property
    def title(self) -> str:
        """Its title, as signs are written."""
        return plain(self._title.text()[:300]) if self._title is not None else ""

    @property
    def has_scripts(self) -> bool:
        """Whether there is a script on it."""
        return self._markup.has(b"<script") and self._markup.tree.css_first("script", default=None) is not None

    @cached_property
    def _name(self) -> re.Pattern[str]:
        """The page's host and domain; making it takes as long as reading a small page."""
        named = "|".join(re.escape(name) for name in sorted(self._names, key=len, reverse=True))
        return re.compile(rf"[\"“”„«»']?(?<![\w.@-])(?:https?://)?(?:www\.)?(?:{named})(?![\w-]|\.\w)[\"“”„«»']?")

    @cached_property
    def noscript(self) -> str:
        """What the page says to readers without scripts: no part of what it shows, but it may give it away."""
        if not self._markup.has(b"<noscript"):
            return ""
        texts = [node.text(separator=" ") for node in self._markup.tree.css("noscript")[:MAX_HEADINGS]]
        return plain(" ".join(texts)[:MAX_TEXT])

    @cached_property
    def declared(self) -> bool:
        """Whether structured data name somebody."""
        if b"ld+json" not in self._markup.lowered:
            return False
        nodes = self._markup.tree.css('script[type="application/ld+json"]')[:MAX_HEADINGS]
        return any(name in text for text in (node.text() for node in nodes) for name in _NAMES)

    @cached_property
    def text(self) -> str:
        """The visible text, as signs are written."""
        if self._tree is self._markup.shown:
            return plain(self._markup.text[:MAX_TEXT])
        body = self._tree.body
        return plain(body.text(separator=" ")[:MAX_TEXT]) if body is not None else ""

    @cached_property
    def description(self) -> str:
        """What the page says of itself in its head."""
        wanted = ("description", "og:description", "og:site_name", "twitter:description", "application-name")
        said = []
        for node in self._tree.css("meta")[:MAX_LINKS] if self._markup.has(b"<meta") else ():
            name = (node.attrs.get("name") or node.attrs.get("property") or "").lower()
            if name in wanted:
                said.append((node.attrs.get("content") or "")[:300])
        return plain(" ".join(text for text in said if plain(text) not in _NO_DESCRIPTIONS))

    @cached_property
    def headline(self) -> str:
        """Title, description, headings, and where the text begins."""
        has_any = self._markup.has(b"<h1") or self._markup.has(b"<h2")
        nodes = self._tree.css("h1,h2")[:MAX_HEADINGS] if has_any else ()
        headings = [clean(node.text(separator=" "), 200) for node in nodes]
        return "\n".join((self.title, self.description, plain(" . ".join(headings)), self.text[:BEGINNING]))

    @cached_property
    def has_password(self) -> bool:
        """Whether it asks for a password."""
        return self._tree.css_first('input[type="password" i]', default=None) is not None

    @cached_property
    def has_form(self) -> bool:
        """Whether a form asks for more than the one word of a captcha."""
        if self._tree.css_first("textarea,input[type=email i],input[type=tel i]", default=None) is not None:
            return True
        return len(self._tree.css("input:not([type]),input[type=text i]")[:2]) > 1

    @cached_property
    def shows_pictures(self) -> bool:
        """Whether pictures or frames show something; what turns while scripts load does not."""
        for node in self._tree.css("img,iframe,frame,object,embed,video,area")[:MAX_LINKS]:
            source = (node.attrs.get("src") or "")[:300].lower()
            if node.tag != "img" or not _NO_PICTURE.search(source):
                return True
        return False

    def unnamed(self, text: str) -> str:
        """A text without the site's own host name (`the domain x.example is for sale`), and, where it has that, as well
        with `@domain` in its place (`@domain is for sale`).
        """
        # Behind an @ it is part of an address. Most pages name themselves nowhere else.
        if all(text.count(name) == text.count(f"@{name}") for name in self._names) or not self._name.search(text):
            return text
        return f"{_SPACES.sub(' ', self._name.sub(' ', text))}\n{self._name.sub(OWN_NAME, text)}"

    @cached_property
    def _links(self) -> list[tuple[str, str, str]]:
        """Links with host, path without query, and text; those with a query are searches, and no pages."""
        found = []
        for node in self._tree.css("a[href]")[:MAX_LINKS]:
            href = (node.attrs.get("href") or "").strip()[:300]
            try:
                parts = urlsplit(urljoin(self.url, href))
            except ValueError:
                continue
            if parts.scheme in ("http", "https") and not parts.query:
                host = (parts.hostname or "").removeprefix("www.")
                found.append((host, parts.path.rstrip("/"), node.text()[:80]))
        return found

    @cached_property
    def pages(self) -> set[str]:
        """Paths of the site's own further pages that it links to."""
        return {path for host, path, _ in self._own_links if path}

    @cached_property
    def _own_links(self) -> list[tuple[str, str, str]]:
        inside = tuple(f".{name}" for name in self._own)
        return [link for link in self._links if f".{link[0]}".endswith(inside)]

    @cached_property
    def leads_to_owner(self) -> bool:
        """Whether it links to contact, imprint or about on its own site."""
        return any(_names_own_page(path, text) for _, path, text in self._own_links)

    @cached_property
    def has_own_contact(self) -> bool:
        """Whether it says how its owner is reached, or leads to a page that does.

        An address at another firm's domain speaks for that firm, and so does the telephone beside it.
        """
        if self.declared or self.leads_to_owner or _STREET.search(self.text):
            return True
        mails = {match[1].lower().rstrip(".") for match in _MAIL.finditer(self.text)}
        phone = bool(_PHONE.search(self.text))
        for node in self._tree.css("a[href^='mailto:' i], a[href^='tel:' i]")[:MAX_HEADINGS]:
            href = unquote((node.attrs.get("href") or "")[:200])
            phone = phone or href.lower().startswith("tel:")
            mails |= {match[1].lower() for match in _MAIL.finditer(href)}
        own = {name for name in mails if registrable_domain(name) in self._own or name in FREE}
        return bool(own) or (phone and not mails)


def _names_own_page(path: str, text: str) -> bool:
    last = path.rpartition("/")[2].rpartition(".")
    for words in (words_of(fold(text)), words_of(fold(unquote(last[0] or last[2])))):
        if PHRASES.get(" ".join(words)) in _OWN_KINDS:
            return True
    return False
