"""A holder of a right that sleeps for longer than it is good for, at any of its steps, while others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from data.lake import Lake
from data.storage import Storage

#: A place of sleep that is no call: all of a new file is written, and it has no name yet.
WRITTEN = "written"


class Sleeper:
    """A storage as a process sees it that sleeps before its first call of a method; `meanwhile` is what others do then.

    Rights are given to it as to one that has lost them in its sleep, and does not know.
    """

    def __init__(self, storage: Storage, sleeps_at: str, meanwhile: Callable[[], None]) -> None:
        self._storage, self._sleeps_at, self._meanwhile = storage, sleeps_at, meanwhile
        self.has_slept = False

    def _step(self, name: str) -> None:
        if name == self._sleeps_at and not self.has_slept:
            self.has_slept = True
            self._meanwhile()

    def lock(self, *_right: Any, **_more: Any) -> Any:
        return nullcontext()

    @contextmanager
    def create(self, *arguments: Any) -> Iterator[Any]:
        self._step("create")
        with self._storage.create(*arguments) as place:
            yield place
            self._step(WRITTEN)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._storage, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **more: Any) -> Any:
            self._step(name)
            return found(*arguments, **more)

        return call


def sleeping(lake: Lake, sleeps_at: str, meanwhile: Callable[[], None]) -> tuple[Lake, Sleeper]:
    """A lake as such a process sees it."""
    seen = Lake(lake.data, project=lake.project, commits_of=lake.commits_of)
    sleeper = Sleeper(seen.storage, sleeps_at, meanwhile)
    seen.storage = sleeper  # type: ignore[assignment]
    return seen, sleeper
