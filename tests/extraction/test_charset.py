"""Whatever a page is written in and however it says so, its text is read, by the crawl and the extraction alike."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.charset import as_utf8, codec_of, declared_codec, decode
from tests.extraction.test_linear_time import doublings, superlinear

#: Label of a charset → (Python's codec, text in it).
TEXTS = {
    "utf-8": ("utf-8", "Bäckerei Süß – Brot, Straße 9"),
    "Shift_JIS": ("cp932", "静かな茶園のお茶を毎朝お届けします。お問い合わせはこちら"),
    "EUC-JP": ("euc_jp", "静かな茶園のお茶を毎朝お届けします。お問い合わせはこちら"),
    "ISO-2022-JP": ("iso2022_jp", "静かな茶園のお茶を毎朝お届けします。"),
    "EUC-KR": ("cp949", "우리는 매일 아침 신선한 빵을 굽습니다. 문의하기"),
    "GBK": ("gbk", "我们在山上种茶,欢迎联系公司了解产品和服务"),
    "GB2312": ("gb2312", "我们在山上种茶,欢迎联系公司了解产品和服务"),
    "Big5": ("big5", "我們在山上種茶,歡迎聯絡公司了解產品和服務"),
    "windows-1250": ("cp1250", "Tiskárna Vrána – příjemné knihy, žádné čekání, Łódź"),
    "windows-1251": ("cp1251", "Мы печём хлеб каждое утро и доставляем его по городу"),
    "KOI8-R": ("koi8-r", "Мы печём хлеб каждое утро и доставляем его по городу"),
    "ISO-8859-1": ("cp1252", "Bäckerei Süß – Brot, Straße 9, 5 €"),
    "iso-8859-2": ("iso8859-2", "Tiskárna Vrána, příjemné knihy, žádné čekání"),
    "windows-1253": ("cp1253", "Ψήνουμε ψωμί κάθε πρωί για όλη την πόλη"),
    "windows-1254": ("cp1254", "Her sabah taze ekmek pişiriyoruz, bütün şehir için"),
    "windows-1255": ("cp1255", "אנחנו אופים לחם טרי בכל בוקר"),
    "windows-1256": ("cp1256", "نخبز الخبز الطازج كل صباح للمدينة"),
    "windows-874": ("cp874", "เราอบขนมปังสดใหม่ทุกเช้า"),
    "UTF-16LE": ("utf-16-le", "Мы печём хлеб, 静かな茶園"),
    "utf-16be": ("utf-16-be", "Мы печём хлеб, 静かな茶園"),
}
#: How a page names its charset: (before the text, whether the HTTP header names it).
WAYS = {
    "header": ("", True),
    "meta": ('<meta charset="{0}">', False),
    "http-equiv": ("<META content='text/html;charset={0}' http-equiv=Content-Type>", False),
    "http-equiv, bare": ('<meta http-equiv="Content-Type" content="charset={0}">', False),
    "xml": ('<?xml version="1.0" encoding="{0}"?>', False),
    "late": ("<style>" + "/* layout */ .box{{margin:0 auto}}\n" * 400 + '</style><meta charset="{0}">', False),
    "a lie in the header": ('<meta charset="{0}">', None),
}


def page(label: str, way: str, text: str) -> tuple[bytes, str | None]:
    before, named = WAYS[way]
    html = before.format(label) + f"<html><head><title>{text}</title></head><body><p>{text}</p>"
    header = label if named else "utf-8" if named is None else None
    return html.encode(TEXTS[label][0]), header


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("label", TEXTS)
def test_a_declared_charset_is_read(label: str, way: str) -> None:
    text = TEXTS[label][1]
    html, header = page(label, way, text)
    assert f"<p>{text}</p>" in decode(html, header)
    assert f"<p>{text}</p>".encode() in as_utf8(html, header)


@given(st.sampled_from(sorted(TEXTS)), st.sampled_from(sorted(WAYS)), st.integers(0, 80), st.integers(12, 300))
def test_any_text_of_a_declared_charset_is_read(label: str, way: str, start: int, length: int) -> None:
    text = (TEXTS[label][1] * 12)[start:][:length].strip()
    html, header = page(label, way, text)
    assert f"<p>{text}</p>" in decode(html, header)


@pytest.mark.parametrize("label", [label for label in TEXTS if label not in ("windows-1254", "iso-8859-2")])
def test_a_charset_that_nobody_names_is_told_by_the_text(label: str) -> None:
    codec, text = TEXTS[label]
    language = {"windows-1250": "cs"}.get(label, "")
    html = f"<html lang='{language}'><title>{text}</title><p>{text}. {text}".encode(codec)
    for header in (None, "utf-8", "iso-8859-1" if not text.startswith(("Tisk", "Bäck")) else None):
        assert f"<p>{text}" in decode(html, header)


@pytest.mark.parametrize(
    ("html", "header", "text"),
    [
        # What is valid UTF-8 is UTF-8, whoever says what.
        ("<meta charset=shift_jis><p>Café à Orléans, © 2020".encode(), "iso-8859-1", "Café à Orléans, © 2020"),
        ("<p>Łódź, Gdańsk".encode(), "windows-1252", "Łódź, Gdańsk"),
        ("<p>株式会社".encode(), "gbk", "株式会社"),
        # Few signs that are UTF-8 by accident; the page says what it is.
        ("<meta charset=gbk><p>摹".encode("gbk"), None, "摹"),
        ("<p>© A. Müller".encode(), "windows-1251", "© A. Müller"),
        # Old files included in a page of UTF-8, and characters cut in two.
        ("<p>Größe, Çà, Łódź ".encode() + "Größe Müller".encode("cp1252"), None, "Größe, Çà, Łódź Größe Müller"),
        ("<p>静かな茶園".encode() + "静".encode()[:2] + b" x", "utf-8", "静かな茶園\ufffd x"),
        ("<p>M\u00fcller".encode("cp1252"), "utf-8", "Müller"),
        # A declaration in a comment, in a script's tag or of a charset that does not exist.
        ("<!-- <meta charset=gbk> --><p>Müller".encode("cp1252"), None, "Müller"),
        ("<script charset=big5 src=x></script><p>Müller".encode("cp1252"), None, "Müller"),
        ("<meta charset=klingon><meta charset=windows-1251><p>Мы печём".encode("cp1251"), "x", "Мы печём"),
        # The vendors' signs of EUC-JP.
        ("<p>㈱静見茶園のお茶".encode("euc_jis_2004"), "euc-jp", "㈱静見茶園のお茶"),
        (b"<p>plain\x1b[0m text", None, "plain\x1b[0m text"),
        (b"<p>a\0b", None, "ab"),
        (b"", None, ""),
    ],
)
def test_who_is_believed(html: bytes, header: str | None, text: str) -> None:
    assert decode(html, header).rpartition("<p>")[2] == text
    assert as_utf8(html, header).rpartition(b"<p>")[2] == text.encode()


def test_what_is_utf_8_is_not_copied() -> None:
    html = "<p>Łódź, Gdańsk".encode()
    assert as_utf8(html, "iso-8859-2") is html


@pytest.mark.parametrize(
    ("labels", "codec"),
    [
        ("unicode-1-1-utf-8 utf8 x-unicode20utf8 unicode11utf8", "utf-8"),
        ("cp866 ibm866 csibm866 866", "cp866"),
        ("latin2 iso88592 l2 iso_8859-2:1987 iso8859-2", "iso8859-2"),
        ("cyrillic iso-ir-144 iso88595", "iso8859-5"),
        ("arabic asmo-708 csiso88596i iso-8859-6-e", "iso8859-6"),
        ("greek elot_928 sun_eu_greek", "iso8859-7"),
        ("visual logical iso-8859-8-i hebrew", "iso8859-8"),
        ("koi koi8 koi8_r", "koi8-r"),
        ("koi8-u koi8-ru", "koi8-u"),
        ("mac macintosh x-mac-roman", "mac-roman"),
        ("x-mac-cyrillic x-mac-ukrainian", "mac-cyrillic"),
        ("tis-620 iso885911 dos-874 windows-874", "cp874"),
        ("x-cp1250", "cp1250"),
        ("x-cp1251 cp1251", "cp1251"),
        ("ascii us-ascii iso88591 x-cp1252 l1 cp819", "cp1252"),
        ("latin5 iso88599 x-cp1254", "cp1254"),
        ("chinese gb_2312 csgb2312 x-gbk gb2312 gbk", "gb18030"),
        ("big5-hkscs cn-big5 x-x-big5 csbig5", "big5hkscs"),
        ("x-euc-jp cseucpkdfmtjapanese", "euc_jp"),
        ("ms_kanji x-sjis sjis windows-31j csshiftjis", "cp932"),
        ("korean ksc_5601 ks_c_5601-1989 windows-949 cseuckr", "cp949"),
        ("ucs-2 unicode csunicode utf-16le", "utf-16-le"),
    ],
)
def test_labels_of_the_encoding_standard(labels: str, codec: str) -> None:
    assert {label: codec_of(label) for label in labels.split()} == dict.fromkeys(labels.split(), codec)


def test_a_charset_far_down_is_found_and_mentions_are_counted() -> None:
    assert declared_codec(b"x" * 500_000 + b"<META CHARSET=gbk>") == "gb18030"
    assert declared_codec(b"<p>charset" * 1_000 + b"<meta charset=gbk>") is None


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "flood",
    [
        b"\xff",
        b"\xfcu",
        b"\xc3",
        b"\xe3\x81",
        b"<\xff",
        b"<meta charset",
        b"charset",
        b"\x82\xa0",
        b"\x1b$B",
        b"<",
        b"a\0",
    ],
)
@pytest.mark.parametrize("before", [b"", b"<meta charset=shift_jis>", "é".encode() * 4_000])
def test_any_bytes_are_decoded_in_linear_time(before: bytes, flood: bytes) -> None:
    def make(size: int) -> bytes:
        return before + flood * (size // len(flood))

    assert superlinear(lambda html: as_utf8(html, "euc-jp"), make, doublings(400_000)) is None
    noise = random.Random(1).randbytes(200_000)
    assert isinstance(decode(before + flood + noise, "big5"), str)


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp1251", "Типография Свет: книги и каталоги для компаний, гарантия"),
        ("cp1250", "Książki, ulotki i zaproszenia: drukarnia Żółty Wróbel"),
        ("cp1254", "Kişiye özel ahşap mobilya, ülkenin her yerindeki müşterilerimize güvenle teslim ediyoruz"),
        ("cp1252", "Möbel für große Häuser, garçon, señor, façade"),
        ("cp1252", "Það er gott að búa á Íslandi, við bökum brauð"),
    ],
)
def test_a_page_without_language_and_charset_is_told_by_its_letters(codec: str, text: str) -> None:
    assert text in decode(f"<title>{text}</title><p>{text}".encode(codec), None)
