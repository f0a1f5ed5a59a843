"""The thread behind the answers: what it sends, what it drops, and that it lives on."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from api.dispatcher import Dispatcher
from data.jobs import HandOut
from leadmill.settings import Settings
from pipelines.execution.broker import make_celery
from tests.api.conftest import Valkey
from tests.valkey import free_port

QUEUE = "leadmill:processing\x06\x163"


def hand_out(n: int) -> list[HandOut]:
    return [HandOut(f"job_{n:020d}", "launch", 1, 0, 3, "launch")]


def until(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came true")


def test_close_sends_what_waits_in_order(settings: Settings, valkey: Valkey) -> None:
    dispatcher = Dispatcher(make_celery(settings))
    for n in range(120):
        dispatcher.put(hand_out(n))
    dispatcher.put([])
    dispatcher.start()
    dispatcher.close()
    messages = valkey.client.lrange(QUEUE, 0, -1)[::-1]
    assert [f"job_{n:020d}" in message for n, message in enumerate(messages)] == [True] * 120
    assert dispatcher.dropped == 0


def test_full_queue_drops_and_never_blocks(settings: Settings) -> None:
    dispatcher = Dispatcher(make_celery(settings), capacity=3)
    start = time.monotonic()
    for n in range(10):
        dispatcher.put(hand_out(n))
    assert time.monotonic() - start < 0.5 and dispatcher.dropped == 7


def test_dead_broker_drops_and_the_thread_lives_on(
    settings: Settings, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_celery(settings)
    app.conf.broker_url = f"redis://127.0.0.1:{free_port()}/0"
    dispatcher = Dispatcher(app)
    dispatcher.start()
    dispatcher.put(hand_out(1))
    until(lambda: dispatcher.dropped == 1)
    good = make_celery(settings)
    monkeypatch.setattr(dispatcher, "_app", good)
    dispatcher.put(hand_out(2))
    until(lambda: valkey.client.llen(QUEUE) == 1)
    dispatcher.close()
