"""The worker's own consumer against a real server: what it asks, and what it keeps of the messages it has read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection, Consumer, Producer, Queue

from pipelines.execution.transport import LakeTransport
from tests.valkey import Valkey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    started = Valkey(tmp_path_factory.mktemp("consumer"), aof=False).start()
    yield started
    started.stop()


def test_a_message_that_was_read_leaves_nothing_behind(server: Valkey) -> None:
    queue, seen = Queue("q"), []

    def take(body: Any, message: Any) -> None:
        seen.append(body)
        (message.ack if body % 2 else message.reject)()

    with Connection(server.url, transport=LakeTransport) as connection:
        channel = connection.channel()
        producer = Producer(channel)
        for number in range(20):
            producer.publish(number, routing_key="q", declare=[queue])
        connection.default_channel.client.config_resetstat()
        with Consumer(channel, [queue], callbacks=[take], no_ack=True):
            while len(seen) < 20:
                connection.drain_events(timeout=5)
        asked = connection.default_channel.client.info("commandstats")
        assert not channel.qos._dirty
        assert not channel.qos._delivered
    assert seen == list(range(20))
    assert not {"cmdstat_zrem", "cmdstat_hdel"} & asked.keys(), "nothing was noted, nothing to forget"


def test_messages_go_out_by_one_client_until_its_connections_are_given_up(server: Valkey) -> None:
    with Connection(server.url, transport=LakeTransport) as connection:
        channel = connection.channel()
        producer = Producer(channel)
        for number in range(3):
            producer.publish(number, routing_key="kept", declare=[Queue("kept")])
        kept = channel._create_client()
        assert channel._create_client() is kept
        channel._disconnect_pools()
        assert channel._create_client() is not kept
        producer.publish(3, routing_key="kept")
        assert channel._create_client().llen("kept") == 4
