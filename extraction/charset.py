"""Which charset a page is written in, and its text: the one decoder of the crawl and of the extraction.

What reads as UTF-8 is UTF-8, whatever is declared: other text does so by no accident. Else a declared charset counts
where the page reads in it, the header's before the page's own; else the text itself is looked at
(`extraction.charset_guess`). Labels are those of the Encoding Standard.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from w3lib.encoding import html_body_declared_encoding, read_bom, resolve_encoding, to_unicode

from extraction.charset_guess import BEYOND_ASCII, guess, is_latin

#: Bytes at the start that w3lib looks at, comments passed over (HTML says 1,024; real pages are later).
DECLARED_WITHIN = 4_096
#: Further down `<meta>` is looked for behind so many mentions of a charset, within so many bytes.
MAX_MENTIONS = 40
MAX_META = 1_000
#: Bytes before a `<meta>` in which a comment may begin.
MAX_COMMENT = 20_000
#: Fewer characters beyond ASCII may be UTF-8 by accident: two of GBK's are, one time in thirty.
ACCIDENTAL = 4
#: Stray bytes of a UTF-8 page that are looked at one by one.
MAX_STRAY = 2_000
#: Python knows more codecs than pages may ask for: base64, punycode, unicode_escape and their like.
_WEB_CODECS = ("utf-8", "utf-16", "iso8859", "cp", "koi8", "gb", "big5", "euc", "shift_jis", "iso2022_jp", "mac-")
#: Labels of the Encoding Standard that neither Python nor w3lib knows, also not without `x-`.
_LABELS = {
    **dict.fromkeys(("unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8"), "utf-8"),
    **dict.fromkeys(("csiso88596e", "csiso88596i", "iso-8859-6-e", "iso-8859-6-i"), "iso-8859-6"),
    **dict.fromkeys(("csiso88598e", "csiso88598i", "iso-8859-8-e", "iso-8859-8-i", "visual", "logical"), "iso-8859-8"),
    **dict.fromkeys(("mac", "csmacintosh"), "macintosh"),
    **dict.fromkeys(("mac-ukrainian",), "mac-cyrillic"),
    **dict.fromkeys(("koi", "koi8"), "koi8-r"),
    **dict.fromkeys(("csgb2312", "gb_2312"), "gb18030"),
    **dict.fromkeys(("cn-big5", "x-big5"), "big5"),
    **dict.fromkeys(("cseuckr", "csksc56011987", "iso-ir-149", "ks_c_5601-1989", "ksc_5601", "windows-949"), "euc-kr"),
    **dict.fromkeys(("csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff"), "utf-16-le"),
    "cseucpkdfmtjapanese": "euc-jp",
    "csisolatin9": "iso-8859-15",
    "dos-874": "windows-874",
    "koi8-ru": "koi8-u",
    "sun_eu_greek": "iso-8859-7",
    "unicodefffe": "utf-16-be",
}
_ISO = re.compile(r"iso8859(\d{1,2})")
_CHARSET = re.compile(rb"charset", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml\s[^<>]*?encoding", re.IGNORECASE)
_TO_JAPANESE = (b"\x1b$B", b"\x1b$@", b"\x1b(J")


@lru_cache(maxsize=256)
def codec_of(label: str) -> str | None:
    """Python's codec for the label of a charset; None when no page is written in it."""
    label = label.strip().strip("\"'").lower()[:40]
    bare = label.removeprefix("x-")
    known = _LABELS.get(label) or _LABELS.get(bare) or _ISO.sub(r"iso-8859-\1", bare)
    try:
        codec = resolve_encoding(label) or resolve_encoding(known)
    except ValueError:
        return None
    return codec if codec and codec.startswith(_WEB_CODECS) else None


def declared_codec(html: bytes) -> str | None:
    """Python's codec for the charset that a page names itself: in its head, else in a `<meta>` anywhere."""
    start = html[:DECLARED_WITHIN]
    if _CHARSET.search(start) or _ENCODING.match(start):
        label = html_body_declared_encoding(start)
        if label and (codec := codec_of(label)):
            return codec
    return next(_late_codecs(html), None)


def _late_codecs(html: bytes) -> Iterator[str]:
    for mention in islice(_CHARSET.finditer(html), MAX_MENTIONS):
        begin = html.rfind(b"<", max(0, mention.start() - MAX_META), mention.start())
        if begin >= 0 and html[begin : begin + 5].lower() == b"<meta" and not _in_comment(html, begin):
            end = html.find(b">", mention.end(), mention.end() + MAX_META)
            label = html_body_declared_encoding(html[begin : end + 1]) if end >= 0 else None
            if label and (codec := codec_of(label)):
                yield codec


