"""The key table as an API process holds it, never older than about a second.

One thread looks each second whether the table's file has changed, and whether Redis knows of a newer version (a file
system of the network may show an old file for a while). So a request asks nobody. Where the table cannot be read, or
nobody has looked for long, nobody is let in. An installation without a table asks Redis once, whether it has had one;
until Redis answers, a lake that somebody has begun to make keys in is closed, too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from api.rate_limit import Buckets
from data.api_keys import KeyNotes, KeyRegistry, KeyTable
from data.storage import Stat
from leadmill.errors import KeysUnreadableError, LeadmillError
from leadmill.log import get_logger
from leadmill.rate import Rate

log = get_logger(__name__)

#: Between two looks, seconds.
LOOK_S = 1.0
#: What was seen so long ago is not believed: the disk hangs, or the thread is dead.
STALE_S = 10.0
#: So many wrong keys may come from one place: right after one another, and on average.
GUESSES = Rate(0.2, 20)
#: For whom nothing is known of; the log says more.
_CLOSED = "nobody is let in, for the table of API keys cannot be read: on the machine `leadmill doctor` says why"


class Keyring:
    """The keys of the lake in `root`. `start` it; until then, nobody is let in."""

    def __init__(self, root: Path) -> None:
        self._registry = KeyRegistry(root)
        self._notes: KeyNotes | None = None
        self._table: KeyTable | None = None
        self._fault = "nobody has looked at it yet"
        self._stat: Stat | None = None
        self._looked_at = 0.0
        #: The newest version that this process has seen, and that Redis knows of; None: it has not answered yet.
        self._newest = 0
        self._announced: int | None = None
        self._looking = threading.Lock()
        #: In which minute each key was used last, and what of it Redis has still to learn.
        self._used: dict[str, datetime] = {}
        self._unkept: dict[str, datetime] = {}
        self._using = threading.Lock()
        #: Wrong keys, by whose guesses they are (`api.authentication`).
        self.guesses = Buckets(GUESSES)
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    # ---- what a request asks -----------------------------------------------------------------------

    def table(self) -> KeyTable:
        """The table as it is now.

        Raises:
            KeysUnreadableError: that cannot be told.
        """
        if self._table is None:
            raise KeysUnreadableError(_CLOSED)
        if time.monotonic() - self._looked_at > STALE_S:
            raise KeysUnreadableError("nobody is let in: the disk does not say whether the key table has changed")
        return self._table

    def asks(self) -> bool:
        """Whether a key is needed, as far as is known: where nothing is, one is."""
        return self._table is None or self._table.asks

    @property
    def is_readable(self) -> bool:
        """Whether `table` has an answer."""
        try:
            self.table()
        except KeysUnreadableError:
            return False
        return True

    def note_use(self, key_id: str, now: datetime) -> None:
        """Remember that a key was used; Redis learns of it at most once a minute."""
        minute = now.replace(second=0, microsecond=0)
        if self._used.get(key_id) != minute:
            with self._using:
                self._used[key_id] = self._unkept[key_id] = minute

    # ---- the thread --------------------------------------------------------------------------------

    def start(self, notes: KeyNotes, after_look: Callable[[], None] = lambda: None) -> None:
        """Look now, and each second from now on; `after_look` is called behind each look."""
        self._notes = notes
        self.look()
        self._thread = threading.Thread(target=self._run, args=(after_look,), name="api keys", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, and tell Redis of the last uses."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(LOOK_S + 3)
        if self._notes is not None:
            self._tell(self._notes)

    def _run(self, after_look: Callable[[], None]) -> None:
        while not self._end.wait(LOOK_S):
            try:
                self.look()
                after_look()
            except Exception as error:  # whatever it is, an old table must not stand for ever
                log.error("the API keys could not be looked at", exc_info=error)
                self._close(type(error).__name__)

    def look(self) -> None:
        """Read the table if it has changed, and tell Redis what it has to know."""
        with self._looking:
            self._read()
            if self._notes is not None:
                if self._hear(self._notes):
                    self._read(again=True)
                self._tell(self._notes)

    def _read(self, *, again: bool = False) -> None:
        try:
            stat = self._registry.stat()
            if again or self._table is None or stat != self._stat:
                self._take(self._registry.table())
            self._stat, self._looked_at = stat, time.monotonic()
        except (OSError, LeadmillError) as error:
            self._close(str(error))

    def _take(self, table: KeyTable) -> None:
        self._newest = max(self._newest, table.version, self._announced or 0)
        if table.version < self._newest or (self._announced is None and not table.asks and self._registry.had_one()):
            what = "is older than it was" if table.asks else "is gone"
            remedy = "put the newest one back, or make a key on the machine itself: leadmill keys create NAME"
            self._close(f"the key table {what}; {remedy}")
            return
        if self._table is None or self._table.asks != table.asks:
            log.info("API keys are asked for" if table.asks else "no API key is configured")
        self._table = table

    def _close(self, fault: str) -> None:
        if self._table is not None or fault != self._fault:
            log.error("nobody is let in", error=fault)
        self._table, self._fault = None, fault

    def _hear(self, notes: KeyNotes) -> bool:
        """Whether Redis knows of another version than before. Where there is no key it is asked until it answers."""
        before = self._announced
        if before is not None and self._table is not None and not self._table.asks:
            return False
        try:
            self._announced = notes.announced() or 0
        except LeadmillError as error:
            log.debug("the version of the key table is unknown", error=str(error)[:200])
        return self._announced != before

    def _tell(self, notes: KeyNotes) -> None:
        """Announce a table that was changed without Redis, and keep which keys were used."""
        with self._using:
            unkept, self._unkept = self._unkept, {}
        try:
            if self._table is not None and self._announced is not None and self._table.version > self._announced:
                notes.announce(self._table.version)
                self._announced = self._table.version
            if unkept:
                notes.note_used({key_id: f"{minute:%Y-%m-%dT%H:%M}Z" for key_id, minute in unkept.items()})
        except LeadmillError as error:
            log.debug("Redis was not told of API keys", error=str(error)[:200])
            with self._using:
                self._unkept = {**unkept, **self._unkept}
