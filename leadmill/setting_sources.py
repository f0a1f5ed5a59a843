"""Where settings are read from beside environment and `.env`: files of secrets, and those of a running stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from leadmill import secret_files
from leadmill.places import is_in_bucket, path_of

#: How a source may call that setting.
_OWN_RUN_DIR = ("LEADMILL_RUN_DIR", "own_run_dir")


def run_dir_of(data: Path, own: str | None = None) -> Path:
    """The folder of this machine for what is of it, about a lake; `own`: what `LEADMILL_RUN_DIR` says."""
    if own is not None:
        return path_of(own)
    return Path("var/run").resolve() if is_in_bucket(data) else data / "run"


class SecretFiles(PydanticBaseSettingsSource):
    """The files named by `<VARIABLE>_FILE` in one place; a ConfigError where there is something wrong with one."""

    def __init__(
        self, settings_cls: type[BaseSettings], place: str, variables: Mapping[str, str], names: Mapping[str, str]
    ) -> None:
        """`names`: each variable that may be given so, and by which name pydantic takes its value."""
        super().__init__(settings_cls)
        self._place, self._variables, self._names = place, variables, names

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = secret_files.read_all(self._names, self._place, self._variables)
        return {self._names[variable]: value for variable, value in found.items()}


class RunFiles(PydanticBaseSettingsSource):
    """`<run>/redis.url`, written by a running stack; `before`: the sources that say which folder that is."""

    def __init__(self, settings_cls: type[BaseSettings], before: Sequence[PydanticBaseSettingsSource]) -> None:
        super().__init__(settings_cls)
        self._before = before

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        told = [source() for source in self._before]
        data_url = next((v for found in told if (v := found.get("data_url"))), "./var")
        own = next((v for found in told for name in _OWN_RUN_DIR if (v := found.get(name))), None)
        try:
            return {"REDIS_URL": (run_dir_of(path_of(str(data_url)), own) / "redis.url").read_text().strip()}
        except OSError:
            return {}
