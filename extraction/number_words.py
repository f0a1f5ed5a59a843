"""Numbers of people written as words: `zwölf Mitarbeiter`, `une équipe de douze`, in eleven languages."""

from __future__ import annotations

import re

#: Up to what a firm counts in words; without those that are other words elsewhere (`to`, `due`).
_WORDS = {
    word: number
    for number, words in {
        2: "two zwei deux dos dois twee två dwie dwoje dva dvou",
        3: "three drei trois tres tre três drie tři trzech trzy tří",
        4: "four vier quatre cuatro quattro quatro fyra cztery czterech čtyři čtyř",
        5: "five fünf cinq cinco cinque vijf fem pięć pięciu pět pěti",
        6: "six sechs seis zes sex seks sześć sześciu šest šesti",
        7: "seven sieben sept siete sette sete zeven sju syv siedem siedmiu sedm sedmi",
        8: "eight acht huit ocho otto oito åtta otte åtte osiem ośmiu osm osmi",
        9: "nine neun neuf nueve nove negen nio dziewięć dziewięciu devět devíti",
        10: "ten zehn dix diez dieci dez tien tio dziesięć dziesięciu deset deseti",
        11: "eleven elf onze once undici elva elleve jedenaście jedenastu jedenáct jedenácti",
        12: "twelve zwölf douze doce dodici doze twaalf tolv dwanaście dwunastu dvanáct dvanácti",
        13: (
            "thirteen dreizehn treize trece tredici treze dertien tretton tretten trzynaście trzynastu třináct třinácti"
        ),
        14: (
            "fourteen vierzehn quatorze catorce quattordici catorze veertien fjorton fjorten czternaście "
            "czternastu čtrnáct"
        ),
        15: "fifteen fünfzehn quinze quince quindici vijftien femton femten piętnaście piętnastu patnáct patnácti",
        16: "sixteen sechzehn seize dieciséis sedici dezesseis zestien sexton seksten szesnaście szesnastu šestnáct",
        17: (
            "seventeen siebzehn dix-sept diecisiete diciassette zeventien sjutton sytten siedemnaście "
            "siedemnastu sedmnáct"
        ),
        18: (
            "eighteen achtzehn dix-huit dieciocho diciotto dezoito achttien arton atten osiemnaście osiemnastu osmnáct"
        ),
        19: (
            "nineteen neunzehn dix-neuf diecinueve diciannove negentien nitton nitten dziewiętnaście "
            "dziewiętnastu devatenáct"
        ),
        20: "twenty zwanzig vingt veinte venti vinte twintig tjugo tyve dwadzieścia dwudziestu dvacet dvaceti",
        25: "twenty-five fünfundzwanzig vingt-cinq veinticinco venticinque vijfentwintig tjugofem femogtyve",
        30: (
            "thirty dreißig dreissig trente treinta trenta trinta dertig trettio tredive trzydzieści "
            "trzydziestu třicet třiceti"
        ),
        40: (
            "forty vierzig quarante cuarenta quaranta quarenta veertig fyrtio førti czterdzieści czterdziestu čtyřicet"
        ),
        50: (
            "fifty fünfzig cinquante cincuenta cinquanta cinquenta vijftig femtio femti pięćdziesiąt "
            "pięćdziesięciu padesát"
        ),
    }.items()
    for word in words.split()
}
#: Of ASCII what is no letter, as blanks.
_BLANKS = {sign: " " for sign in range(128) if not chr(sign).isalpha()}
_TOKEN = re.compile(r"[^\W\d_]+(?:-[a-z]{3,5})?")
#: What grows together with its number: `zehnköpfig`.
_GROWN = re.compile(r"(?=köpfig|koppig|osobow|členn)")


def is_written(text: str) -> bool:
    """Whether a text has a number as a word."""
    text = text.lower()
    if text.isascii() and "-" not in text and "koppig" not in text and "osobow" not in text:
        return not _WORDS.keys().isdisjoint(text.translate(_BLANKS).split())
    return not _WORDS.keys().isdisjoint(_TOKEN.findall(_GROWN.sub(" ", text)))


def in_digits(text: str) -> str:
    """The text with such words as figures."""
    return _TOKEN.sub(lambda match: str(_WORDS.get(match[0].lower(), match[0])), _GROWN.sub(" ", text))
