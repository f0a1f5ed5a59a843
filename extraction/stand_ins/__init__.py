"""Pages that stand in for a company's own: parked domains, bot walls, a host's default page, and their like.

What such a page says is somebody else's, so nothing is taken from it. `judge` is pure: what was answered in, the
verdict out. Headers are looked at first; the markup of a page is searched only where it shows little, and its text is
read only where a sign was found or there is next to none. Signs and limits are data (`signs.toml`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple
from urllib.parse import urlsplit

from extraction.markup import Markup
from extraction.scan import Mark
from extraction.stand_ins.shape import Shape
from extraction.stand_ins.signs import MARKUP, WORDS, Entry, signs
from leadmill.errors import WALLS, ErrorCode
from leadmill.ids import registrable_domain

__all__ = ["Answer", "Verdict", "header_names", "judge"]

#: Pieces of markup are looked for in so many bytes of a page.
MAX_BYTES = 24_000
#: A page of no more bytes and links than this is read, whatever its markup holds.
THIN_LINKS = 14
#: One with more links has a menu: it is somebody's own.
MAX_LINKS = 60
#: Bytes of a page that are read.
MAX_READ = 100_000
#: So many pages of its own, one of them on its owner, are a menu.
MENU = 2
#: Beside a widget a page that is nothing else shows at most so many characters.
BESIDE_A_WIDGET = 200
#: A page of scripts that does not ask for JavaScript shows at most so many: "Loading".
NO_TEXT = 20
#: Which words speak first where several do: the surest.
_RANK = (
    ErrorCode.SUSPENDED,
    ErrorCode.FOR_SALE,
    ErrorCode.PARKED,
    ErrorCode.DEFAULT_PAGE,
    ErrorCode.PLATFORM_PAGE,
    ErrorCode.CAPTCHA,
    ErrorCode.BOT_WALL,
    ErrorCode.SOFT_404,
    ErrorCode.LOGIN_ONLY,
    ErrorCode.MAINTENANCE,
    ErrorCode.COMING_SOON,
    ErrorCode.SCRIPT_SHELL,
)


class Answer(NamedTuple):
    """What a host answered; header names in lower case, `set-cookie` may hold the cookies' names alone.

    Of the headers no others are looked at than `header_names`.
    """

    url: str
    #: The company's, which the address may have left.
    domain: str
    status: int
    headers: Mapping[str, str]
    markup: Markup


class Verdict(NamedTuple):
    """What stands in for a company's page."""

    code: ErrorCode
    #: Whose page it is, where that is known, else empty.
    product: str
    #: The header, piece of markup or words that gave it away.
    sign: str

    def sentence(self, status: int = 200) -> str:
        """For an error row; an error status is told, too."""
        known = [self.product] if self.product else []
        known += [f"HTTP {status}"] if status >= 400 else []
        return signs().kinds[self.code].sentence + (f" ({', '.join(known)})" if known else "")


@cache
def header_names() -> dict[bytes, str]:
    """The headers that are looked at: name in title case, as answers have them, to the same in lower case."""
    return {name.title().encode(): name for name in (*signs().headers, "set-cookie")}


def judge(answer: Answer) -> Verdict | None:
    """What the page is, if it is none of the company's."""
    found = _by_headers(answer) or _by_host(answer)
    body = answer.markup.body
    if found or not body:
        return found
    start = body[:MAX_BYTES]
    pieces = [mark for mark in MARKUP(start.lower()) if _begins(start, mark)]
    is_whole = len(body) <= MAX_BYTES
    if not pieces and not is_whole:
        return None
    links = body.count(b"<a ") + body.count(b"<A ")
    if links > (MAX_LINKS if pieces else THIN_LINKS):
        return None
    markup = answer.markup
    if len(body) > MAX_READ:
        markup = Markup(body[: body.rfind(b"<", 0, MAX_READ)], markup.charset)
    shape = Shape(markup, answer.url, answer.domain)
    return _by_markup(answer, shape, pieces) or _by_words(answer, shape, pieces) or _by_shape(answer, shape, pieces)


def _by_headers(answer: Answer) -> Verdict | None:
    known = signs()
    denied = answer.status >= 400
    for name in known.headers.keys() & answer.headers.keys():
        value = answer.headers[name].lower()
        for part, only_denied, entry in known.headers[name]:
            if part in value and (denied or not only_denied):
                return Verdict(entry.kind.code, entry.product, f"{name}: {part}".rstrip(": "))
    if denied and (cookies := answer.headers.get("set-cookie", "").lower()):
        for start, entry in known.cookies:
            if cookies.startswith(start) or f" {start}" in cookies:
                return Verdict(entry.kind.code, entry.product, f"cookie {start}")
    return None


