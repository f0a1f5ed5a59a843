"""One form of `rediss://` for every library that connects: what it becomes, and what is refused."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import redis
from celery.backends.redis import RedisBackend
from kombu.utils.url import parse_url

from leadmill.errors import ConfigError
from leadmill.redaction import plain, redis_cli
from leadmill.redis_tls import tls_options
from leadmill.settings import Settings, get_settings
from pipelines.execution.broker import make_celery
from pipelines.settings_check import setting_faults


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ("redis://h:1/0", "redis://h:1/0"),
        ("rediss://h:1/0", "rediss://h:1/0?ssl_cert_reqs=required"),
        ("rediss://h:1/0?ssl_ca_certs=/a", "rediss://h:1/0?ssl_ca_certs=/a&ssl_cert_reqs=required"),
        ("rediss://h:1/0?ssl_cert_reqs=CERT_NONE", "rediss://h:1/0?ssl_cert_reqs=none"),
        ("rediss://h:1/0?password=x", "rediss://:x@h:1/0?ssl_cert_reqs=required"),
    ],
)
def test_how_a_certificate_is_checked_is_always_said(given: str, becomes: str) -> None:
    assert plain(given) == becomes == plain(becomes)


@pytest.mark.parametrize("word", ["required", "none", "optional"])
def test_every_library_reads_the_same(word: str, tmp_path: Path) -> None:
    url = (
        f"rediss://u:p@h.example:7000/2?ssl_cert_reqs={word}&ssl_ca_certs=/a/ca.crt&ssl_certfile=/a/c&ssl_keyfile=/a/k"
    )
    want = {"ssl_ca_certs": "/a/ca.crt", "ssl_certfile": "/a/c", "ssl_keyfile": "/a/k"}
    mode = ssl.VerifyMode[f"CERT_{word.upper()}"]
    app = make_celery(Settings(redis_url=url, data_url=str(tmp_path)))
    store = redis.Redis.from_url(url).connection_pool.connection_kwargs
    backend = app.backend
    assert isinstance(backend, RedisBackend)
    for found in (store, parse_url(app.conf.broker_url)["ssl"], backend.connparams, app.conf.broker_use_ssl):
        assert {name: found[name] for name in want} == want
        assert found["ssl_cert_reqs"] in (word, mode)
        assert not found.keys() & {"ssl_check_hostname"}, "its default is to check"
    assert tls_options("redis://h:1/0") == {}


@pytest.mark.parametrize("variable", ["REDIS_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"])
@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://:geheim@h:1/0?ssl_ca_certs=/a", "ssl_ca_certs goes with rediss://"),
        ("rediss://:geheim@h:1/0?ssl_check_hostname=false", "no parameter 'ssl_check_hostname'"),
        ("rediss://:geheim@h:1/0?ssl_ca_cert=/a", "did you mean 'ssl_ca_certs'?"),
        ("rediss://:geheim@h:1/0?ssl_cert_reqs=requird", "did you mean 'required'?"),
        ("rediss://:geheim@h:1/0?ssl_min_version=771", "no parameter 'ssl_min_version'"),
    ],
)
def test_what_one_of_them_would_ignore_is_refused(
    variable: str, url: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, url)
    get_settings.cache_clear()
    with pytest.raises(ConfigError) as raised:
        get_settings()
    get_settings.cache_clear()
    assert str(raised.value).startswith(f"{variable}: ") and told in str(raised.value)
    assert "geheim" not in str(raised.value)


def test_a_missing_file_and_a_certificate_that_nobody_checks_are_told(tmp_path: Path) -> None:
    known = {fault.text for fault in setting_faults(Settings())}
    found = setting_faults(
        Settings(
            redis_url="rediss://h/0?ssl_ca_certs=/none/ca.crt", celery_broker_url="rediss://h/0?ssl_cert_reqs=none"
        )
    )
    levels = {fault.text.partition(":")[0]: fault.level for fault in found if fault.text not in known}
    assert levels == {"REDIS_URL": "fail", "CELERY_BROKER_URL": "warn"}


def test_a_command_to_paste_names_the_authority() -> None:
    url = "rediss://u:geheim@h:1/0?ssl_ca_certs=/a b/ca.crt&ssl_cert_reqs=required"
    assert redis_cli(url) == "redis-cli --cacert '/a b/ca.crt' -u 'rediss://u:***@h:1/0'"
