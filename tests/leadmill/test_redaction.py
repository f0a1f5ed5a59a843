"""Secrets: hidden wherever they stand, and moved to where every library hides them; other text stays as it is."""

from __future__ import annotations

import base64
import html
import json
import logging
import string
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadmill import log as logs
from leadmill.redaction import HIDDEN, Redactor, plain, redacted, shown, shown_address
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


VISIBLE = string.ascii_letters + string.digits
#: What can be told from everything else by itself, so that finding it again means something.
secrets = st.text(VISIBLE + "!$%&/()=?*+~#'\"\\:;,.-_@äß€ ", min_size=8, max_size=40).map(lambda text: f"S3{text}x9")
words = st.text(string.ascii_letters + string.digits + " .,-_()/\n'\"äöü", max_size=60)
anything = st.text(max_size=60)


@given(secrets, anything, anything)
def test_a_known_secret_survives_in_no_spelling(secret: str, before: str, behind: str) -> None:
    hide = Redactor()
    hide.learn(secret)
    spelled = [
        secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret),
        json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1], repr(secret.encode())[2:-1],
    ]  # fmt: skip
    for one in spelled:
        assert one not in hide(f"{before}{one}{behind}")
        assert one not in repr(hide.within({"a": [(before + one, {one: behind})]}))


@given(st.text(VISIBLE, min_size=6, max_size=30), anything)
def test_the_password_of_a_url_is_known_by_itself_and_as_it_is_sent(password: str, around: str) -> None:
    hide = Redactor()
    hide.learn(f"http://u%40x:{quote('9@' + password)}@proxy:3128", "url")
    sent = base64.b64encode(f"u@x:9@{password}".encode()).decode()
    for one in (f"9@{password}", f"9%40{password}", sent.rstrip("=")):
        assert one not in hide(f"{around}{one}{around}")


PLACES = (
    "redis://u:{}@h:1/0", "https://{}@h/", "https%3A%2F%2Fu%3A{}%40h", "h?password={}", "h/x?a=b&api_key={}#f",
    "Authorization: Bearer {}", "{{'authorization': 'Basic {}', 'x': 1}}", '{{"Cookie": "a={}"}}', "cookie: a=1; b={}",
    "[(b'x-api-key', b'{}')]", "X-API-Key: {}", "lm_abcd1234_{}", "whsec_{}",
)  # fmt: skip


@given(st.sampled_from(PLACES), st.text(VISIBLE, min_size=30, max_size=43), words, words)
def test_a_secret_is_known_by_its_place(place: str, password: str, before: str, behind: str) -> None:
    assume(password not in before + behind)
    told = redacted(f"{before} {place.format(password)} {behind}")
    assert password not in told and HIDDEN in told
    assert redacted(told) == told


@given(st.recursive(words, lambda inner: st.lists(inner) | st.dictionaries(words, inner), max_leaves=5))
def test_what_holds_no_secret_stays(value: object) -> None:
    assert redacted.within(value) == value


@pytest.mark.parametrize(
    "text",
    [
        "see https://medium.com/@user and https://acme.example:8443/@user, or mail info@acme.example",
        "http://[::1]:8000/@x", "redis://127.0.0.1:6379/0 answers; redis://leadmill@h has no password",
        "lm_short_key", "https://acme.example/?page=2&sort=key&keyword=pass", "Error 111 connecting to 127.0.0.1:6379.",
        "a cookie, and authorization", "12:30:05.1@node",
    ],
)  # fmt: skip
def test_what_looks_alike_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://user:pw@acme.example/x", "https://***@acme.example/x"),
        ("user:pw@acme.example", "***@acme.example"),
        ("https://u:pa/ss?w#o rd@acme.example", "https://***@acme.example"),
        ("https:/u:pw@acme.example", "***@acme.example"),
        ("https://key@acme.example", "https://***@acme.example"),
        ("https://u:pw@h https://acme.example", "https://u:***@h https://acme.example"),
        ("info@acme.example", "info@acme.example"),
        ("mailto:info@acme.example", "mailto:info@acme.example"),
        ("https://medium.com/@user", "https://medium.com/@user"),
    ],
)
def test_shown_address(text: str, told: str) -> None:
    assert shown_address(text) == told


@pytest.mark.parametrize(
    "piece",
    ["://", "://a:", "?", "?a=", "&token=", "lm_", "lm_aaaaaaaa_", "authorization:", "cookie'", "%3A%2F%2Fa%3A%40", "@://a",
     "authorization        ", "https://", "0123456789abcdef0123456789abcde", "a", " ", "\\", '"'],
)  # fmt: skip
def test_no_text_takes_longer_than_its_length(piece: str) -> None:
    """What grew with the square of the length would meet the time limit of a test."""
    hide = Redactor()
    hide.learn("0123456789abcdef0123456789abcdef")
    text = piece * (300_000 // len(piece))
    for told in (hide(text), shown(text), shown_address(text)):
        assert isinstance(told, str)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield capsys
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_line_of_a_log_holds_a_secret(lines: pytest.CaptureFixture[str], form: str) -> None:
    logs.configure(Settings(redis_url="redis://u:pl4nted-one@h/0", log_format=form))
    try:
        int("could not reach http://u:pl4nted-two@h")
    except ValueError:
        logging.getLogger("kombu").exception("broken: %s", {"Authorization": "Bearer pl4nted-three"})
        logs.get_logger("x").error("broken", why=["pl4nted-one"], password="pl4nted-four", exc_info=True)
    told = lines.readouterr().err
    assert told.count("ValueError") >= 2 and "pl4nted" not in told
