"""By what to score, as several commands take it: `--scoring-model` and `--icp`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipelines.scoring.profile import Profile

ScoringModel = Annotated[
    str | None,
    typer.Option("--scoring-model", metavar="NAME", help="Rules to score by; leadmill models lists them."),
]
Icp = Annotated[
    str | None,
    typer.Option("--icp", metavar="FILE|NAME", help="Ideal customer profile that leads should fit: leadmill icp new."),
]


def scoring(model: str | None, icp: str | None) -> dict[str, Any]:
    """What `Client.submit` and `Client.score` take.

    Raises:
        ConfigError: the profile's file cannot be read or is wrong.
    """
    profile: str | dict[str, Any] | None = icp
    if icp is not None and _is_file(icp):
        profile = profile_of(icp).model_dump(exclude_none=True)
    return {"scoring_model": model, "icp": profile}


def profile_of(icp: str) -> Profile:
    """The profile of a TOML file, or of this name in LEADMILL_MODELS_DIR.

    Raises:
        ConfigError, InputError: there is none, or it is wrong.
    """
    from leadmill.settings import get_settings
    from pipelines.scoring.models import Models
    from pipelines.scoring.profile import read_profile

    return read_profile(Path(icp)) if _is_file(icp) else Models.of(get_settings()).profile(icp)


def _is_file(icp: str) -> bool:
    return Path(icp).suffix.lower() == ".toml" or Path(icp).is_file()
