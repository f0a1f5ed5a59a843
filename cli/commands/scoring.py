"""By what leads are scored: `leadmill models`, and `leadmill icp …` for ideal customer profiles."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import console
from cli.options import AsJson

app = typer.Typer(help="Ideal customer profiles.", no_args_is_help=True, rich_markup_mode=None)


def _several(about: str) -> Any:
    """Several names, separated by commas."""
    return typer.Option(metavar="A,B", help=about, show_default=False)


def register(app: typer.Typer) -> None:
    app.command("models")(models)


def models(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Print this model's TOML, to be copied.")] = None,
    as_json: AsJson = False,
) -> int:
    """List scoring models and ideal customer profiles by name."""
    from leadmill.settings import get_settings
    from pipelines.scoring.models import Models, text_of_built_in

    known = Models.of(get_settings())
    if name is not None:
        console.result((known.text(name) or text_of_built_in(name)).decode().rstrip())
        return 0
    names, profiles = known.names(), known.profile_names()
    if as_json:
        console.json_result({"scoring_models": names, "icps": profiles})
        return 0
    rows = [("scoring model", one, f"--scoring-model {one}") for one in names]
    console.table(["what", "name", "use"], [*rows, *(("icp", one, f"--icp {one}") for one in profiles)])
    for fault in known.faults():
        console.note(f"{fault.level}: {fault.text}")
    return 0


@app.command("new")
def new(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Like dach-shops.")] = None,
    *,
    countries: Annotated[str | None, _several("Countries or regions that are wanted: DACH,Netherlands")] = None,
    not_countries: Annotated[str | None, _several("… and that are not")] = None,
    industries: Annotated[str | None, _several("Industries or groups of them that are wanted: Software,Retail")] = None,
    not_industries: Annotated[str | None, _several("… and that are not")] = None,
    size: Annotated[str | None, typer.Option(metavar="FROM-TO", help="People: 12-40, 12-, -40.")] = None,
    technologies: Annotated[str | None, _several("What a site should run on: Shopify,HubSpot")] = None,
    not_technologies: Annotated[str | None, _several("… and should not")] = None,
    words: Annotated[str | None, _several("What a company should say of itself: wholesale,shop*")] = None,
    not_words: Annotated[str | None, _several("… and should not")] = None,
    hiring: Annotated[bool, typer.Option("--hiring", help="Companies that hire are wanted.")] = False,
    must: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Criteria that exclude who is known to be otherwise: countries,size", show_default=False
        ),
    ] = None,
    veto: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Criteria whose unwanted entries exclude: technologies,words", show_default=False
        ),
    ] = None,
    weight: Annotated[
        str | None,
        _several("1 to 10, where 5 is not right: industries=8,hiring=2"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write (default: NAME.toml).")] = None,
) -> int:
    """Write a profile as a TOML file: of the options, or without any of the answers to a few questions."""
    from cli import profile_making as making
    from cli.failure import CommandError

    lists = {
        "countries": (countries, not_countries),
        "industries": (industries, not_industries),
        "technologies": (technologies, not_technologies),
        "words": (words, not_words),
    }
    given = any((*(text for pair in lists.values() for text in pair), size, hiring, must, veto, weight))
    if given:
        profile = making.of_options(name or "icp", lists, size, must, veto, weight, hiring=hiring)
    elif sys.stdin.isatty():
        profile = making.of_answers(name)
    else:
        raise CommandError("nobody is here to answer questions", hint="leadmill icp new --countries DACH --size 12-40")
    file = out or Path(f"{profile.name}.toml")
    making.write(profile, file)
    console.result(str(file))
    console.note(f"use it: leadmill run companies.csv --icp {file}    look at its rules: leadmill icp check {file}")
    return 0


@app.command("check")
def check(
    profile: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A TOML file, or a name of leadmill models.")],
    as_json: AsJson = False,
) -> int:
    """Show what a profile gives points for, or say what is wrong with it."""
    from cli.scoring_options import profile_of
    from pipelines.scoring.profile_rules import model_for
    from pipelines.scoring.rules import REACH, load_rules

    found = model_for(profile_of(profile), load_rules(None))
    rules = [(rule.points, rule.reason) for rule in found.rules if rule.axis != REACH]
    if as_json:
        console.json_result(
            {
                "model_version": found.version,
                "rules": [{"points": points, "reason": reason} for points, reason in rules],
            }
        )
        return 0
    console.table(["points", "reason"], [(f"{points:+g}" if points else "0", reason) for points, reason in rules])
    console.note(f"{found.version}: the first of each criterion that holds counts; -100 excludes")
    return 0
