"""A document that nests or repeats too much, written anew so that any parser sees what we saw in it.

Which tokens a document has depends on the tree that a parser builds of them (`<title>` within `<svg>`, `<style>` within
`<select>`), so a reader that only counts can be led astray. What is written here leaves nothing to be read in two
ways: no `<` but of our own tags, no comment, no raw text, no foreign content, no formatting elements to be repeated,
and a nesting that we have counted. Text, links, attributes and declared data are those of the document.
"""

from __future__ import annotations

import re
from collections import Counter

#: Elements open at once; the tags beyond are left out, not their text. Browsers stop at 512.
MAX_DEPTH = 256
#: Elements of one document and tags read; what lies behind is cut off.
MAX_ELEMENTS = 50_000
MAX_TAGS = 150_000
#: Attributes of one tag.
MAX_ATTRIBUTES = 300
#: Entries of the stack looked through for the element that an end tag names.
MAX_LOOK = 64

#: The value of an attribute, and attributes as HTML's tokeniser reads them, up to the `>`. Possessive throughout.
VALUE = rb"(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^ \t\n\f\r>\"'][^ \t\n\f\r>]*+)"
_EQUALS = rb"[ \t\n\f\r]*+=[ \t\n\f\r]*+"
ATTRIBUTES = rb"(?:[ \t\n\f\r/]++|[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+(?:%b%b?+)?+)*+" % (_EQUALS, VALUE)
_ATTRIBUTE = re.compile(rb"([^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)(?:%b(%b)?+)?+" % (_EQUALS, VALUE))
_TOKEN = re.compile(
    rb"<!--(?:-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>|\Z))"
    rb"|<(?:[!?]|/(?![a-zA-Z]))[^>]*+>?"
    rb"|<(/?)([a-zA-Z][^ \t\n\f\r/>]*+)(%b)>?" % ATTRIBUTES,
    re.DOTALL,
)
#: Attributes that every reader reads alike; they are taken over as they stand.
WELL_FORMED = rb"(?:[ \t\n\f\r]++[a-zA-Z_:@][\w:.@-]*+(?:=\"[^\"<>]*+\")?+)*+[ \t\n\f\r]*+/?+"
_WELL_FORMED = re.compile(WELL_FORMED)
_NAME = re.compile(rb"[a-z][a-z0-9:_-]{0,60}+\Z")
_ATTRIBUTE_NAME = re.compile(rb"[a-zA-Z_:@][\w:.@-]{0,80}+\Z")

_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
#: The parser closes them by itself when the next one opens: nested they are only within what is counted.
_IMPLIED = frozenset(b"a p li dt dd td th tr tbody thead tfoot caption colgroup option".split())
#: Formatting elements, which the parser opens again in every block that follows, and what changes its mode.
_LEFT_OUT = frozenset(
    b"b big code em font i nobr s small strike strong tt u head body frameset frame plaintext optgroup".split()
)
#: Content without markup: what is written of it says `_raw`.
_RAW = frozenset(b"script style textarea title xmp iframe noembed noframes".split())
_FOREIGN = frozenset((b"svg", b"math"))
#: HTML's tags that end foreign content.
_BREAKOUT = frozenset(
    b"b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta "
    b"nobr ol p pre ruby s small span strong strike sub sup table tt u ul var".split()
)
#: An end tag of another name does not reach beyond one of these.
_SPECIAL = frozenset(
    b"address applet article aside blockquote button center details dir div dl fieldset figcaption figure footer form "
    b"h1 h2 h3 h4 h5 h6 header hgroup listing main marquee menu nav noscript object ol pre section select summary "
    b"table ul".split()
)
_RENAMED = {b"template": b"noscript", b"image": b"img"}


def plain(html: bytes) -> bytes:
    """The document in markup that is parsed in linear time; ASCII-compatible text, best UTF-8."""
    return _Writer(html).write()


