"""A storage some of whose calls fail: before they did anything, after they did it, or they do it when nobody waits."""

from __future__ import annotations

import errno
import io
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from data.storage import Run, Storage

#: What changes something; the other calls fail before they are made, or not at all.
CHANGES = ("expose", "discard", "discard_lost", "put", "swap", "remove", "remove_all", "move")
LOOKS = ("read", "names", "stat", "staged", "leftovers")
#: Seconds after which what was late takes place, at most.
LATE_S = 0.05


class Weather:
    """How often calls fail, and what of them is still to come. One for all storages of a test; safe between threads."""

    def __init__(self, seed: int, share: float = 0.15) -> None:
        self._random, self._share = random.Random(seed), share
        self._lock = threading.Lock()
        self._late: list[threading.Thread] = []
        #: How many calls failed, of each kind of fault.
        self.told = {"before": 0, "after": 0, "late": 0}

    def fault(self, kinds: tuple[str, ...] = ("before", "after", "late")) -> str | None:
        """What happens to the next call."""
        with self._lock:
            if self._random.random() >= self._share:
                return None
            kind = self._random.choice(kinds)
            self.told[kind] += 1
            return kind

    def later(self, call: Callable[[], object]) -> None:
        """Have a call made when its caller has given up."""

        def body() -> None:
            threading.Event().wait(self._random.random() * LATE_S)
            try:
                call()
            except OSError:
                return  # nobody waits for it

        thread = threading.Thread(target=body)
        with self._lock:
            self._late.append(thread)
        thread.start()

    def clear(self) -> None:
        """No more faults, and everything that was late has taken place."""
        self._share = 0.0
        for thread in self._late:
            thread.join()


class Chaotic:
    """`storage` in bad weather; a `data.storage.Storage` like it."""

    def __init__(self, storage: Storage, weather: Weather) -> None:
        self._storage, self._weather = storage, weather
        self.root = storage.root
        for name in CHANGES:
            setattr(self, name, self._changing(getattr(storage, name)))
        for name in LOOKS:
            setattr(self, name, self._looking(getattr(storage, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def _changing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def weathered(*args: Any, **more: Any) -> Any:
            fault = self._weather.fault()
            if fault == "late":
                self._weather.later(lambda: call(*args, **more))
            if fault in ("before", "late"):
                raise failed(fault)
            answer = call(*args, **more)
            if fault == "after":
                raise failed(fault)
            return answer

        return weathered

    def _looking(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def weathered(*args: Any, **more: Any) -> Any:
            if fault := self._weather.fault(("before",)):
                raise failed(fault)
            return call(*args, **more)

        return weathered

    @contextmanager
    def stage(self, run: Run, name: str) -> Iterator[BinaryIO]:
        sink = io.BytesIO()
        yield sink
        self._changing(self._stage_whole)(run, name, sink.getvalue())

    def _stage_whole(self, run: Run, name: str, data: bytes) -> None:
        with self._storage.stage(run, name) as sink:
            sink.write(data)


def failed(fault: str) -> OSError:
    return OSError(errno.EIO, f"the place of the files failed {fault}")


def chaotic(make: Callable[[Path], Storage], weather: Weather) -> Callable[[Path], Storage]:
    """The same storages in bad weather."""
    return lambda root: Chaotic(make(root), weather)  # type: ignore[return-value]
