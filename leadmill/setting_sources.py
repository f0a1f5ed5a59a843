"""Where settings are read from beside environment and `.env`: files that hold secrets, and those of a running stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from leadmill import secret_files


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
    """`<data>/run/redis.url`, written by a running stack; `before`: the sources that say which data folder."""

    def __init__(self, settings_cls: type[BaseSettings], before: Sequence[PydanticBaseSettingsSource]) -> None:
        super().__init__(settings_cls)
        self._before = before

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        data_url = next((v for s in self._before if (v := s().get("data_url"))), "./var")
        file = Path(str(data_url).removeprefix("file://")).expanduser() / "run" / "redis.url"
        try:
            return {"REDIS_URL": file.read_text().strip()}
        except OSError:
            return {}
