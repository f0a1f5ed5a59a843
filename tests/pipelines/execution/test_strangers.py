"""Whoever can write to the broker can send anything. Workers take nothing from it but the name of a unit."""

from __future__ import annotations

import base64
import gc
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kombu.message import Message

from data.jobs import HandOut
from leadmill.ids import new_job_id
from leadmill.settings import Settings
from pipelines.execution import canvas
from pipelines.execution.broker import make_celery
from pipelines.queues import Queue
from tasks.messages import NotOursError, cleaned
from tests.faults.proof import until
from tests.stand_ins.stack import Spine
from tests.valkey import Valkey

STRANGERS = "strangers:"
CLOSE = (("score",), ("render:csv", "render:html"), ("publish",))
#: What a field that wants something else may be given.
ODD: list[Any] = [
    None, True, 0, -1, 1.5, 10**400, "", "a", "a" * 100_000, "\ud800", [], ["a", "b"], [1, 2], [[[]]], {}, {"a": 1},
    "2031-01-01T00:00:00", ["2031-01-01T00:00:00"], {"__type__": "datetime", "__value__": "a"}, {"task": "celery.map"},
]  # fmt: skip


def ours(app: Any, client: redis.Redis) -> list[dict[str, Any]]:
    """One message of each form that we send, as it lies in the broker, its body decoded."""
    job = new_job_id()
    outs = [
        [HandOut(job, "launch", 1, 0, 3, "launch")],
        [HandOut(job, "p0", 1, 0, 3, "scrape", ("scrape", "process", "enrich"))],
        [HandOut(job, "score", 1, 0, 2, "score", (), CLOSE)],
        [HandOut(job, unit, 1, 0, 2, "render", (), CLOSE) for unit in CLOSE[1]],
        [HandOut(job, "render:csv", 1, 0, 2, "render", (), CLOSE)],
        [HandOut(job, "publish", 1, 0, 2, "publish", (), CLOSE)],
    ]
    for group in outs:
        canvas.dispatch(app, group)
    found = [json.loads(text) for key in client.keys(f"{STRANGERS}*\x06\x16*") for text in client.lrange(key, 0, -1)]
    for message in found:
        message["body"] = json.loads(base64.b64decode(message["body"]))
    return found


@pytest.fixture(scope="module")
def sent(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    folder = str(tmp_path_factory.mktemp("strangers"))
    app = make_celery(Settings(REDIS_URL=valkey.url, key_prefix=STRANGERS, data_url=folder))
    yield ours(app, redis.Redis.from_url(valkey.url))
    del app
    gc.collect()  # a chord's result that goes later would look for a server that is gone


def kombu_message(raw: dict[str, Any]) -> Message:
    return Message(
        body=json.dumps(raw["body"]), content_type=raw["content-type"], content_encoding=raw["content-encoding"],
        headers=raw["headers"], properties=raw["properties"],
    )  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(raw: dict[str, Any], path: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    copy = json.loads(json.dumps(raw))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = odd
    return copy


def test_all_that_we_send_is_taken_as_it_is(sent: list[dict[str, Any]]) -> None:
    assert len(sent) == 7
    for raw in sent:
        headers, properties = cleaned(kombu_message(raw))
        for name in ("task", "id", "root_id", "parent_id", "group", "group_index", "argsrepr"):
            assert headers[name] == raw["headers"].get(name)
        assert headers["timelimit"] == [None, None], "the task's own holds, whatever a message says"
        assert properties["priority"] == raw["properties"]["priority"]
        assert properties["delivery_info"] == raw["properties"]["delivery_info"]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_changed_message_is_thrown_away_or_asks_for_nothing_more(data: st.DataObject, sent: list[Any]) -> None:
    raw = data.draw(st.sampled_from(sent))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(raw))))
        odd = data.draw(st.sampled_from(ODD) | st.text(max_size=20) | st.integers() | st.lists(st.integers()))
        raw = changed(raw, path, odd)
        raw.setdefault("headers", {})
    try:
        headers, _ = cleaned(kombu_message(raw))
    except NotOursError:
        return
    except (TypeError, AttributeError, KeyError, UnicodeError):
        with pytest.raises(Exception):  # noqa: B017 - kombu cannot make a message of it; the channel throws it away
            kombu_message(raw)
        return
    assert headers["timelimit"] == [None, None] and headers["eta"] is headers["expires"] is None
    assert headers["task"].startswith("leadmill.") and headers["ignore_result"] is True
    args, kwargs, embed = json.loads(json.dumps(raw["body"]))
    assert not kwargs and not embed.get("callbacks") and not embed.get("errbacks")
    assert args[0].startswith("job_")


def encoded(raw: dict[str, Any]) -> str:
    copy = dict(raw)
    if "body" in copy:
        copy["body"] = base64.b64encode(json.dumps(copy["body"]).encode()).decode()
    return json.dumps(copy)


