"""VAT and register numbers: every check digit of the table, and the words in many languages that name a number."""

from __future__ import annotations

import pytest

from extraction import company_row
from extraction.company_numbers import REGISTERS, VAT, lei, register_number, vat_id
from extraction.extractors import phones, registers
from extraction.process import extract
from tests.extraction.conftest import NOW, make_company, make_page

#: Invented numbers with right check digits, and those that authorities publish as examples.
VAT_NUMBERS = {
    "AT": "U39099603 U91186252 U13585627",
    "BE": "0428759497 1987490606 1030384379",
    "BG": "964423712 570307830 187322465",
    "CY": "11361845K 31471473W 08323559A",
    "CZ": "25123891 64949681 603709186",
    "DE": "136695976 166863461 889351201",
    "DK": "31324300 26574374 13585628",
    "EE": "105750336 106081790 108626454",
    "GR": "179792190 522727622 770545815",
    "ES": "A13585625 B58378431 79518451E",
    "FI": "71754272 60971116 20774740",
    "FR": "44732829320 40303265045 8W042220194",
    "HR": "87301829807 44828261235 33392005961",
    "HU": "75090546 12892312 12892312242",
    "IE": "6433435F 6433435OA 8D79739I",
    "IT": "00743110157 07323230974 03227740051",
    "LT": "119511515 100001919017 222655715",
    "LU": "15027442 87111269 48312230",
    "LV": "40769041838 59771868611 40003521600",
    "MT": "11679112 21151399 40171164",
    "NL": "004495445B01 123456789B13 608483369B01",
    "PL": "8567346215 1775425769 8145479632",
    "PT": "501964843 538037610 734622937",
    "RO": "18547290 810887150 22117096",
    "SE": "556036079301 123456789701 860403213907",
    "SI": "50223054 38688875 47171731",
    "SK": "2022749619 2188917775 2291374635",
    "GB": "980780684 980780684001 GD402",
    "CH": "107787577MWST 373221030TVA 976194510",
    "NO": "995525828MVA 974760673 983160379MVA",
    "RS": "101134702 131635161 135560644",
    "RU": "7707083893 0446402162 500100732259",
    "TR": "4540536920 5536898238 4736334034",
    "IL": "516179157 543697379 563262872",
    "ZA": "4220119988 4416252155 4480603457",
    "AU": "51824753556 83914571673 11717313119",
    "NZ": "49091850 109689270 35901981",
    "IN": "27AAPFU0939F1ZV 29AAGCB7383J1Z4 27AAACR5055K1Z7",
    "BR": "16727230000197 00000000000191 12ABC34501DE35",
    "AR": "20267565393 34224194910 30219392431",
    "CL": "760864285 13535612 125319092",
    "CO": "8503081733 8970479595 8976323026",
    "PE": "20512333797 20278494382 15369290662",
    "MX": "MAB9307148T4 KKO5206081T3 HFW726690DR8",
    "CA": "123026635RT0001 035755297RT7381 845316991RT6093",
    "JP": "T1180301018771 T7000012050002 T8856418731139",
    "KR": "1248100998 9434568649 8722822081",
    "TW": "00501503 22099131 04595257",
    "TH": "0107537000521 0546056971363 0709944244400",
    "VN": "0100233488 5428562203 7050039012",
    "ID": "013000666091000 0406926709656483 0635896350320074",
}
REGISTER_NUMBERS = {
    "AT": "56247T 93363Z 33209M",
    "AU": "004085616 720694075 291948073",
    "BE": "0428759497 1444153816 1260672772",
    "CA": "123026635 057265480 967908328",
    "CH": "107787577 499246322 602394368",
    "CN": "91110000600037341L 91228029E5P70AY8UM 184320272HFY5T9G3X",
    "CZ": "25123891 65996194 22693530",
    "DK": "13585628 49272383 16228028",
    "EE": "12345678 85363901 72360550",
    "FI": "20774740 12621437 30118974",
    "FR": "732829320 418888632 73282932000074",
    "IL": "516179157 572399566 546274952",
    "IS": "5402696029 5143502801 4679587639",
    "JP": "5835678256246 7853016771650 2176524310943",
    "KR": "1248100998 2373485741 9624192628",
    "LT": "277006402 224657063 117619435",
    "LV": "40003521600 80776053712 85573290321",
    "NO": "998404797 833440578 988077917",
    "PT": "501964843 438958500 721996795",
    "RU": "1027700132195 1022200525819 4542613585114",
    "SE": "5560360793 5633611313 3851611701",
    "SG": "00192200M 197401143C S16FC0121D",
    "SI": "9331310000 8054525 8417024",
    "TW": "00501503 25385077 35860671",
    "UA": "32855961 43786230 50610797",
}
#: Whose check digits catch every change of one digit, as their algorithms promise.
CATCHING = "AT BE DE DK EE HR HU IT LU LV MT PL SE SK CH NO RS AU IN KR".split()


