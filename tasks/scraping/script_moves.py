"""Where the scripts of a page send every visitor: their moves of `location`, without running them.

A script is read as words, signs and texts. Comments and texts say nothing; neither does what is done only after a
click, in a function that nobody calls, or on condition of a small screen, an old browser, a frame around the page or
anything else that is not true of most visitors.
Everything is bounded and read once: scripts are not to be trusted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

#: So much of a page's scripts is read, characters; so many words and signs of it.
MAX_SCRIPT = 50_000
MAX_TOKENS = 12_000
#: Signs of a condition that are looked at, parts of an address that are put together, its length, and moves kept.
MAX_CONDITION = 60
MAX_PARTS = 12
MAX_ADDRESS = 1_000
MAX_MOVES = 20

_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?(?:\*/|\Z)|<!--[^\n]*|-->[^\n]*)
    |"(?P<double>(?:[^"\\\n]|\\.)*)"?|'(?P<single>(?:[^'\\\n]|\\.)*)'?|`(?P<back>(?:[^`\\]|\\.)*)`?
    |(?P<name>[\w$]+)|(?P<sign>===?|!==?|=>|&&|\|\||[^\w\s])""",
    re.VERBOSE | re.DOTALL,
)
#: A regular expression, and behind what it may stand; elsewhere the sign divides.
_PATTERN = re.compile(r"/(?![*/])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,300}\]){1,500}/\w{0,8}")
_BEFORE_PATTERN = frozenset("(,=:!&|?{};[+") | {"return", "==", "===", "!=", "!==", "&&", "||", "=>", ""}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$][\w$]{0,60}\Z")

_ROOTS = frozenset(("window", "document", "self", "top", "parent", "this", "globalThis"))
#: Conditions on which the usual visitor is moved, one who comes for the first time with a new browser; what others ask
#: is asked of few. On languages a page may ask for each.
_OF_USUAL = re.compile(
    r"!(?!=)|width>|top==|==top|parent==|==parent|length==|length<1|<0|==-1|==null|==undefined|==false|==$|pathname==/$|"
    r"^(?:parent|top|true|1|document|window)?$|cookieenabled|getelementbyid|images|complete"
)
_OF_LANGUAGE = re.compile(r"lang|locale|sprache|country|idioma|lingua|==(?:de|en|fr|es|it|nl|pl)\b")
#: What runs a function that it is given, and events that come by themselves.
_TIMERS = frozenset(("setTimeout", "setInterval", "requestAnimationFrame", "queueMicrotask"))
_RUNS = _TIMERS | {"$", "jQuery", "ready", "then"}
_AT_ONCE = frozenset(("load", "domcontentloaded", "pageshow", "readystatechange"))


class Move(NamedTuple):
    """An address that a script sets the location to."""

    target: str
    #: It can be nothing but an address; a bare `location = 'Berlin'` may as well name a place.
    is_surely: bool


class _Token(NamedTuple):
    kind: str
    text: str
    line: int = 0


class _Block(NamedTuple):
    """A branch, or the body of a function."""

    runs: bool = True
    #: Name of the function that has to be called.
    function: str = ""
    #: Whether what stands behind its `else` runs.
    otherwise: bool = True


def moves_in(scripts: Sequence[str], url: str) -> list[Move]:
    """Where a page's scripts, its `onload` among them, send every visitor, in their order."""
    reader = _Reader("\n;".join(scripts), urlsplit(url))
    return reader.moves()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = line = 0
    text = text[:MAX_SCRIPT]
    while at < len(text) and len(found) < MAX_TOKENS:
        before = found[-1].text if found and found[-1].kind != "text" else "" if not found else "'"
        if text[at] == "/" and before in _BEFORE_PATTERN and (pattern := _PATTERN.match(text, at)):
            at = pattern.end()
            found.append(_Token("pattern", pattern[0], line))
            continue
        match = _TOKEN.match(text, at)
        if match is None:  # one sign that is none of a script
            at += 1
            continue
        at = match.end()
        kind = match.lastgroup or ""
        said = match[kind]
        if kind == "skip":
            line += "\n" in said
        elif kind in ("name", "sign"):
            found.append(_Token(kind, said, line))
            _as_member(found)
        else:
            is_known = kind != "back" or "${" not in said
            found.append(_Token("text" if is_known else "unknown", _ESCAPE.sub(_plain, said), line))
    return found


def _as_member(found: list[_Token]) -> None:
    """Write `window['location']` as `window.location`."""
    if found[-1].text == "]" and len(found) > 3 and found[-2].kind == "text" and found[-3].text == "[":
        name = found[-2].text
        if found[-4].kind == "name" and _NAME.match(name):
            found[-3:] = [_Token("sign", ".", found[-3].line), _Token("name", name, found[-2].line)]


