"""The thread that watches the stack, in API and beat: what becomes wrong is told, and that it is well again.

Each process of either kind looks at the same things, the others of its stack among them. One that Redis takes a note of
is told once, by the first that sees it, through the outbox. That Redis is away or takes no write cannot be written
there: each process sends that straight to the channels.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from data.jobs import JobStore
from data.jobs.upkeep import forget_workers
from data.message_queues import MessageQueues
from data.notices.wanted import put_wanted
from data.presence import Presence, StackProcess
from leadmill.answers import WrongNow
from leadmill.errors import LeadmillError
from leadmill.log import get_logger
from leadmill.notices import KINDS, Notice
from leadmill.settings import Settings
from pipelines.notices.disk_look import DiskLook
from pipelines.notices.rules import Rules
from pipelines.notices.sight import Processes, see
from pipelines.notices.straight import Straight
from pipelines.notices.watch import LOOK_S, SETTLING, UNWRITTEN, Cause, Change, Steady, Wrong, judge
from pipelines.views.view import iso

log = get_logger(__name__)

#: No call to Redis takes longer, seconds.
TIMEOUT_S = 2.0
#: The end of the process waits no longer for a look under way, seconds.
_CLOSE_S = 3.0


class Watcher:
    """Watches from `start` to `close`; what Redis cannot take goes straight to the channels of the rules."""

    def __init__(
        self,
        settings: Settings,
        process: StackProcess,
        rules: Rules,
        *,
        look_s: float = LOOK_S,
        settling: int = SETTLING,
    ) -> None:
        self._settings, self._rules, self._look_s = settings, rules, look_s
        self._straight = Straight(rules)
        self._store = JobStore.connect(settings.redis_url, settings.key_prefix, TIMEOUT_S, lake=settings.data_dir)
        #: That this process lives.
        self.presence = Presence(self._store, process)
        self._broker = MessageQueues.of(self._store, settings.redis_url, settings.broker_url, TIMEOUT_S)
        self._disk = DiskLook(settings.data_dir)
        self._steady = Steady(settling)
        self._untold: dict[Cause, Change] = {}
        self._told_straight: set[Cause] = set()
        self._ended, self._closed = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def wrong_now(self) -> list[WrongNow]:
        """What is told to be wrong with the stack, and since when."""
        return [
            {"kind": cause.wrong, "since": iso(since * 1000), "text": sentence(cause, wrong), "remedy": wrong.remedy}
            for cause, (wrong, since) in self._steady.wrong.items()
        ]

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Look no more; nobody waits for the look under way."""
        self._ended.set()

    def close(self) -> None:
        """Sign this process off: it ends as it should. Once more it does nothing."""
        if self._closed:
            return
        self._closed = True
        self.end()
        self._thread.join(_CLOSE_S)
        with suppress(LeadmillError):
            self.presence.leave()
        self._straight.close()
        self._broker.close()
        self._store.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._look()
            except Exception:  # whoever watches does not end by what he sees
                log.exception("the look at the stack failed")
            self._ended.wait(self._look_s)

    def _look(self) -> None:
        try:
            self.presence.tell()
        except LeadmillError as error:
            log.debug("not told that this process lives", error=str(error)[:200])  # what follows says why
        settings = self._settings
        seen = see(self._store, self._broker, settings.redis_url, settings.broker_url, self._disk.state())
        changes = self._steady.take(judge(seen, self._steady.wrong), time.time())
        if seen.processes:
            self._forget_the_dead(seen.processes)
        for change in changes:
            self._untold[change.cause] = change
            if isinstance(change.verdict, Wrong):
                log.warning("something is wrong with the stack", what=sentence(change.cause, change.verdict))
        for change in list(self._untold.values()):
            try:
                self._tell(change)
            except LeadmillError as error:  # the next look tries again
                log.debug("not told yet", cause=str(change.cause), error=str(error)[:200])
            else:
                del self._untold[change.cause]
        if seen.processes:
            self._keep_wanted()

    def _forget_the_dead(self, there: Processes) -> None:
        """Workers that died and have a successor: when that one signs off, none is missing."""
        if there.lost and there.workers:
            forget_workers(self._store, there.lost)

    def _keep_wanted(self) -> None:
        """Let Redis know whether anybody listens; of a new one, and of one that was emptied, nobody else tells it."""
        try:
            put_wanted(self._store, self._rules.wanted())
        except LeadmillError as error:
            log.debug("kinds that somebody listens to are not known", error=str(error)[:200])

    def _tell(self, change: Change) -> None:
        cause, verdict = change
        is_wrong = isinstance(verdict, Wrong)
        kind, about = cause.wrong if is_wrong else cause.well, _about(cause, verdict)
        if cause in self._told_straight:  # while it was, Redis took no notice of anything
            self._told_straight.discard(cause)
            self._straight.put(Notice.new(kind, about))
        elif is_wrong and not UNWRITTEN.isdisjoint(self._steady.wrong):
            self._told_straight.add(cause)
            self._straight.put(Notice.new(kind, about))
        elif cause not in UNWRITTEN:
            self._store.watched(str(cause), KINDS[kind], about, is_wrong=is_wrong)


def sentence(cause: Cause, wrong: Wrong) -> str:
    """What is wrong, in one line."""
    return Notice.new(cause.wrong, _about(cause, wrong)).sentence


def _about(cause: Cause, verdict: object) -> dict[str, str]:
    queue = {"queue": cause.queue} if cause.queue else {}
    return {**queue, "error": verdict.text, "remedy": verdict.remedy} if isinstance(verdict, Wrong) else queue