@pytest.mark.parametrize(("country", "numbers"), VAT_NUMBERS.items())
def test_vat_numbers_are_proved(country: str, numbers: str) -> None:
    for number in numbers.split():
        bare = vat_id(number, country)
        assert bare and bare.proved, number
        assert vat_id(bare.number, country) == bare, "with its prefix it is the same"
        assert not any(vat_id(number[:place] + other + number[place + 1 :], country)
                       for place, digit in enumerate(number) if digit.isdigit() and country in CATCHING
                       and not (country == "HU" and place > 7) and not (country == "SE" and place > 9)
                       for other in set("0123456789") - {digit}), number  # fmt: skip


@pytest.mark.parametrize(("country", "numbers"), REGISTER_NUMBERS.items())
def test_register_numbers_are_proved_and_wrong_ones_refused(country: str, numbers: str) -> None:
    for number in numbers.split():
        read = register_number(number, country)
        assert read and read.proved, number
        # Taiwan's rule is by 5; of Iceland's number the last digit is the century.
        place = max(place for place, sign in enumerate(number[: -1 if country == "IS" else None]) if sign.isdigit())
        digit = number[place]
        wrong = [number[:place] + other + number[place + 1 :] for other in "0123456789" if other != digit]
        assert sum(bool(register_number(other, country)) for other in wrong) <= (3 if country == "TW" else 2), number


def test_the_table_is_whole() -> None:
    assert {country for country, kind in VAT.items() if kind.proof} == set(VAT_NUMBERS)
    proved = {country for country, kinds in REGISTERS.items() if any(kind.proof for kind in kinds)}
    # The same numbers as of the tax, or in the table of texts below.
    assert proved - {*REGISTER_NUMBERS} == {"BG", "BR", "HR", "IT", "NZ", "PL", "RS", "SK"}
    assert lei("213800KUD8LAJWSQ9D15") and not lei("213800KUD8LXJWSQ9D15")
    assert not vat_id("000000000", "GB"), "of one digit only"
    assert vat_id("XI980780684", "GB") == vat_id("XI 980 7806 84".replace(" ", ""), "GB")


def read(document, text: str, country: str | None, **options):
    page = document("".join(f"<p>{line}" for line in text.split("\n")), **{"kind": "imprint"} | options)
    vat, entry = registers.settle(list(registers.find(page)), country)
    return vat.value if vat else None, registers.written(entry.value) if entry else None


