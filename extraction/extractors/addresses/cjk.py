"""Addresses in Chinese, Japanese and Korean script, written from the largest part to the smallest without signs."""

from __future__ import annotations

import re

_JP = re.compile(
    r"(?P<region>東京都|北海道|(?:京都|大阪)府|[^\s\d]{2,3}県)\s?"
    r"(?P<city>[^\s\d、,]{1,5}?[市区町村](?:(?<=市)(?:[^\s\d、,]{1,3}区)?)?)\s?(?P<street>[^、,|｜　]{1,40})?"
)
#: Without the prefecture: from the town on, with a number.
_JP_TOWN = re.compile(
    r"\A(?P<city>[^\s\d、,]{1,5}?[市区町村](?:(?<=市)[^\s\d、,]{1,3}区)?)\s?"
    r"(?P<street>[^\s\d、,|｜]{0,20}[\d０-９][^、,|｜　]{0,20})"
)
_CN = re.compile(
    r"(?:中国|中國)?(?P<region>[^\s\d,]{2,7}?(?:省|自治区))?\s?(?P<city>(?:[^\s\d,]{2,7}?市)|北京|上海|天津|重庆|深圳|广州)\s?"
    r"(?P<street>[^\s,，、|]{2,40}?(?:号|室|楼|层|座|栋|路|街)[^\s,，、|]{0,20})"
)
_TW = re.compile(
    r"(?P<city>(?:[臺台][北中南東]|新北|桃園|高雄|基隆|新竹|嘉義|[^\s\d]{2})[市縣])\s?(?P<street>[^\s,，、|]{2,40}號[^\s,，、|]{0,12})"
)
_KR = re.compile(
    r"(?P<region>[^\s\d]{1,4}도\s)?\s?(?P<city>[^\s\d]{2,7}시|서울|부산|대구|인천|광주|대전|울산)\s"
    r"(?P<street>(?:[^\s\d]{1,6}[구군읍면동]\s){0,2}[^\s,|()]{1,14}(?:로|길|동|가)\s?\d[\d-]*(?:번길\s?\d+)?)"
)
#: Country → its form; of codes that several have, the script tells.
_FORMS = {"JP": _JP, "TW": _TW, "KR": _KR, "CN": _CN}
#: Words for phone and mail, which follow a street without a sign.
_REACH = re.compile(
    r"\s?(?:(?<![A-Za-z])(?:TEL|FAX|E-?MAIL)(?![A-Za-z])|電話|電邮|传真|傳真|전화|팩스).*", re.IGNORECASE
)
_SCRIPT = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def read_cjk(text: str, countries: tuple[str, ...]) -> tuple[str, dict[str, str]] | None:
    """(country, its parts street, city, region) that a text in these scripts is written as."""
    text = text[:120]
    if not _SCRIPT.search(text):
        return None
    for country, form in _FORMS.items():
        match = form.search(text) if country in countries else None
        if match is None and country == "JP" and country in countries:
            match = _JP_TOWN.match(text)
        if match:
            parts = {part: (value or "").strip() for part, value in match.groupdict(default="").items()}
            return country, {**parts, "street": _REACH.sub("", parts["street"])}
    return None
