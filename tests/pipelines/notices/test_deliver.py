"""The deliverer against a real server and a real receiver."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from data.jobs import JobStore, script
from data.notices import outbox as outbox_module
from data.notices.outbox import Outbox
from data.notices.telling import tell
from data.notices.wanted import put_wanted
from leadmill.errors import UnavailableError
from leadmill.notices import Delivery, Notice
from pipelines.notices import deliver
from pipelines.notices.channel import Channel, ChannelError, Channels
from pipelines.notices.deliver import Deliverer, pause_s
from tests.stand_ins.receiver import Book, Post, Received, Receiver
from tests.valkey import Valkey

PATIENCE_S = 20.0


@pytest.fixture
def store(valkey: Valkey, request: pytest.FixtureRequest) -> Iterator[JobStore]:
    made = JobStore.connect(valkey.url, f"deliver-{request.node.name}:")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "LOOK_S", 0.05)


@contextmanager
def delivering(store: JobStore, channels: Channels) -> Iterator[Deliverer]:
    ended = threading.Event()
    deliverer = Deliverer(store, channels)
    thread = threading.Thread(target=deliverer.run, args=(ended.is_set,))
    thread.start()
    try:
        yield deliverer
    finally:
        ended.set()
        deliverer.wake()
        thread.join()


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def put(store: JobStore, *channels: str, kind: str = "channel.test", **about: object) -> None:
    for channel in channels:
        Outbox(store).put(Notice.new(kind, about), channel)


class Hang:
    """A channel that does not come back."""

    name, groups = "default:hang", False

    def __init__(self) -> None:
        self.released = threading.Event()

    def send(self, notice: Notice, delivery: Delivery) -> None:
        self.released.wait(PATIENCE_S)
        raise ChannelError("it took too long")


class Broken:
    name, groups = "default:broken", False

    def send(self, notice: Notice, delivery: Delivery) -> None:
        raise ZeroDivisionError("a bug, with https://u:secret@x.example/")


def test_it_sends_and_tries_again_later_and_later(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "PAUSE_S", (0.05, 0.1))
    answers = iter([503, 200])
    with Receiver(lambda _: next(answers)) as receiver:
        channel = Post("default:hook", receiver.port)
        with delivering(store, Book([channel])):
            put(store, channel.name)
            until(lambda: list(Outbox(store).log(channel.name)))
        assert receiver.said == ["This is a test of the channel"]
    (entry,) = Outbox(store).log(channel.name)
    assert (entry.result, entry.delivery.attempt) == ("sent", 2)


def test_what_is_refused_or_has_no_channel_or_is_too_old_is_given_up(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "TRIED_S", -1.0)
    by_port = {"default:refuses": 410, "default:fails": 500}
    with Receiver(lambda one: by_port[one.channel]) as receiver:
        channels: list[Channel] = [*(Post(name, receiver.port) for name in by_port), Broken()]
        with delivering(store, Book(channels)):
            put(store, *by_port, "default:gone", Broken.name)
            until(lambda: all(list(Outbox(store).log(name)) for name in (*by_port, "default:gone", Broken.name)))
    told = {name: next(Outbox(store).log(name)) for name in (*by_port, "default:gone", Broken.name)}
    assert {one.result for one in told.values()} == {"given_up"}
    assert (told["default:refuses"].error, told["default:refuses"].status) == ("answers 410", 410)
    assert told["default:fails"].error == "not taken for a day; the last time: answers 500"
    assert "no such channel" in told["default:gone"].error
    assert "ZeroDivisionError" in told[Broken.name].error and "secret" not in told[Broken.name].error


def test_channels_that_hang_hold_up_no_other(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "SEND_WITHIN_S", 0.2)
    hanging = [Hang() for _ in range(deliver.THREADS + 2)]
    for n, one in enumerate(hanging):
        one.name = f"default:hang{n}"
    with Receiver() as receiver:
        good = Post("default:good", receiver.port)
        with delivering(store, Book([*hanging, good])):
            put(store, *(one.name for one in hanging))
            time.sleep(0.1)
            put(store, good.name)
            until(lambda: receiver.received)
            for one in hanging:
                one.released.set()


def test_many_callbacks_to_a_receiver_that_hangs_hold_up_no_other(store: JobStore) -> None:
    hanging = [Hang() for _ in range(3 * deliver.THREADS)]
    for n, one in enumerate(hanging):
        one.name = f"default:callback:job_{n}"
    with Receiver() as receiver:
        good = Post("default:good", receiver.port)
        with delivering(store, Book([*hanging, good])):
            put(store, *(one.name for one in hanging))
            time.sleep(0.1)
            put(store, good.name)
            until(lambda: receiver.received)
            for one in hanging:
                one.released.set()


def test_an_outage_of_redis_doubles_nothing(valkey: Valkey, store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    real, away = Outbox.settle, threading.Event()

    def settle(*arguments: object) -> None:
        if not away.is_set():
            away.set()
            raise UnavailableError("away")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Outbox, "settle", settle)
    with Receiver() as receiver:
        channel = Post("default:hook", receiver.port)
        with delivering(store, Book([channel])):
            put(store, channel.name)
            until(lambda: list(Outbox(store).log(channel.name)))
        assert len(receiver.received) == 1


def test_who_kills_its_deliverer_again_and_again_is_given_up(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MAX_DEATHS", 2)
    monkeypatch.setitem(script.CONSTANTS, "CHANNEL_LEASE_MS", "1")
    script.of.cache_clear()
    outbox = Outbox(store)
    put(store, "default:hook")
    for n in range(2):
        until(lambda n=n: outbox.take(f"dead {n}"))  # type: ignore[misc]
    script.of.cache_clear()
    with Receiver() as receiver, delivering(store, Book([Post("default:hook", receiver.port)])):
        until(lambda: list(outbox.log("default:hook")))
        assert receiver.received == [] and "died 2 times" in next(outbox.log("default:hook")).error


def test_rules_that_cannot_be_told_are_waited_for(store: JobStore) -> None:
    with Receiver() as receiver:
        channel = Post("default:hook", receiver.port)
        asked, known = threading.Event(), threading.Event()

        def choose(notice: Notice) -> list[str]:
            if notice.kind == "beat.gone":
                raise ZeroDivisionError
            if not known.is_set():
                asked.set()
                raise UnavailableError("the file cannot be read")
            return [channel.name, "bad|name"]

        book = Book([channel], choose)
        book.channels["bad|name"] = Post("bad|name", receiver.port)
        put_wanted(store, {"workers.gone", "beat.gone"})
        tell(store, "beat.gone")
        tell(store, "workers.gone")
        with delivering(store, book):
            assert asked.wait(PATIENCE_S)
            assert receiver.received == [] and Outbox(store).figures().new == 2
            known.set()
            until(lambda: receiver.received)
        assert receiver.said == ["No worker is there: jobs wait"]


def test_dropped_notices_are_told(store: JobStore) -> None:
    store.redis.set(store.key("notices_lost"), 7)
    with delivering(store, Book([])):
        until(store.criticals)
    assert [(event["kind"], event["dropped"]) for event in store.criticals()] == [("notices_dropped", 7)]


def test_pauses_grow_and_follow_the_receiver() -> None:
    assert [5 <= pause_s(n, None) / 2**n * 1.25 <= 8 for n in range(8)] == [True] * 8
    assert 2_880 <= pause_s(30, None) <= 4_320
    assert pause_s(0, 600) == 600 and pause_s(0, 1e9) == 43_200
    assert outbox_module.LEASE_S == 10


def test_the_receiver_notes_what_it_took(store: JobStore) -> None:
    seen: list[Received] = []
    with Receiver(lambda one: seen.append(one) or 500) as receiver:  # type: ignore[func-returns-value]
        with pytest.raises(ChannelError):
            Post("c", receiver.port).send(Notice.new("channel.test"), Delivery("x", "c"))
        assert len(seen) == 1 and receiver.received == []
