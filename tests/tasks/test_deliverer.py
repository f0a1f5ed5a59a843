"""Beside a worker that nobody helps: a deliverer of its own, started when something waits, which ends with it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from data import keys
from data.notice_channels import notice_channels
from data.notices.telling import tell
from leadmill.settings import get_settings
from pipelines.notices.rules import Rules
from pipelines.notices.setting_up import NoticeSetup
from tasks.deliverer import DelivererProcess
from tests.pipelines.notices.receivers import Receiver, receiver
from tests.stand_ins.stack import Spine
from tests.valkey import Valkey

PATIENCE_S = 30.0


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def deliverers(worker: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(worker).children() if "pipelines.notices.process" in child.cmdline()]


@pytest.mark.stack
@pytest.mark.parametrize(("given", "starts"), [("1", True), ("0", False)])
def test_where_workers_may_not_deliver_none_starts(
    given: str, starts: bool, monkeypatch: pytest.MonkeyPatch, valkey: Valkey
) -> None:
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("LEADMILL_WORKERS_DELIVER", given)
    get_settings.cache_clear()
    process = DelivererProcess()
    get_settings.cache_clear()
    try:
        process.look(wanted=True)
        assert bool(deliverers(os.getpid())) is starts
    finally:
        process.stop()


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spine]:
    """One worker, which is killed."""
    with Spine(tmp_path_factory.mktemp("lone"), processes=1) as stack:
        yield stack


@pytest.fixture
def web(lone: Spine) -> Iterator[Receiver]:
    """A receiver that the stack's default project has as a channel."""
    settings = lone.settings.model_copy(update={"webhook_allow": ["127.0.0.0/8"]})
    channels = notice_channels(settings.data_dir)
    setup = NoticeSetup(lone.store, channels, Rules(settings, channels), "default")
    with receiver() as found:
        setup.put_channel("hook", found.url("/good"), settings.webhook_allow)
        yield found


@pytest.mark.stack
def test_a_deliverer_comes_when_it_is_needed_and_ends_with_its_worker(lone: Spine, web: Receiver) -> None:
    (worker,) = lone.workers
    assert not deliverers(worker.pid), "nothing waits"
    tell(lone.store, "workers.gone")
    until(lambda: web.got)
    until(lambda: not lone.store.redis.exists(lone.store.key(keys.NOTICES_HELD)))  # else its lease is waited for, 10 s
    (first,) = deliverers(worker.pid)
    first.kill()
    tell(lone.store, "beat.gone")
    until(lambda: len(web.got) == 2)
    (second,) = deliverers(worker.pid)
    assert second.pid != first.pid
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    until(lambda: not second.is_running())
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
