"""The ideal customer profile (ICP) as users write it, in TOML or in a request: what they want, and how much.

```toml
name = "dach-shops"

[countries]
wanted = ["DACH", "Netherlands"]
must = true                        # what is known to lie elsewhere is excluded

[industries]
wanted = ["Retail"]
unwanted = ["Insurance"]
weight = 8                         # 1 to 10; 5 where none is given

[size]
min = 12                           # people
max = 40

[technologies]
wanted = ["Shopify"]
unwanted = ["Magento"]
veto = true                        # what has an unwanted one is excluded

[words]                            # in what the company says of itself; whole words, `shop*` for a beginning
wanted = ["wholesale", "Großhandel"]

[hiring]
wanted = true                      # has a careers page
```
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from leadmill.errors import ConfigError, InputError
from leadmill.suggest import did_you_mean
from pipelines.scoring import vocabulary
from pipelines.scoring.rules import read_file
from pipelines.scoring.vocabulary import Meant

#: Entries of one list.
MAX_ENTRIES = 40
_MOST_PEOPLE = 10_000_000

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Weight = Annotated[int, Field(ge=1, le=10)]
Entry = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Entries = Annotated[list[Entry], Field(max_length=MAX_ENTRIES)]
People = Annotated[int, Field(ge=1, le=_MOST_PEOPLE)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Criterion(_Table):
    """One question about a company, and how much its answer counts beside the others'."""

    weight: Weight = 5
    #: A company that is known to be otherwise is excluded.
    must: bool = False


class Listed(Criterion):
    """What is wanted, and what is not."""

    wanted: Entries = []
    unwanted: Entries = []
    #: A company that has an unwanted one is excluded.
    veto: bool = False

    #: A company has one of them, never two.
    ONE_VALUE: ClassVar[bool] = False

    def meant(self, words: Sequence[str]) -> list[Meant]:
        """What its words stand for; ValueError: one for nothing."""
        return [_MEANS[type(self)](word) for word in words]

    @model_validator(mode="after")
    def _each_has_an_effect(self) -> Listed:
        if not self.wanted and not self.unwanted:
            raise ValueError("name something wanted or unwanted")
        if self.must and not self.wanted:
            raise ValueError("must: name what is wanted")
        if self.veto and not self.unwanted:
            raise ValueError("veto: name what is unwanted")
        seen: dict[frozenset[str], str] = {}
        for key in ("unwanted", "wanted"):
            for word in getattr(self, key):
                try:
                    [meant] = self.meant([word])
                except ValueError as error:
                    raise ValueError(f"{key}: {error}") from None
                same = frozenset(map(vocabulary.folded, meant.values))
                if (before := seen.get(same)) is not None:
                    as_what = "" if before.casefold() == word.casefold() else f", also as {before!r}"
                    raise ValueError(f"{key}: {word!r} is named twice{as_what}")
                seen[same] = word
                if key == "wanted" and self.ONE_VALUE and same <= frozenset().union(*self._unwanted_values()):
                    raise ValueError(f"wanted: all of {word!r} is unwanted")
        return self

    def _unwanted_values(self) -> list[frozenset[str]]:
        return [frozenset(map(vocabulary.folded, one.values)) for one in self.meant(self.unwanted)]


class Countries(Listed):
    """Countries by name or code, and regions."""

    ONE_VALUE = True


class Industries(Listed):
    """Industries, and groups of them."""

    ONE_VALUE = True


class Technologies(Listed):
    """What a site runs on."""


class Words(Listed):
    """Words and phrases in a company's name and description: whole ones, in any case, with or without accents."""


_MEANS: dict[type[Listed], Callable[[str], Meant]] = {
    Countries: vocabulary.place,
    Industries: vocabulary.industry,
    Technologies: vocabulary.technology,
    Words: vocabulary.phrase,
}


class Size(Criterion):
    """How many people work there."""

    min: People | None = None
    max: People | None = None

    @model_validator(mode="after")
    def _is_a_band(self) -> Size:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is larger than max")
        return self


class Hiring(Criterion):
    """Whether it looks for people: has a careers page."""

    wanted: Literal[True]


class Profile(_Table):
    """An ideal customer profile."""

    name: Slug = "icp"
    countries: Countries | None = None
    industries: Industries | None = None
    size: Size | None = None
    technologies: Technologies | None = None
    words: Words | None = None
    hiring: Hiring | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Profile:
        if not self.criteria():
            raise ValueError(f"name at least one of {', '.join(CRITERIA)}")
        return self

    def criteria(self) -> dict[str, Criterion]:
        """What is asked, by its key."""
        return {name: found for name in CRITERIA if (found := getattr(self, name)) is not None}

    def as_json(self) -> str:
        """The whole of it, the same for the same profile."""
        return json.dumps(self.model_dump(exclude_none=True), sort_keys=True, ensure_ascii=False)


CRITERIA = tuple(name for name in Profile.model_fields if name != "name")


def checked_profile(document: object) -> Profile:
    """A profile given in a request.

    Raises:
        InputError: `field` says what is wrong: `icp.countries`.
    """
    try:
        return Profile.model_validate(document)
    except ValidationError as error:
        where, what = _fault(error)
        raise InputError(what, field=".".join(["icp", *where])) from error


def read_profile(file: Path) -> Profile:
    """A profile in a TOML file; its name is the file's unless it has one.

    Raises:
        ConfigError: the file cannot be read or is wrong; the message names the file and the key.
    """
    raw = read_file(file)
    try:
        document = tomllib.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    try:
        return Profile.model_validate({"name": name_of(file), **document})
    except ValidationError as error:
        where, what = _fault(error)
        raise ConfigError(": ".join(filter(None, (str(file), ".".join(where), what)))) from error


def name_of(file: Path) -> str:
    """`DACH shops.toml` → `dach-shops`"""
    return re.sub(r"[^a-z0-9_-]+", "-", file.stem.lower()).strip("-0123456789_")[:40] or "icp"


def _fault(error: ValidationError) -> tuple[Sequence[str], str]:
    """Where the first fault of a profile is, and what it is, in words."""
    faults = error.errors(include_url=False)
    fault: Mapping[str, Any] = min(faults, key=lambda one: one["type"] != "extra_forbidden")
    where = [str(key) for key in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        table = _TABLES.get(where[0], Profile) if len(where) > 1 else Profile
        return where, f"no such key; {did_you_mean(where[-1], table.model_fields)}"
    if fault["type"] in ("model_type", "dict_type"):
        return where, "a table is needed"
    text = str(fault["msg"]).removeprefix("Value error, ")
    if where == ["name"] and fault["type"] == "string_pattern_mismatch":
        text = "a short name in lower case, like dach-shops, is needed"
    return where, text[:1].lower() + text[1:] if text[1:2].islower() else text


_TABLES: dict[str, type[_Table]] = {
    "countries": Countries,
    "industries": Industries,
    "size": Size,
    "technologies": Technologies,
    "words": Words,
    "hiring": Hiring,
}
