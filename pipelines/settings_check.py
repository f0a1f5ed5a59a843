"""What is wrong with the settings of a process beyond their form: asked before it begins, by the doctor and by health.

A setting that names a file is looked at here, so that a wrong one is told at the start and not by the first job.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from leadmill.errors import ConfigError, InputError
from leadmill.mistyped import mistyped_variables
from leadmill.redis_tls import tls_files, trusts_anybody
from leadmill.setting_forms import is_loopback_url
from leadmill.settings import SettingFault, Settings, variable_of
from leadmill.suggest import did_you_mean
from pipelines.notices.channels.services import service_of
from pipelines.request.search import check_provider
from pipelines.scoring.models import Models
from reports.layout_choice import wrong_files

#: What a worker's process of all queues holds at most before its first task, MB. Limits below it are told.
PROCESS_MB = 220


def setting_faults(settings: Settings) -> list[SettingFault]:
    """Everything that is wrong, the worst first."""
    found = [fault for look in _CHECKS for fault in look(settings)]
    return sorted(found, key=lambda fault: fault.level)


def check_settings(settings: Settings, say: Callable[[str], None]) -> None:
    """Tell by `say` what is worked with all the same.

    Raises:
        ConfigError: a process cannot work so, or nothing is overlooked (`LEADMILL_STRICT`).
    """
    for fault in setting_faults(settings):
        if fault.level == "fail" or settings.strict:
            strict = " (LEADMILL_STRICT refuses it)" if fault.level == "warn" else ""
            raise ConfigError(fault.text + strict)
        say(f"warning: {fault.text}")


def _names(settings: Settings) -> Iterator[SettingFault]:
    for text in mistyped_variables():
        yield SettingFault("warn", text)


def _search(settings: Settings) -> Iterator[SettingFault]:
    try:
        check_provider(settings)
    except ConfigError as error:
        yield SettingFault("fail", str(error))


def _messages(settings: Settings) -> Iterator[SettingFault]:
    from kombu.serialization import registry

    accepted = settings.celery_accept_content
    for variable, words in (
        ("CELERY_TASK_SERIALIZER", [settings.celery_task_serializer]),
        ("CELERY_RESULT_SERIALIZER", [settings.celery_result_serializer]),
        ("CELERY_ACCEPT_CONTENT", accepted),
    ):
        for word in words:
            if word not in registry.name_to_type and word not in registry.type_to_name:
                hint = did_you_mean(word, registry.name_to_type)
                yield SettingFault("fail", f"{variable}: no form of messages {word[:40]!r}; {hint}")
    if settings.celery_task_serializer not in accepted:
        text = f"CELERY_ACCEPT_CONTENT: lacks {settings.celery_task_serializer!r}, in which messages are sent"
        yield SettingFault("fail", text)
    unpickled = [word for word in accepted if registry.type_to_name.get(word, word) == "pickle"]
    if settings.signing_keys and unpickled:
        text = f"CELERY_ACCEPT_CONTENT: {unpickled[0]!r} runs what a message holds before it can be seen who signed it"
        yield SettingFault("fail", f"{text}; leave it out, or unset LEADMILL_SIGNING_KEY")


def _provider(settings: Settings) -> Iterator[SettingFault]:
    given = {
        "LEADMILL_OIDC_CLIENT_ID": settings.oidc_client_id,
        "LEADMILL_OIDC_CLIENT_SECRET": settings.oidc_client_secret,
        "LEADMILL_OIDC_ROLES": settings.oidc_roles,
    }
    if settings.oidc_issuer is None:
        for variable in (name for name, value in given.items() if value):
            yield SettingFault("fail", f"{variable}: of which provider? Set LEADMILL_OIDC_ISSUER, too")
        return
    for variable in (name for name, value in given.items() if not value):
        yield SettingFault("fail", f"LEADMILL_OIDC_ISSUER: nobody can sign in without {variable}; set it, too")
    public = settings.public_url
    if public is not None and not public.startswith("https://") and not is_loopback_url(public):
        text = "a provider sends people back to it, and over plain HTTP no browser is signed in; use https://"
        yield SettingFault("fail", f"LEADMILL_PUBLIC_URL: {text}")


def _notices(settings: Settings) -> Iterator[SettingFault]:
    for number, url in enumerate(settings.notify_url_list, 1):
        try:
            if service_of(url) is None:
                text = "a web address is a webhook, which needs a secret: leadmill notices channels add NAME URL"
                yield SettingFault("fail", f"LEADMILL_NOTIFY_URLS: URL {number}: {text}")
        except InputError as error:
            yield SettingFault("fail", f"LEADMILL_NOTIFY_URLS: URL {number}: {error}")


def _tls(settings: Settings) -> Iterator[SettingFault]:
    for variable, url in (
        ("REDIS_URL", settings.redis_url),
        ("CELERY_BROKER_URL", settings.celery_broker_url or ""),
        ("CELERY_RESULT_BACKEND", settings.celery_result_backend or ""),
    ):
        for name, file in tls_files(url):
            if not os.access(file, os.R_OK):
                yield SettingFault("fail", f"{variable}: {name}: no file {str(file)!r} that can be read")
        if trusts_anybody(url):
            text = (
                "encrypts, but takes any certificate: name the server's CA (ssl_ca_certs=FILE), and drop ssl_cert_reqs"
            )
            yield SettingFault("warn", f"{variable}: {text}")


def _scoring(settings: Settings) -> Iterator[SettingFault]:
    return Models.of(settings).faults()


def _layouts(settings: Settings) -> Iterator[SettingFault]:
    return (SettingFault("fail", text) for text in wrong_files(settings.layouts_dir))


def _memory(settings: Settings) -> Iterator[SettingFault]:
    for name, limit, then in (
        ("max_memory_mb", settings.max_memory_mb, "it is replaced after each task"),
        ("task_memory_limit_mb", settings.task_memory_limit_mb, "every task is ended"),
    ):
        if limit < PROCESS_MB:
            held = f"a process holds up to {PROCESS_MB} MB before its first task"
            yield SettingFault("warn", f"{variable_of(name)}: {limit} MB is too little: {held}, and {then}")


def _traces(settings: Settings) -> Iterator[SettingFault]:
    if not settings.traces:
        return
    try:
        import leadmill.tracing.spans  # noqa: F401  (before the fork: the children of a worker share it)
    except ImportError as error:
        missing = f"OpenTelemetry is not installed here ({error}); pip install 'leadmill[traces]'"
        yield SettingFault("fail", f"{variable_of('traces')}: {missing}")


#: What is looked at; each gives what it finds.
_CHECKS: tuple[Callable[[Settings], Iterable[SettingFault]], ...] = (
    _names,
    _search,
    _messages,
    _provider,
    _notices,
    _tls,
    _scoring,
    _layouts,
    _memory,
    _traces,
)
