"""The numbers by which authorities know a company: VAT (and other turnover tax) numbers, and those of registers.

One table a kind, by country: the shape of a number without blanks, dots and prefix, how its check digits are proved
(`extraction.check_digits`), and how it is written. A shape alone proves nothing; a number is read only where a page
calls it one (`extraction.extractors.registers`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from extraction import check_digits as check
from extraction.check_digits import Check, divisible, elevens, rest_of_eleven, tens


class Kind(NamedTuple):
    """One kind of number of one country. `proof` is None where no check digit is published."""

    shape: str
    proof: Check | None = None
    #: How it is written, `{0}` the first group of the shape; empty: as it is.
    form: str = ""

    def read(self, compact: str) -> str | None:
        """The number as its authority writes it, or None where this is none."""
        match = _pattern(self.shape).fullmatch(compact)
        if match is None or (self.proof is not None and not self.proof(match[0])):
            return None
        if len(set(compact)) == 1:  # `000000000` has right check digits by most rules
            return None
        return self.form.format(*(group or "" for group in match.groups())) if self.form else match[0]


@lru_cache(maxsize=512)
def _pattern(shape: str) -> re.Pattern[str]:
    return re.compile(shape)


_NL, _CH = divisible((9, 8, 7, 6, 5, 4, 3, 2, -1), 11), elevens((5, 4, 3, 2, 7, 6, 5, 4), ten=None)
_DK, _NO = divisible((2, 7, 6, 5, 4, 3, 2, 1), 11), divisible((3, 2, 7, 6, 5, 4, 3, 2, 1), 11)
_PT, _CZ = elevens(range(9, 1, -1)), Kind(r"\d{8}", check.czech)
_EE = rest_of_eleven((1, 2, 3, 4, 5, 6, 7), (3, 4, 5, 6, 7, 8, 9))
_SI = elevens(range(8, 1, -1), eleven=None)
_BG = Kind(r"\d{9}", rest_of_eleven(range(1, 9), range(3, 11)))
_BE = Kind(r"([01]?\d{3})(\d{3})(\d{3})", check.belgian)
_GB = Kind(r"(\d{9})(?:\d{3})?|(?:GD[0-4]|HA[5-9])\d\d", check.british)
_LV = divisible((9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1), 11, rest=3)

#: What a VAT number begins with where that is not the country's code. Greece and Northern Ireland have their own.
PREFIX = {"GR": "EL", "CH": "CHE"}
OF_PREFIX = {"EL": "GR", "CHE": "CH", "XI": "GB", "UK": "GB"}

#: Turnover tax numbers by country, as they stand behind the country's code.
VAT: dict[str, Kind] = {
    "AT": Kind(r"U?(\d{8})", lambda number: check.austrian_vat(number[-8:]), "U{0}"),
    "BE": Kind(r"[01]\d{9}", check.belgian),
    "BG": _BG,
    "CY": Kind(r"(?!12)[0-59]\d{7}[A-Z]", check.cypriot),
    "CZ": Kind(r"[0-8]\d{7}|6\d{8}|\d\d[0-3578]\d[0-3]\d{5}", check.czech),
    "DE": Kind(r"[1-9]\d{8}", check.mod_11_10),
    "DK": Kind(r"[1-9]\d{7}", _DK),
    "EE": Kind(r"10\d{7}", tens((3, 7, 1, 3, 7, 1, 3, 7, 1))),
    "GR": Kind(r"\d{9}", check.greek),
    "ES": Kind(r"[A-HJ-NP-SUVW]\d{7}[\dA-J]|[KLM]\d{7}[A-Z]|[\dXYZ]\d{7}[A-Z]", check.spanish),
    "FI": Kind(r"\d{8}", check.finnish),
    "FR": Kind(r"[\dA-HJ-NP-Z]{2}\d{9}", check.french_vat),
    "HR": Kind(r"\d{11}", check.mod_11_10),
    "HU": Kind(r"(\d{8})(?:[1-5]\d{2})?", lambda number: tens((9, 7, 3, 1, 9, 7, 3, 1))(number[:8]), "{0}"),
    "IE": Kind(r"\d{7}[A-W][A-I]?|\d[A-Z+*]\d{5}[A-W]", check.irish),
    "IT": Kind(r"\d{11}", check.italian),
    "LT": Kind(r"\d{9}|\d{12}", check.lithuanian),
    "LU": Kind(r"\d{8}", check.luxembourgish),
    "LV": Kind(r"[4-9]\d{10}", _LV),
    "MT": Kind(r"[1-9]\d{7}", divisible((3, 4, 6, 7, 8, 9, 10, 1), 37)),
    "NL": Kind(r"\d{9}B(?!00)\d\d", check.dutch),
    "PL": Kind(r"[1-9]\d{9}", divisible((6, 5, 7, 2, 3, 4, 5, 6, 7, -1), 11)),
    "PT": Kind(r"[1-9]\d{8}", _PT),
    "RO": Kind(r"[1-9]\d{1,9}", check.romanian),
    "SE": Kind(r"\d{10}0[1-9]", check.swedish_vat),
    "SI": Kind(r"[1-9]\d{7}", _SI),
    "SK": Kind(r"[1-9]\d[2-47-9]\d{7}", check.slovak_vat),
    "GB": _GB,
    "CH": Kind(r"(\d{9})(?:MWST|TVA|IVA)?", lambda number: _CH(number[:9]), "{0}MWST"),
    "LI": Kind(r"\d{5}"),
    "NO": Kind(r"([89]\d{8})(?:MVA)?", lambda number: _NO(number[:9]), "{0}MVA"),
    "IS": Kind(r"\d{5,6}"),
    "RS": Kind(r"1\d{8}", check.mod_11_10),
    "UA": Kind(r"\d{12}"),
    "RU": Kind(r"\d{10}|\d{12}", check.russian_tax),
    "TR": Kind(r"\d{10}", check.turkish),
    "IL": Kind(r"5\d{8}|\d{9}", check.luhn),
    "ZA": Kind(r"4\d{9}", check.luhn),
    "AU": Kind(r"[1-9]\d{10}", check.australian),
    "NZ": Kind(r"0?[1-9]\d{7}|1[0-4]\d{7}", check.new_zealand_tax),
    "IN": Kind(r"(?:[0-3]\d|9[79])[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[\dA-Z]", check.indian),
    "SG": Kind(r"M\d{8}[A-Z]|M[A-Z]?\d{7,8}[A-Z]|\d{8}[A-Z]|\d{9}[A-Z]"),
    "BR": Kind(r"[\dA-Z]{12}\d\d", check.brazilian),
    "AR": Kind(r"(?:2[03-7]|3[034])\d{9}", elevens((5, 4, 3, 2, 7, 6, 5, 4, 3, 2), ten=9)),
    "CL": Kind(r"\d{7,8}[\dK]", check.chilean),
    "CO": Kind(r"[89]\d{9}", check.colombian),
    "PE": Kind(r"(?:1[057]|20)\d{9}", elevens((5, 4, 3, 2, 7, 6, 5, 4, 3, 2), ten=0, eleven=1)),
    "MX": Kind(r"[A-ZÑ&]{3}\d{6}[A-Z\d]{2}[\dA]", check.mexican),
    "CA": Kind(r"\d{9}RT\d{4}", check.leading_luhn),
    "JP": Kind(r"T\d{13}", lambda number: check.japanese(number[1:])),
    "KR": Kind(r"\d{10}", check.korean),
    "TW": Kind(r"\d{8}", check.taiwanese),
    "TH": Kind(r"0\d{12}", check.thai),
    "VN": Kind(r"\d{10}", check.vietnamese),
    "ID": Kind(r"0?\d{15}", lambda number: check.leading_luhn(number[-15:])),
}

#: Numbers of company registers by country; the first that fits is the number's kind.
REGISTERS: dict[str, Sequence[Kind]] = {
    "AT": (Kind(r"(\d{1,6})([A-Z])", check.austrian_register, "FN {0}{1}"),),
    "AU": (Kind(r"\d{9}", tens((8, 7, 6, 5, 4, 3, 2, 1, 1))),),
    "BE": (_BE._replace(form="{0:0>4}.{1}.{2}"),),
    "BG": (_BG,),
    "BR": (Kind(r"[\dA-Z]{12}\d\d", check.brazilian),),
    "CA": (Kind(r"\d{9}(?:RC\d{4})?", check.leading_luhn),),
    "CH": (Kind(r"(\d{3})(\d{3})(\d{3})", _CH, "CHE-{0}.{1}.{2}"),),
    "CN": (Kind(r"[159Y][1-9]\d{6}[\dA-HJ-NP-RTUW-Y]{10}", check.chinese),),
    "CY": (Kind(r"(?:HE|ΗΕ)?(\d{3,6})", None, "HE {0}"),),
    "CZ": (_CZ,),
    "DE": (Kind(r"(HR[AB]|GNR|PR|VR)(?:NR)?(\d{1,6})([A-Z]{0,3})", None, "{0} {1} {2}"),),
    "DK": (Kind(r"[1-9]\d{7}", _DK),),
    "EE": (Kind(r"[17-9]\d{7}", _EE),),
    "ES": (Kind(r"([A-Z]{1,2})(\d{3,6})", None, "{0}-{1}"),),
    "FI": (Kind(r"(\d{7})(\d)", check.finnish, "{0}-{1}"),),
    "FR": (Kind(r"\d{9}", check.luhn), Kind(r"(\d{9})\d{5}", check.siret, "{0}")),
    "GB": (
        Kind(r"(SC|NI|OC|SO|NC|R|IP|RS|LP|SL|FC|CE|GE)(\d{1,6})", None, "{0}{1:0>6}"),
        Kind(r"(\d{5,8})", None, "{0:0>8}"),
    ),
    "GR": (Kind(r"\d{12}"),),
    "HK": (Kind(r"\d{7,8}"),),
    "HR": (Kind(r"\d{9}"), Kind(r"\d{8}"), Kind(r"\d{11}", check.mod_11_10)),
    "HU": (Kind(r"(\d\d)(\d\d)(\d{6})", None, "{0}-{1}-{2}"),),
    "IE": (Kind(r"\d{5,6}"),),
    "IL": (Kind(r"5\d{8}", check.luhn),),
    "IN": (Kind(r"[LU]\d{5}[A-Z]{2}(?:19|20)\d\d[A-Z]{3}\d{6}"), Kind(r"[A-Z]{3}\d{4}")),
    "IS": (Kind(r"([4-7]\d{5})(\d{4})", check.icelandic, "{0}-{1}"),),
    "IT": (Kind(r"([A-Z]{2})(\d{4,7})", None, "{0}-{1}"), Kind(r"\d{11}", check.italian)),
    "JP": (Kind(r"[1-9]\d{12}", check.japanese),),
    "KR": (Kind(r"(\d{3})(\d{2})(\d{5})", check.korean, "{0}-{1}-{2}"),),
    "LI": (Kind(r"FL(\d{4})(\d{3})(\d{3})(\d)?", None, "FL-{0}.{1}.{2}"),),
    "LT": (Kind(r"[1-3]\d{8}", rest_of_eleven((1, 2, 3, 4, 5, 6, 7, 8), (3, 4, 5, 6, 7, 8, 9, 1))),),
    "LU": (Kind(r"B(\d{2,6})", None, "B {0}"),),
    "LV": (Kind(r"[4-9]\d{10}", _LV),),
    "MT": (Kind(r"C(\d{2,6})", None, "C {0}"),),
    "MY": (Kind(r"(?:19|20)\d{10}"), Kind(r"(\d{4,7})([A-Z])", None, "{0}-{1}")),
    "NL": (Kind(r"[0-9]\d{7}"),),
    "NO": (Kind(r"[89]\d{8}", _NO),),
    "NZ": (Kind(r"9429\d{9}", check.ean), Kind(r"\d{5,7}")),
    "PL": (Kind(r"0000\d{6}"), Kind(r"\d{9}|\d{14}", check.regon)),
    "PT": (Kind(r"[1-9]\d{8}", _PT),),
    "RO": (Kind(r"J(\d\d?)/?(\d{1,6})/?((?:19|20)\d\d)", None, "J{0}/{1}/{2}"), Kind(r"J\d{13}")),
    "RS": (Kind(r"\d{8}", check.serbian_register),),
    "RU": (Kind(r"\d{13}|\d{15}", check.russian_register),),
    "SE": (Kind(r"([2-9]\d{5})(\d{4})", check.luhn, "{0}-{1}"),),
    "SG": (Kind(r"\d{8}[A-Z]|(?:19|20)\d{7}[A-Z]|[TSR]\d\d[A-HJ-NP-X]{2}\d{4}[A-Z]", check.singaporean),),
    "SI": (Kind(r"(\d{7})(?:000)?", check.slovenian_register, "{0}"),),
    "SK": (_CZ,),
    "TR": (Kind(r"0?\d{15,16}"), Kind(r"\d{5,6}(?:-\d)?")),
    "TW": (Kind(r"\d{8}", check.taiwanese),),
    "UA": (Kind(r"\d{8}", check.ukrainian),),
    "ZA": (Kind(r"((?:19|20)\d\d)/?(\d{6})/?(\d\d)", None, "{0}/{1}/{2}"),),
}
#: Everywhere: the legal entity identifier (ISO 17442).
LEI = Kind(r"[\dA-Z]{18}\d\d", check.mod_97_10)


class Reading(NamedTuple):
    """A number of one country. `place`: of several kinds that a register knows, which (0: what it is best known by)."""

    number: str
    proved: bool
    place: int = 0


def vat_id(compact: str, country: str) -> Reading | None:
    """`DE123456789` where the signs are a VAT number of a country, with or without its prefix; else None.

    `compact` has capitals, digits and nothing else (`+` and `*` in old Irish ones).
    """
    kind = VAT.get(country)
    if kind is None:
        return None
    prefixes = [PREFIX.get(country, country), country, *(p for p, code in OF_PREFIX.items() if code == country)]
    for prefix in (*prefixes, ""):
        if compact.startswith(prefix) and (number := kind.read(compact[len(prefix) :])):
            return Reading(("XI" if prefix == "XI" else prefixes[0]) + number, kind.proof is not None)
    return None


def register_number(compact: str, country: str) -> Reading | None:
    """The number as the country's register writes it, or None. `compact` as for `vat_id`."""
    bare = compact.removeprefix(PREFIX.get(country, country))
    for place, kind in enumerate(REGISTERS.get(country, ())):
        if number := kind.read(bare):
            # The check letter of the Firmenbuch is written small.
            number = number[:-1] + number[-1].lower() if country == "AT" else " ".join(number.split())
            return Reading(number, kind.proof is not None, place)
    return None


def lei(compact: str) -> Reading | None:
    """The legal entity identifier of any country (ISO 17442), or None."""
    number = LEI.read(compact)
    return Reading(f"LEI {number}", proved=True, place=9) if number else None
