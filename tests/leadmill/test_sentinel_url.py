"""URLs that name Sentinels: what they say, and what is said of wrong ones."""

from __future__ import annotations

import shlex

import pytest

from leadmill.redaction import redis_cli, shown
from leadmill.sentinel_url import SentinelUrl, sentinel_fault
from leadmill.settings import Settings


def test_all_of_it() -> None:
    found = SentinelUrl.of(
        "sentinels://app:p%40ss@one:1,[::1]:2,three/3?master=jobs&sentinel_username=watch&sentinel_password=s%2Fw"
        "&ssl_ca_certs=/ca.pem&ssl_cert_reqs=required"
    )
    assert found.sentinels == (("one", 1), ("::1", 2), ("three", 26379))
    assert (found.master, found.db) == ("jobs", 3)
    assert (found.username, found.password) == ("app", "p@ss")
    assert (found.sentinel_username, found.sentinel_password) == ("watch", "s/w")
    assert found.tls["ssl_ca_certs"] == "/ca.pem"
    assert "p@ss" not in repr(found) and "s/w" not in repr(found)


def test_the_least() -> None:
    found = SentinelUrl.of("sentinel://one?master=jobs")
    assert (found.sentinels, found.db, found.password, found.tls) == ((("one", 26379),), 0, None, {})


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sentinel://one:26379/0", "which primary they watch is missing"),
        ("sentinel:///0?master=m", "Sentinels are named as"),
        ("sentinel://one:x/0?master=m", "no Sentinel's address: 'one:x'"),
        ("sentinel://one:1,,two:2/0?master=m", "no Sentinel's address: ''"),
        ("sentinel://one:99999/0?master=m", "no Sentinel's address: 'one:99999'"),
        ("sentinel://one/nine?master=m", "no number of a database: 'nine'"),
        ("sentinel://one/0?master=m&masterr=x", "no parameter 'masterr' of Sentinels; did you mean 'master'?"),
        ("sentinel://one/0?master=m&ssl_ca_certs=x", "without the second s nothing is encrypted"),
        ("sentinel://:pa@ss/wxyz@one/0?master=m", "in a password write @ as %40"),
        ("redis-sentinel://one:1/0?master=m", "Sentinels are named as sentinel://"),
        ("redis+sentinel://one:1/m/0", "Sentinels are named as sentinel://"),
    ],
)
def test_a_wrong_one_is_refused_with_a_hint(url: str, said: str) -> None:
    with pytest.raises(ValueError, match="1 validation error") as caught:
        Settings(REDIS_URL=url)
    assert said in str(caught.value)
    assert "wxyz" not in str(caught.value), "no part of a password"


def test_no_password_is_shown() -> None:
    url = "sentinel://app:secret-1@one:1,two:2/0?master=jobs&sentinel_password=secret-2"
    assert sentinel_fault(url) is None
    for text in (shown(url), redis_cli(url)):
        assert "secret" not in text
    assert shown(url) == "sentinel://app:***@one:1,two:2/0?master=jobs&sentinel_password=***"


def test_a_command_to_paste_asks_for_the_primary() -> None:
    words = shlex.split(redis_cli("sentinel://app:secret@one:1,two:2/4?master=jobs"))
    asked = "redis-cli -h one -p 1 SENTINEL GET-MASTER-ADDR-BY-NAME jobs | paste -sd:"
    assert words == ["redis-cli", "-u", f"redis://app:***@$({asked})/4"]
