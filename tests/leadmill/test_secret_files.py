"""Settings that are secrets may lie in files, in the environment and in `.env` alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadmill.errors import ConfigError
from leadmill.mistyped import mistyped_variables
from leadmill.redaction import redacted
from leadmill.settings import SECRETS, Settings, secret_variables, variable_of


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in secret_variables():
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("field", SECRETS)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_each_secret_may_lie_in_a_file(field: str, place: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"argument": "lake:", "url": f"http://u:pl4nted-{field}@h:1", "value": f"pl4nted-{field}" * 2}
    values |= {"api_key": f"lm_k7v2m9qa_{'pl4nted':x<43}", "smtp_url": f"smtp://u:pl4nted-{field}@h:1"}
    value = values.get(field, values[SECRETS[field]])
    (folder / "secret").write_text(value + "\n")
    variable = f"{variable_of(field)}_FILE"
    if place == ".env":
        (folder / ".env").write_text(f"{variable}=secret\n")
    else:
        monkeypatch.setenv(variable, "secret")
    settings = Settings()
    assert getattr(settings, field) == value and value not in repr(settings)
    assert SECRETS[field] == "argument" or "pl4nted" not in redacted(f"a word {value}.")
    assert not mistyped_variables()


def test_the_environment_goes_before_the_file_env(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "one").write_text("redis://one\r\n")
    (folder / ".env").write_text("REDIS_URL=redis://two\n")
    monkeypatch.setenv("REDIS_URL_FILE", "one")
    assert Settings().redis_url == "redis://one"
    (folder / ".env").write_text("REDIS_URL_FILE=one\n")
    monkeypatch.delenv("REDIS_URL_FILE")
    monkeypatch.setenv("REDIS_URL", "redis://three")
    assert Settings().redis_url == "redis://three"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read"),
        (b"", "one line"),
        (b"\n", "one line"),
        (b"a\nb\n", "one line"),
        (b"x" * 70_000, "one line"),
        (b"\xff\xfe", "no text"),
    ],
)
def test_a_file_without_a_secret_stops_the_start(
    content: bytes | None, why: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (folder / "pl4nted").write_bytes(content)
    monkeypatch.setenv("LEADMILL_HTTP_PROXY_FILE", "pl4nted")
    with pytest.raises(ConfigError, match=f"LEADMILL_HTTP_PROXY_FILE names a file .*{why}") as found:
        Settings()
    assert "pl4nted" not in str(found.value)  # it may be the secret itself


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_both_ways_in_one_place_are_refused(place: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"REDIS_URL": "redis://a", "REDIS_URL_FILE": "b"}
    if place == ".env":
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    else:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"REDIS_URL and REDIS_URL_FILE are both set in .*{place}"):
        Settings()


def test_a_mistyped_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADMILL_HTTP_PROXIES_FILE", "x")
    (told,) = mistyped_variables()
    assert "did you mean LEADMILL_HTTP_PROXY_FILE?" in told
    monkeypatch.delenv("LEADMILL_HTTP_PROXIES_FILE")
    monkeypatch.setenv("LEADMILL_API_PORT_FILE", "x")
    assert mistyped_variables()


def test_a_wrong_value_is_hidden_before_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADMILL_HTTP_PROXY", "socks://u:pl4nted-wrong@h")
    with pytest.raises(ValueError, match="the proxy is given as") as found:
        Settings()
    assert "pl4nted" not in str(found.value) and "pl4nted" not in redacted("x pl4nted-wrong x")
