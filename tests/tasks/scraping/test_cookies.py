"""Which cookies are kept and sent back, and that no site can make others of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scraping.cookies import MAX_COOKIES, MAX_SENT, CookieJar

HOME = "https://www.acme.co.uk/shop/start"


def _jar(*headers: bytes, url: str = HOME) -> CookieJar:
    jar = CookieJar()
    jar.take(url, headers)
    return jar


@pytest.mark.parametrize(
    ("header", "url", "sent"),
    [
        (b"a=1", "https://www.acme.co.uk/shop/x", b"a=1"),
        (b"a=1", "https://www.acme.co.uk/shop", b"a=1"),
        (b"a=1", "https://www.acme.co.uk/shopping", None),
        (b"a=1; Path=/", "http://www.acme.co.uk/", b"a=1"),
        (b"a=1; path=/", "https://www.acme.co.uk:8443/", b"a=1"),
        (b"a=1; path=/", "https://acme.co.uk/", None),
        (b"a=1; path=/", "https://x.www.acme.co.uk/", None),
        (b"a=1; path=/; Domain=.ACME.co.uk", "https://acme.co.uk/", b"a=1"),
        (b"a=1; path=/; domain=acme.co.uk", "https://b.acme.co.uk/", b"a=1"),
        (b"a=1; path=/; domain=acme.co.uk", "https://notacme.co.uk/", None),
        (b"a=1; path=/; domain=co.uk", "https://other.co.uk/", None),
        (b"a=1; path=/; domain=uk", HOME, None),
        (b"a=1; path=/; domain=bank.co.uk", "https://bank.co.uk/", None),
        (b"a=1; path=/; domain=x.www.acme.co.uk", "https://x.www.acme.co.uk/", None),
        (b"a=1; Secure", HOME, b"a=1"),
        (b"a=1; Secure", "http" + HOME[5:], None),
        (b"__Host-a=1; Path=/; Secure", HOME, b"__Host-a=1"),
        (b"__Host-a=1; Path=/; Secure; Domain=acme.co.uk", HOME, None),
        (b"__Host-a=1; Path=/shop; Secure", HOME, None),
        (b"__HOST-a=1; Secure", "https://www.acme.co.uk/", None),
        (b"__Secure-a=1; Secure", HOME, b"__Secure-a=1"),
        (b"__Secure-a=1", HOME, None),
        (b"a=1; Max-Age=0", HOME, None),
        (b"a=1; max-age=-1; expires=Fri, 01 Jan 2100 00:00:00 GMT", HOME, None),
        (b"a=1; max-age=60; expires=Thu, 01-Jan-1970 00:00:00 GMT", HOME, b"a=1"),
        (b"a=1; expires=Thu, 01-Jan-1970 00:00:01 GMT", HOME, None),
        (b"a=1; expires=Fri, 01 Jan 2100 00:00:00 GMT; HttpOnly; SameSite=Lax; Partitioned", HOME, b"a=1"),
        (b'a="1, 2"; expires=nonsense', HOME, b'a="1, 2"'),
        (b"a=", HOME, b"a="),
        (b"a", HOME, None),
        (b"=1", HOME, None),
        (b"a b=1", HOME, None),
        (b"a=1\x00", HOME, None),
        (b"a=\xc3\xa4", HOME, None),
        (b"a=" + b"1" * 5_000, HOME, None),
    ],
)
def test_cookie_goes_where_it_may(header: bytes, url: str, sent: bytes | None) -> None:
    assert _jar(header).header(url) == sent


def test_address_and_single_label_keep_theirs_to_themselves() -> None:
    assert _jar(b"a=1; domain=0.0.1", url="http://127.0.0.1/").header("http://127.0.0.1/") is None
    assert _jar(b"a=1", url="http://127.0.0.1/").header("http://127.0.0.1/") == b"a=1"
    assert _jar(b"a=1; domain=localhost", url="http://a.localhost/").header("http://b.localhost/") is None


def test_longest_path_first_and_each_once() -> None:
    jar = _jar(b"a=1; path=/", b"b=2; path=/shop", b"a=3; path=/")
    assert jar.header(HOME) == b"b=2; a=3"


def test_version_tells_whether_anything_changed() -> None:
    jar = _jar(b"a=1")
    before = jar.version
    jar.take(HOME, [b"a=1", b"gone=1; max-age=0"])
    assert jar.version == before
    jar.take(HOME, [b"a=2"])
    assert jar.version == before + 1
    jar.take(HOME, [b"a=2; max-age=0"])
    assert (jar.version, len(jar), jar.header(HOME)) == (before + 2, 0, None)


def test_a_flood_of_cookies_is_bounded() -> None:
    jar = CookieJar()
    for answer in range(50):
        jar.take(HOME, [b"a%d-%d=" % (answer, n) + b"x" * 3_000 for n in range(500)])
    assert len(jar) == MAX_COOKIES
    assert len(jar.header(HOME) or b"") <= MAX_SENT


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_header_is_read(headers: list[bytes]) -> None:
    jar = _jar(*headers, *(b"a=1;" + header for header in headers), *(b"a=1; expires=" + header for header in headers))
    line = jar.header(HOME) or b""
    assert not {b"\r", b"\n", b"\0"} & {line[n : n + 1] for n in range(len(line))}
