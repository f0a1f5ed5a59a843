"""Which facts speak of which column: a fact names its field as one value is called, a column as all of them are."""

from __future__ import annotations

#: Longest quote that a fact keeps, characters.
MAX_QUOTE = 160
#: Column → the field of its facts, where they are called otherwise.
_OTHERWISE = {
    "emails": "email",
    "phones": "phone",
    "technologies": "technology",
    "locations": "location",
    "employees_min": "employees",
    "employees_max": "employees",
}


def fact_field(column: str) -> str:
    """The field of a column's facts; of `social` and `technologies` what stands before the colon (`social:x`)."""
    return _OTHERWISE.get(column, column)


def is_of(field: str, column: str) -> bool:
    """Whether a fact of this field speaks of this column. The first of the locations is the one that is the address."""
    base = field.partition(":")[0]
    return base in (fact_field(column), column) or (column, base) == ("locations", "address")
