"""Three tiers of tests, set while they are collected:

    faults  what lies in tests/faults: kills, full disks, frozen servers; one by one, for they watch the time
    stack   what starts a server or a process: by one of the fixtures below, or because it is marked so; two run side by
            side, and whatever one of them shares (a port, a folder, a server) is its own
    fast    all others; they may run side by side, and one that opens a socket or starts a process fails

`pytest -m fast` and the like take one of them; run together they come in the order fast, stack, faults.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TIERS = ("fast", "stack", "faults")

#: Fixtures of a conftest that start a server or a process.
STARTING = frozenset(
    {"api", "dashboard", "hostile", "leadmill", "machines", "s3", "server", "sites", "spine", "stack", "valkey"}
)

#: Those of them that cost seconds to start and are shared by all of a session.
SHARED = frozenset({"dashboard", "machines", "spine", "stack"})

#: Those whose tests also ask for another one: one process starts both.
BESIDE = {"machines": "stack"}

FAULTS = Path(__file__).with_name("faults")

#: What the interpreter tells before it does it (https://docs.python.org/3/library/audit_events.html).
FORBIDDEN = frozenset({
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen",
    "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.sendto",
})  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    for name in TIERS:
        config.addinivalue_line("markers", f"{name}: see tests/tiers.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(tier(item))
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_order)


def _order(item: pytest.Item) -> tuple[int, bool, bool]:
    """By tier; in it those of a shared stack first, then browsers: whoever takes one of these last would end alone."""
    tier = max(TIERS.index(name) for name in TIERS if item.get_closest_marker(name))
    names = getattr(item, "fixturenames", ())
    return tier, not SHARED.intersection(names), "browser" not in names


def tier(item: pytest.Item) -> str:
    if FAULTS in item.path.parents:
        return "faults"
    starts = STARTING.intersection(getattr(item, "fixturenames", ()))
    return "stack" if starts or item.get_closest_marker("stack") else "fast"


def _group(item: pytest.Item) -> str:
    """With `--dist loadgroup` a running stack is started by one process alone, and so is what a module starts."""
    shared = SHARED.intersection(getattr(item, "fixturenames", ()))
    return min(BESIDE.get(name, name) for name in shared) if shared else str(item.path)


class _Watch:
    """Refuses what a fast test must not do. An audit hook stays for ever: there is one, at rest between fast tests."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        self._others: set[int] = set()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on or event not in FORBIDDEN or threading.get_ident() in self._others:
            return
        if arguments[1:] != (("::1", 0),):  # by which urllib3 looks for IPv6 when it is imported
            self.seen.append(f"{event} {arguments[1:] if event.startswith('socket') else arguments[:2]}")
            raise PermissionError(f"a test of the tier `fast` must not do this: {event}")

    def over(self, item: pytest.Item) -> Iterator[None]:
        """Watch one phase of a test; threads that earlier tests have left are not its own."""
        if item.get_closest_marker("fast") is None:
            return (yield)
        self.seen.clear()
        self._others = {thread.ident or 0 for thread in threading.enumerate()} - {threading.get_ident()}
        self.on = True
        try:
            yield
        finally:
            self.on = False
        if self.seen:
            pytest.fail(f"mark this test `stack`, for it starts something: {', '.join(self.seen[:3])}", pytrace=False)


_WATCH = _Watch()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    return (yield from _WATCH.over(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    return (yield from _WATCH.over(item))
