"""The table of classes that a company may be declared as is made of the vocabulary's own tree."""

from __future__ import annotations

from pathlib import Path

from deploy.class_table import HEAD, table
from extraction.structured.classes import TABLE, kind_of

TREE = """label,subTypeOf
Organization,https://schema.org/Thing
LocalBusiness,"https://schema.org/Organization, https://schema.org/Place"
Winery,https://schema.org/FoodEstablishment
FoodEstablishment,https://schema.org/LocalBusiness
CivicStructure,https://schema.org/Place
Hospital,"https://schema.org/CivicStructure, https://schema.org/FoodEstablishment"
Museum,https://schema.org/CivicStructure
City,https://schema.org/Place
Place,https://schema.org/Thing
Person,https://schema.org/Thing
"""


def test_each_class_stands_under_the_first_kind_that_holds_it(tmp_path: Path) -> None:
    vocabulary = tmp_path / "types.csv"
    vocabulary.write_text(TREE, encoding="utf-8")
    kinds = dict(part.split(' = """\n') for part in table(vocabulary).removeprefix(HEAD).split('\n"""\n') if part)
    assert {kind: names.split() for kind, names in kinds.items()} == {
        "organization": ["foodestablishment", "hospital", "localbusiness", "organization", "winery"],
        "venue": ["apartmentcomplex", "civicstructure", "museum", "touristattraction"],
        "place": ["city", "place"],
    }


def test_the_table_is_of_a_whole_release() -> None:
    assert TABLE.read_text(encoding="utf-8").startswith(HEAD)
    for names, kind in (
        ("winery hospital pharmacy onlinestore consortium medicalclinic attorney", "organization"),
        ("museum zoo church airport touristattraction", "venue"),
        ("city mountain place accommodation", "place"),
        ("product article event", ""),
    ):
        assert {kind_of(frozenset([name])) for name in names.split()} == {kind}
