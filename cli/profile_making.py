"""An ideal customer profile made at the terminal: of options, or of the answers to a few questions."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import typer

from cli import console
from cli.failure import CommandError
from cli.options import words
from leadmill.errors import InputError
from leadmill.suggest import unknown
from pipelines.scoring import vocabulary
from pipelines.scoring.profile import CRITERIA, Profile, checked_profile, name_of

T = TypeVar("T")
#: Criterion → the question for what is wanted, and what a word of the answer may be.
_LISTS: dict[str, tuple[str, Callable[[str], object]]] = {
    "countries": ("Countries or regions (DACH, EU, Nordics, Germany …)", vocabulary.place),
    "industries": ("Industries (Software, Retail, Manufacturing …)", vocabulary.industry),
    "technologies": ("Technologies they should use (Shopify, HubSpot …)", vocabulary.technology),
    "words": ("Words they should say of themselves (wholesale, B2B …)", vocabulary.phrase),
}


def of_options(
    name: str,
    lists: Mapping[str, tuple[str | None, str | None]],
    size: str | None,
    must: str | None,
    veto: str | None,
    weight: str | None,
    *,
    hiring: bool,
) -> Profile:
    """The profile that the options of `leadmill icp new` say.

    Raises:
        InputError: a name is none, or options do not fit together.
    """
    document: dict[str, Any] = {}
    for key, pair in lists.items():
        found = {part: words(text) for part, text in zip(("wanted", "unwanted"), pair, strict=True) if text}
        if found:
            document[key] = found
    if size:
        document["size"] = _band(size)
    if hiring:
        document["hiring"] = {"wanted": True}
    for option, text in (("must", must), ("veto", veto)):
        for key in words(text or ""):
            _criterion(document, key, f"--{option}")[option] = True
    for entry in words(weight or ""):
        key, _, number = entry.partition("=")
        if not number.isdecimal():
            raise InputError(f"--weight: {entry!r}: write it like industries=8")
        _criterion(document, key, "--weight")["weight"] = int(number)
    return checked_profile({"name": name, **document})


def of_answers(name: str | None) -> Profile:
    """The profile of whoever answers the questions; an empty answer leaves a criterion out."""
    console.note("Describe the customers you look for. Separate several answers by commas; Enter skips a question.")
    document: dict[str, Any] = {}
    for key, (question, means) in _LISTS.items():
        if wanted := _ask(question, partial(_meant, means)):
            document[key] = {"wanted": wanted}
            if key == "countries" and _agrees("Exclude companies elsewhere?", default=True):
                document[key]["must"] = True
    if unwanted := _ask("Words that rule a company out (agency, Verein …)", partial(_meant, vocabulary.phrase)):
        document.setdefault("words", {}).update(unwanted=unwanted, veto=True)
    if size := _ask("How many people (12-40, 50-, -200)", lambda text: _band(text) if text else None):
        document["size"] = size
    if _agrees("Prefer companies that are hiring?", default=False):
        document["hiring"] = {"wanted": True}
    if not document:
        raise CommandError("a profile needs at least one answer", hint="leadmill icp new --countries DACH")
    name = name or _ask("A short name for it", lambda text: name_of(Path(text or "icp")))
    return checked_profile({"name": name, **document})


def write(profile: Profile, file: Path) -> None:
    """As TOML, into a new file.

    Raises:
        CommandError: the file is there already.
    """
    lines = [f"name = {_toml(profile.name)}"]
    for key, criterion in profile.criteria().items():
        own = criterion.model_dump(exclude_none=True, exclude_defaults=True)
        lines += ["", f"[{key}]", *(f"{name} = {_toml(value)}" for name, value in own.items())]
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
    except FileExistsError as error:
        raise CommandError(f"{file} exists", hint="leadmill icp new NAME    # another name, or --out FILE") from error


def _ask(question: str, read: Callable[[str], T]) -> T:
    """The answer, asked again until it can be read."""
    while True:
        text = _typed(question)
        try:
            return read(text)
        except (ValueError, InputError) as error:
            console.note(f"  {console.clean(error)}")


def _agrees(question: str, *, default: bool) -> bool:
    """Yes or no, asked again until it is one of the two; Enter is the default."""
    answers = {"": default, "y": True, "yes": True, "n": False, "no": False}
    while (said := _typed(f"{question} {'Y/n' if default else 'y/N'}").lower()) not in answers:
        console.note("  y or n")
    return answers[said]


def _typed(question: str) -> str:
    """A line of the person who is asked on stderr: stdout is for the file's name."""
    sys.stderr.write(f"{question}: ")
    sys.stderr.flush()
    try:
        return input().strip()
    except EOFError as error:
        raise typer.Abort from error


def _meant(means: Callable[[str], object], text: str) -> list[str]:
    found = words(text)
    for word in found:
        means(word)
    return found


def _band(text: str) -> dict[str, int]:
    """`12-40`, `12-` or `-40`"""
    least, dash, most = text.replace("–", "-").replace(" ", "").partition("-")
    if not dash or not all(part.isdecimal() or not part for part in (least, most)):
        raise InputError(f"{text!r} is no number of people: write 12-40, 12- or -40", field="size")
    return {name: int(part) for name, part in (("min", least), ("max", most)) if part}


def _criterion(document: dict[str, Any], key: str, option: str) -> dict[str, Any]:
    if key not in document:
        given = [one for one in CRITERIA if one in document]
        raise InputError(f"{option}: {unknown('criterion of this profile', key, given)}")
    found: dict[str, Any] = document[key]
    return found


def _toml(value: Any) -> str:
    """A text, a number, yes or no, or a list of texts."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
