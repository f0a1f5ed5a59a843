"""The charset of a page that names none, or a wrong one, by its text; UTF-8 has been ruled out before.

Text of China, Japan and Korea is told by its commonest signs; any other by how many of its signs are letters of the
alphabet that the page's `lang` names, small ones above all: a wrong codec makes capitals and symbols of them.
"""

from __future__ import annotations

import re
from itertools import islice

#: Bytes of text looked at.
SAMPLE = 6_000
#: So few bytes beyond ASCII say nothing of how they stand.
FEW = 12
_LANG = re.compile(rb"<html\b[^>]{0,300}?\blang\s{0,3}=\s{0,3}[\"']?([a-z]{2})\b", re.IGNORECASE)
_TAG = re.compile(rb"<[^<>]*+>")
#: All of them.
BEYOND_ASCII = bytes(range(0x80, 0x100))
_RUNS = b" " * 0x80 + b"x" * 0x80
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_COMMON_SIMPLIFIED = re.compile(
    "[的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定"
    "行学法所民得经进等部度家电力里如水化高自理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外公司"
    "系联网客服务品专您]"
)
_COMMON_TRADITIONAL = re.compile(
    "[的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過子說產種面而方後多定"
    "行學法所民得經進等部度家電力裡如水化高自理起小物現實加量都兩體制機當使點從業本去把性好應開它合還因由其些然前外公司"
    "系聯網客服務品專您]"
)
#: Codec → (what its text is told by, at which share of the signs beyond ASCII); the surest first.
_EAST_ASIAN = (
    ("cp932", _KANA, 0.15),
    ("euc_jp", _KANA, 0.15),
    ("cp949", _HANGUL, 0.6),
    ("gb18030", _COMMON_SIMPLIFIED, 0.1),
    ("big5hkscs", _COMMON_TRADITIONAL, 0.1),
)
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґўјљњђћџѓќѕ"
#: Languages → (letters beyond ASCII, codecs of their pages).
_ALPHABETS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("ru uk bg sr mk be kk", _CYRILLIC, ("cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic")),
    ("el", "αοιετσνηυρπκμλςίόάέγήδωθχώφύβξζψϊϋ", ("cp1253", "iso8859-7")),
    ("he iw yi", "יוהלאמתרבשנכעחדפקםגטסצזןףךץ", ("cp1255",)),
    ("ar fa ur", "اليمونرتبةعدسفهكقحجشطصخأضزىذثغظءئإآؤپچژگ", ("cp1256", "iso8859-6")),
    ("th", "านรอกเงมยลวดทสตะปบคหแจพชขใไโผฟซธศญถภษณฐฝฎฉำิีึืุู่้็์ั", ("cp874",)),
    ("pl cs sk hu ro sl hr bs sq", "ąćęłńóśźżáčďéěíňřšťúůýžľĺŕôäőűöüăâîșşțţđë", ("cp1250", "iso8859-2")),
    ("tr az", "çğıöşüâî", ("cp1254",)),
    ("lt lv et", "ąčęėįšųūžāēģīķļņõäöü", ("cp1257", "iso8859-13")),
)
_NON_LATIN = _ALPHABETS[:5]
#: Signs that stand in text of any language.
_SIGNS = frozenset("\xa0«»–—‘’“”„…©®™°№·•§€")
#: Where Windows-1252 reads signs amid a word, it reads what it did not write: `Ksi¹¿ka`.
_AMID_WORD = re.compile("[a-z\xe0-\xff][\xa1\xa3\xa5\xa6\xa7\xa8\xac\xaf\xb1\xb2\xb3\xb6\xb9\xbc\xbe\xbf]{1,2}[a-z]")
#: It reads Turkish letters as Icelandic ones, which stand beside vowels that Turkish has not.
_TURKISH = re.compile("[a-zçöü][ðýþ][a-zçöü]")
_NOT_TURKISH = re.compile("[áéíóúæ]")


def is_latin(html: bytes) -> bool:
    """Whether the bytes beyond ASCII stand apart, as in languages that write few letters with them."""
    beyond = html.translate(_RUNS)
    return 2 * 4 * beyond.count(b"xxxx") <= max(FEW, beyond.count(b"x"))


def guess(html: bytes) -> str:
    """Python's codec for a page that is not UTF-8, by its text."""
    text = sample(html)
    latin = is_latin(text)
    if not latin and (codec := _east_asian(text)):
        return codec
    match = _LANG.search(html[:4_096])
    language = match[1].decode().lower() if match else ""
    spoken = [row for row in _ALPHABETS if language in row[0].split() and (row not in _NON_LATIN or not latin)]
    if spoken:
        return _best(text, tuple(spoken))
    if not latin:
        return _best(text, _NON_LATIN)
    read = text.decode("cp1252", "replace")
    if len(_TURKISH.findall(read)) > 1 and not _NOT_TURKISH.search(read):
        return "cp1254"
    return _best(text, _ALPHABETS[5:]) if len(_AMID_WORD.findall(read)) > 1 else "cp1252"


def sample(html: bytes) -> bytes:
    """Text of the page that holds bytes beyond ASCII."""
    pieces = (piece for piece in _TAG.sub(b"\n", html).split(b"\n") if not piece.isascii())
    return b"\n".join(islice(pieces, 400))[:SAMPLE] or html[:SAMPLE]


def _east_asian(text: bytes) -> str | None:
    for codec, common, least in _EAST_ASIAN:
        read = text.decode(codec, "replace")
        signs = sum(not sign.isascii() for sign in read)
        # At the end the sample may be cut within a character.
        if read.count("\ufffd") <= 1 + signs // 50 and len(common.findall(read)) >= least * signs:
            return codec
    return None


def _best(text: bytes, rows: tuple[tuple[str, str, tuple[str, ...]], ...]) -> str:
    choices = [(_fit(text, letters, codec), codec) for _, letters, codecs in rows for codec in codecs]
    return max(choices, key=lambda choice: choice[0])[1]


def _fit(text: bytes, letters: str, codec: str) -> float:
    signs = [sign for sign in text.decode(codec, "replace") if not sign.isascii() and sign not in _SIGNS]
    weights = {**dict.fromkeys(letters.upper(), 0.2), **dict.fromkeys(letters, 0.5), **dict.fromkeys(letters[:16], 1.0)}
    # Of old Macintosh pages hardly one is left; its small letters are those of Windows.
    rare = 0.05 if codec.startswith("mac") else 0.0
    return sum(weights.get(sign, -0.5) for sign in signs) / max(1, len(signs)) - rare