@pytest.mark.parametrize(
    ("text", "country", "vat", "entry"),
    [
        ("USt-IdNr.: DE136695976\nAmtsgericht München, HRB 77120",
         "DE", "DE136695976", "HRB 77120, Amtsgericht München, DE"),
        ("Umsatzsteuer-Identifikationsnummer gemäß § 27 a Umsatzsteuergesetz: DE 136 695 976",
         "DE", "DE136695976", None),
        ("USt-ID\nDE136695976", "DE", "DE136695976", None),
        ("Registergericht: Amtsgericht Charlottenburg (Berlin)\nRegisternummer: HRB 12345 B", "DE",
         None, "HRB 12345 B, Amtsgericht Charlottenburg (Berlin), DE"),
        ("UID-Nr: ATU13585627, FN 56247 t, Landesgericht Salzburg",
         "AT", "ATU13585627", "FN 56247t, Landesgericht Salzburg, AT"),
        ("UID: CHE-107.787.577", "CH", None, "CHE-107.787.577, CH"),
        ("CHE-107.787.577 TVA", "CH", "CHE107787577MWST", "CHE-107.787.577, CH"),
        ("KvK 20550707\nBTW NL608483369B01\nIBAN NL91 ABNA 0417 1643 00", "NL", "NL608483369B01", "20550707, NL"),
        ("Inschrijving K.v.K. Den Haag: 20550707 btw-nummer: NL.6084.83.369.B.01",
         "NL", "NL608483369B01", "20550707, NL"),
        ("BTW BE 0428.759.497 RPR Antwerpen", "BE", "BE0428759497", "0428.759.497, RPR Antwerpen, BE"),
        ("Numéro d'entreprise : 0428.759.497", "BE", None, "0428.759.497, BE"),
        ("SAS au capital de 10 000 € - RCS Nanterre 732 829 320 - TVA FR44732829320", "FR", "FR44732829320",
         "732829320, RCS Nanterre, FR"),
        ("732 829 320 RCS Nanterre. N° TVA intracommunautaire : FR 44 732 829 320", "FR", "FR44732829320",
         "732829320, RCS Nanterre, FR"),
        ("Immatriculée au RCS de La Rochelle sous le numéro 732 829 320", "FR", None, "732829320, RCS La Rochelle, FR"),
        ("Focal (On-Line) Limited Registered in England No.6320933", "GB", None, "06320933, GB"),
        ("N° SIRET : 732 829 320 00074", "FR", None, "732829320, FR"),
        ("R.C.S. Luxembourg B 123456 TVA LU15027442", "LU", "LU15027442", "B 123456, LU"),
        ("P.IVA e C.F. 00743110157 - REA MI-1234567 - Registro Imprese di Milano", "IT", "IT00743110157",
         "MI-1234567, Registro Imprese di Milano, IT"),
        ("P.IVA00743110157", "IT", "IT00743110157", None),
        ("CIF: A-13585625. Registro Mercantil de Madrid, Tomo 12, Folio 3, Hoja M-123456", "ES", "ESA13585625",
         "M-123456, Registro Mercantil de Madrid, ES"),
        ("NIPC 501 964 843", "PT", "PT501964843", "501964843, PT"),
        ("Registered in England and Wales No. 1234567. VAT No. GB 980 7806 84", "GB", "GB980780684", "01234567, GB"),
        ("Company Registration Number: SC123456 | VAT Registration Number 980 7806 84",
         "GB", "GB980780684", "SC123456, GB"),
        ("Registered in England &amp; Wales under company number 01234567", None, None, "01234567, GB"),
        ("Registered in Ireland No. 123456. VAT IE6433435F", "IE", "IE6433435F", "123456, IE"),
        ("CVR-nr. 13585628", "DK", "DK13585628", "13585628, DK"),
        ("Org.nr: 556036-0793 Momsreg.nr SE556036079301", "SE", "SE556036079301", "556036-0793, SE"),
        ("Foretaksregisteret NO 995 525 828 MVA", "NO", "NO995525828MVA", "995525828, NO"),
        ("Y-tunnus 2077474-0, ALV-numero FI20774740", "FI", "FI20774740", "2077474-0, FI"),
        ("NIP: 856-734-62-15, REGON 192598184, KRS 0000123456, Sąd Rejonowy w Toruniu", "PL", "PL8567346215",
         "0000123456, Sąd Rejonowy w Toruniu, PL"),
        ("IČO: 25123891, DIČ: CZ25123891, zapsaná u Městského soudu v Praze, oddíl C, vložka 12345", "CZ", "CZ25123891",
         "25123891, Městského soudu v Praze, CZ"),
        ("IČO: 25123891, IČ DPH: SK2022749619", "SK", "SK2022749619", "25123891, SK"),
        ("Cégjegyzékszám: 01-09-123456, Adószám: 12892312-2-42", "HU", "HU12892312", "01-09-123456, HU"),
        ("CUI: RO18547290; Nr. Reg. Com.: J40/1234/2020", "RO", "RO18547290", "J40/1234/2020, RO"),
        ("OIB: 33392005961", "HR", "HR33392005961", "33392005961, HR"),
        ("ΑΦΜ 179792190, Γ.Ε.ΜΗ. 123456789000", "GR", "EL179792190", "123456789000, GR"),
        ("ABN 51 824 753 556 ACN 004 085 616", "AU", "AU51824753556", "004085616, AU"),
        ("NZBN 9429000106078", "NZ", None, "9429000106078, NZ"),
        ("GSTIN: 27AAPFU0939F1ZV CIN: U72200KA2013PTC097389", "IN", "IN27AAPFU0939F1ZV", "U72200KA2013PTC097389, IN"),
        ("CNPJ: 16.727.230/0001-97", "BR", "BR16727230000197", "16727230000197, BR"),
        ("ИНН 7707083893 ОГРН 1027700132195", "RU", "RU7707083893", "1027700132195, RU"),
        ("Reg. No. 2012/123456/07 VAT No 4220119988", "ZA", "ZA4220119988", "2012/123456/07, ZA"),
        ("登録番号 T7000012050002 法人番号 7000012050002", "JP", "JPT7000012050002", "7000012050002, JP"),
        ("統一編號：22099131", "TW", "TW22099131", "22099131, TW"),
        ("Eingetragen im Vereinsregister VR 4711 beim Amtsgericht Kiel", "DE", None, "VR 4711, Amtsgericht Kiel, DE"),
        ("Vereinsregister beim Amtsgericht Kiel unter VR 4711", "DE", None, "VR 4711, Amtsgericht Kiel, DE"),
        ("bij de Kamer van Koophandel te Utrecht onder nummer 30123456", "NL", None, "30123456, NL"),
        ("IČ: 25123891", "CZ", None, "25123891, CZ"),
        ("Y-tunnus 0112038-9", "FI", None, "0112038-9, FI"),
        ("Business ID: 0112038-9", "FI", None, "0112038-9, FI"),
        ("Daňové identifikační číslo: CZ25123891", "CZ", "CZ25123891", None),
        ("Porezni broj 87301829807", "HR", "HR87301829807", None),
        ("LEI: 213800KUD8LAJWSQ9D15", "GB", None, "LEI 213800KUD8LAJWSQ9D15, GB"),
        # Not theirs: wrong check digits, other numbers, no label, another country's bare number.
        ("USt-IdNr.: DE136695977", "DE", None, None),
        ("Steuernummer 12/345/67890", "DE", None, None),
        ("VAT 123456789", "GB", None, None),
        ("FCA registered number 123456", "US", None, None),
        ("Registered charity 1234567", "GB", None, None),
        ("Order DE136695976 today", "DE", None, None),
        ("VAT: 980780684", "US", None, None),
        ("Private area 4711, open 10-18, organic 12345678", "NL", None, None),
    ],
)  # fmt: skip
def test_numbers_are_read_by_the_words_before_them(document, text, country, vat, entry):
    assert read(document, text, country) == (vat, entry)


