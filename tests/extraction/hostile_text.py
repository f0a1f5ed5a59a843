"""Texts made to be expensive: floods of one thing, and what the repeats of a regular expression would choke on.

`pumps` reads a pattern and gives, for each repeat in it, what leads up to the repeat and a text that it takes again
and again: so a new extractor's patterns are attacked without anybody naming them.
"""

from __future__ import annotations

import base64
import random
import re
import re._parser as sre  # type: ignore[import-not-found]
from collections.abc import Iterator
from types import ModuleType
from typing import Any

#: A flood is what is repeated to any length.
FLOODS = (
    *("1", "1 ", "1-", "12.", "1,", "(1", "+1", "0049 ", "80331 ", "D-", "1990-", "1990 ", "10:", "$1", "1/"),
    *("@", "a@", "a@b.", "a.", "@b.co ", "(at) ", " dot ", "[at]", "a-", "a_", "%20", "+", "x."),
    *('"', "'", '"a"', "<", ">", "< ", "<a", "</", "<!--", "-->", "<![CDATA[", "]]>", "&", "&amp;", "&#", "&lt;!--"),
    *("\\", '\\"', '"\\', "[", "]", "{", "}", "(", ")", "[{", "({<", '{"a":', '["', "/*", "*/", "//", "/", "://"),
    *(" ", "\t", "\u00a0", "\u3000", "a ", "A ", " a", "\x01", "\u200b", ",", ", ", ",,", ";", ".", ". ", "..", "…"),
    *(":", ": ", "|", " | ", "-", " - ", "–", " – ", "·", "•", "©", "© ", "(c) ", "&copy; ", "#", "*", "~", "_", "="),
    *("a", "A", "Aa", "Ab ", "aB", "é", "É", "ß", "字", "かな", "株式会社", "〒", "é ", "𝒳", "\u0301", "http://a.b/"),
    *("Ltd", "Inc. ", "Co. ", "& ", "and ", "of ", "Mister ", "St. ", "A. B. ", "Acme Tools ", "acmetools", "a c m e "),
)


def base64_text(size: int) -> str:
    return base64.b64encode(random.Random(1).randbytes(size * 3 // 4 + 3)).decode()[:size]


def repeated(prefix: str, item: str, size: int) -> str:
    """A text of `size` characters: the prefix, then the item again and again."""
    return (prefix + item * (size // len(item) + 1))[:size] if len(prefix) < size else prefix[:size]


def patterns_of(module: ModuleType) -> dict[str, re.Pattern[Any]]:
    """The compiled patterns that a module holds, also within tuples and dictionaries, by name."""
    found: dict[str, re.Pattern[Any]] = {}

    def look(name: str, value: Any, depth: int) -> None:
        if isinstance(value, re.Pattern):
            found[name] = value
        elif depth < 3 and isinstance(value, dict):
            for key, inner in value.items():
                look(f"{name}[{key}]", inner, depth + 1)
        elif depth < 3 and isinstance(value, (tuple, list)):
            for place, inner in enumerate(value):
                look(f"{name}[{place}]", inner, depth + 1)

    for name, value in vars(module).items():
        look(name, value, 0)
    return found


def pumps(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    """(prefix, item) of every repeat of a pattern, and its whole match and all but its end as items."""
    text = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    tree = sre.parse(text, flags & ~re.DEBUG)
    found: list[tuple[str, str]] = []
    whole = _sample(tree, "", found)
    found += [("", whole), ("", whole[:-1])]
    # Each alternative once, one after the other: the words that make a line worth a close look.
    found.append(("", " ".join(_alternatives(tree))))
    return list(dict.fromkeys((prefix, item) for prefix, item in found if item))


def _sample(tree: Any, before: str, found: list[tuple[str, str]]) -> str:
    """A text that the tree matches; the repeats met are noted with what stands before them."""
    text = ""
    for operation, argument in tree:
        text += _part(str(operation), argument, before + text, found)
    return text


def _part(operation: str, argument: Any, before: str, found: list[tuple[str, str]]) -> str:
    match operation:
        case "LITERAL":
            return chr(argument)
        case "NOT_LITERAL":
            return "x" if argument != ord("x") else "y"
        case "ANY":
            return "x"
        case "IN":
            return _member(argument)
        case "BRANCH":
            first, *_ = [_sample(branch, before, found) for branch in argument[1][:6]]
            return first
        case "SUBPATTERN":
            return _sample(argument[3], before, found)
        case "ATOMIC_GROUP":
            return _sample(argument, before, found)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, item = argument
            one = _sample(item, before, found)
            if one and int(most) > 8:
                found.append((before, one))
            return one * max(least, 1) if most else ""
        case _:
            return ""


def _member(members: Any) -> str:
    negated = str(members[0][0]) == "NEGATE"
    if not negated:
        kind, value = members[0]
        match str(kind):
            case "LITERAL":
                return chr(value)
            case "RANGE":
                return chr(value[0])
            case _:
                return {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w"}.get(str(value), "x")
    taken = {chr(value) for kind, value in members[1:] if str(kind) == "LITERAL"}
    return next(c for c in "xX1- .,é" if c not in taken)


def _alternatives(tree: Any) -> Iterator[str]:
    for operation, argument in tree:
        if str(operation) == "BRANCH":
            for branch in argument[1]:
                yield _sample(branch, "", [])
        elif str(operation) == "SUBPATTERN":
            yield from _alternatives(argument[3])
