"""Check digits of company and tax numbers: the arithmetic, one function a family, each with its published source.

Every function takes the number without blanks, dots and prefix, in capitals, and says whether its check digits are
right. Which country's number has which shape and which check is told in `extraction.company_numbers`.

Sources, where a function names none of its own: European Commission, "VIES VAT number construction rules";
OECD, "Tax identification numbers: jurisdiction-specific information"; ISO/IEC 7064 (pure and hybrid systems).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Check = Callable[[str], bool]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def weighed(number: str, weights: Sequence[int]) -> int:
    """The sum of the digits, each times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def divisible(weights: Sequence[int], by: int, rest: int = 0) -> Check:
    """The weighted sum of all digits leaves `rest`: DK, LV, MT, NL, NO, PL and others."""
    return lambda number: weighed(number, weights) % by == rest


def elevens(weights: Sequence[int], ten: int | None = 0, eleven: int | None = 0) -> Check:
    """The last digit is 11 less the rest of the others by 11; what 10 and 11 are written as (None: such has none)."""

    def check(number: str) -> bool:
        digit = 11 - weighed(number[:-1], weights) % 11
        expected = {10: ten, 11: eleven}.get(digit, digit)
        return expected is not None and int(number[-1]) == expected

    return check


def rest_of_eleven(weights: Sequence[int], again: Sequence[int] = ()) -> Check:
    """The last digit is the rest by 11; where that is 10, the rest with a second row of weights, and else 0.

    BG, EE, LT (VIES rules); Estonian and Lithuanian registers alike.
    """

    def check(number: str) -> bool:
        rest = weighed(number[:-1], weights) % 11
        if rest == 10 and again:
            rest = weighed(number[:-1], again) % 11
        return int(number[-1]) == rest % 10

    return check


def tens(weights: Sequence[int]) -> Check:
    """The weighted sum of all digits is a whole number of tens: AU (ACN), EE, HU."""
    return divisible(weights, 10)


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1, annex B: from the right every second digit doubled, digits of the products added."""
    doubled = (2 * int(digit) for digit in number[-2::-2])
    return (sum(map(int, number[::-2])) + sum(two // 10 + two % 10 for two in doubled)) % 10 == 0


def mod_11_10(number: str) -> bool:
    """ISO/IEC 7064, MOD 11,10: DE (§ 27a UStG), HR (OIB), RS (PIB)."""
    product = 10
    for digit in number[:-1]:
        product = 2 * ((int(digit) + product) % 10 or 10) % 11
    return (product + int(number[-1])) % 10 == 1


def mod_97_10(text: str) -> bool:
    """ISO/IEC 7064, MOD 97-10, letters as 10 to 35: LEI (ISO 17442), NL since 2020."""
    return int("".join(str(_ALPHABET.index(sign)) for sign in text)) % 97 == 1


def austrian_vat(number: str) -> bool:
    total = sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(number[:7]))
    return (10 - (total + 4) % 10) % 10 == int(number[7])


def austrian_register(number: str) -> bool:
    """The letter of a Firmenbuch number: weights 6, 4, 14, 15, 10, 1 by 17 (Firmenbuch; checked on listed firms)."""
    return "ABDFGHIKMPSTVWXYZ"[weighed(number[:-1].zfill(6), (6, 4, 14, 15, 10, 1)) % 17] == number[-1]


def belgian(number: str) -> bool:
    return 97 - int(number[:-2]) % 97 == int(number[-2:])


def cypriot(number: str) -> bool:
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
    total = sum(int(digit) if place % 2 else odd[int(digit)] for place, digit in enumerate(number[:8]))
    return chr(65 + total % 26) == number[8]


def czech(number: str) -> bool:
    """Of firms (8 digits, the IČO), of people (9 digits that begin with 6, or 10)."""
    if len(number) == 8:
        return elevens(range(8, 1, -1), ten=0, eleven=1)(number)
    if len(number) == 9:
        return number[0] == "6" and (8 - (10 - weighed(number[1:8], range(8, 1, -1)) % 11) % 11) % 10 == int(number[8])
    return int(number) % 11 == 0


def greek(number: str) -> bool:
    return weighed(number[:8], (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == int(number[8])


def spanish(number: str) -> bool:
    """NIF of firms (letter, 7 digits, digit or letter), of people (8 digits, letter) and of foreigners (X, Y, Z)."""
    if number[0].isdigit() or number[0] in "XYZ":
        digits = number[:8].replace("X", "0").replace("Y", "1").replace("Z", "2")
        return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == number[8]
    if number[0] in "KLM":
        return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number[1:8]) % 23] == number[8]
    total = sum(map(int, number[2:8:2])) + sum(sum(divmod(2 * int(digit), 10)) for digit in number[1:8:2])
    digit = (10 - total % 10) % 10
    return number[8] in (str(digit), "JABCDEFGHI"[digit])


def finnish(number: str) -> bool:
    return elevens((7, 9, 10, 5, 8, 4, 2), ten=None)(number)


def french_vat(number: str) -> bool:
    """Key and SIREN; a key of digits follows from the SIREN, one with a letter by the rule of the newer series."""
    key, siren = number[:2], number[2:]
    if not luhn(siren):
        return False
    if key.isdigit():
        return int(key) == (12 + 3 * (int(siren) % 97)) % 97
    signs = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    first, second = signs.index(key[0]), signs.index(key[1])
    place = first * 24 + second - 10 if first < 10 else first * 34 + second - 100
    return (int(siren) + 1 + place // 11) % 11 == place % 11


def siret(number: str) -> bool:
    """Luhn over SIREN and establishment; those of La Poste by their digits' sum (INSEE, Sirene)."""
    if number[:9] == "356000000":
        return sum(map(int, number)) % 5 == 0 or luhn(number)
    return luhn(number) and luhn(number[:9])


