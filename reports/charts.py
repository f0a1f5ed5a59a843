"""Small charts in HTML: bars, which are the table of their own numbers, and one bar cut into parts.

They take the width there is, their text has the size of the page's, and it can be read aloud, copied and printed.
They carry no colours of their own but classes, so that the page's style sheet decides. All text is escaped here; the
results are `Markup` and safe to place in a page.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup


def bars(items: Sequence[tuple[str, int, str]], title: str, most: int | None = None) -> Markup:
    """Horizontal bars of (label, value, note); the note, such as a share, is behind the value.

    A bar is as long as there is room where its value is `most`; None: the highest one. `title` says what is counted.
    """
    most = most or max((value for _, value, _ in items), default=0) or 1
    lines = [
        Markup(
            '<tr><th scope="row"><bdi>{}</bdi></th>'
            '<td class="bar"><svg aria-hidden="true"><rect width="{:.1f}%" height="100%" rx="3"/></svg></td>'
            '<td class="n">{}</td><td class="n note">{}</td></tr>'
        ).format(label, 100 * value / most, f"{value:,}", note)
        for label, value, note in items
    ]
    return Markup('<table class="bars" aria-label="{}"><tbody>{}</tbody></table>').format(title, Markup("").join(lines))


def stacked(items: Sequence[tuple[str, int, str]], title: str) -> Markup:
    """One bar cut into (label, value, class): how a whole divides. Parts too thin for a text have none."""
    whole = sum(value for _, value, _ in items) or 1
    parts = [
        Markup('<span class="{}" style="flex-grow:{}">{}</span>').format(
            css, value, f"{label} {value:,}" if value / whole > 0.08 else ""
        )
        for label, value, css in items
        if value
    ]
    told = ", ".join(f"{label}: {value:,}" for label, value, _ in items)
    return Markup('<div class="stacked" role="img" aria-label="{}: {}">{}</div>').format(
        title, told, Markup("").join(parts)
    )
