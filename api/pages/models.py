"""GET /ui/models: by which rules leads are scored: the models and profiles that a run may name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, NamedTuple

from fastapi import Query, Request
from fastapi.responses import Response

from api.as_code import as_code
from api.context import Context, Here
from api.fields import Blank
from api.page import page
from api.pages import Place
from api.routing import Router
from leadmill.access import Role
from leadmill.errors import ConfigError, InputError
from leadmill.redaction import redacted
from pipelines.scoring.models import DEFAULT, Models, text_of_built_in
from pipelines.scoring.profile_rules import model_for
from pipelines.scoring.rules import Rule, ScoringModel, compiled

router = Router(include_in_schema=False)
PLACE = Place(60, "/ui/models", "Models", further=True)

Name = Annotated[str, Query(min_length=1, max_length=100)]


class Axis(NamedTuple):
    """Rules of a model that speak of the same."""

    name: str
    rules: list[Rule]


@dataclass(frozen=True)
class Shown:
    """A model or a profile, and what is wrong with it."""

    #: The option of a run that names it: `scoring_model` or `icp`.
    option: str
    name: str
    model: ScoringModel | None = None
    fault: str | None = None

    def axes(self) -> Iterator[Axis]:
        """Its rules by what they speak of, in the order in which they stand."""
        rules = self.model.rules if self.model else ()
        order = {axis: place for place, axis in enumerate(dict.fromkeys(rule.axis for rule in rules))}
        for name, some in groupby(sorted(rules, key=lambda rule: order[rule.axis]), key=lambda rule: rule.axis):
            yield Axis(name, list(some))


@router.get("/ui/models", role=Role.VIEWER)
def models(
    request: Request,
    here: Here,
    scoring_model: Annotated[Name | None, Blank] = None,
    icp: Annotated[Name | None, Blank] = None,
) -> Response:
    if scoring_model and icp:
        raise InputError("one at a time", field="icp")
    known = Models.of(here.settings)
    shown = _profile(here, known, icp) if icp else _model(here, known, scoring_model or DEFAULT)
    body = {"company_urls": ["example.com"]} | ({} if shown.name == DEFAULT else {shown.option: shown.name})
    return page(
        request,
        "pages/models.html",
        shown=shown,
        names=known.names(),
        profiles=known.profile_names(),
        faults=list(known.faults()) if here.caller.administers_all else [],
        code_texts=as_code(request, here, body),
        usual="LEADMILL_SCORING_FILE" if known.scoring_file else "b2b-default",
    )


def _model(here: Context, known: Models, name: str) -> Shown:
    try:
        return Shown("scoring_model", name, _compiled(known, name))
    except ConfigError as error:
        return Shown("scoring_model", name, fault=_told(here, error))


def _profile(here: Context, known: Models, name: str) -> Shown:
    try:
        return Shown("icp", name, model_for(known.profile(name), _compiled(known, DEFAULT)))
    except ConfigError as error:
        return Shown("icp", name, fault=_told(here, error))


def _compiled(known: Models, name: str) -> ScoringModel:
    return compiled(known.text(name) or text_of_built_in(name), name)


def _told(here: Context, error: ConfigError) -> str:
    """What is wrong with a file: who administers the installation is told all of it, for it names places there."""
    return redacted(str(error)) if here.caller.administers_all else "its file cannot be used as it is"
