"""Countries: their names as sites write them, what a ccTLD, a phone number or a language says, and who decides.

The order of belief is address, phone, ccTLD, language: a firm on an `.io` domain with a Munich address is
German, and a language spoken in one country only is the last hint taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from iso3166 import countries, countries_by_alpha2

from extraction.text import squash

#: Names beside those of ISO 3166, squashed, and short forms found in addresses.
_ALIASES = {
    "US": "usa unitedstates unitedstatesofamerica theunitedstates america etatsunis vereinigtestaaten eeuu",
    "GB": "uk greatbritain england scotland wales northernireland unitedkingdom theuk grossbritannien royaumeuni "
    "reinounido regnounito vereinigteskonigreich",
    "DE": "deutschland allemagne alemania germania duitsland brd tyskland",
    "FR": "frankreich francia frankrijk",
    "NL": "nederland thenetherlands holland niederlande paysbas netherlands paisesbajos paesibassi",
    "AT": "osterreich oesterreich autriche",
    "CH": "schweiz suisse svizzera suiza",
    "IT": "italia italien italie",
    "ES": "espana spanien espagne spagna",
    "BE": "belgie belgique belgien",
    "PT": "portogallo",
    "PL": "polska polen pologne",
    "CZ": "czechrepublic ceskarepublika cesko tschechien",
    "DK": "danmark danemark",
    "SE": "sverige schweden suede",
    "NO": "norge norwegen",
    "FI": "suomi finnland",
    "IE": "republicofireland eire irland",
    "CA": "kanada",
    "BR": "brasil brasilien",
    "MX": "mexiko messico",
    "RU": "russia rossiya russland",
    "KR": "southkorea korea republicofkorea",
    "TW": "taiwan",
    "VN": "vietnam",
    "AE": "uae dubai",
    "TR": "turkey turkiye turkei",
    "HU": "magyarorszag ungarn",
    "RO": "rumanien",
    "GR": "hellas griechenland",
    "JP": "nippon nihon",
    "CN": "prc chinaprc",
    "HK": "hongkongsar",
    "IN": "bharat",
    "LU": "luxemburg",
}
#: ccTLDs sold to anyone: they say nothing about a country.
_WORLDWIDE = frozenset(
    "eu ac io co me tv ai cc fm ws to ly gg la sh nu st vc bz gl as am pw tk ml ga cf gq im so cx ms sc".split()
)
_UNLIKE_ISO = {"uk": "GB", "su": "RU"}
#: Languages at home in one country, by number of speakers who have a company site there.
_LANGUAGES = dict(
    pair.split(":")
    for pair in (
        "ja:JP ko:KR pl:PL cs:CZ hu:HU da:DK sv:SE fi:FI nb:NO no:NO nn:NO tr:TR el:GR he:IL th:TH vi:VN id:ID ro:RO "
        "bg:BG uk:UA lt:LT lv:LV et:EE sk:SK sl:SI hr:HR is:IS it:IT de:DE nl:NL fr:FR"
    ).split()
)

#: Languages at home in several countries: those, most company sites first. English is at home everywhere.
_SHARED = {
    "es": ("ES", "MX", "AR", "CO", "CL", "PE", "EC", "UY", "CR"),
    "pt": ("BR", "PT"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "CA", "BE", "CH", "LU"),
    "nl": ("NL", "BE"),
    "it": ("IT", "CH"),
}

#: Who says it, surest first: the order in which `decide` asks.
ORDER = ("address", "phone", "cctld", "language")


@cache
def _names() -> dict[str, str]:
    names = {}
    for country in countries:
        for name in (country.name, country.apolitical_name, country.alpha3):
            names[squash(name)] = country.alpha2
    for code, aliases in _ALIASES.items():
        names.update(dict.fromkeys(aliases.split(), code))
    return names


def country_named(text: str) -> str | None:
    """Like `country_code` for words in running text: a two-letter word must be in capitals (`in` is no India)."""
    return _named(text[:100])


@lru_cache(maxsize=2_048)
def _named(text: str) -> str | None:
    return country_code(text) if len(text.strip()) > 2 or text.isupper() else None


def country_code(text: str | None) -> str | None:
    """ISO 3166 alpha-2 of a country written as code or name in any of the usual languages, or None."""
    return _coded(text.strip()[:80]) if text else None


@lru_cache(maxsize=2_048)
def _coded(text: str) -> str | None:
    if len(text) == 2 and text.isascii():
        code = {"UK": "GB", "EN": None}.get(text.upper(), text.upper())
        return code if code in countries_by_alpha2 else None
    return _names().get(squash(text))


def from_domain(domain: str) -> str | None:
    """The country of a ccTLD; those sold to the world at large (`.io`, `.co`, `.ai`) say nothing."""
    label = domain.rsplit(".", 1)[-1]
    if label in _WORLDWIDE or len(label) != 2:
        return None
    return _UNLIKE_ISO.get(label) or country_code(label)


def from_language(language: str | None) -> str | None:
    """The country a language points to, or None where many speak it (English, Spanish, Portuguese, Arabic …)."""
    return _LANGUAGES.get(language.split("-")[0].lower()) if language else None


def speaking(language: str | None) -> tuple[str, ...]:
    """The countries where firms write in a language that several share, most company sites first."""
    return _SHARED.get(language.split("-")[0].lower(), ()) if language else ()


def decide(votes: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """(country, who said it) of votes given as (country, one of `ORDER`): the surest witness, its majority."""
    tally: dict[str, dict[str, int]] = {}
    for code, witness in votes:
        counts = tally.setdefault(witness, {})
        counts[code] = counts.get(code, 0) + 1
    for witness in ORDER:
        if tally.get(witness):
            return max(tally[witness].items(), key=lambda pair: pair[1])[0], witness
    return None
