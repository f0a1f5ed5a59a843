"""Passwords of URLs: hidden wherever they stand, and moved to where every library hides them."""

from __future__ import annotations

import pytest

from leadmill.redaction import plain, shown
from leadmill.settings import Settings


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://user@h/0", "redis://user@h/0"),
        ("redis://:geheim@h:1/0", "redis://:***@h:1/0"),
        ("rediss://u:geheim@h:1/0?socket_timeout=5", "rediss://u:***@h:1/0?socket_timeout=5"),
        ("redis://h?password=geheim", "redis://h?password=***"),
        ("redis://h/0?db=1&PASSWORD=geheim&x=2", "redis://h/0?db=1&PASSWORD=***&x=2"),
        ("rediss://h/0?ssl_password=geheim#f", "rediss://h/0?ssl_password=***#f"),
        ("redis://:ge@he/im:geheim@h/0", "redis://:***@h/0"),
        ("redis://:a@h1:1;redis://:geheim@h2:2", "redis://:***@h1:1;redis://:***@h2:2"),
        ("sentinel://:geheim@h1,h2/0?password=geheim", "sentinel://:***@h1,h2/0?password=***"),
        ("amqp://u:geheim@h//", "amqp://u:***@h//"),
        ("no url", "no url"),
        ("", ""),
    ],
)
def test_shown(url: str, text: str) -> None:
    assert shown(url) == text


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("redis://h:1/2?password=p%40ss", "redis://:p%40ss@h:1/2"),
        ("redis://h?username=u&password=p&socket_timeout=5", "redis://u:p@h?socket_timeout=5"),
        ("redis://u:own@h/0?password=other", "redis://u:own@h/0"),
        ("redis://u@h/0?password=p", "redis://u:p@h/0"),
        ("redis://:p@h/0", "redis://:p@h/0"),
        ("redis://[::1]:1/0?password=p", "redis://:p@[::1]:1/0"),
        ("amqp://h?password=p", "amqp://h?password=p"),
    ],
)
def test_plain(url: str, same: str) -> None:
    assert plain(url) == same


def test_settings_hold_no_password_in_a_query() -> None:
    found = Settings(
        redis_url="redis://h/0?password=a", celery_broker_url="redis://b/1?password=b", celery_result_backend=None
    )
    assert (found.redis_url, found.broker_url) == ("redis://:a@h/0", "redis://:b@b/1")
