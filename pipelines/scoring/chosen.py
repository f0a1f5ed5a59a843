"""By what a job scores: chosen at submit, kept beside its input, read again when the job is scored.

What may change later, a file of the operator or a profile, is kept as it was when the job was accepted; the record
says its name and digest. A model that is built in is not kept: the record of a job that names none holds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from data.mounts import storage_at
from leadmill.errors import ConfigError, ErrorCategory, InputError, WorkError
from pipelines.scoring.models import DEFAULT, Models
from pipelines.scoring.rules import MAX_FILE, ScoringModel, compiled, digest_of, load_rules

if TYPE_CHECKING:
    from pipelines.scoring.profile import Profile

#: In the folder `input` of a job.
MODEL_FILE, PROFILE_FILE = "scoring.toml", "icp.json"


class Chosen(NamedTuple):
    """Options as the record holds them, and the files to keep in the job's folder `input`."""

    options: dict[str, Any]
    files: dict[str, bytes]


def choose(options: Mapping[str, Any], models: Models) -> Chosen:
    """The options `scoring_model` (a name) and `icp` (a name or a profile) of a submission, looked up.

    Raises:
        InputError: no such model or profile, or the profile is wrong (`icp.countries.wanted[0]`).
        ModelFileError: its file is wrong.
    """
    found, files = dict(options), {}
    name = str(options.get("scoring_model") or DEFAULT)
    text = models.text(name)
    if text is not None:
        found["scoring_model"] = f"{name}@{digest_of(text)}"
        files[MODEL_FILE] = text
    if (asked := options.get("icp")) is not None:
        from pipelines.scoring.profile import checked_profile

        profile = models.profile(asked) if isinstance(asked, str) else checked_profile(asked)
        kept = profile.as_json().encode()
        found["icp"] = f"{profile.name}@{digest_of(kept)}"
        files[PROFILE_FILE] = kept
    return Chosen(found, files)


def again(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Options of a record as a new job takes them: the model by its name, as it is now; the profile as it was.

    Raises:
        WorkError: the profile is not kept any more.
    """
    found = dict(options)
    if "scoring_model" in found:
        found["scoring_model"] = str(found["scoring_model"]).partition("@")[0]
    if "icp" in found:
        found["icp"] = json.loads(_kept(folder, PROFILE_FILE, str(found["icp"])))
    return found


def model_of(options: Mapping[str, Any], folder: Path, models: Models) -> ScoringModel:
    """The model that a job was accepted with; `folder` is its `input`.

    Raises:
        WorkError: what was kept is gone or damaged, or (jobs of before 0.3.0) there is no such model.
    """
    model = _named_model(str(options.get("scoring_model") or DEFAULT), folder, models)
    if "icp" not in options:
        return model
    from pipelines.scoring.profile_rules import model_for

    return model_for(_kept_profile(folder, str(options["icp"])), model)


def _named_model(asked: str, folder: Path, models: Models) -> ScoringModel:
    name, kept, _ = asked.partition("@")
    try:
        if kept:
            return compiled(_kept(folder, MODEL_FILE, asked), f"scoring model {name}")
        text = models.text(name)
        return load_rules(None) if text is None else compiled(text, f"scoring model {name}")
    except (ConfigError, InputError) as error:
        raise WorkError(str(error), ErrorCategory.DATA) from error


def _kept_profile(folder: Path, asked: str) -> Profile:
    from pipelines.scoring.profile import checked_profile

    try:
        return checked_profile(json.loads(_kept(folder, PROFILE_FILE, asked)))
    except (InputError, ValueError) as error:
        raise WorkError(f"{PROFILE_FILE} of the job: {error}", ErrorCategory.DATA) from error


def _kept(folder: Path, name: str, asked: str) -> bytes:
    """A file that was kept at submit, as it was: whoever can write there could have changed it."""
    file, storage = folder / name, storage_at(folder)
    state = storage.stat(file)
    found = storage.read(file) if state and state.size <= MAX_FILE else None
    if state is None:
        raise WorkError(f"{name}, by which this job was to be scored, is gone: score again", ErrorCategory.DATA)
    if found is None or digest_of(found.data) != asked.rpartition("@")[2]:
        raise WorkError(f"{name}, by which this job was to be scored, is damaged: score again", ErrorCategory.DATA)
    return found.data
