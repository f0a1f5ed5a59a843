"""Scoring models and ideal customer profiles by name: those built in, and the TOML files of `LEADMILL_MODELS_DIR`.

A file is called by its own name: `shops.toml` is `shops`. One with `[[rule]]` tables is a model, any other a profile.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadmill.errors import ConfigError, InputError
from leadmill.settings import SettingFault
from leadmill.suggest import unknown
from pipelines.scoring.rules import BUILT_IN, DEFAULT_MODEL, compiled, load_rules, read_file

if TYPE_CHECKING:
    from leadmill.settings import Settings
    from pipelines.scoring.profile import Profile

#: The model of whoever names none: `LEADMILL_SCORING_FILE` where it is set, else the built-in one.
DEFAULT = "default"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")


class ModelFileError(ConfigError):
    """A scoring file of the operator is missing or wrong. It is not the caller's fault: try again once it is mended."""

    code = "scoring_file_wrong"
    status = 503


@dataclass(frozen=True)
class Models:
    """What may be named in a submission. Files are read when they are asked for: an edit counts at once."""

    #: `LEADMILL_MODELS_DIR`
    folder: Path | None = None
    #: `LEADMILL_SCORING_FILE`
    scoring_file: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Models:
        return cls(settings.models_dir, settings.scoring_file)

    def names(self) -> list[str]:
        """Models, the one that is taken when none is named first."""
        return [DEFAULT, *_built_in(), *(file.stem for file in self._files() if _is_model(file))]

    def profile_names(self) -> list[str]:
        """Ideal customer profiles."""
        return [file.stem for file in self._files() if not _is_model(file)]

    def text(self, name: str) -> bytes | None:
        """The checked text of a model's file; None: it is built in.

        Raises:
            InputError: there is none of this name.
            ModelFileError: its file is missing or wrong.
        """
        if name == DEFAULT and self.scoring_file is not None:
            with _told_as_operators():
                raw = read_file(self.scoring_file)
                compiled(raw, str(self.scoring_file))
            return raw
        if name == DEFAULT or name in _built_in():
            return None
        file = self._named(name)
        if file is None or not _is_model(file):
            what = f"{name!r} is an ideal customer profile: give it as icp" if file else ""
            raise InputError(what or unknown("scoring model", name, self.names()), field="scoring_model")
        with _told_as_operators():
            raw = read_file(file)
            _check_model(file, raw)
        return raw

    def profile(self, name: str) -> Profile:
        """A profile of the folder.

        Raises:
            InputError: there is none of this name.
            ModelFileError: its file is wrong.
        """
        from pipelines.scoring.profile import read_profile

        found = self._named(name)
        if found is None or _is_model(found):
            what = f"{name!r} is a scoring model: give it as scoring_model" if found else ""
            raise InputError(what or unknown("ideal customer profile", name, self.profile_names()), field="icp")
        with _told_as_operators():
            return read_profile(found)

    def faults(self) -> Iterator[SettingFault]:
        """What is wrong with the files that the settings name."""
        if self.scoring_file is not None:
            yield from _found(lambda file: load_rules(file).warning, self.scoring_file, "LEADMILL_SCORING_FILE")
        if self.folder is not None and not self.folder.is_dir():
            yield SettingFault("fail", f"LEADMILL_MODELS_DIR: {self.folder}: no such folder")
        for file in self._files():
            yield from _found(_check, file, "LEADMILL_MODELS_DIR")

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.toml")) if self.folder is not None else []

    def _named(self, name: str) -> Path | None:
        """The folder's file of this name."""
        if self.folder is None or not _NAME.match(name):
            return None
        file = self.folder / f"{name}.toml"
        return file if file.exists() else None


def text_of_built_in(name: str) -> bytes:
    """The text of a model that is built in, to be copied."""
    return read_file(BUILT_IN / f"{DEFAULT_MODEL if name == DEFAULT else name}.toml")


@contextmanager
def _told_as_operators() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise ModelFileError(str(error)) from error


def _built_in() -> list[str]:
    return sorted(file.stem for file in BUILT_IN.glob("*.toml"))


def _is_model(file: Path) -> bool:
    """Whether a file is a model (also one that cannot be read: its fault is told then)."""
    try:
        document = tomllib.loads(read_file(file).decode())
    except (ConfigError, ValueError, RecursionError):
        return True
    return bool({"model", "rule"} & document.keys())


def _check(file: Path) -> str | None:
    """What a reader of a file of the folder should know; ConfigError: what is wrong with it."""
    from pipelines.scoring.profile import read_profile

    name = file.stem
    if not _NAME.match(name):
        raise ConfigError(f"{file}: a name has lower-case letters, digits, - and _, at most 40, like shops.toml")
    if name in (DEFAULT, *_built_in()):
        raise ConfigError(f"{file}: {name!r} is built in; call the file by another name")
    if _is_model(file):
        return _check_model(file, read_file(file))
    if (own := read_profile(file).name) != name:
        raise ConfigError(f"{file}: key 'name': {own!r} is not the file's own name, {name!r}")
    return None


def _check_model(file: Path, raw: bytes) -> str | None:
    """The same of a model, by what its file holds."""
    model = compiled(raw, str(file))
    if model.name != file.stem:
        raise ConfigError(f"{file}: [model]: key 'name': {model.name!r} is not the file's own name, {file.stem!r}")
    return model.warning


def _found(check: Callable[[Path], str | None], file: Path, setting: str) -> Iterator[SettingFault]:
    try:
        warning = check(file)
    except ConfigError as error:
        yield SettingFault("fail", f"{setting}: {error}")
    else:
        if warning:
            yield SettingFault("warn", f"{setting}: {file}: {warning}")
