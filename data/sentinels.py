"""The way to a Redis that is named by its Sentinels: they say at each new connection which server is the primary.

redis-py has all of it, but for four things that cost work when a primary froze or was cut off:

- A connection whose answer did not come in time is given up. redis-py keeps it, stays with the frozen server, and takes
  what that sends after its thaw for the answer to another question.
- One whose server has too few replicas to write asks anew which server is the primary: it may be cut off from others.
- A Sentinel that is away or frozen costs a second, once: it is asked last from then on.
- Where no Sentinel answers, the primary that was known last is taken. Work goes on without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, cast

import redis
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.exceptions import AuthenticationError, ConnectionError, RedisError, ResponseError, TimeoutError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool, SentinelManagedConnection

from leadmill.sentinel_url import SentinelUrl

#: No Sentinel is waited for longer, seconds.
SENTINEL_TIMEOUT_S = 1.0
#: A connection that was idle for so long asks its server whether it is there before it is used, seconds.
CHECK_S = 2

Address = tuple[str, int]
#: Where each primary was last, by its Sentinels and its name; children know what their parent knew.
_last_known: dict[tuple[tuple[Address, ...], str], Address] = {}


class PrimaryConnection(SentinelManagedConnection):
    """A connection to whichever server is the primary when it is made."""

    def read_response(
        self, disable_decoding: bool = False, *, disconnect_on_error: bool | None = True, **options: Any
    ) -> Any:
        """As redis-py's, but for what is said above."""
        try:
            return super().read_response(disable_decoding, disconnect_on_error=disconnect_on_error, **options)
        except ResponseError as error:
            if "NOREPLICAS" in str(error):
                self.mark_for_reconnect()  # type: ignore[no-untyped-call]
            raise


class PrimarySSLConnection(PrimaryConnection, SSLConnection):
    """The same with TLS."""


