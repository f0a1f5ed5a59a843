"""Small charts as inline SVG: horizontal bars, a histogram, one stacked bar.

They carry no colours of their own but classes, so that the page's style sheet, dark mode and print decide.
All text is escaped here; the results are `Markup` and safe to place in a page.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

#: Width of every chart in SVG units; they scale with the page.
WIDTH = 520
_LABEL = 150
_NUMBER = 108
_BAR = 18
_GAP = 8
#: Characters of a label that fit beside a bar.
_LABEL_TEXT = 22


def _clip(text: str, length: int = _LABEL_TEXT) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _svg(height: int, title: str, parts: Sequence[Markup], extra: str = "") -> Markup:
    body = Markup("").join(parts)
    return Markup('<svg class="chart{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        f" {extra}" if extra else "", WIDTH, height, title, body
    )


def bars(items: Sequence[tuple[str, int, str]], title: str) -> Markup:
    """Horizontal bars of (label, value, note); the note, such as a share, stands behind the value."""
    most = max((value for _, value, _ in items), default=0) or 1
    room = WIDTH - _LABEL - _NUMBER
    parts = []
    for row, (label, value, note) in enumerate(items):
        top = row * (_BAR + _GAP)
        width = round(room * value / most, 1)
        parts.append(
            Markup(
                '<g><title>{}: {} ({})</title><text class="label" x="{}" y="{}" text-anchor="end">{}</text>'
                '<rect class="track" x="{}" y="{}" width="{}" height="{}" rx="4"/>'
                '<rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="4"/>'
                '<text class="value" x="{}" y="{}" text-anchor="end">{}</text>'
                '<text class="number" x="{}" y="{}" text-anchor="end">{}</text></g>'
            ).format(
                label, f"{value:,}", note, _LABEL - 10, top + 13, _clip(label),
                _LABEL, top, room, _BAR,
                _LABEL, top, max(width, 2 if value else 0), _BAR,
                WIDTH - 56, top + 13, f"{value:,}", WIDTH, top + 13, note,
            )
        )  # fmt: skip
    return _svg(max(len(items) * (_BAR + _GAP) - _GAP, 1), title, parts)


def histogram(steps: Sequence[tuple[str, int]], title: str) -> Markup:
    """Columns of (label, value), for a distribution."""
    most = max((value for _, value in steps), default=0) or 1
    width = WIDTH / max(len(steps), 1)
    height, foot, head = 190, 22, 18
    parts = [Markup('<line class="axis" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, height - foot, height - foot)]
    for column, (label, value) in enumerate(steps):
        tall = round((height - foot - head) * value / most, 1)
        tall = max(tall, 2) if value else 0
        left, middle = column * width, round((column + 0.5) * width, 1)
        parts.append(
            Markup(
                '<g><title>{}: {}</title><rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="3"/>'
                '<text class="number" x="{}" y="{}" text-anchor="middle">{}</text>'
                '<text class="label" x="{}" y="{}" text-anchor="middle">{}</text></g>'
            ).format(
                label, value, round(left + 4, 1), height - foot - tall, round(width - 8, 1), tall,
                middle, height - foot - tall - 5, f"{value:,}" if value else "",
                middle, height - 5, label,
            )
        )  # fmt: skip
    return _svg(height, title, parts)


def stacked(items: Sequence[tuple[str, int, str]], title: str) -> Markup:
    """One bar cut into (label, value, class): how a whole divides. Parts too thin for a text have none."""
    whole = sum(value for _, value, _ in items)
    parts, left = [], 0.0
    for label, value, css in items:
        width = WIDTH * value / whole if whole else 0
        if not value:
            continue
        text = f"{label} {value:,}" if width > 40 else ""
        parts.append(
            Markup(
                '<g><title>{}: {}</title><rect class="{}" x="{}" y="0" width="{}" height="34"/>'
                '<text class="on" x="{}" y="22" text-anchor="middle">{}</text></g>'
            ).format(label, value, css, round(left, 1), round(width, 1), round(left + width / 2, 1), text)
        )
        left += width
    return _svg(34, title, parts, "stacked")
