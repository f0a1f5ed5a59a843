"""Formula injection in CSV is stopped here, by SQL expressions over texts.

A text that a spreadsheet would take for a formula gets a leading `'`, and so does what stands behind each `;` in it,
since a spreadsheet of many countries splits lines there, quoted or not. What begins a formula: `=`, `+`, `-`, `@` or
a character that looks like one of them (and becomes one in programs that normalise), also behind anything that is not
seen. One exception: a number like +4930123456 (E.164: a plus and 6 to 15 digits, nothing else up to the next `;`)
stays as it is, because sales copies it into a phone and the worst a spreadsheet makes of it is the number without its
plus.
"""

from __future__ import annotations

from reports.rows import quote

#: Look-alikes of `=`, `+`, `-` and `@`: compatibility forms (NFKC makes the sign of them), dashes, heavy signs.
_SIGNS = (
    r"=\x{207C}\x{208C}\x{2550}\x{A78A}\x{FE66}\x{FF1D}"
    r"+\x{207A}\x{208A}\x{2795}\x{FB29}\x{FE62}\x{FF0B}"
    r"\-\x{2010}-\x{2015}\x{207B}\x{208B}\x{2212}\x{2796}\x{FE58}\x{FE63}\x{FF0D}"
    r"@\x{FE6B}\x{FF20}"
)
#: What is not seen: spaces, zero-width and direction marks, soft hyphens, lone accents, fillers, private characters.
#: And the quote: behind a `;` it opens a cell, and what follows its closing one is that cell's text.
_UNSEEN = (
    r'"\s\p{Z}\p{Cf}\p{Co}\p{M}\x{115F}\x{1160}\x{2065}\x{2800}\x{3164}\x{FFA0}\x{FFF0}-\x{FFF8}\x{FFFE}\x{FFFF}'
    r"\x{E0000}-\x{E0FFF}"
)
_FORMULA = quote(rf"(^|; ?)([{_UNSEEN}]*[{_SIGNS}])")
#: Whether there is anything to guard, asked of a text that may still hold control characters.
_SUSPECT = quote(rf"(^|;)[{_UNSEEN}\p{{Cc}}]*[{_SIGNS}]")
_PHONE = quote(r"(\+[0-9]{6,15};)")
#: Breaks lines or moves the cursor somewhere; a cell has one line.
_CONTROL = quote(r"[\x00-\x1f\x7f-\x{9f}\x{2028}\x{2029}]+")


def on_one_line(sql: str) -> str:
    """A text (an SQL expression) without what breaks lines."""
    return f"regexp_replace({sql}, {_CONTROL}, ' ', 'g')"


def guarded(sql: str) -> str:
    """A text (an SQL expression) that no spreadsheet takes for a formula. Most need nothing, and to see that is cheap.

    The patterns cannot look ahead, so phone numbers are marked first, by a character that no text holds any more, and
    each part ends with a `;` of its own.
    """
    marked = f"regexp_replace({on_one_line(sql)} || ';', {_PHONE}, chr(1) || '\\1', 'g')"
    made = f"regexp_replace({marked}, {_FORMULA}, '\\1''\\2', 'g')"
    safe = f"replace({made}, chr(1), '')[:-2]"
    broken = f"regexp_matches({sql}, {_CONTROL}) THEN {on_one_line(sql)}"
    return f"CASE WHEN regexp_matches({sql}, {_SUSPECT}) THEN {safe} WHEN {broken} ELSE {sql} END"
