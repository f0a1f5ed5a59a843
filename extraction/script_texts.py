"""The texts that a simple script puts together: string expressions, without running anything.

Enough for what writes an address into a page: `a = 'info' + '@'; a += 'acme.com'; document.write(a)`, character
codes, `atob`, `unescape`, `.split('').reverse().join('')`, `.replace('[at]', '@')`, arrays of pieces.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

#: Characters of a script that are read, and of a text that is made.
MAX_SCRIPT = 12_000
MAX_MADE = 1_000
MAX_DEPTH = 30
#: Stands for what is not known here: no address goes through it.
_UNKNOWN = "\x00"
_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)|<!--[^\n]*+)"
    r"|(?P<string>'(?:[^'\\\n]++|\\.)*+(?:'|\n|\\?\Z)|\"(?:[^\"\\\n]++|\\.)*+(?:\"|\n|\\?\Z)|`(?:[^`\\]++|"
    r"\\.)*+(?:`|\\?\Z))"
    r"|(?P<pattern>(?<=[(,])/(?:[^/\\\n]++|\\.){1,60}+/[gimsuy]{0,3}+)"
    r"|(?P<name>\.?[A-Za-z_$][\w$]{0,80}+(?:\.[A-Za-z_$][\w$]{0,80}+){0,6}+)"
    r"|(?P<number>\b0x[0-9a-fA-F]{1,4}\b|\b\d{1,4}\b)"
    r"|(?P<sign>\+=|[-+*/=()\[\]{},;?:])",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_HERE = ("location.hostname", "location.host", "window.location.hostname", "window.location.host", "document.domain")

Value = str | list[str]


class Text(NamedTuple):
    """A text of a script: whether it was put together or decoded, and the function that it is given to, if any."""

    text: str
    made: bool
    given_to: str


class Arguments(NamedTuple):
    """The texts that one call is given, in order."""

    function: str
    texts: tuple[str, ...]


class _Frame:
    """An expression being read: the values added up so far, and those before the last comma."""

    def __init__(self, sign: str, function: str = "") -> None:
        self.sign = sign
        self.function = function
        self.parts: list[Value] = []
        self.items: list[Value] = []
        self.made = False
        self.target = ""
        self.adds = False


def texts(script: str, domain: str) -> Iterator[Text | Arguments]:
    """Every text that the script says, puts together or hands to a function. `domain` is what its location says."""
    yield from _Reader(domain).read(script[:MAX_SCRIPT])


class _Reader:
    def __init__(self, domain: str) -> None:
        self._known: dict[str, Value] = dict.fromkeys(_HERE, domain)
        self._stack = [_Frame("")]
        self._name = ""

    def read(self, script: str) -> Iterator[Text | Arguments]:
        for match in _TOKEN.finditer(script):
            kind, token = str(match.lastgroup), match[0]
            if kind == "comment":
                continue
            if kind == "sign":
                yield from self._sign(token)
                continue
            self._use()
            if kind == "name":
                self._name = token
            else:
                self._stack[-1].parts.append(_literal(kind, token))
        yield from self._end()

    def _use(self) -> None:
        """The name read last is a value, as it turns out."""
        if self._name:
            name = self._name.removeprefix("window.") if self._name not in self._known else self._name
            if name not in ("var", "let", "const", "return", "new", "typeof", "function"):
                self._stack[-1].parts.append(self._known.get(name, _UNKNOWN))
            self._name = ""

    def _sign(self, sign: str) -> Iterator[Text | Arguments]:
        frame = self._stack[-1]
        if sign in "([":
            self._open(sign)
            return
        if sign in ("=", "+=") and self._name and not frame.parts:
            frame.target, frame.adds, self._name = self._name, sign == "+=", ""
            return
        self._use()
        if sign in ")]":
            if len(self._stack) > 1:
                yield from self._close()
        elif sign == "+":
            frame.made = True
        elif sign == ",":
            yield from self._item(frame)
            if not frame.sign:
                frame.items.clear()
        elif sign in ";{}" or (sign in ":?=" and len(self._stack) == 1):
            yield from self._end()
        elif sign in ":?=":
            yield from self._item(frame)
        else:
            frame.parts.append(_UNKNOWN)

    def _open(self, sign: str) -> None:
        function = ""
        if sign == "(":
            function, self._name = self._name, ""
        parts = self._stack[-1].parts
        index = sign == "[" and bool(self._name or (parts and isinstance(parts[-1], list)))
        self._use()
        if len(self._stack) < MAX_DEPTH:
            self._stack.append(_Frame("index" if index else sign, function))

    def _end(self) -> Iterator[Text | Arguments]:
        self._use()
        while len(self._stack) > 1:
            yield from self._close()
        yield from self._item(self._stack[0])
        self._stack = [_Frame("")]

    def _item(self, frame: _Frame) -> Iterator[Text]:
        """The expression before a comma or an end is whole."""
        if not frame.parts:
            return
        value: Value = frame.parts[0] if len(frame.parts) == 1 else "".join(map(_text, frame.parts))[:MAX_MADE]
        if frame.target:
            if frame.adds:
                value = (_text(self._known.get(frame.target, "")) + _text(value))[:MAX_MADE]
                frame.made = True
            if len(self._known) < 400:
                self._known[frame.target] = value
        frame.items.append(value)
        yield Text(_text(value), frame.made, frame.function)
        frame.parts, frame.made, frame.target = [], False, ""

    def _close(self) -> Iterator[Text | Arguments]:
        frame = self._stack[-1]
        yield from self._item(frame)
        self._stack.pop()
        outer = self._stack[-1]
        items = frame.items[:2_000]
        if frame.sign == "[":
            outer.parts.append([_text(item) for item in items])
            if len(items) >= 6 and (said := _from_codes(items)):
                yield Text(said, True, "")
        elif frame.sign == "index":
            outer.parts.append(_at(outer.parts.pop() if outer.parts else "", items))
        elif not frame.function:
            outer.parts += items[-1:]
        elif frame.function[0] == "." and outer.parts:
            outer.parts.append(_method(outer.parts.pop(), frame.function[1:], items))
            outer.made = True
        else:
            if len(items) > 1:
                yield Arguments(frame.function, tuple(_text(item) for item in items[:4]))
            outer.parts.append(self._called(frame.function, items))
            outer.made = True

    def _called(self, function: str, items: list[Value]) -> Value:
        own, _, method = function.rpartition(".")
        if own and own in self._known:
            return _method(self._known[own], method, items)
        if method in ("fromCharCode", "fromCodePoint"):
            return _from_codes(items)
        decode = _DECODERS.get(method)
        return decode(_text(items[0])) if decode and items else _UNKNOWN


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return _UNKNOWN


_DECODERS: dict[str, Callable[[str], str]] = {
    "atob": _from_base64,
    "unescape": unquote,
    "decodeURIComponent": unquote,
    "decodeURI": unquote,
    "String": str,
}


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ",".join(value)[:MAX_MADE]


def _literal(kind: str, token: str) -> str:
    if kind == "string":
        inner = token[1:-1] if token[-1:] == token[:1] and len(token) > 1 else token[1:]
        return _ESCAPE.sub(_escaped, inner[:MAX_MADE]) if "\\" in inner else inner[:MAX_MADE]
    if kind == "pattern":
        return token.rpartition("/")[0][1:].replace("\\", "")
    return str(int(token, 0) if token[:2] == "0x" else int(token))


def _escaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else {"n": "\n", "t": "\t", "r": "\r"}.get(match[3], match[3])


def _from_codes(items: list[Value]) -> str:
    codes = [item for item in items if isinstance(item, str) and item.isdecimal() and item.isascii()]
    known = len(codes) == len(items) and all(len(code) <= 4 and 9 <= int(code) < 0x2000 for code in codes)
    return "".join(chr(int(code)) for code in codes)[:MAX_MADE] if known else _UNKNOWN


def _at(value: Value, index: list[Value]) -> str:
    place = _text(index[0]) if index else ""
    known = isinstance(value, list) and place.isdecimal() and place.isascii() and int(place) < len(value)
    return value[int(place)] if known else _UNKNOWN


def _method(value: Value, name: str, items: list[Value]) -> Value:
    first = _text(items[0]) if items else None
    if isinstance(value, list):
        if name == "join":
            return ("," if first is None else first).join(value)[:MAX_MADE]
        return value[::-1] if name == "reverse" else _UNKNOWN
    made: Value = _UNKNOWN
    if name == "split":
        made = value.split(first) if first else list(value)
    elif name == "concat":
        made = value + "".join(map(_text, items))
    elif name in ("replace", "replaceAll") and first and len(items) == 2:
        made = value.replace(first, _text(items[1]))
    elif name in ("toString", "toLowerCase", "trim"):
        made = value
    return made[:MAX_MADE]
