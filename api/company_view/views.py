"""The tables of companies of all projects: a DuckDB file each, and the thread of a process that builds and feeds them.

The files are a cache of this process alone: they are removed at its end; what a killed process left the next one
removes.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import duckdb

from api.company_view.database import Database
from api.company_view.view import CompanyView, Seen
from data.ending import endings
from data.jobs import JobStore
from data.lake import Lake
from data.mounts import storage_at
from data.projects import each_project
from data.storage import HeldError
from leadmill.errors import LeadmillError
from leadmill.log import get_logger

log = get_logger(__name__)

#: The first is built so long after the start, seconds: what is called at once comes first.
_START_S = 2.0
#: How often tables are fed that requests ask, and those that nobody asked for `_ASKED_S`, seconds.
_EVERY_S, _SELDOM_S, _ASKED_S = 2.0, 30.0, 300.0
#: The server waits for the thread no longer, seconds.
_ENDS_S = 5.0
#: Between two rounds, however much there is to do, seconds.
_PAUSE_S = 0.1
#: What DuckDB holds in memory for all projects together; the rest lies in the files.
MEMORY = "256MB"


class CompanyViews:
    """The tables of one API process."""

    def __init__(self, store: JobStore, lake: Lake, run_dir: Path) -> None:
        self._store, self._lake, self._place = store, lake, run_dir / "companies"
        self._views: dict[str, CompanyView] = {}
        self._database: Database | None = None
        self._news = threading.Condition()
        self._behind, self._ended = False, threading.Event()
        self._thread = threading.Thread(target=self._run, name="company view", daemon=True)

    def __enter__(self) -> Self:
        """Begin to build the tables of all projects, beside whatever is asked."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread, which removes the files."""
        with self._news:
            self._ended.set()
            self._news.notify()
        self._thread.join(_ENDS_S)

    def of(self, project: str) -> CompanyView | None:
        """The table of a project; None before there is one, which is soon."""
        view, database = self._views.get(project), self._database
        if view is None and database is not None:
            store = self._store.of(project)
            view = self._add(database, store, self._lake.of(project, store.critical))
            self._tell_behind()
        return view

    def seen(self) -> dict[str, Seen]:
        """The state of each table, by project."""
        return {project: view.seen for project, view in list(self._views.items())}

    def feed(self) -> None:
        """Build and feed each table that is due."""
        with self._news:
            self._behind = False
        gone = endings(self._lake.data)
        for view in list(self._views.values()):
            if view.lake.project in gone:
                view.drop()
                self._views.pop(view.lake.project, None)
            elif not self._ended.is_set():
                view.feed()

    def _add(self, database: Database, store: JobStore, lake: Lake) -> CompanyView:
        made = CompanyView(lake, store, database, self._tell_behind, self._ended)
        return self._views.setdefault(lake.project, made)

    def _tell_behind(self) -> None:
        with self._news:
            self._behind = True
            self._news.notify()

    def _run(self) -> None:
        self._rest(_START_S)
        try:
            with ExitStack() as held:
                if self._ended.is_set():
                    return
                self._database = database = held.enter_context(self._opened())
                for store, lake in self._projects():
                    self._add(database, store, lake)
                while not self._ended.is_set():
                    self.feed()
                    self._ended.wait(_PAUSE_S)
                    asked = max((view.asked for view in list(self._views.values())), default=0.0)
                    self._rest(_EVERY_S if time.monotonic() - asked < _ASKED_S else _SELDOM_S)
        except (duckdb.Error, OSError) as error:
            log.warning("without a table of companies each request scans the lake", error=str(error))
        finally:
            self._database = None
            self._views.clear()

    def _projects(self) -> list[tuple[JobStore, Lake]]:
        try:
            return list(each_project(self._store, self._lake))
        except LeadmillError:
            return [(self._store, self._lake)]  # the others come when they are asked for

    def _rest(self, seconds: float) -> None:
        with self._news:
            self._news.wait_for(lambda: self._ended.is_set() or self._behind, seconds)

    @contextmanager
    def _opened(self) -> Iterator[Database]:
        storage, place = storage_at(self._place), self._place
        own = place / secrets.token_hex(8)
        with storage.lock(place / ".lock", 30, 0.1), ExitStack() as held:
            for name in storage.names(place):
                if name.startswith("."):
                    continue
                try:
                    with storage.lock(place / name / ".lock", 0, 0):
                        storage.remove_all(place / name)
                except HeldError:
                    continue  # its process lives
            held.enter_context(storage.lock(own / ".lock", 0, 0))
            kept = held.pop_all()
        with kept:
            try:
                with Database(own, MEMORY) as database:
                    yield database
            finally:
                storage.remove_all(own)