def british(number: str) -> bool:
    """HMRC: weights 8 to 2 and the two check digits by 97, or 55 away from it; `GD`, `HA` of authorities have none."""
    if not number[0].isdigit():
        return True
    rest = (weighed(number[:7], range(8, 1, -1)) + int(number[7:9])) % 97
    return rest in (0, 42)


def irish(number: str) -> bool:
    """Revenue: weights 8 to 2 by 23; a second letter counts 9 times its place, those of the old form are turned."""
    if not number[1].isdigit():
        number = "0" + number[2:7] + number[0] + number[7:]
    letters = "WABCDEFGHIJKLMNOPQRSTUV"
    total = weighed(number[:7], range(8, 1, -1))
    if len(number) == 9:
        total += 9 * letters.index(number[8])
    return letters[total % 23] == number[7]


def italian(number: str) -> bool:
    """Luhn. The three digits before name the office that gave it; which there are changes, so they prove nothing."""
    return luhn(number) and number[:7] != "0000000"


def lithuanian(number: str) -> bool:
    """The last but one digit is 1; weights 1 to 9 in turn, the second row from 3."""
    size = len(number) - 1
    rows = [[1 + (start + place) % 9 for place in range(size)] for start in (0, 2)]
    return number[-2] == "1" and rest_of_eleven(*rows)(number)


def luxembourgish(number: str) -> bool:
    return int(number[:6]) % 89 == int(number[6:])


def dutch(number: str) -> bool:
    """`123456782B01`: nine digits by 11 (of firms), or the whole by 97 (of people in business, since 2020)."""
    return (weighed(number[:8], range(9, 1, -1)) - int(number[8])) % 11 == 0 or mod_97_10("2321" + number)


def romanian(number: str) -> bool:
    return weighed(number[:-1].zfill(9), (7, 5, 3, 2, 1, 7, 5, 3, 2)) * 10 % 11 % 10 == int(number[-1])


def swedish_vat(number: str) -> bool:
    return luhn(number[:10])


def slovak_vat(number: str) -> bool:
    return int(number) % 11 == 0


def regon(number: str) -> bool:
    """GUS: nine digits, or fourteen of a branch whose first nine are a number themselves."""
    nine = weighed(number[:8], (8, 9, 2, 3, 4, 5, 6, 7)) % 11 % 10 == int(number[8])
    if len(number) == 9:
        return nine
    return nine and weighed(number[:13], (2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8)) % 11 % 10 == int(number[13])


def ukrainian(number: str) -> bool:
    """Weights of the ЄДРПОУ turn for numbers from 30 to 60 million; a rest of 10 is weighed again with 2 more."""
    weights = (7, 1, 2, 3, 4, 5, 6) if 30_000_000 <= int(number) <= 60_000_000 else (1, 2, 3, 4, 5, 6, 7)
    return rest_of_eleven(weights, [weight + 2 for weight in weights])(number)


def russian_tax(number: str) -> bool:
    """ИНН of firms (10 digits) and of people in business (12, two check digits): ФНС."""
    weights = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    ends = (9,) if len(number) == 10 else (10, 11)
    return all(weighed(number[:end], weights[11 - end :]) % 11 % 10 == int(number[end]) for end in ends)


def russian_register(number: str) -> bool:
    """ОГРН (13 digits, by 11) and ОГРНИП (15, by 13): the last digit of the rest."""
    return int(number[:-1]) % (len(number) - 2) % 10 == int(number[-1])


def turkish(number: str) -> bool:
    """VKN: Gelir İdaresi Başkanlığı."""
    total = 0
    for place, digit in enumerate(number[:9]):
        moved = (int(digit) + 9 - place) % 10
        total += (moved * 2 ** (9 - place) % 9 or 9) if moved else 0
    return (10 - total % 10) % 10 == int(number[9])


def australian(number: str) -> bool:
    """ABN: 1 less in the first place, by 89 (Australian Business Register)."""
    return (weighed(number, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) - 10) % 89 == 0


def new_zealand_tax(number: str) -> bool:
    """IRD: weights by 11, a second row where the first gives 10 (Inland Revenue)."""
    digits = number.zfill(9)
    for weights in ((3, 2, 7, 6, 5, 4, 3, 2), (7, 4, 3, 2, 5, 2, 7, 6)):
        digit = -weighed(digits[:8], weights) % 11
        if digit != 10:
            return digit == int(digits[8])
    return False