def test_a_worker_lives_on_through_every_odd_field(spine: Spine, sent: list[dict[str, Any]]) -> None:
    worker = spine.workers[0]
    first = next(raw for raw in sent if raw["headers"]["task"] == "leadmill.scrape")
    last = next(raw for raw in sent if raw["body"][2].get("chord"))
    bad = [encoded(changed(raw, path, odd)) for raw in (first, last) for path in places(raw) for odd in ODD]
    extra = {
        "timelimit": ["a", "b"], "compression": "zlib", "shadow": "x", "eta": "2031-01-01T00:00:00",
        "stamped_headers": ["a"], "stamps": {"a": "b"}, "x": "y" * 200_000,
    }  # fmt: skip
    bad += [encoded(changed(first, ("headers", name), odd)) for name, odd in extra.items()]
    bad += [json.dumps({"__type__": kind, "__value__": 5}) for kind in ("datetime", "uuid", "decimal", "bytes")]
    bad += ["", "null", "[]", "{", "[" * 100_000, '{"body": 1, "headers": [], "properties": 3}', "\x00\xff"]
    keys = [
        spine.settings.key_prefix + spine.celery.connection_for_write().default_channel._q_for_pri(queue.value, 1)
        for queue in (Queue.SCRAPING, Queue.ANALYTICS)
    ]
    client = spine.store.redis
    told_since, began = spine.log_from_now(), time.monotonic()
    for place, text in enumerate(bad):
        client.lpush(keys[place % 2], text)
    job = spine.submit(3)
    until(lambda: not any(client.llen(key) for key in keys), 30, "the messages read")
    assert spine.wait(job) == ["completed"]
    assert worker.poll() is None, "the worker ended"
    told = told_since()
    assert "Traceback" not in told, told[told.index("Traceback") - 1_000 :][:3_000]
    windows = 1 + (time.monotonic() - began) // 10  # of each kind one line in ten seconds: a busy machine takes many
    assert 0 < told.count("thrown away") < 100 * windows, "each message was told of"


def test_what_lies_in_the_place_of_a_queue_ends_no_worker(spine: Spine) -> None:
    worker, client = spine.workers[0], spine.store.redis
    channel = spine.celery.connection_for_write().default_channel
    keys = [spine.settings.key_prefix + channel._q_for_pri(Queue.SCRAPING.value, level) for level in (0, 3, 9)]
    told_since = spine.log_from_now()
    client.set(keys[0], "a")
    client.hset(keys[1], "a", "b")
    client.sadd(keys[2], "a")
    until(lambda: all(client.type(key) in ("none", "list") for key in keys), 30, "the keys are queues again")
    job = spine.submit(3)
    assert spine.wait(job) == ["completed"]
    assert worker.poll() is None, "the worker ended"
    assert "put aside" in told_since()


COMMANDS: list[Any] = [
    *({"method": name} for name in ("shutdown", "pool_shrink", "pool_grow", "pool_restart", "autoscale", "election")),
    {"method": "pool_shrink", "arguments": {"n": 99}},
    {"method": "pool_shrink", "arguments": {"n": "a"}},
    {"method": "shutdown", "arguments": {"msg": "bye"}},
    {"method": "time_limit", "arguments": {"task_name": "leadmill.scrape", "hard": "a", "soft": ["b"]}},
    {"method": "rate_limit", "arguments": {"task_name": "leadmill.scrape", "rate_limit": "0.0001/h"}},
    {"method": "cancel_consumer", "arguments": {"queue": "scraping"}},
    {"method": "add_consumer", "arguments": {"queue": "elsewhere"}},
    {"method": "revoke", "arguments": {"task_id": ["a"], "terminate": True, "signal": "KILL"}},
    {"method": "hello", "arguments": {"from_node": "x", "revoked": ["a"]}},
    {"method": "ping", "pattern": "(.|.)*!", "matcher": "pcre"},
    {"method": "ping", "pattern": "*a" * 100, "matcher": "glob"},
    {"method": "ping", "reply_to": {"exchange": "", "routing_key": "scraping"}},
    {"method": "ping", "reply_to": "x", "ticket": []},
    {"method": "ping", "destination": {"a": 1}},
    {"method": "ping", "arguments": [1]},
    {"method": ["ping"]},
    {"method": "active", "arguments": {"safe": {}, "x": 1}},
    {"method": "registered", "arguments": {"taskinfoitems": 3}},
    {"method": "query_task", "arguments": {"ids": [{}]}},
    {},
    [],
    3,
    None,
    "shutdown",
    {"method": "nothing", "x": 1},
]


def test_remote_control_answers_and_changes_nothing(spine: Spine) -> None:
    worker = spine.workers[0]
    children = {child.pid for child in spine.children()}
    channel = spine.celery.connection_for_write().default_channel
    topic = channel._get_publish_topic("celery.pidbox", "")
    listens = spine.celery.control.inspect(timeout=1, limit=1)
    until(listens.ping, 20, "a worker that has just started listens")

    def wrapped(body: Any, headers: Any = None) -> dict[str, Any]:
        return {
            "body": body, "headers": headers or {}, "content-type": "application/json", "content-encoding": "utf-8",
            "properties": {"body_encoding": "base64", "delivery_tag": str(uuid.uuid4()), "delivery_info": {}},
        }  # fmt: skip

    told_since = spine.log_from_now()
    for body in COMMANDS:
        channel.client.publish(topic, encoded(wrapped(body)))
    ping = wrapped({"method": "ping"})
    for path in places(ping):
        for odd in ODD:
            channel.client.publish(topic, encoded(changed(ping, path, odd)))
    channel.client.publish(topic, encoded(wrapped({"method": "ping"}, {"clock": "a"})))
    for text in ("", "{", "{}", "null", "[]", '{"body": 1, "headers": [], "properties": 3}'):
        channel.client.publish(topic, text)
    inspect = spine.celery.control.inspect(timeout=5, limit=1)
    name = "w1@test"
    assert inspect.ping() == {name: {"ok": "pong"}}
    assert inspect.active() == {name: []}
    assert inspect.stats()[name]["pool"]["max-concurrency"] == 2
    assert {queue["name"] for queue in inspect.active_queues()[name]} == {queue.value for queue in Queue}
    answer = spine.celery.control.broadcast("pool_grow", {"n": 1}, reply=True, timeout=5, limit=1)
    assert "not offered" in answer[0][name]["error"]
    assert spine.wait(spine.submit(3)) == ["completed"]
    assert worker.poll() is None and {child.pid for child in spine.children()} == children
    told = told_since()
    assert "ValueError" not in told and "Control command error" not in told, told[-3_000:]
