"""The URL that names a Redis by its Sentinels: `sentinel://[user:password@]host[:port],…/0?master=NAME`.

User and password are those of the server; the Sentinels' own are `sentinel_username` and `sentinel_password` in the
query. `sentinels://` asks both for TLS, by the words of `rediss://` (leadmill/redis_tls.py). Which server is the
primary is found out at each new connection (data/sentinels.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from leadmill.redis_tls import tls_options
from leadmill.suggest import did_you_mean

PLAIN, WITH_TLS = "sentinel://", "sentinels://"
#: Where Sentinels listen.
DEFAULT_PORT = 26379
EXAMPLE = "sentinel://:PASSWORD@HOST:26379,HOST:26379,HOST:26379/0?master=NAME"
_PARAMETERS = ("master", "sentinel_username", "sentinel_password")
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/@]+)(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class SentinelUrl:
    """What such a URL says. Its text holds no password."""

    #: Host and port of each.
    sentinels: tuple[tuple[str, int], ...]
    #: The name under which they watch the primary.
    master: str
    db: int
    #: Of the server.
    username: str | None
    password: str | None = field(repr=False)
    sentinel_username: str | None
    sentinel_password: str | None = field(repr=False)
    #: redis-py's options about certificates; empty: without TLS.
    tls: dict[str, Any]

    @classmethod
    def of(cls, url: str) -> SentinelUrl:
        """What a URL says.

        Raises:
            ValueError: it is none, or lacks something; says what is wanted, and repeats no password.
        """
        parts = urlsplit(url)
        login, _, hosts = parts.netloc.rpartition("@")
        if not hosts or "@" in parts.path + parts.fragment:
            raise ValueError(f"Sentinels are named as {EXAMPLE}; in a password write @ as %40, / as %2F")
        user, _, password = login.partition(":")
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        for name in given:
            if name not in _PARAMETERS and not name.startswith("ssl_"):
                raise ValueError(f"no parameter {name[:40]!r} of Sentinels; {did_you_mean(name, _PARAMETERS)}")
        if not given.get("master"):
            raise ValueError(f"which primary they watch is missing, as in {EXAMPLE} (SENTINEL MASTERS tells the name)")
        return cls(
            tuple(map(_host, hosts.split(","))),
            given["master"],
            _database(parts.path),
            unquote(user) or None,
            unquote(password) or None,
            given.get("sentinel_username") or None,
            given.get("sentinel_password") or None,
            tls_options(url),
        )

    @property
    def server(self) -> dict[str, Any]:
        """redis-py's options of a connection to the primary, but for its address."""
        return {"db": self.db, "username": self.username, "password": self.password, **self.tls}

    @property
    def sentinel(self) -> dict[str, Any]:
        """Those of a connection to one of the Sentinels."""
        return {"username": self.sentinel_username, "password": self.sentinel_password, **self.tls}


def names_sentinels(url: str) -> bool:
    """Whether it is a URL of this kind, perhaps a wrong one."""
    return "sentinel" in url.partition("://")[0].lower()


def sentinel_fault(url: str) -> str | None:
    """Why a URL that names Sentinels cannot be followed, or None."""
    if not url.startswith((PLAIN, WITH_TLS)):
        return f"Sentinels are named as {EXAMPLE}, with TLS as {WITH_TLS}…"
    try:
        SentinelUrl.of(url)
    except ValueError as error:
        return str(error)
    return None


def _host(text: str) -> tuple[str, int]:
    found = _HOST.fullmatch(text.strip())
    port = int(found["port"] or DEFAULT_PORT) if found else 0
    if not found or not 0 < port < 65_536:
        raise ValueError(f"no Sentinel's address: {text[:60]!r}; they are named as {EXAMPLE}")
    return found["host"].strip("[]"), port


def _database(path: str) -> int:
    text = path.strip("/") or "0"
    if not text.isdecimal():
        raise ValueError(f"no number of a database: {text[:20]!r}; it is the 0 in {EXAMPLE}")
    return int(text)
