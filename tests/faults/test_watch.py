"""A worker and a scheduler, each a process of its own, are killed: somebody hears of it, and that one is back."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from data import keys
from data.jobs import JobStore, reading
from data.presence import StackProcess
from pipelines.notices import watch
from pipelines.notices.deliver import Deliverer
from pipelines.notices.rules import Rules
from pipelines.notices.watcher import Watcher
from tests.faults.proof import APP, FACTOR, FaultSpine, until
from tests.pipelines.notices.receivers import receiver

pytestmark = pytest.mark.timeout(int(90 * FACTOR))
#: In the place of 10 s; everything here says every second that it lives, beat every two.
GONE_S = 4.0
ROOT = Path(__file__).parents[2]


def test_killed_processes_are_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WORKER_GONE_S", GONE_S)
    monkeypatch.setattr(watch, "WORKER_GONE_S", GONE_S)
    ended, beats = threading.Event(), []
    with receiver() as somebody, FaultSpine(tmp_path, workers=1, processes=1) as spine:
        told_by = {"notify_urls": f"json://127.0.0.1:{somebody.port}/", "webhook_allow": ["127.0.0.0/8"]}
        settings = spine.settings.model_copy(update=told_by)
        env = {
            **spine.env, "LEADMILL_NOTIFY_URLS": told_by["notify_urls"], "LEADMILL_WEBHOOK_ALLOW": "127.0.0.0/8",
        }  # fmt: skip

        def start_beat() -> None:
            command = [sys.executable, "-m", "celery", "-A", APP, "beat", "--pidfile", ""]
            with (tmp_path / "worker-beat.log").open("ab") as out:
                beats.append(subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=ROOT))

        def count(name: str, command: str) -> int:
            return int(spine.store.redis.execute_command(command, spine.store.key(name)))

        def heard() -> list[str]:
            return sorted(json.loads(one.body)["title"].split(":")[0] for one in list(somebody.got))

        watcher = Watcher(settings, StackProcess.API, Rules(settings), look_s=0.3, settling=0)
        deliverer = Deliverer(JobStore.connect(settings.redis_url, settings.key_prefix), Rules(settings))
        delivering = threading.Thread(target=deliverer.run, args=(ended.is_set,), daemon=True)
        try:
            start_beat()
            watcher.start()
            delivering.start()
            until(lambda: count(StackProcess.BEAT, "ZCARD"), 30, "beat up")
            until(lambda: count(keys.NOTICES_WANTED, "HLEN"), 10, "somebody listens")
            for process in (*beats, *spine.workers):
                process.kill()
            until(lambda: len(heard()) == 2, 30, "told of both")
            start_beat()
            until(lambda: len(heard()) == 3, 40, "told that it is back")
            assert heard() == ["No worker is there", "Resolved", "The scheduler (beat) is gone"]
            beats[-1].terminate()
            beats[-1].wait()
            assert count(StackProcess.BEAT, "ZCARD") == 0, "it has signed off"
        finally:
            ended.set()
            deliverer.wake()
            delivering.join()
            watcher.close()
            for beat in beats:
                beat.kill()
                beat.wait()
