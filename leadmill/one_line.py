"""Text from outside on one line of a terminal or a log: it moves no cursor, hides nothing, makes no line.

Whoever writes a page chooses what stands in error messages, names and titles; a terminal takes commands from such text.
"""

from __future__ import annotations

import re

#: Control characters but tab and line feed, marks of direction, line ends of Unicode, lone surrogates.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Text without control characters and direction marks; its lines stay lines."""
    return _CONTROL.sub("�", text)


def one_line(text: object) -> str:
    """The same on one line."""
    return visible(str(text)).replace("\n", " ").replace("\t", " ")
