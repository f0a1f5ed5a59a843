"""Every setting, once, with what it does (`make docs` writes docs/configuration.md from it).

Read from the environment, then `.env`, then `<run>/*.url`, then the default. The run files are written by
`leadmill up`, so that any command started beside a running stack finds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic import AliasChoices, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from leadmill import secret_files
from leadmill.errors import ConfigError
from leadmill.redaction import redacted
from leadmill.setting_forms import (
    ApiKeyText,
    Hosts,
    Levels,
    Origin,
    Proxies,
    RateText,
    RedisUrl,
    Secret,
    Words,
    ZoneName,
    parts,
    quota,
    setting,
)
from leadmill.setting_permissions import PermissionSettings
from leadmill.setting_places import PlaceSettings
from leadmill.setting_sources import RunFiles, SecretFiles
from leadmill.suggest import did_you_mean

#: Of the variables that are our own.
PREFIX = "LEADMILL_"
DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"


class Settings(PlaceSettings, PermissionSettings):
    """Settings of one process. Names in the environment: `LEADMILL_<FIELD>`, or the classic name given."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    redis_url: RedisUrl = setting(
        DEFAULT_REDIS_URL,
        "Job records, and the broker unless one is named. Set it and `leadmill up` starts no server of its own. Redis "
        "or Valkey 6.2 or later, a single primary; or several that take each other's place: "
        "`sentinel://:PASSWORD@HOST:26379,HOST:26379,HOST:26379/0?master=NAME` names their Sentinels (with TLS "
        "`sentinels://`; [failover](operations.md#a-redis-that-may-die)). In a password write `@ / : # ?` as "
        "`%40 %2F %3A %23 %3F`. With TLS: `rediss://…?ssl_ca_certs=FILE`.",
        group="celery",
        variable="REDIS_URL",
        shown=f"that of the running stack, else `{DEFAULT_REDIS_URL}`",
        hides="url",
    )
    celery_broker_url: RedisUrl | None = setting(
        None,
        "Where Celery's messages go: another server, or the same by "
        "[a user of its own](operations.md#the-broker-as-a-boundary).",
        group="celery",
        variable="CELERY_BROKER_URL",
        shown="`REDIS_URL`",
        hides="url",
    )
    celery_result_backend: RedisUrl | None = setting(
        None,
        "Where chord counts go; nothing else is kept there.",
        group="celery",
        variable="CELERY_RESULT_BACKEND",
        shown="`REDIS_URL`",
        hides="url",
    )
    celery_task_serializer: str = setting(
        "json", "Form of the messages, which carry ids only.", group="celery", variable="CELERY_TASK_SERIALIZER"
    )
    celery_result_serializer: str = setting(
        "json", "Form of results.", group="celery", variable="CELERY_RESULT_SERIALIZER"
    )
    celery_accept_content: Words = setting(
        ["json"], "Forms that a worker reads, comma-separated.", group="celery", variable="CELERY_ACCEPT_CONTENT"
    )
    celery_timezone: ZoneName = setting(
        "UTC",
        "Time zone of Celery's own clock. The periodic jobs' times are UTC.",
        group="celery",
        variable="CELERY_TIMEZONE",
    )

    key_prefix: str = setting(
        "leadmill:",
        "In front of every Redis key and queue; two stacks with different prefixes may share a server. With one prefix "
        "the second is refused ([a lake and its Redis](operations.md#a-lake-and-its-redis)).",
        group="place",
    )
    api_host: str = setting(
        "127.0.0.1",
        "Address the API binds. Others than loopback need an [API key](keys.md), or `LEADMILL_TRUST_NETWORK`.",
        group="place",
    )
    api_port: int = setting(
        8000,
        "Its port. `leadmill up` takes a free one when 8000 is taken and this is unset.",
        group="place",
        ge=0,
        le=65_535,
    )
    api_url: str | None = setting(
        None,
        "Where clients and commands find the API, when it is on another machine or behind a proxy: "
        "`https://leads.example.org`.",
        group="place",
        shown="that of the running stack, else `LEADMILL_API_HOST` and `LEADMILL_API_PORT`",
        hides="url",
    )
    api_key: ApiKeyText | None = setting(
        None,
        "The [key](keys.md) that commands and the Python client send: `lm_…`. The API itself does not read it.",
        group="place",
        shown="none",
        hides="value",
    )
    trust_network: bool = setting(
        False,
        "`1`: without any [API key](keys.md), whoever reaches the API's address may do everything (a closed container "
        "network). Where there are keys it changes nothing.",
        group="place",
    )
    public_url: Origin | None = setting(
        None,
        "Where others find the API: `https://leads.example.org`, without a path. Links in answers begin with it, and "
        "its host is one that requests may carry.",
        group="place",
        shown="links are relative",
    )
    trusted_proxies: Proxies = setting(
        [],
        "Networks (CIDR, comma-separated) of the proxies before the API: `172.18.0.2/32`. Whom a request comes from is "
        "read from their `X-Forwarded-For`, and from nobody else's ([behind a proxy](team.md#behind-a-proxy)).",
        group="place",
    )
    allowed_hosts: Hosts = setting(
        [],
        "Names, comma-separated, that requests may carry as their `Host` beside `localhost`, `127.0.0.1`, `[::1]`, the "
        "address that is bound and the host of `LEADMILL_PUBLIC_URL`: `leads.example.com`, or `*.example.com` for all "
        "below it. Any port. Others are answered 421, so that no page can reach the API through a DNS name of its own.",
        group="place",
    )

    max_live_jobs: int | None = setting(
        None,
        "Most jobs that wait or run at a time. While there are so many, a submission, a resume or a rerun is answered "
        "503 with `Retry-After`, and nothing of it is kept; a schedule's planned time waits.",
        group="limit",
        shown="none",
        ge=1,
    )
    rate_limit: RateText | None = setting(
        None,
        "Requests that each API key may make: `20` a second, or `20/100` with those at once; `0`: as many as it likes. "
        "Set, it holds for each address where there are no keys ([rates](limits.md#requests-a-second)).",
        group="limit",
        shown="`100/1000` for keys, none without",
    )
    quota_live_jobs: int | None = quota(
        "Most jobs of a project that wait or run at a time; one more is answered 429 "
        "([quotas](limits.md#quotas-of-a-project))."
    )
    quota_companies_per_job: int | None = quota(
        "Most companies of a job that has a stage `scrape`, `process` or `enrich`."
    )
    quota_companies_per_day: int | None = quota("Most companies of all such jobs of a project's day (UTC).")
    quota_pages_per_day: int | None = quota("Most pages that a project may fetch a day (UTC).")
    quota_upload_bytes: int | None = quota("Largest list that may be uploaded, bytes.")
    quota_upload_bytes_per_day: int | None = quota("All uploaded lists of a project's day (UTC), bytes.")
    max_deferral_s: int = setting(
        3_600,
        "Seconds that a job waits at most for a host that asks to be left alone (`Retry-After`, a long crawl-delay, "
        "failing requests); then its company is asked again, up to three times "
        "([how](operations.md#hosts-that-say-later)). `0`: such a company is an error at once.",
        group="limit",
        ge=0,
    )
    task_time_limit_s: int = setting(
        180,
        "Seconds after which one stage of one unit is killed: the backstop behind deadline and lease. Score, reports "
        "and analysis, which take as long as a job has rows, may take ten times as long.",
        group="limit",
        ge=1,
    )
    leave_s: int = setting(
        10,
        "Seconds in which a worker that is told to leave (`SIGTERM`) ends what it holds. What takes longer it gives "
        "back, and another worker begins it anew at once ([rolling restart](operations.md#deploy)). With `90` nothing "
        "is begun anew, and no page is fetched twice.",
        group="limit",
        ge=0,
    )
    max_tasks_per_child: int = setting(
        1_000, "Tasks after which a process is replaced by a fresh one.", group="limit", ge=1
    )
    max_memory_mb: int = setting(600, "A process larger than this after a task is replaced.", group="limit", ge=100)
    task_memory_limit_mb: int = setting(
        1_500,
        "A process larger than this during a task is ended, and the task tried again a few times.",
        group="limit",
        ge=100,
    )

    log_format: Literal["console", "json"] = setting(
        "console", "`console` for people, `json` for one JSON object a line.", group="log"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`.", group="log"
    )
    log_levels: Levels = setting(
        [],
        "Other levels for single [loggers](logging.md#levels), comma-separated: `api.access=WARNING,celery=ERROR`.",
        group="log",
    )
    traces: bool = setting(
        False,
        "`on`: send a [trace](tracing.md) of each job by OpenTelemetry, to where the standard variables `OTEL_…` say. "
        "Needs `leadmill[traces]`; the image has it.",
        group="log",
        shown="`off`",
    )

    @model_validator(mode="before")
    @classmethod
    def _hide(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Before anything can be said of a value that is wrong."""
        for field, kind in SECRETS.items():
            for value in (given.get(field), given.get(variable_of(field))):
                if isinstance(value, str) and kind != "argument":
                    redacted.learn(value, kind)
                    redacted.learn(value.partition("?")[0], kind)  # an address behind it holds an @, too
        return given

    @property
    def broker_url(self) -> str:
        """Where Celery's messages go."""
        return self.celery_broker_url or self.redis_url

    @property
    def signing_keys(self) -> list[str]:
        """What messages are signed with (the first) and may be signed with; empty: they are not."""
        return parts(self.signing_key or "")

    @property
    def notify_url_list(self) -> list[str]:
        """Where the default project's notices go besides its own channels."""
        return parts(self.notify_urls or "")

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
        """Put the run files behind the environment and `.env`, and the files that these name beside them."""
        # What has a classic name is known to pydantic by that.
        names = {v: v if not v.startswith(PREFIX) else field for field in SECRETS if (v := variable_of(field))}
        files = [SecretFiles(settings_cls, place, given, names) for place, given in secret_files.places()]
        first = (init_settings, env_settings, files[0], dotenv_settings, files[1])
        return (*first, RunFiles(settings_cls, first))


class SettingFault(NamedTuple):
    """One thing that is wrong; `warn` is worked with, unless `LEADMILL_STRICT` is set."""

    level: Literal["warn", "fail"]
    text: str


def variable_of(field: str) -> str:
    """The name in the environment of a field of `Settings`."""
    alias = Settings.model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"LEADMILL_{field.upper()}"


#: What is secret of the settings that are; a file may hold each of them.
SECRETS: Mapping[str, Secret] = {
    name: extra["hides"]  # type: ignore[misc]
    for name, field in Settings.model_fields.items()
    if isinstance(extra := field.json_schema_extra, dict) and extra["hides"]
}


def secret_variables() -> list[str]:
    """The variables of settings that are secrets."""
    return [variable_of(field) for field in SECRETS]


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
        variable = name if name.isupper() else variable_of(name)
        raise ConfigError(f"{variable}: {_said(first)}") from error


def _said(fault: Mapping[str, Any]) -> str:
    """What is wrong with a value; of a word that there is not, the one that was perhaps meant."""
    words = re.findall(r"'([^']*)'", (fault.get("ctx") or {}).get("expected", ""))
    hint = f"; {did_you_mean(fault['input'], words)}" if fault["type"] == "literal_error" else ""
    if fault["type"] == "bool_parsing":
        return "on or off is wanted"
    return str(fault["msg"]).removeprefix("Value error, ") + hint