def ean(number: str) -> bool:
    """GS1 check digit, weights 1 and 3 from the left of thirteen: NZBN."""
    return tens((1, 3) * 6 + (1,))(number)


def indian(number: str) -> bool:
    """GSTIN: Luhn in base 36 (Goods and Services Tax Network)."""
    total = sum(sum(divmod(_ALPHABET.index(sign) * (1 + place % 2), 36)) for place, sign in enumerate(number[:14]))
    return _ALPHABET[-total % 36] == number[14]


def singaporean(number: str) -> bool:
    """UEN of businesses (8 digits), companies (year and 5 digits) and others (`T08LL1234A`): ACRA."""
    if len(number) == 9:
        return "XMKECAWLJDB"[weighed(number[:8], (10, 4, 9, 3, 8, 2, 7, 1)) % 11] == number[8]
    if number[0].isdigit():
        return "ZKCMDNERGWH"[weighed(number[:9], (10, 8, 6, 4, 9, 7, 5, 3, 1)) % 11] == number[9]
    signs = "ABCDEFGHJKLMNPQRSTUVWX0123456789"
    total = sum(signs.index(sign) * weight for sign, weight in zip(number, (4, 3, 5, 3, 10, 2, 2, 5, 7), strict=False))
    return signs[(total - 5) % 11] == number[9]


def brazilian(number: str) -> bool:
    """CNPJ, letters too (Receita Federal, IN 2.229/2024): weights 2 to 9 from the right by 11, twice."""
    values = [ord(sign) - 48 for sign in number]
    for end in (12, 13):
        total = sum(value * (2 + place % 8) for place, value in enumerate(reversed(values[:end])))
        if values[end] != (0 if total % 11 < 2 else 11 - total % 11):
            return False
    return True


def chilean(number: str) -> bool:
    """RUT: weights 2 to 7 from the right by 11, 10 is K (Servicio de Impuestos Internos)."""
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(number[:-1])))
    return "0123456789K0"[11 - total % 11] == number[-1]


def colombian(number: str) -> bool:
    """NIT (DIAN, Orden Administrativa 4 de 1989): primes from the right by 11."""
    primes = (3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71)
    rest = weighed(number[-2::-1], primes) % 11
    return (rest if rest < 2 else 11 - rest) == int(number[-1])


def mexican(number: str) -> bool:
    """RFC of firms: weights 12 to 2 behind a blank, by 11 (SAT, anexo of the RFC rules)."""
    signs = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"
    total = sum(signs.index(sign) * (12 - place) for place, sign in enumerate(number[:11])) + 37 * 13
    return "0123456789A0"[11 - total % 11] == number[11]


def japanese(number: str) -> bool:
    """法人番号: the first digit is 9 less the rest by 9 of weights 1, 2 from the right (National Tax Agency)."""
    total = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number[1:])))
    return 9 - total % 9 == int(number[0])


def korean(number: str) -> bool:
    """사업자등록번호 (National Tax Service): weights 1, 3, 7 …, the tens of the ninth digit's product added."""
    total = weighed(number[:9], (1, 3, 7, 1, 3, 7, 1, 3, 5)) + int(number[8]) * 5 // 10
    return (10 - total % 10) % 10 == int(number[9])


def taiwanese(number: str) -> bool:
    """統一編號: sums of digits by 5; a 7 in the seventh place may count 1 less (Ministry of Finance, 2023)."""
    total = sum(
        sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(number, (1, 2, 1, 2, 1, 2, 4, 1), strict=True)
    )
    return total % 5 == 0 or (number[6] == "7" and (total + 1) % 5 == 0)


def chinese(number: str) -> bool:
    """统一社会信用代码, GB 32100-2015: powers of 3 by 31, signs without I, O, S, V, Z."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(signs.index(sign) * pow(3, place, 31) for place, sign in enumerate(number[:17]))
    return signs[-total % 31] == number[17]


def thai(number: str) -> bool:
    return (11 - weighed(number[:12], range(13, 1, -1)) % 11) % 10 == int(number[12])


def vietnamese(number: str) -> bool:
    """Mã số thuế (Tổng cục Thuế): 10 less the rest by 11."""
    return 10 - weighed(number[:9], (31, 29, 23, 19, 17, 13, 7, 5, 3)) % 11 == int(number[9])


def serbian_register(number: str) -> bool:
    return elevens(range(8, 1, -1))(number)


def slovenian_register(number: str) -> bool:
    return elevens((7, 6, 5, 4, 3, 2))(number[:7])


def icelandic(number: str) -> bool:
    """Kennitala: the ninth digit (Þjóðskrá); that of a firm has a day from 41 on."""
    return elevens((3, 2, 7, 6, 5, 4, 3, 2), ten=None)(number[:9])


def leading_luhn(number: str) -> bool:
    """Luhn over the first nine: ID (NPWP), CA (business number and its account)."""
    return luhn(number[:9])
