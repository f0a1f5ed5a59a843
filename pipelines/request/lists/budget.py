"""How much of a list is read: counted in work, so that neither blank lines nor wide rows make a look at it long.

A step is about 0.1 µs on an ordinary machine. Readers spend steps for all that they look at, whether a line of the list
comes of it or not: the same file costs the same everywhere, however busy the machine is.
"""

from __future__ import annotations

#: To find out how a list is to be read; a look at its lines (with that about 2 s); all of it (about 100 s), which
#: leaves room within the time that a task has.
OPENING = 8_000_000
LOOK = 10_000_000
WHOLE = 1_000_000_000
#: What things cost, in steps: a line of text, a cell, an element of XML, an address that is looked up, a cell among
#: which a header is looked for.
LINE, CELL, ELEMENT, ADDRESS, LOOKED_AT = 10, 5, 14, 250, 100
#: Characters of a step: of ASCII, of other text, bytes of XML.
_ASCII, _BYTES = 10, 20


class SpentError(Exception):
    """The budget is spent; what was read until then is right, and there is more."""


class Budget:
    """Steps that are left."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Raises SpentError: there are not so many left."""
        self.left -= steps
        if self.left < 0:
            raise SpentError

    def text(self, text: str) -> None:
        """Spend what a line of text costs to be read."""
        self.spend(LINE + (len(text) // _ASCII if text.isascii() else 2 * len(text)))

    def xml(self, elements: int, size: int) -> None:
        """Spend what XML costs to be parsed; `size` in bytes."""
        self.spend(ELEMENT * elements + size // _BYTES)
