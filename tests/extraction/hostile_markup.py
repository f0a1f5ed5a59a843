"""Markup made to be expensive: what parsers nest, repeat, open again or read differently than one thinks."""

from __future__ import annotations

from random import Random

#: Repeated to any length; `N` is another number each time.
MARKS = (
    *("<div>", "<p>", "<b>", "<a>", "<a href=x>c</a>", "<font a=N>", "<p><font a=N></p>", "<b><p>", "<i><table>"),
    *("<table>", "<table><tr><td>", "<table><b>", "<table>x", "<a href=x><table><td>", "<tr>", "<caption>", "<col>"),
    *("<optgroup>", "<option>", "<select><option>", "<select>", "<nobr>", "<form>", "<button>", "<ruby><rt>", "<rtc>"),
    *("<dd>", "<li>", "<li><ul>", "<h1>", "<template>", "<noscript>", "<frameset>", "<object>", "<marquee>", "<x-y>"),
    *("<!--", "<!-->", "<!---->", "<!--><p>", "<![CDATA[", "<?", "<!x", "</", "</p>", "</br>", "</b>", "</x>", "<"),
    *("<svg>", "<svg><title>", "<svg><p>", "<svg><foreignObject>", "<svg><style>", "<math><mi>", "<math>", "<g>"),
    *("<textarea>", "<title>", "<xmp>", "<plaintext>", "<script>", "<style>", "<iframe>", "<script></script>"),
    *("<html aN=1>", "<body aN=1>", "<a aN=1 ", " aN", "aN=1 ", 'a="', "a='", '"', "'", "/", "=", 'aN=">"', "<a'"),
    *("<b></p>", "<a><p></a>", "<b><i></b>", "</b></p><p>x", "<div></b>", "<b aN=1>", "<img src=N.png>", "<input>"),
    *("<script><!--<script>", "<div itemscope itemtype=http://schema.org/Store><i itemprop=name>", "<meta name=N>"),
    *("<div itemscope itemtype=x/Store itemprop='name address' itemref=aN id=aN>", "<div class='vcard org tel adr'>"),
    "<div typeof=Store property='name address' resource=N>",
)
_NAMES = (
    "a address applet b base body br button caption code col dd div dl em fieldset font form frame frameset h1 head "
    "hr html i iframe image img input li link listing main marquee math mi mo mtext nav nobr noembed noscript object "
    "ol optgroup option p plaintext pre rb rp rt ruby s script section select small span strong style sub svg "
    "foreignObject desc g table tbody td template textarea th title tr tt u ul x xmp x-y"
).split()
_BETWEEN = ("x", " ", "<!---->", "<!-->", "<![CDATA[a]]>", "<?x>", '"', "--><!--", "]]>")
_SAID = (" a=N", " href=x", ' a="N"', ' x=">"', " b='>'", "/", " encoding=text/html")


def marked(before: str, mark: str, size: int) -> bytes:
    """The mark again and again behind what changes how it is read; `aN` becomes another name each time."""
    if "N" not in mark:
        return (before + mark * (size // len(mark) + 1))[:size].encode()
    return (before + "".join(mark.replace("N", str(n)) for n in range(size // len(mark))))[:size].encode()


def soup(random: Random, size: int) -> bytes:
    """A few random pieces of markup, each repeated: one opens what the next stands in."""
    parts = [_piece(random), *(_piece(random) * (size // 3 // 12) for _ in range(3))]
    return "".join(parts)[:size].encode()


def _piece(random: Random) -> str:
    return "".join(_token(random) for _ in range(random.randrange(1, 7)))


def _token(random: Random) -> str:
    chance = random.random()
    if chance < 0.6:
        said = random.choice(_SAID).replace("N", str(random.randrange(50))) if random.random() < 0.25 else ""
        return f"<{random.choice(_NAMES)}{said}>"
    return f"</{random.choice(_NAMES)}>" if chance < 0.85 else random.choice(_BETWEEN)
