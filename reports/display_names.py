"""What people call what the lake holds as codes: countries, languages, networks, phone numbers."""

from __future__ import annotations

from functools import lru_cache

from iso3166 import countries_by_alpha2

#: Countries whose official short name (ISO 3166) is not the one in everyday use.
_EVERYDAY = {
    "BN": "Brunei", "BO": "Bolivia", "CD": "DR Congo", "CG": "Congo", "CZ": "Czechia", "FK": "Falkland Islands",
    "FM": "Micronesia", "GB": "United Kingdom", "IR": "Iran", "KP": "North Korea", "KR": "South Korea", "LA": "Laos",
    "MD": "Moldova", "MF": "Saint Martin", "NL": "Netherlands", "PS": "Palestine", "RU": "Russia", "SX": "Sint Maarten",
    "SY": "Syria", "TR": "Turkey", "TW": "Taiwan", "TZ": "Tanzania", "US": "United States", "VA": "Vatican City",
    "VE": "Venezuela", "VG": "British Virgin Islands", "VI": "US Virgin Islands", "VN": "Vietnam", "XK": "Kosovo",
}  # fmt: skip

#: Languages by their code in ISO 639-1.
_LANGUAGES = {
    "af": "Afrikaans", "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian",
    "bn": "Bengali", "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "cy": "Welsh", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "eo": "Esperanto", "es": "Spanish", "et": "Estonian", "eu": "Basque",
    "fa": "Persian", "fi": "Finnish", "fo": "Faroese", "fr": "French", "fy": "Frisian", "ga": "Irish",
    "gd": "Scottish Gaelic", "gl": "Galician", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian",
    "ht": "Haitian Creole", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "is": "Icelandic", "it": "Italian",
    "ja": "Japanese", "jv": "Javanese", "ka": "Georgian", "kk": "Kazakh", "km": "Khmer", "kn": "Kannada",
    "ko": "Korean", "ku": "Kurdish", "ky": "Kyrgyz", "la": "Latin", "lb": "Luxembourgish", "lo": "Lao",
    "lt": "Lithuanian", "lv": "Latvian", "mg": "Malagasy", "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian",
    "mr": "Marathi", "ms": "Malay", "mt": "Maltese", "my": "Burmese", "nb": "Norwegian", "ne": "Nepali", "nl": "Dutch",
    "nn": "Norwegian Nynorsk", "no": "Norwegian", "oc": "Occitan", "pa": "Punjabi", "pl": "Polish", "ps": "Pashto",
    "pt": "Portuguese", "qu": "Quechua", "rm": "Romansh", "ro": "Romanian", "ru": "Russian", "rw": "Kinyarwanda",
    "se": "Northern Sami", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "so": "Somali", "sq": "Albanian",
    "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "tg": "Tajik", "th": "Thai",
    "tk": "Turkmen", "tl": "Tagalog", "tr": "Turkish", "tt": "Tatar", "ug": "Uyghur", "uk": "Ukrainian", "ur": "Urdu",
    "uz": "Uzbek", "vi": "Vietnamese", "wo": "Wolof", "xh": "Xhosa", "yi": "Yiddish", "yo": "Yoruba", "zh": "Chinese",
    "zu": "Zulu",
}  # fmt: skip

#: Social networks that capitals alone do not name.
_NETWORKS = {"github": "GitHub", "linkedin": "LinkedIn", "tiktok": "TikTok", "vk": "VK", "youtube": "YouTube"}


def country(code: str) -> str:
    """`DE` → `Germany`; what is no code of a country is given back."""
    if code in _EVERYDAY:
        return _EVERYDAY[code]
    found = countries_by_alpha2.get(code)
    return found.name if found else code


def language(tag: str) -> str:
    """`de` and `de-AT` → `German`; what is no tag of a language is given back."""
    return _LANGUAGES.get(tag.partition("-")[0].lower(), tag)


def network(key: str) -> str:
    """`linkedin` → `LinkedIn`."""
    return _NETWORKS.get(key, key.capitalize())


@lru_cache(maxsize=4096)
def phone(e164: str, home: str | None) -> str:
    """An E.164 number as it is written in the country `home`; a foreign one with its calling code and country.

    `+493012345` is `030 12345` in DE, `+49 30 12345 (Germany)` elsewhere. What is no such number is given back.
    """
    import phonenumbers  # takes a tenth of a second, which readers of countries alone need not wait

    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    region = phonenumbers.region_code_for_number(number)
    if region is None:
        return e164
    if region == home:
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return f"{written} ({country(region)})" if region in countries_by_alpha2 else str(written)
