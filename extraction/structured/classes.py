"""What a declared type stands for: the classes below schema.org's Organization and Place, and a few of others.

`classes.toml` is written from a release of the vocabulary by `deploy/class_table.py`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

TABLE = Path(__file__).with_name("classes.toml")
#: Classes of other vocabularies and spellings that pages have, and those that have no descendants.
_OTHERS = {
    "organization": "organisation businessentity company business business.business online-business",
    "place": "location",
    "person": "person patient",
    "address": "postaladdress address",
    "contactpoint": "contactpoint",
    "website": "website webpage aboutpage contactpage collectionpage profilepage itempage faqpage homepage",
}


@cache
def _kinds() -> Mapping[str, str]:
    kinds = {name: kind for kind, names in reversed(tomllib.loads(TABLE.read_text(encoding="utf-8")).items())
             for name in names.split()}  # fmt: skip
    return kinds | {name: kind for kind, names in _OTHERS.items() for name in names.split()}


#: Of several types of one node the kind that stands first here counts.
_ORDER = ("organization", "person", "venue", "place", "address", "contactpoint", "website")


@lru_cache(maxsize=2_048)
def kind_of(types: frozenset[str]) -> str:
    """What types in lower case stand for: one of `organization`, `venue`, `person`, `place`, `address`,
    `contactpoint`, `website`; empty for all else.
    """
    kinds = {_kinds().get(name, "") for name in types}
    return next((kind for kind in _ORDER if kind in kinds), "")