def _plain(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else found[3].strip("\n")


class _Reader:
    """Reads the scripts of a page once."""

    def __init__(self, text: str, here: SplitResult, *, is_inner: bool = False) -> None:
        self._all = _tokens(text)
        self._here = here
        self._is_inner = is_inner
        self._pairs = self._paired()
        self._texts: dict[str, str] = {}
        #: Names of the location, and by function the moves in its body and what it calls.
        self._names = {"location"}
        self._inside: dict[str, list[Move]] = {"": []}
        self._calls: dict[str, set[str]] = {"": set()}

    def moves(self) -> list[Move]:
        """The moves that are made without anybody's doing."""
        self._read()
        reached = [""]
        for function in reached:
            reached += sorted(self._calls.get(function, set()).difference(reached))
        return [move for function in reached for move in self._inside.get(function, ())][:MAX_MOVES]

    def _paired(self) -> dict[int, int]:
        """Of each round bracket the other one."""
        pairs: dict[int, int] = {}
        waiting: list[int] = []
        for at in range(len(self._all)):
            if self._sign(at) == "(":
                waiting.append(at)
            elif self._sign(at) == ")" and waiting:
                pairs[at] = waiting.pop()
                pairs[pairs[at]] = at
        return pairs

    def _read(self) -> None:
        blocks: list[_Block] = []
        functions = [""]
        resting = 0
        #: A branch without braces, and the line where it began.
        single: tuple[_Block, int] | None = None
        last = _Block()
        at = 0
        while at < len(self._all):
            kind, text, line = self._all[at]
            if single and (text in (";", "}") or (line > single[1] and self._sign(at - 1) not in ("(", "=", "+"))):
                last, single = single[0], None
            if kind == "sign" and text == "{":
                blocks.append(self._opened(at, last))
                resting += not blocks[-1].runs
                functions += [blocks[-1].function] if blocks[-1].function else []
            elif kind == "sign" and text == "}" and blocks:
                last = blocks.pop()
                resting -= not last.runs
                del functions[len(functions) - bool(last.function) :]
            elif text in ("if", "else") and kind == "name" and self._sign(at - 1) != ".":
                last, at = self._branch(at, single[0] if single else last)
                single = (last, self._line(at)) if self._sign(at) != "{" else None
                continue
            elif text == "=>" and self._sign(at + 1) != "{":
                single = self._function(at), line
            elif kind == "name" and not resting and (single is None or single[0].runs):
                self._look(at, (single and single[0].function) or functions[-1])
            at += 1

    def _sign(self, at: int) -> str:
        """The name or sign there; empty where a text stands, or nothing."""
        return self._all[at].text if 0 <= at < len(self._all) and self._all[at].kind in ("name", "sign") else ""

    def _line(self, at: int) -> int:
        return self._all[at].line if at < len(self._all) else 0

    def _is_name(self, at: int) -> bool:
        return 0 <= at < len(self._all) and self._all[at].kind == "name"

    def _branch(self, at: int, last: _Block) -> tuple[_Block, int]:
        """The branch that begins there, and where its first statement does."""
        is_else = self._sign(at) == "else"
        if is_else and self._sign(at + 1) != "if":
            return _Block(runs=last.otherwise), at + 1
        at += is_else
        end = self._pairs.get(at + 1, at + 1)
        words = "".join(token.text for token in self._all[at + 2 : end][:MAX_CONDITION]).lower()
        words = re.sub(r"[.\s_]|window|location", "", words)
        runs = _OF_USUAL.search(words) is not None
        otherwise = not runs
        if _OF_LANGUAGE.search(words):
            runs = otherwise = True
        if is_else:
            runs = runs and last.otherwise
        return _Block(runs, otherwise=otherwise), end + 1

    def _opened(self, at: int, last: _Block) -> _Block:
        """What a brace opens: a branch, the body of a function, or anything else."""
        before = self._sign(at - 1)
        if before == "=>":
            return self._function(at - 1)
        if before != ")":
            return last if before == "else" else _Block()
        head = self._pairs.get(at - 1, 0)
        name = self._sign(head - 1)
        if name == "function":
            return self._body(head - 1)
        if self._sign(head - 2) == "function":
            return _Block(function=name)
        if name == "if":
            return last
        return _Block(runs=name in ("for", "while", "switch", "with"))  # else a method

    def _function(self, arrow: int) -> _Block:
        head = self._pairs.get(arrow - 1, arrow - 1) if self._sign(arrow - 1) == ")" else arrow - 1
        return self._body(head)

    def _body(self, at: int) -> _Block:
        """The body of a function without a name: done at once, where it is called, or by what a visitor does."""
        at -= self._sign(at - 1) == "async"
        before, further = self._sign(at - 1), self._sign(at - 2)
        if before in ("=", ":") and further.lower() in ("onload", "onpageshow"):
            return _Block()
        if before == "=" and self._is_name(at - 2) and self._sign(at - 3) != ".":
            return _Block(function=further)
        if before == ",":
            return _Block(runs=self._is_at_once(at - 2))
        if before == "(":
            return _Block(runs=further in _RUNS or not self._is_name(at - 2))
        return _Block(runs=before in ("!", "+", "-", ";", ""))

    def _is_at_once(self, at: int) -> bool:
        return 0 <= at < len(self._all) and self._all[at].kind == "text" and self._all[at].text.lower() in _AT_ONCE

    def _look(self, at: int, function: str) -> None:
        """Take what a name says: a move, a text that is named, a call."""
        name, behind = self._sign(at), self._sign(at + 1)
        if name in self._names and self._is_free(at) and not self._is_on_condition(at):
            self._take(at, function)
        elif behind == "=":
            if name.lower() == "onload":
                self._called(function, self._sign(at + 2))
            self._named(name, at + 2)
        elif behind == "(" and self._sign(at - 1) != "function":
            self._called(function, name)
            self._call(name, at + 1, function)

    def _called(self, function: str, name: str) -> None:
        self._calls.setdefault(function, set()).add(name)

    def _moved(self, function: str, target: str | None, *, is_surely: bool = True) -> None:
        moves = self._inside.setdefault(function, [])
        if target and len(moves) < MAX_MOVES:
            moves.append(Move(target, is_surely))

    def _named(self, name: str, at: int) -> None:
        if (said := self._address(at)) is not None:
            self._texts[name] = said
        while self._sign(at) in _ROOTS and self._sign(at + 1) == ".":
            at += 2
        if self._sign(at) == "location" and self._sign(at + 1) not in (".", "("):
            self._names.add(name)

    def _call(self, name: str, at: int, function: str) -> None:
        """What a call does to the location; `at` is its bracket."""
        first = self._all[at + 1] if at + 1 < len(self._all) else _Token("", "")
        behind = self._sign(at + 2)
        if name in _RUNS and first.kind == "name" and behind in (",", ")"):
            self._called(function, first.text)
        elif name == "addEventListener" and self._is_at_once(at + 1):
            self._called(function, self._sign(at + 3))
        elif name in _TIMERS and first.kind == "text" and not self._is_inner:
            inner = _Reader(first.text, self._here, is_inner=True)
            for move in inner.moves():
                self._moved(function, move.target, is_surely=move.is_surely)
            self._calls.setdefault(function, set()).update(inner._calls[""])
        elif name == "open" and behind == "," and at + 3 < len(self._all) and self._is_free(at - 1):
            if self._all[at + 3].text in ("_self", "_top", "_parent"):
                self._moved(function, self._address(at + 1))
        elif name == "navigate" and self._is_free(at - 1):
            self._moved(function, self._address(at + 1))
        elif name in ("attr", "prop") and first.text == "href" and self._sign(at - 4) == "location":
            self._moved(function, self._address(at + 3))

    def _is_free(self, at: int) -> bool:
        """Whether a name is the window's own: no object's, and none that is declared there."""
        while self._sign(at - 1) == ".":
            if self._sign(at - 2) not in _ROOTS:
                return False
            at -= 2
        return self._sign(at - 1) not in ("var", "let", "const")

    def _is_on_condition(self, at: int) -> bool:
        """Whether what is done there is done by `a && b`, or as one of two."""
        while self._sign(at - 1) in (".", "("):
            at -= 1 + (self._sign(at - 1) == ".")
        return self._sign(at - 1) in ("&&", "||", "?")

    def _take(self, at: int, function: str) -> None:
        """Take what is done to the location there."""
        is_member = self._sign(at + 1) == "."
        word, behind = (self._sign(at + 2), at + 3) if is_member else ("href", at + 1)
        if word in ("replace", "assign") and self._sign(behind) == "(":
            self._moved(function, self._address(behind + 1))
        elif word in ("href", "pathname") and self._sign(behind) == "=":
            self._moved(function, self._address(behind + 1), is_surely=is_member)
        elif word == "reload" and self._sign(behind) == "(":
            self._moved(function, self._here.geturl())

    def _address(self, at: int) -> str | None:
        """A text, or texts and parts of the present address put together; None for anything else."""
        said = ""
        for _ in range(MAX_PARTS):
            at, part = self._part(at)
            said += part or ""
            if part is None or len(said) > MAX_ADDRESS:
                return None
            if self._sign(at) != "+":
                is_end = at >= len(self._all) or self._sign(at) in (";", ",", ")", "}") or self._is_name(at)
                return said if is_end else None
            at += 1
        return None

    def _part(self, at: int) -> tuple[int, str | None]:
        """One part of an address, and where it ends."""
        if at < len(self._all) and self._all[at].kind == "text":
            return at + 1, self._all[at].text
        if self._sign(at) in ("encodeURI", "decodeURI", "String") and self._sign(at + 1) == "(":
            end, part = self._part(at + 2)
            return end + 1, part if self._sign(end) == ")" else None
        if self._sign(at) in self._texts:
            return at + 1, self._texts[self._sign(at)]
        while self._sign(at) in _ROOTS and self._sign(at + 1) == ".":
            at += 2
        if self._sign(at) not in self._names:
            return at, None
        if self._sign(at + 1) != ".":
            return at + 1, self._here.geturl()
        return at + 3, self._of_here(self._sign(at + 2))

    def _of_here(self, name: str) -> str | None:
        here = self._here
        return {
            "href": here.geturl(),
            "origin": f"{here.scheme}://{here.netloc}",
            "protocol": f"{here.scheme}:",
            "host": here.netloc,
            "hostname": here.netloc.partition(":")[0],
            "pathname": here.path,
            "search": here.query and f"?{here.query}",
            "hash": "",
            "port": "",
        }.get(name)
