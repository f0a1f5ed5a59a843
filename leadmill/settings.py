"""Every setting, once. Read from the environment, then `.env`, then `<data>/run/*.url`, then the default.

The run files are written by `leadmill up`, so that any command started beside a running stack finds it.
"""

from __future__ import annotations

import ipaddress
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from leadmill import hosts
from leadmill.errors import ConfigError
from leadmill.redaction import plain

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"


def _env(name: str) -> Any:
    """A classic variable name without the LEADMILL_ prefix; also settable by its own field name."""
    return AliasChoices(name)


class Settings(BaseSettings):
    """Settings of one process. Names in the environment: `LEADMILL_<FIELD>`, or the classic name given."""

    model_config = SettingsConfigDict(
        env_prefix="LEADMILL_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        env_ignore_empty=True,
    )

    redis_url: str = Field(DEFAULT_REDIS_URL, validation_alias=_env("REDIS_URL"))
    celery_broker_url: str | None = Field(None, validation_alias=_env("CELERY_BROKER_URL"))
    celery_result_backend: str | None = Field(None, validation_alias=_env("CELERY_RESULT_BACKEND"))
    celery_task_serializer: str = Field("json", validation_alias=_env("CELERY_TASK_SERIALIZER"))
    celery_result_serializer: str = Field("json", validation_alias=_env("CELERY_RESULT_SERIALIZER"))
    celery_accept_content: Annotated[list[str], NoDecode] = Field(
        ["json"], validation_alias=_env("CELERY_ACCEPT_CONTENT")
    )
    celery_timezone: str = Field("UTC", validation_alias=_env("CELERY_TIMEZONE"))

    #: Folder of the lake and of the run files.
    data_url: str = "./var"
    #: Put before every Redis key and queue name.
    key_prefix: str = "leadmill:"
    api_host: str = "127.0.0.1"
    api_port: int = Field(8000, ge=0, le=65_535)
    #: The network around the API is trusted (a container network): other addresses than loopback may be bound.
    trust_network: bool = False
    #: Host names beside this machine's own that requests may carry: `leads.example.com`, `*.example.com`.
    allowed_hosts: Annotated[list[str], NoDecode] = []
    #: Refuse a Redis that could lose jobs (no AOF, an eviction policy) instead of warning.
    strict: bool = False
    #: CIDRs that the crawler may dial although they are not public.
    egress_allow: Annotated[list[str], NoDecode] = []
    #: The operator's forward proxy for crawling: `http://host:port`.
    http_proxy: str | None = None
    #: `directory:FILE`; unset: the companies already in the lake.
    search_provider: str | None = None
    #: A TOML file of scoring rules instead of the built-in one.
    scoring_file: Path | None = None
    retention_days: int = Field(90, ge=1)
    #: A task that runs longer is killed, seconds: the backstop behind crawl deadline and lease.
    task_time_limit_s: int = Field(180, ge=1)
    #: A pool process is replaced after so many tasks, or (after a task) when it holds more memory (MB).
    max_tasks_per_child: int = Field(1_000, ge=1)
    max_memory_mb: int = Field(600, ge=100)
    #: A task whose process holds more memory than this is killed and counts towards poison (MB).
    task_memory_limit_mb: int = Field(1_500, ge=100)
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("celery_accept_content", "egress_allow", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return (
            [part.strip() for part in value.strip("[] ").replace('"', "").split(",") if part.strip()]
            if isinstance(value, str)
            else value
        )

    @field_validator("redis_url", "celery_broker_url", "celery_result_backend")
    @classmethod
    def _no_password_in_the_query(cls, value: str | None) -> str | None:
        """Where a password stands in the userinfo, each library finds it, and hides it in what it logs."""
        return None if value is None else plain(value)

    @field_validator("egress_allow")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for cidr in value:
            ipaddress.ip_network(cidr, strict=False)
        return value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: Any) -> Any:
        entries = [part for part in map(str.strip, value.split(",")) if part] if isinstance(value, str) else value
        return [hosts.checked(entry) for entry in entries]

    @property
    def data_dir(self) -> Path:
        """The lake's folder as an absolute path."""
        return Path(self.data_url.removeprefix("file://")).expanduser().resolve()

    @property
    def run_dir(self) -> Path:
        """Pid files, logs and the URLs of the running stack."""
        return self.data_dir / "run"

    @property
    def broker_url(self) -> str:
        """Where Celery's messages go."""
        return self.celery_broker_url or self.redis_url

    @property
    def result_backend(self) -> str:
        """Where Celery's results go (only chord counts are kept there)."""
        return self.celery_result_backend or self.redis_url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the run files behind the environment and `.env`."""
        first = (init_settings, env_settings, dotenv_settings)
        return (*first, _RunFiles(settings_cls, first))


class _RunFiles(PydanticBaseSettingsSource):
    """`<data>/run/redis.url` and `api.url`, written by a running stack."""

    def __init__(self, settings_cls: type[BaseSettings], before: tuple[PydanticBaseSettingsSource, ...]) -> None:
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


@cache
def get_settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        ConfigError: a variable holds what it cannot hold; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"LEADMILL_{name.upper()}"
        raise ConfigError(f"{variable}: {first['msg']}") from error
