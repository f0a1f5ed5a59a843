"""What the operating system lets a process do that answers a question: read some folders, and end with its parent.

Landlock (Linux 5.13 and newer) lets it open nothing else, write nothing and connect nowhere, whatever DuckDB is made to
do; where the kernel has none, what `guard` and DuckDB's own lock refuse remains.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_NICE = 10
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
#: By version of Landlock's interface: what it can forbid of files (execute, read, write, make, remove …), and of TCP.
_OF_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_OF_NETWORK_FROM, _OF_NETWORK = 4, 0b11


def bound(seconds: int, memory: int) -> None:
    """Limit this process: CPU time, address space (bytes), no file of a single byte, no core; it dies with its parent.

    A write to a file fails then (`EFBIG`); pipes are none. It gives way to others: of CPU, and first of all where a
    machine has no memory left.
    """
    os.nice(_NICE)
    with suppress(OSError):  # not Linux
        Path("/proc/self/oom_score_adj").write_text("1000")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    with suppress(OSError, AttributeError):  # not Linux
        _call(_libc().prctl, _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def kernel_can() -> bool:
    """Whether this kernel has Landlock, and it is switched on."""
    try:
        return _version(_libc()) > 0
    except (OSError, AttributeError):
        return False


def read_only(folders: Sequence[str]) -> bool:
    """From now on this process opens nothing but what lies below these folders, to read; False: the kernel cannot.

    It holds the thread that asks for it and those that this one starts from then on.

    Raises:
        RuntimeError: there are other threads, which it would not hold.
    """
    if not kernel_can():
        return False
    if len([*Path("/proc/self/task").iterdir()]) > 1:
        raise RuntimeError("threads that run already would not be confined")
    try:
        libc = _libc()
        version = _version(libc)
        files = _OF_FILES[min(version, max(_OF_FILES))]
        network = _OF_NETWORK if version >= _OF_NETWORK_FROM else 0
        handled = struct.pack("=QQ", files, network)[: 16 if network else 8]
        rules = _call(libc.syscall, _CREATE_RULESET, handled, len(handled), 0)
    except (OSError, AttributeError):
        return False
    for folder in folders:
        with suppress(FileNotFoundError):
            place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            beneath = struct.pack("=Qi", _READ_FILE | _READ_DIR, place)
            _call(libc.syscall, _ADD_RULE, rules, _RULE_PATH_BENEATH, beneath, 0)
            os.close(place)
    _call(libc.prctl, _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call(libc.syscall, _RESTRICT_SELF, rules, 0)
    os.close(rules)
    return True


def _version(libc: ctypes.CDLL) -> int:
    return _call(libc.syscall, _CREATE_RULESET, None, 0, 1)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(function: object, *arguments: object) -> int:
    found = function(*(ctypes.c_long(one) if isinstance(one, int) else one for one in arguments))  # type: ignore[operator]
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(found)