def _in_comment(html: bytes, place: int) -> bool:
    before = max(0, place - MAX_COMMENT)
    return html.rfind(b"<!--", before, place) > html.rfind(b"-->", before, place)


def decode(html: bytes, header_charset: str | None) -> str:
    """A page as text, from its bytes and the charset that the HTTP header names; never fails."""
    marked, mark = read_bom(html)
    if marked and mark:
        return html[len(mark) :].decode(marked, "replace").replace("\0", "")
    if b"\0" in html:
        if wide := wide_codec(html):
            return html.decode(wide, "replace").replace("\0", "")
        html = html.replace(b"\0", b"")
    try:
        text = html.decode("utf-8")
    except UnicodeDecodeError:
        return _not_all_utf8(html, header_charset)
    if _is_plain(html, text):
        return text
    if html.isascii():
        return _with_escapes(html, text, header_charset)
    return _east_asian(html, header_charset) or text


def as_utf8(html: bytes, header_charset: str | None) -> bytes:
    """The page in UTF-8, for a parser of bytes; the very same object when it is."""
    if b"\0" not in html and not read_bom(html)[0]:
        try:
            if _is_plain(html, html.decode("utf-8")):
                return html
        except UnicodeDecodeError:
            pass
    return decode(html, header_charset).encode("utf-8", "replace")


def _is_plain(html: bytes, text: str) -> bool:
    """Whether what reads as UTF-8 can be nothing else: ASCII without escapes, or many signs beyond ASCII."""
    beyond = len(html) - len(text)
    return b"\x1b" not in html if not beyond else beyond >= 3 * ACCIDENTAL or _beyond_ascii(text) >= ACCIDENTAL


def wide_codec(html: bytes) -> str | None:
    """UTF-16's codec for a page without byte-order mark: of its markup every other byte is zero."""
    start = html[:512]
    even, odd = start[::2].count(0), start[1::2].count(0)
    few, many = sorted((even, odd))
    if many < 16 or many * 10 < len(start) or few * 8 > many:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _declared(html: bytes, header_charset: str | None) -> Iterator[str]:
    """The codecs declared, the surest first; each once."""
    header = codec_of(header_charset) if header_charset else None
    if header:
        yield header
    own = declared_codec(html)
    if own and own != header:
        yield own


def _east_asian(html: bytes, header_charset: str | None) -> str | None:
    """The page in a declared charset of two bytes a character, where it reads without a fault."""
    for codec in _declared(html, header_charset):
        if codec.startswith(("gb", "big5", "euc", "cp93", "cp949")):
            try:
                return html.decode(codec)
            except UnicodeDecodeError:
                continue
    return None


def _with_escapes(html: bytes, text: str, header_charset: str | None) -> str:
    """ISO-2022-JP is all ASCII; so is a page that merely holds an escape."""
    if "iso2022_jp" in _declared(html, header_charset) or any(mark in html for mark in _TO_JAPANESE):
        return html.decode("iso2022_jp", "replace")
    return text


def _not_all_utf8(html: bytes, header_charset: str | None) -> str:
    text = html.decode("utf-8", "replace")
    faults = text.count("\ufffd") - html.count(b"\xef\xbf\xbd")
    sound = len(text) - len(html.translate(None, BEYOND_ASCII)) - faults
    if sound >= max(ACCIDENTAL, 2 * faults):
        if read := _east_asian(html, header_charset):
            return read
        return html.decode("utf-8", "western_stray") if faults <= MAX_STRAY else text
    for codec in _declared(html, header_charset):
        if codec.startswith(("utf-8", "utf-16")) or (codec in _WESTERN and not is_latin(html)):
            continue
        text = to_unicode(html, codec)
        faults = text.count("\ufffd")
        if faults and codec == "euc_jp":  # the vendors' signs of EUC-JP: numbers in circles, ㈱
            text = html.decode("euc_jis_2004", "replace")
            faults = text.count("\ufffd")
        if not faults or faults <= 1 + _beyond_ascii(text) // 20:
            return text
    return to_unicode(html, guess(html))


_WESTERN = frozenset(("cp1252", "iso8859-15", "mac-roman"))


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _western_stray(error: UnicodeError) -> tuple[str, int]:
    """What a UTF-8 page holds of Windows-1252: `Müller` out of an old file. A character cut in two is none."""
    assert isinstance(error, UnicodeDecodeError)
    raw, start = error.object, error.start
    end = start + 1
    while end < len(raw) and end < start + 3 and raw[end] >= 0x80:
        end += 1
    alone = (start == 0 or raw[start - 1] < 0x80) and (end >= len(raw) or raw[end] < 0x80)
    if alone:
        return raw[start:end].decode("cp1252", "replace"), end
    return "\ufffd", error.end


codecs.register_error("western_stray", _western_stray)
