"""Legal forms in company names: whether a name has one, and the name without it.

cleanco's list, and an own table for what it leaves: Japanese, Chinese and Korean forms and compounds.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

#: Forms that may stand before or after the name without a blank.
_ATTACHED = (
    "株式会社",
    "有限会社",
    "合同会社",
    "合名会社",
    "合資会社",
    "(株)",
    "（株）",
    "㈱",
    "有限责任公司",
    "股份有限公司",
    "有限公司",
    "주식회사",
    "(주)",
    "㈜",
)
#: Forms of several words, or that cleanco takes for part of the name.
_OWN = re.compile(
    r"[\s,]+(?:GmbH\s?&\s?Co\.?\s?(?:KG|OHG|KGaA)(?:aA)?|AG\s?&\s?Co\.?\s?KG|"
    r"UG\s?\(haftungsbeschränkt\)|gGmbH|e\.\s?K\.|e\.\s?V\.|eG|KGaA|PartG(?:\s?mbB)?|"
    r"Sp\.?\s?z\s?o\.?\s?o\.?|spol\.?\s?s\s?r\.?\s?o\.?|s\.\s?r\.\s?o\.?|d\.\s?o\.\s?o\.?|A/S|ApS|IVS|"
    r"Lda\.?|Ltda\.?|S\.?\s?à\.?\s?r\.?\s?l\.?|SARL|SAS|SASU|"
    r"EURL|S\.\s?p\.\s?A\.?|S\.\s?r\.\s?l\.?|S\.\s?L\.(?:\s?U\.)?|S\.\s?A\.(?:\s?U\.)?|B\.\s?V\.?|"
    r"N\.\s?V\.?|V\.?O\.?F\.?|Oyj?|AB|Pty\.?\s?Ltd\.?|Pvt\.?\s?Ltd\.?|"
    r"P\.\s?L\.\s?L\.\s?C\.?|P\.\s?L\.\s?C\.?|L\.\s?L\.\s?[CP]\.?|PLLC|LLC|LLP|L\.\s?P\.?|Inc\.?|"
    r"Co\.,?\s?Inc\.?|Incorporated|Corp\.?|Corporation|Co\.,?\s?Ltd\.?|Ltd\.?|Limited|P\.\s?C\.?|P\.\s?A\.?)$",
    re.IGNORECASE,
)  # fmt: skip
#: Words that are forms for cleanco and yet end many a trade name.
_NOT_ALONE = frozenset(
    "co company group holding international and as sa se ab oy spa pa pc no nl kd od dd".split(),
)


@cache
def _terms() -> list[tuple[int, list[str]]]:
    from cleanco.clean import prepare_default_terms

    return [term for term in prepare_default_terms() if not (term[0] == 1 and term[1][0] in _NOT_ALONE)]


@lru_cache(maxsize=4_096)
def without_form(name: str) -> str:
    """The name without its legal form: `Katz Marshall & Banks, LLP` → `Katz Marshall & Banks`."""
    name = name.strip()[:300]
    for form in _ATTACHED:
        name = name.removeprefix(form).removesuffix(form).strip()
    for _ in range(2):
        shorter = _OWN.sub("", name).rstrip(" ,.-")
        if not shorter or shorter == name:
            break
        name = shorter
    return _by_cleanco(name) or name


def _by_cleanco(name: str) -> str:
    from cleanco.clean import custom_basename

    words = name.split()
    if not 2 <= len(words) <= 12:
        return name
    terms: Any = _terms()
    return str(custom_basename(name, terms, suffix=True)).rstrip(" ,-") or name


def has_form(name: str) -> bool:
    """Whether the name carries a legal form."""
    bare = without_form(name)
    return len(bare) < len(name.strip().rstrip(" ,.-")) and bool(bare)
