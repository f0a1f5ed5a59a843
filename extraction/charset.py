"""Which charset a page is written in, and its text. Labels and declarations are read by w3lib, as browsers do it."""

from __future__ import annotations

from w3lib.encoding import html_body_declared_encoding, read_bom, resolve_encoding, to_unicode

#: Bytes at the start that may name the charset (HTML says 1,024; real pages are later).
DECLARED_WITHIN = 4_096
#: Python knows more codecs than pages may ask for: base64, punycode, unicode_escape and their like.
_WEB_CODECS = ("utf-8", "utf-16", "iso8859", "cp", "koi8", "gb", "big5", "euc", "shift_jis", "iso2022_jp", "mac-")
#: A label of the Encoding Standard that neither Python nor w3lib knows.
_LABELS = {"x-gbk": "gb18030"}


def codec_of(label: str) -> str | None:
    """Python's codec for the label of a charset; None when no page is written in it."""
    label = label.strip().strip("\"'").lower()[:40]
    try:
        codec = resolve_encoding(_LABELS.get(label, label))
    except ValueError:
        return None
    return codec if codec and codec.startswith(_WEB_CODECS) else None


def declared_codec(html: bytes) -> str | None:
    """Python's codec for the charset that a page names in its own head."""
    start = html[:DECLARED_WITHIN]
    codec = html_body_declared_encoding(start) if b"charset" in start.lower() else None
    return codec_of(codec) if codec else None


def decode(html: bytes, header_charset: str | None) -> str:
    """A page as text: byte-order mark, then the HTTP header, then `<meta>`, then UTF-8, then Windows-1252.

    A declared charset that does not exist, or that cannot read the page where UTF-8 can, is passed over.
    """
    marked, mark = read_bom(html)
    if marked and mark:
        return html[len(mark) :].decode(marked, "replace").replace("\0", "")
    codec = codec_of(header_charset) if header_charset else declared_codec(html)
    if codec and codec.startswith("utf-16"):
        return html.decode(codec, "replace").replace("\0", "")
    html = html.replace(b"\0", b"")
    for name in dict.fromkeys((codec or "utf-8", "utf-8")):
        try:
            return html.decode(name)
        except UnicodeDecodeError as error:
            # Cut in the middle of a character, or a few stray bytes in a page that is what it says.
            if name == codec and (error.start > len(html) - 4 or _mostly_reads(html, name)):
                return to_unicode(html, name)
    return to_unicode(html, codec if codec and codec != "utf-8" else "cp1252")


def _mostly_reads(html: bytes, codec: str) -> bool:
    return html.decode(codec, "replace").count("\ufffd") * 1_000 < len(html)