class Sentinels(Sentinel):
    """Those that a URL names. Asked in turn: the one that answered last is the first."""

    def __init__(self, url: SentinelUrl) -> None:
        once = Retry(NoBackoff(), 0)
        patience = {"socket_timeout": SENTINEL_TIMEOUT_S, "socket_connect_timeout": SENTINEL_TIMEOUT_S, "retry": once}
        options = {"decode_responses": True, "ssl": bool(url.tls), **patience, **url.sentinel}
        super().__init__(url.sentinels, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        self._of = url.sentinels, url.master

    def discover_master(self, service_name: str) -> Address:
        """Where the primary is.

        Raises:
            MasterNotFoundError: no Sentinel knows one that is up, or none answers and it was never known.
        """
        said: list[str] = []
        may_have_moved = False
        for sentinel in list(self.sentinels):
            try:
                state = cast("dict[str, Any]", sentinel.sentinel_master(service_name))
            except (AuthenticationError, ResponseError) as error:
                said.append(f"{_where(sentinel)} says {error}")
                may_have_moved = True
            except (ConnectionError, TimeoutError) as error:
                said.append(f"{_where(sentinel)} does not answer ({type(error).__name__})")
            else:
                if self.check_master_state(state, service_name):  # type: ignore[no-untyped-call]
                    self.sentinels = [sentinel, *(other for other in self.sentinels if other is not sentinel)]
                    address = _last_known[self._of] = (str(state["ip"]), int(state["port"]))
                    return address
                said.append(f"{_where(sentinel)} says that {state['ip']}:{state['port']} is down")
                may_have_moved = True
        if not may_have_moved and self._of in _last_known:
            return _last_known[self._of]
        raise MasterNotFoundError(f"no primary {service_name!r}: {'; '.join(said)}")

    def distrust(self) -> None:
        """Ask another one first: what this one called the primary is none (any more)."""
        self.sentinels = [*self.sentinels[1:], self.sentinels[0]]


class PrimaryPool(SentinelConnectionPool):
    """Connections to the primary that a URL's Sentinels name; `options` are redis-py's of each connection."""

    def __init__(self, url: SentinelUrl, **options: Any) -> None:
        kind = PrimarySSLConnection if url.tls else PrimaryConnection
        super().__init__(  # type: ignore[no-untyped-call]
            url.master,
            Sentinels(url),
            connection_class=options.pop("connection_class", kind),
            **{"health_check_interval": CHECK_S, **url.server, **options},
        )

    def close(self) -> None:
        """Give up the connections to the Sentinels, too."""
        super().close()
        self.sentinel_manager.close()


class NoPrimaryError(ConnectionError):
    """What a Sentinel called the primary says that it is a replica: it was one, or is not one yet."""


@dataclass(frozen=True)
class Replicas:
    """What a server says of its replicas, from its answer to INFO replication."""

    is_primary: bool
    #: Where the server is that this one follows; None: this is the primary.
    of: str | None
    connected: int
    #: Those whose answers are fresh enough to count; None: it writes whether there are any or not
    #: (`min-replicas-to-write` 0).
    good: int | None
    #: Its line of writes: a new one each time that another server becomes the primary, or this one is started again.
    line: str

    @classmethod
    def of_info(cls, info: Mapping[str, Any]) -> Replicas:
        """Of an answer that redis-py has read, or of fields of its text."""
        good = info.get("min_slaves_good_slaves")
        is_primary = str(info.get("role", "master")) == "master"
        return cls(
            is_primary,
            None if is_primary else f"{info.get('master_host', 'HOST')}:{info.get('master_port', 'PORT')}",
            int(info.get("connected_slaves", 0)),
            None if good is None else int(good),
            str(info.get("master_replid", "")),
        )

    @property
    def said(self) -> str:
        """In words, for people."""
        if self.good is None:
            return f"{self.connected} replicas, and writes without them (min-replicas-to-write is 0)"
        return f"{self.connected} replicas, {self.good} up to date; writes only while one is (min-replicas-to-write)"


def fields_of(text: str | bytes) -> dict[str, str]:
    """An answer to INFO that nobody has read yet, by field."""
    lines = (text.decode(errors="replace") if isinstance(text, bytes) else text).splitlines()
    return {name: value for line in lines if not line.startswith("#") for name, _, value in [line.partition(":")]}


def faults(url: SentinelUrl) -> Iterator[tuple[Literal["away", "unfit", "risk"], str, str]]:
    """What is wrong with the Sentinels themselves: its kind, a sentence, and a command that mends it."""
    answers = list(_asked(url))
    host, port = url.sentinels[0]
    tool = f"redis-cli -h {host} -p {port}"
    for _, answer in answers:
        if isinstance(answer, AuthenticationError):
            yield "unfit", f"has Sentinels that refuse us ({answer})", "REDIS_URL='sentinel://…&sentinel_password=…'"
            return
    known = [answer for _, answer in answers if isinstance(answer, list)]
    silent = len(url.sentinels) - len(known)
    if not known:
        yield "away", "has no Sentinel that answers", f"{tool} PING"
    elif not any(url.master in names for names in known):
        names = ", ".join(sorted({name for names in known for name in names})) or "none"
        yield "unfit", f"has Sentinels that watch no {url.master!r}; they know {names}", f"{tool} SENTINEL MASTERS"
    elif silent:
        where = ", ".join(f"{host}:{port}" for (host, port), answer in answers if not isinstance(answer, list))
        yield "risk", f"has {silent} of {len(url.sentinels)} Sentinels that do not answer ({where})", f"{tool} PING"
    elif len(url.sentinels) < 3:
        text = f"is named by {len(url.sentinels)} Sentinels; name three, so that one may be away"
        yield "risk", text, f"{tool} SENTINEL SENTINELS {url.master}"


def primary(url: SentinelUrl) -> Address:
    """Where the primary is, as a Sentinel says.

    Raises:
        MasterNotFoundError: none knows.
    """
    with closing(Sentinels(url)) as sentinels:
        return sentinels.discover_master(url.master)


def _asked(url: SentinelUrl) -> Iterator[tuple[Address, Sequence[str] | RedisError]]:
    """Of each Sentinel the names of what it watches, or why it does not tell."""
    with closing(Sentinels(url)) as sentinels:
        for address, client in zip(url.sentinels, list(sentinels.sentinels), strict=True):
            try:
                yield address, list(cast("dict[str, Any]", client.sentinel_masters()))
            except RedisError as error:
                yield address, error


def _where(client: redis.Redis) -> str:
    options = client.connection_pool.connection_kwargs
    return f"the Sentinel at {options['host']}:{options['port']}"