def test_of_a_tax_code_and_a_vat_number_the_latter_is_taken(document) -> None:
    page = document("<p>Onda S.r.l. - C.F. 00743110157 - P.IVA 07643520567", domain="onda.it")
    vat, _ = registers.settle(list(registers.find(page)), "IT")
    assert vat is not None and vat.value == "IT07643520567"
    page = document("<p>Onda S.r.l. - Cod. Fiscale n. 00743110157", domain="onda.it")
    vat, _ = registers.settle(list(registers.find(page)), "IT")
    assert vat is not None and vat.value == "IT00743110157"


def test_declared_numbers(document):
    html = (
        '<script type="application/ld+json">{"@type": "Organization", "name": "Acme", "vatID": "DE 136695976",'
        '"iso6523Code": "0106:20550707", "leiCode": "213800KUD8LAJWSQ9D15", "identifier":'
        '{"@type": "PropertyValue", "propertyID": "HRB", "value": "77120"}}</script>'
    )
    page = document(html)
    vat, entry = registers.settle(list(registers.find(page)), "DE")
    assert vat and (vat.value, vat.method, vat.node) == ("DE136695976", "json-ld", "json-ld:0")
    assert entry and entry.value["number"] == "HRB 77120"


def test_a_number_of_a_register_is_no_phone_and_the_facts_quote_the_page(document):
    text = (
        "<p>Telefoon: 085 001 02 03<p>KvK 20550707<p>BTW NL608483369B01<p>Foretaksregisteret NO 995 525 828 MVA"
        "<p>SIRET 732 829 320 00074<p>CVR-nr. 13585628"
    )
    page = make_page(text, domain="zwaan.nl", kind="contact")
    row = company_row.settle(make_company("zwaan.nl"), extract(page), NOW)
    assert row["phones"] == ["+31850010203"]
    assert (row["vat_id"], row["register"]) == (
        "NL608483369B01",
        {"number": "20550707", "court": None, "country": "NL"},
    )
    facts = {fact["field"]: fact for fact in row["facts"]}
    assert facts["vat_id"]["quote"] == "BTW NL608483369B01"
    assert (facts["register"]["value"], facts["register"]["line"]) == ("20550707, NL", 1)
    assert [f.value for f in phones.find(document("<p>Org.nr. 995 525 828<p>Tel. 22 12 34 56"))] == ["22 12 34 56"]
