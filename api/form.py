"""What a form of a page sends, as it was typed: so it is shown again where a field is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData

from api.problems import BodyError
from api.uploads import form_of
from leadmill.answers import FieldError
from leadmill.errors import LeadmillError

#: Most fields of a form, and bytes of one.
_MAX_FIELDS, _MAX_FIELD_BYTES = 50, 1_000_000
AnyBody = TypeVar("AnyBody", bound=BaseModel)


@dataclass(frozen=True)
class Form:
    """Values of its fields, by name."""

    values: Mapping[str, list[str]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A field's only value, without space around it."""
        return (self.values.get(name) or [""])[0].strip()

    def has(self, name: str, value: str = "on") -> bool:
        """Whether a box is ticked."""
        return value in self.values.get(name, ())

    def parts(self, name: str) -> list[str]:
        """What stands in a field between commas."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()]

    def lines(self, name: str) -> list[str]:
        """What stands in its lines, without blank ones."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def time(self, name: str) -> str:
        """A field for a time, which has no zone: it is meant in UTC."""
        at = self.text(name)
        return at if not at or at.endswith("Z") else f"{at}:00Z" if len(at) == 16 else f"{at}Z"


def texts_of(form: FormData) -> dict[str, list[str]]:
    """What its fields hold, by name, without files."""
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


async def _typed(request: Request) -> AsyncIterator[Form]:
    async with form_of(request, 0, _MAX_FIELDS, _MAX_FIELD_BYTES) as form:
        yield Form(texts_of(form))


#: What a person has filled in.
Typed = Annotated[Form, Depends(_typed)]


def checked(body: type[AnyBody], given: Mapping[str, object]) -> AnyBody:
    """A body of the API by its own rules.

    Raises:
        BodyError: a field is wrong.
    """
    try:
        return body.model_validate(given)
    except ValidationError as error:
        raise BodyError(error.errors(include_url=False, include_input=False), body) from error


def faults_of(error: LeadmillError) -> tuple[FieldError, ...]:
    """What is wrong with a form, a message a field; of all of it under the field ``."""
    if isinstance(error, BodyError):
        return tuple(error.errors)
    return ({"field": getattr(error, "field", None) or "", "message": str(error)},)


def by_field(faults: tuple[FieldError, ...]) -> Mapping[str, list[str]]:
    """Messages by the name of the field in the form: `tags[2]` stands at `tags`."""
    found: dict[str, list[str]] = {}
    for fault in faults:
        name = fault["field"].removeprefix("pipeline.").partition("[")[0]
        found.setdefault(name, []).append(fault["message"])
    return found
