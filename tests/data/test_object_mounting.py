"""A bucket of the settings: who asks it, where, and that what nobody may know is told nobody."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.doctor import examine
from data.mounts import local_folder, storage_at, unmount
from data.object_store import UnfitStoreError
from leadmill.errors import ConfigError
from leadmill.places import bucket_at, is_in_bucket, path_of, url_of
from leadmill.redaction import redacted
from leadmill.settings import get_settings
from pipelines.execution.start_check import check_start
from tests.stand_ins.s3 import Request, S3Server

SECRETS = ("AKIAPLANTED", "planted-secret-key", "planted-session-token")


def test_a_place_in_a_bucket_has_a_path() -> None:
    path = path_of("s3://leads/all/of-us/")
    assert url_of(path) == "s3://leads/all/of-us" and url_of(bucket_at(path / "jobs")) == "s3://leads"
    assert is_in_bucket(path) and not is_in_bucket(Path("/srv/s3"))
    with pytest.raises(NotADirectoryError):
        path.mkdir(parents=True)
    assert url_of(path_of("file:///srv/var")) == "/srv/var"


def test_without_what_asks_buckets_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    for name in [name for name in sys.modules if name.startswith("data.object_store")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigError, match=r"pip install 'leadmill\[s3\]'"):
        storage_at(path_of("s3://leads"))


@pytest.fixture
def bucket(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A lake of the settings in a bucket of its own."""
    place = s3.place()
    variables = {
        "AWS_ENDPOINT_URL": s3.url,
        "AWS_REGION": "eu-west-3",
        "AWS_ACCESS_KEY_ID": SECRETS[0],
        "AWS_SECRET_ACCESS_KEY": SECRETS[1],
        "AWS_SESSION_TOKEN": SECRETS[2],
        "LEADMILL_DATA_URL": f"s3://{place.bucket}/some/prefix",
        "LEADMILL_RUN_DIR": str(tmp_path / "run"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    yield get_settings().data_dir
    unmount(bucket_at(get_settings().data_dir))
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.mark.stack
def test_a_bucket_is_asked_as_the_variables_say(s3: S3Server, bucket: Path) -> None:
    s3.requests.clear()
    storage_at(bucket).put(bucket / "lake.id", b"x")
    asked = s3.requests[-1]
    assert asked.path.endswith("/some/prefix/lake.id")
    assert f"Credential={SECRETS[0]}/" in asked.headers["authorization"]
    assert "/eu-west-3/s3/" in asked.headers["authorization"]
    assert asked.headers["x-amz-security-token"] == SECRETS[2]
    assert local_folder(bucket) == get_settings().run_dir / "passing"


@pytest.mark.stack
def test_a_store_without_conditions_is_refused_at_the_start(s3: S3Server, bucket: Path) -> None:
    def without(_request: Request) -> str:
        return "without if-match"

    s3.weather = without
    with pytest.raises(UnfitStoreError, match="If-Match"):
        check_start(get_settings(), print)
    s3.clear()
    with s3.befalling("denied"), pytest.raises(UnfitStoreError, match="do not allow it"):
        check_start(get_settings(), print)
    assert not [file for file, _ in storage_at(bucket).files(bucket) if "probe" in file.name]


@pytest.mark.stack
def test_nobody_is_told_the_keys(s3: S3Server, bucket: Path) -> None:
    told = [f"{one.text} {one.remedy}" for one in examine(bucket)]
    assert any(f"{url_of(bucket)} takes writes by their conditions" in text for text in told)
    s3.weather = lambda _request: "denied"
    told += [f"{one.text} {one.remedy}" for one in examine(bucket)]
    s3.clear()
    assert any("the credentials do not allow it" in text for text in told)
    told += [repr(get_settings()), *(redacted(f"of {secret}!") for secret in SECRETS)]
    assert not [text for text in told for secret in SECRETS if secret in text]
