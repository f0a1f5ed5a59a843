"""What is found out of a connection before each command, by one cheap look, against a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Connection, Redis
from redis._parsers import _HiredisParser
from redis.backoff import NoBackoff
from redis.retry import Retry

from data.identity import connect
from tests.valkey import Valkey


@pytest.fixture
def client(valkey: Valkey) -> Iterator[Redis]:
    """It tries nothing twice: what is answered was sent over a connection that was known to be good."""
    with connect(valkey.url, retry=Retry(NoBackoff(), 0)) as made:
        yield made


def held(client: Redis) -> Connection:
    (connection,) = client.connection_pool._available_connections
    assert isinstance(connection._parser, _HiredisParser), "the other one costs some ten times as much"
    return connection


def test_a_good_connection_is_used_again(client: Redis) -> None:
    ids = {client.client_id() for _ in range(3)}
    assert len(ids) == 1 and not held(client).can_read()


def test_one_that_the_server_closed_is_made_anew(valkey: Valkey, client: Redis) -> None:
    first = client.client_id()
    with connect(valkey.url) as other:
        other.execute_command("CLIENT", "KILL", "ID", first)
    assert client.client_id() > first


def test_an_answer_that_nobody_read_is_seen(client: Redis) -> None:
    client.ping()
    connection = held(client)
    connection.send_packed_command(connection.pack_commands([("ECHO", "first"), ("ECHO", "second")]))
    assert connection.can_read(timeout=5), "on its way"
    assert connection.can_read(), "arrived"
    assert connection.read_response() in ("first", b"first")
    assert connection.can_read(), "read from the socket together with the first"
    connection.read_response()
    assert not connection.can_read()
