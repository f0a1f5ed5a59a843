"""The worker's own consumer against a real server: what it asks, and what it keeps of the messages it has read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import redis
from celery.canvas import maybe_signature
from kombu import Connection, Consumer, Exchange, Producer, Queue
from kombu.utils.uuid import uuid

from data.identity import write_id
from data.jobs import HandOut
from leadmill.settings import Settings
from pipelines.execution import canvas
from pipelines.execution.broker import make_celery
from pipelines.execution.transport import LakeChannel, LakeTransport
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


def test_the_next_task_of_a_chain_is_sent_as_celery_sends_it(server: Valkey, tmp_path: Path) -> None:
    app = make_celery(Settings(REDIS_URL=server.url, key_prefix="next:", data_url=str(tmp_path), signing_key="k" * 32))
    write_id(tmp_path)
    stages = ("scrape", "process", "enrich")
    (made,) = canvas.build(app, [HandOut("job_x", "p7", 2, 0, 3, "scrape", stages)])
    chain = json.loads(json.dumps([dict(link) for link in reversed(made.tasks[1:])]))
    of = {"root_id": uuid(), "parent_id": uuid()}

    def taken() -> dict[str, Any]:
        with redis.Redis.from_url(server.url) as client:
            (found,) = [client.lpop(key) for key in client.keys("next:processing*") if client.type(key) == b"list"]
        message = json.loads(cast("bytes", found))
        for own in ("id", "origin"):
            assert message["headers"].pop(own)
        for own in ("correlation_id", "reply_to", "delivery_tag"):
            message["properties"].pop(own)
        return cast("dict[str, Any]", message)

    maybe_signature(chain[-1], app=app).apply_async((None,), chain=chain[:-1], priority=None, **of)
    expected = taken()
    request = SimpleNamespace(chain=chain, id=of["parent_id"], root_id=of["root_id"])
    canvas.send_next(app, request)
    assert (taken(), request.chain) == (expected, None)
    for left in ({"subtask_type": "chord"}, {"options": {"queue": None, "priority": 3, "ignore_result": True}}):
        request.chain = [chain[0], {**chain[-1], **left}]
        canvas.send_next(app, request)
        assert request.chain, "Celery's own to send"
    app.pool.force_close_all()


def test_connections_of_celerys_pool_are_checked_like_all_others(server: Valkey, tmp_path: Path) -> None:
    app = make_celery(Settings(REDIS_URL=server.url, key_prefix="pool:", data_url=str(tmp_path)))
    with app.pool.acquire(block=True) as connection:
        assert isinstance(connection.default_channel, LakeChannel)
    assert (tmp_path / "lake.id").exists(), "asked for at the first connection"
    app.pool.force_close_all()


def test_bindings_that_expire_are_kept_and_swept_without_a_script(server: Valkey) -> None:
    answers, stays = Exchange("answers", type="direct"), Queue("stays", Exchange("both"), routing_key="a")
    options = {"global_keyprefix": "b:"}
    with Connection(server.url, transport=LakeTransport, transport_options=options) as connection:
        channel = connection.default_channel
        client = channel.client
        client.config_resetstat()
        for queue in (
            Queue("once", answers, routing_key="o", expires=5),
            Queue("o2", Exchange("both"), "p", expires=5),
        ):
            queue(channel).declare()
        stays(channel).declare()
        table = [f"b:_kombu.binding.{name}".encode() for name in ("answers", "both")]
        assert [key in keys(server) for key in table] == [True, True]
        assert channel.sweep_bindings() == 0, "an hour is left to them"
        client.zadd("_kombu.binding_deadlines", {"answers": 1, "both": 1})
        assert channel.sweep_bindings() == 2
        assert [key in keys(server) for key in table] == [False, True], "one has a queue that stays"
        assert client.zrange("_kombu.binding_deadlines", 0, -1) == []
        channel.qos.restore_visible(interval=1)
        assert not {"cmdstat_eval", "cmdstat_evalsha", "cmdstat_script"} & client.info("commandstats").keys()


def keys(server: Valkey) -> set[bytes]:
    with redis.Redis.from_url(server.url) as client:
        return set(client.scan_iter("*"))
