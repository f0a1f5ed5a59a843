"""Schedules as they are in the lake and in Redis together: the one place where they are read or changed.

The lake is written first and so knows what was asked for last; Redis is what the ticker reads every second. Where the
two differ (the server was emptied, a writer died between the two, the schedules are those of version 0.1.0, which kept
them in Redis alone) they are brought together by whoever sees it, under the lake's lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from data import schedules as kept
from data.ending import open_folder
from data.jobs import JobStore
from data.lake import Lake
from data.looks import Look
from data.schedule_files import ScheduleFiles
from data.schedules import Schedule, ScheduleStore, Unreadable, UnreadableError
from leadmill.errors import ConflictError, LeadmillError, NotFoundError
from leadmill.log import get_logger
from leadmill.time_zones import time_zone
from pipelines.intake.cron import NAME, planned_time
from pipelines.intake.past_ticks import jobs_since, schedule_tag
from pipelines.views.alarms import tell, tell_once

log = get_logger(__name__)


class ScheduleRegistry:
    """The schedules of one stack. Every call raises UnavailableError when Redis does not answer."""

    def __init__(self, store: JobStore, lake: Lake) -> None:
        self._store, self._lake = store, lake
        self._redis, self._files = ScheduleStore(store), ScheduleFiles(lake)
        self._in_lake = Look(lake.root, self._files.names)
        #: On which line of writes all was compared (data/jobs/timeline.py): another server may know less.
        self._compared_on: str | None = None

    def read_all(self, now: datetime | None = None) -> tuple[list[Schedule], list[Unreadable]]:
        """Every schedule by name, without its body, and the entries that are none (which are told once a day).

        What lake and Redis do not both have is brought together before.
        """
        found, bad = self._redis.read_all()
        readable, unreadable = {one.name for one in found}, {one.name for one in bad}
        if all(self._differ(look(), readable, unreadable) for look in (self._in_lake.seen, self._in_lake.again)):
            torn: list[Unreadable] = []
            try:
                torn = self.bring_together(now=now)
            except LeadmillError as error:  # a disk that takes nothing stops no tick
                log.warning("schedules of lake and Redis differ", error=str(error))
            found, bad = self._redis.read_all()
            names = {one.name for one in found} | {one.name for one in bad}
            bad += [one for one in torn if one.name not in names]
        for one in bad:
            tell_once(self._store, "unreadable_schedule", name=one.name[:100], error=one.fault)
        return found, bad

    def get(self, name: str) -> Schedule:
        """One schedule, whole.

        Raises:
            NotFoundError: there is none of that name.
            ConflictError: it cannot be read.
        """
        try:
            return self._redis.get(name)
        except (NotFoundError, ConflictError):
            if not NAME.match(name) or name not in self._files.names()[0]:
                raise
        self.bring_together([name])
        return self._redis.get(name)

    def create(self, schedule: Schedule) -> None:
        """Add a schedule.

        Raises:
            ConflictError: the name is taken, there are `MAX_SCHEDULES`, or the project is being removed.
            StorageError: the lake cannot be written.
        """
        open_folder(self._lake.data, self._lake.project)
        with self._files.exclusive():
            found, bad = self._redis.read_all()
            names = {one.name for one in found} | {one.name for one in bad} | self._files.names()[0]
            if schedule.name in names:
                raise ConflictError(f"there is a schedule {schedule.name!r}; delete it first, or choose another name")
            if len(names) >= kept.MAX_SCHEDULES:
                raise ConflictError(f"there are {kept.MAX_SCHEDULES} schedules, more are not kept; delete one first")
            self._files.write(schedule)
            self._redis.put(schedule)

    def set_paused(self, name: str, paused: bool, now: datetime) -> Schedule:
        """Pause a schedule, or let it go on with its next planned time; the schedule as it is then.

        Raises:
            NotFoundError: there is none of that name.
            ConflictError: it cannot be read.
            StorageError: the lake cannot be written.
        """
        self.get(name)  # from here on it is in Redis, if it is anywhere
        with self._files.exclusive():
            before = self._redis.get(name)  # not one that was deleted meanwhile
            after = replace(before, paused=paused)
            self._files.write(after)
            if before.paused and not paused and (planned := planned_time(before.cron, time_zone(before.timezone), now)):
                self._redis.passed_over(name, planned)
            self._redis.put(after)
        return after

    def delete(self, name: str) -> None:
        """Remove a schedule, readable or not, and what is known of its ticks.

        Raises:
            NotFoundError: there is none of that name.
            StorageError: the lake cannot be written.
        """
        with self._files.exclusive():
            in_lake = bool(NAME.match(name)) and self._files.begin_delete(name)
            try:
                self._redis.delete(name)
            except NotFoundError:
                if not in_lake:
                    raise
            if in_lake:
                self._files.end_delete(name)

    # ---- where lake and Redis differ ----------------------------------------------------------------

    @property
    def _compared(self) -> bool:
        return self._compared_on == self._store.line

    def _differ(self, kept: tuple[set[str], set[str]], readable: set[str], unreadable: set[str]) -> bool:
        in_lake, deleted = kept
        if not self._compared:  # once a process and server: what both have may differ, too
            return bool(in_lake or deleted or readable)
        return bool(deleted or in_lake - readable or readable - in_lake - deleted or in_lake & unreadable)

    def bring_together(self, only: Iterable[str] | None = None, now: datetime | None = None) -> list[Unreadable]:
        """Make Redis what the lake says, and the lake know what Redis alone has; files that cannot be read.

        `only`: these names, all of each.
        """
        now, line = now or datetime.now(UTC), self._store.line
        with self._files.exclusive():
            in_lake, deleted = self._files.names()
            found, bad = self._redis.read_all()
            in_redis = {one.name: one for one in found}
            for name in deleted - in_lake:
                self._finish_delete(name)
            missing, torn = [], []
            for name in sorted(in_lake if only is None else in_lake & set(only)):
                try:
                    if self._mend(name, in_redis.get(name), now, whole=only is not None or not self._compared):
                        missing.append(name)
                except UnreadableError as error:
                    torn.append(Unreadable(name, f"its file in the lake: {error}"[:200]))
                    if name in in_redis:
                        self._keep(name)
            for name in sorted(in_redis.keys() - in_lake - deleted if only is None else ()):
                self._keep(name)
            if only is None:
                self._compared_on = line
        for one in bad:
            if one.name in missing:
                tell_once(self._store, "unreadable_schedule", name=one.name, error=one.fault, mended=True)
        if missing:
            self._tell_restored([name for name in missing if name not in {one.name for one in bad}])
        return torn

    def _finish_delete(self, name: str) -> None:
        try:
            self._redis.delete(name)
        except NotFoundError:
            log.debug("deletion of a schedule was finished but for its file", name=name)
        self._files.end_delete(name)

    def _mend(self, name: str, there: Schedule | None, now: datetime, *, whole: bool) -> bool:
        """Write a schedule of the lake to Redis if it differs there; whether Redis had none that could be read."""
        wanted = self._files.read(name)
        if wanted is None:
            return False
        if there is not None and whole:
            try:
                there = self._redis.get(name)
            except (ConflictError, NotFoundError):
                there = None
        elif there is not None:
            there = replace(there, body=wanted.body)
        if there == wanted:
            return False
        if name not in self._redis.ticks():
            self._remember_ticks(wanted, now)
        self._redis.put(wanted)
        return there is None

    def _keep(self, name: str) -> None:
        """Write a schedule of Redis to the lake."""
        try:
            self._files.write(self._redis.get(name))
        except (ConflictError, NotFoundError) as error:  # its body cannot be read, or it was deleted
            tell_once(self._store, "unreadable_schedule", name=name, error=str(error)[:200])

    def _remember_ticks(self, schedule: Schedule, now: datetime) -> None:
        """A server that knows no tick of a schedule must not submit its newest planned time a second time.

        The lake knows the jobs that came of it. One whose job is in the lake is noted; one whose job is not is due:
        it was never submitted, or the job was lost with the server before it began.
        """
        zone = time_zone(schedule.timezone)
        planned = planned_time(schedule.cron, zone, now)
        since = datetime.fromisoformat(schedule.created_at)
        if planned is None or planned <= since:
            return
        job = next(iter(jobs_since(self._lake, planned, schedule_tag(schedule.name))), None)
        if job is not None:
            self._redis.ticked(schedule.name, planned, job)
        elif (before := planned_time(schedule.cron, zone, planned, earlier=True)) is not None and before > since:
            self._redis.passed_over(schedule.name, before)

    def _tell_restored(self, names: list[str]) -> None:
        if names:
            tell(self._store, "schedules_restored", restored=len(names), names=names[:20])