class _Writer:
    def __init__(self, html: bytes) -> None:
        self._html = html
        self._out: list[bytes] = []
        self._stack: list[bytes] = []
        self._open: Counter[bytes] = Counter()
        #: Start tags left out for their depth, whose end tags are left out too.
        self._unopened: Counter[bytes] = Counter()
        self._elements = 0
        self._once: set[bytes] = set()
        #: The foreign element that we are in, and how many of its name are open.
        self._foreign = b""
        self._foreign_depth = 0

    def write(self) -> bytes:
        html, out, at, tags = self._html, self._out, 0, 0
        while self._elements < MAX_ELEMENTS and tags < MAX_TAGS:
            match = _TOKEN.search(html, at)
            if match is None:
                self._text(html[at:])
                break
            start = match.start()
            if start > at:
                self._text(html[at:start])
            at = match.end()
            closing, name, attributes = match.groups()
            if name is not None:
                tags += 1
                name = name.lower()
                if self._foreign and not self._leaves_foreign(name, closing):
                    continue
                if closing:
                    self._end(name)
                elif name in _RAW:
                    at = self._raw(name, attributes, at)
                else:
                    self._start(_RENAMED.get(name, name), attributes)
        return b"".join(out)

    def _text(self, text: bytes) -> None:
        if not self._foreign:
            self._out.append(text.replace(b"<", b"&lt;"))

    def _leaves_foreign(self, name: bytes, closing: bytes) -> bool:
        """Whether foreign content ends before this tag, which counts then."""
        if name == self._foreign:
            self._foreign_depth += -1 if closing else 1
            if self._foreign_depth == 0:
                self._foreign = b""
            return False
        if name in _BREAKOUT and not closing:
            self._foreign = b""
            return True
        return False

    def _start(self, name: bytes, attributes: bytes) -> None:
        if name in _FOREIGN:
            self._foreign, self._foreign_depth = name, 1
            return
        if name in _LEFT_OUT or not _NAME.match(name):
            return
        if name == b"html":
            if name not in self._once:
                self._once.add(name)
                self._tag(name, attributes)
            return
        if name not in _VOID and name not in _IMPLIED:
            if len(self._stack) >= MAX_DEPTH:
                self._unopened[name] += 1
                return
            self._stack.append(name)
            self._open[name] += 1
        self._tag(name, attributes)

    def _tag(self, name: bytes, attributes: bytes) -> None:
        self._elements += 1
        if not attributes:
            self._out.append(b"<%b>" % name)
        elif len(attributes) <= MAX_ATTRIBUTES * 4 and _WELL_FORMED.fullmatch(attributes):
            self._out.append(b"<%b%b>" % (name, attributes.rstrip(b"/")))
        else:
            self._out.append(b"<%b%b>" % (name, _rebuilt(attributes)))

    def _end(self, name: bytes) -> None:
        name = _RENAMED.get(name, name)
        if name in _IMPLIED:
            self._elements += name == b"p"  # `</p>` alone makes an element, too
            self._out.append(b"</%b>" % name)
        elif self._unopened[name]:
            self._unopened[name] -= 1
        elif self._open[name]:
            place = self._place_of(name)
            while place is not None and len(self._stack) > place:
                closed = self._stack.pop()
                self._open[closed] -= 1
                self._out.append(b"</%b>" % closed)

    def _place_of(self, name: bytes) -> int | None:
        """Where in the stack the element is that an end tag closes: not beyond a table, nor a block beyond its own."""
        special = name in _SPECIAL
        stack = self._stack
        for place in range(len(stack) - 1, max(-1, len(stack) - 1 - MAX_LOOK), -1):
            met = stack[place]
            if met == name:
                return place
            if met == b"table" or (not special and met in _SPECIAL):
                return None
        return None

    def _raw(self, name: bytes, attributes: bytes, at: int) -> int:
        """Write what is worth keeping of an element without markup; returns where it ends."""
        ended = re.compile(rb"</%b(?=[ \t\n\f\r/>])" % name, re.IGNORECASE).search(self._html, at)
        end = ended.start() if ended else len(self._html)
        content = self._html[at:end]
        if name == b"script":
            self._tag(name, attributes)
            # In a JSON string, the same; elsewhere nobody reads it.
            code = content.replace(b"<!--", b"").replace(b"<![CDATA[", b"").replace(b"<", b"\\u003c")
            self._out += (code, b"</script>")
        elif name == b"iframe":
            self._tag(name, attributes)
            self._out.append(b"</iframe>")
        elif name == b"title":
            if name not in self._once:
                self._once.add(name)
                self._out += (b"<title>", content.replace(b"<", b"&lt;"), b"</title>")
        elif name in (b"textarea", b"xmp"):
            self._out += (b"<br>", content.replace(b"<", b"&lt;"), b"<br>")
        return end


def _rebuilt(attributes: bytes) -> bytes:
    """Attributes with all values in double quotes; those of odd names are left out."""
    parts = []
    for name, value in _ATTRIBUTE.findall(attributes):
        if _ATTRIBUTE_NAME.match(name):
            quote = value[:1] if value[:1] in (b'"', b"'") else b""
            escaped = (
                value.removeprefix(quote)
                .removesuffix(quote)
                .replace(b'"', b"&quot;")
                .replace(b"<", b"&lt;")
                .replace(b">", b"&gt;")
            )
            parts.append(b' %b="%b"' % (name, escaped))
            if len(parts) >= MAX_ATTRIBUTES:
                break
    return b"".join(parts)