def _by_host(answer: Answer) -> Verdict | None:
    parts = urlsplit(answer.url)
    host = (parts.hostname or "").lower()
    if host == answer.domain or host.endswith(f".{answer.domain}"):
        return None
    for name in {host.removeprefix("www."), registrable_domain(host)} & signs().hosts.keys():
        for path, entry in signs().hosts[name]:
            if parts.path.startswith(path):
                return Verdict(entry.kind.code, entry.product, host + path)
    return None


def _begins(markup: bytes, mark: Mark) -> bool:
    """Whether a sign stands for itself: `bodis.com` is no part of `lobodis.com`."""
    before = markup[mark.start - 1 : mark.start]
    return not (mark.word[0].isalnum() and (before.isalnum() or before == b"-"))


def _within(entry: Entry, answer: Answer, shape: Shape) -> bool:
    kind = entry.kind
    if answer.status >= 400 and (entry.only_ok or kind.code is ErrorCode.SOFT_404):
        return False
    if len(shape.text) > kind.most_text or len(shape.pages) > kind.most_pages:
        return False
    return not (entry.contact and shape.has_own_contact)


def _by_markup(answer: Answer, shape: Shape, pieces: list[Mark]) -> Verdict | None:
    for mark in pieces:
        entry, widget = signs().markup[mark.word]
        if not widget and _within(entry, answer, shape) and not shape.declared:
            return Verdict(entry.kind.code, entry.product, mark.word)
    return None


def _by_words(answer: Answer, shape: Shape, pieces: list[Mark]) -> Verdict | None:
    said = sorted(_said(answer, shape), key=lambda found: (_RANK.index(found[0].kind.code), not found[0].product))
    for entry, words in said:
        if entry.kind.code is ErrorCode.LOGIN_ONLY and not shape.has_password:
            continue
        widgets = (signs().markup[mark.word][0] for mark in pieces)
        named = entry.product or next((at.product for at in widgets if at.kind.code is entry.kind.code), "")
        return Verdict(entry.kind.code, named, words)
    return None


def _said(answer: Answer, shape: Shape) -> Iterator[tuple[Entry, str]]:
    places = {
        "title": shape.title,
        "headline": shape.unnamed(f"{shape.headline}\n{shape.noscript}"),
        "says": shape.unnamed(f"{shape.title}\n{shape.text}\n{shape.noscript}"),
        "only": shape.text,
    }
    places["whole"] = places["headline"]
    marks = {mark.word for mark in WORDS(f"{places['headline']}\n{places['says']}")}
    for mark in marks:
        for words in signs().words[mark]:
            text = places[words.where]
            spoke = words.pattern.match(text) if words.where == "title" else words.pattern.search(text)
            if spoke and _within(words.entry, answer, shape) and not _is_owned(words.entry, shape):
                yield words.entry, spoke[0].strip(" \n")


def _is_owned(entry: Entry, shape: Shape) -> bool:
    """Whether the page is its company's, whatever its words say: they are about something else.

    It leads to several pages of its own, one of them on its owner; or what asks for a captcha is a form to write to it.
    """
    if entry.kind.code is ErrorCode.SOFT_404:
        return False
    if entry.kind.code in WALLS and shape.has_form:
        return True
    return len(shape.pages) >= MENU and shape.leads_to_owner


def _by_shape(answer: Answer, shape: Shape, pieces: list[Mark]) -> Verdict | None:
    """A page that shows nothing but a widget, or nothing at all before its scripts have run."""
    if answer.status >= 400:
        return None
    found = _bare(shape, pieces)
    # What speaks for a page of the company's own costs more to look for.
    if found is None or shape.declared or shape.pages or shape.description or shape.has_own_contact:
        return None
    return found


def _bare(shape: Shape, pieces: list[Mark]) -> Verdict | None:
    for mark in pieces:
        entry, widget = signs().markup[mark.word]
        # The mere script of a widget, or one in a form that asks for something, is on real pages.
        most = BESIDE_A_WIDGET if mark.word.startswith(("class=", "<")) else NO_TEXT
        if widget and len(shape.text) <= most and not shape.has_form:
            return Verdict(entry.kind.code, entry.product, mark.word)
    asks = "javascript" in shape.noscript or "javascript" in shape.text
    most = signs().kinds[ErrorCode.SCRIPT_SHELL].most_text if asks else NO_TEXT
    if len(shape.text) > most or not shape.has_scripts or shape.shows_pictures:
        return None
    return Verdict(ErrorCode.SCRIPT_SHELL, "", shape.noscript[:80] or "no text")
