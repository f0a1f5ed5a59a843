"""JSON as pages have it: with comments, wrappers, raw line ends, commas too many or too few, other quotes, cut short.

What is JSON is read by the standard library; only what is not goes through the reader here, which keeps what it can
read. It takes a time in proportion to the text and never goes deeper than `MAX_NESTING`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

MAX_NESTING = 40
#: Values taken from one text.
MAX_ROOTS = 20

_ENTITY_QUOTED = re.compile(r"&quot;\s*+:")
_WRAPPERS = re.compile(r"(?://\s*+)?(?:<!--|-->|<!\[CDATA\[|\]\]>)|/\*\s*\*/")
#: One token. A string ends at the quote that something follows which may follow a value; quotes within it are its own.
#: One that is never closed goes to the end, as a comment does: so no search begins a second time.
_TOKEN = re.compile(
    r"(?:[\s,;\ufeff]++|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)|//[^\n]*+)*+"
    r"(?:(?P<sign>[{}\[\]:])"
    r'|"(?P<double>(?:[^"\\]++|\\.|\\\Z|"(?!\s*+(?:[,:}\]]|\Z|//|/\*|"[^"\\\n]{1,60}"\s*+:)))*+)(?:"|\Z)'
    r"|'(?P<single>(?:[^'\\]++|\\.|\\\Z|'(?!\s*+(?:[,:}\]]|\Z|//|/\*|'[^'\\\n]{1,60}'\s*+:)))*+)(?:'|\Z)"
    r"|(?P<word>[^\s,:\[\]{}\"';]++)|\Z)",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "", "f": "", '"': '"', "\\": "\\", "/": "/", "'": "'", "\n": "\n"}
_WORDS = {"true": True, "false": False, "null": None, "undefined": None}
_CURLY = str.maketrans("“”„‟″", '"' * 5)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_NO_VALUE = object()


def loads(text: str) -> list[Any]:
    """The values of a text; none where nothing can be read as an object or an array."""
    value = _strictly(text)
    if value is _NO_VALUE:
        value = _strictly(text := _bare(text))
    if value is _NO_VALUE:
        return list(_loosely(text))
    if isinstance(value, str):  # JSON within a JSON string
        value = _strictly(value)
    return [] if value is _NO_VALUE else [value]


def _strictly(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return _NO_VALUE


def _bare(text: str) -> str:
    """The text without what it is wrapped in, its quotes as JSON has them."""
    for _ in range(2):
        if '"' in text or "&" not in text:
            break
        try:
            text = html.unescape(text)
        except ValueError:  # a character reference of more digits than Python reads
            break
    if _ENTITY_QUOTED.search(text):
        text = text.replace("&quot;", '"')
    text = _WRAPPERS.sub(" ", text).strip().rstrip(";").strip()
    if '\\"' in text and not re.search(r'(?<!\\)"', text):
        text = text.replace('\\"', '"').replace("\\\\", "\\").replace("\\/", "/")
    return text if '"' in text or "'" in text else text.translate(_CURLY)


def _loosely(text: str) -> Iterator[Any]:
    """The objects and arrays of a text, one after the other."""
    position = 0
    for _ in range(MAX_ROOTS):
        starts = [place for place in (text.find("{", position), text.find("[", position)) if place >= 0]
        if not starts:
            return
        value, position = _value_at(text, min(starts))
        if value:
            yield value


def _value_at(text: str, position: int) -> tuple[Any, int]:
    """The object or array that begins here, and the place behind it."""
    reading = _Reading()
    while not reading.done:
        match = _TOKEN.match(text, position)
        if match is None:  # a sign that begins no token
            position += 1
            continue
        position = match.end()
        reading.take(match, named=text.startswith(":", position))
    return reading.root, position


class _Reading:
    """One object or array as its tokens come. What is not yet closed lies on a stack."""

    def __init__(self) -> None:
        self.root: Any = None
        self.done = False
        self._stack: list[_Open] = []
        #: The last string, or word without quotes: a value, or the name of one where a colon follows.
        self._last: str | None = None

    def take(self, match: re.Match[str], *, named: bool) -> None:
        """One more token; `named` where a colon follows."""
        sign, word = match["sign"], match["word"]
        if sign == ":":
            if self._last is not None:
                self._stack[-1].key = self._last
            self._last = None
            return
        if self._last is not None:
            self._stack[-1].take(self._last)
            self._last = None
        if sign in ("{", "["):
            self._open({} if sign == "{" else [])
        elif sign:
            self._close(dict if sign == "}" else list)
        elif word is not None:
            if named or self._stack[-1].waits_for_name:
                self._last = word[:200]
            else:
                self._stack[-1].take(_word(word))
        else:
            said = match["double"] if match["double"] is not None else match["single"]
            self.done = said is None
            self._last = _unescaped(said) if said is not None else None

    def _open(self, value: dict[str, Any] | list[Any]) -> None:
        if len(self._stack) >= MAX_NESTING:
            self.done = True
        elif self._stack:
            self._stack[-1].take(value)
        else:
            self.root = value
        self._stack.append(_Open(value))

    def _close(self, kind: type) -> None:
        """A brace that closes what was never opened is passed over; one that is missing is closed by the next."""
        if any(isinstance(one.value, kind) for one in self._stack):
            while not isinstance(self._stack.pop().value, kind):
                pass
        self.done = not self._stack


class _Open:
    """An object or array that is not yet closed; `key` is the property that waits for its value."""

    __slots__ = ("key", "value")

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self.key: str | None = None

    @property
    def waits_for_name(self) -> bool:
        return isinstance(self.value, dict) and self.key is None

    def take(self, value: Any) -> None:
        if isinstance(self.value, list):
            self.value.append(value)
        elif self.key is not None:
            self.value.setdefault(self.key, value)
            self.key = None


def _word(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    if word[:1].isdecimal() or word[:1] == "-":
        try:
            return json.loads(word[:40])
        except ValueError:
            pass
    return word[:200]


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    text = _ESCAPE.sub(_sign, text)
    # Two halves of a surrogate pair are one character.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _PAIR.search(text) else text


def _sign(match: re.Match[str]) -> str:
    said = match[1]
    return chr(int(said[1:], 16)) if len(said) == 5 else _ESCAPED.get(said, said)
