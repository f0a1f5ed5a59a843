"""A process that forks asks no store itself: a child of one that did would wait for its threads for ever."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from data.object_store.beside import Beside
from tests.stand_ins.s3 import S3Server

pytestmark = pytest.mark.stack

#: A child's question, and how it ended within some seconds.
CHILD = """
import json, os, sys, time
from data import mounts
from data.object_store import Bucket, Place

def in_child():
    pid = os.fork()
    if pid == 0:
        try:
            answer = bucket.get("part")[0] == b"x"
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)
        os._exit(0)
    for _ in range(100):
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
        time.sleep(0.05)
    os.kill(pid, 9)
    print(json.dumps("it hung"), flush=True)

bucket = Bucket(Place(*json.loads(sys.argv[1])))
"""


def answers(s3: S3Server, code: str) -> list[object]:
    place = s3.place()
    told = json.dumps([place.bucket, place.prefix, place.options])
    run = subprocess.run(
        [sys.executable, "-c", CHILD + code, told], check=False, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_children_of_a_process_that_is_about_to_fork_ask_for_themselves(s3: S3Server) -> None:
    told = answers(s3, "mounts.about_to_fork(); bucket.put('part', b'x'); in_child(); bucket.head('part'); in_child()")
    assert told == [True, True]


def test_a_child_of_a_process_that_has_asked_is_told_instead_of_hanging(s3: S3Server) -> None:
    (told,) = answers(s3, "bucket.put('part', b'x'); in_child()")
    assert str(told).startswith("RuntimeError: process ") and "has asked a store and then forked" in str(told)


@pytest.fixture
def aside(s3: S3Server) -> Iterator[Callable[..., object]]:
    """Questions to a bucket of its own through a process beside this one, which ends with the test."""
    place, process = s3.place(try_s=0.5, patience_s=1.0), Beside()
    yield lambda method, *arguments: process.ask(place, method, arguments)
    process.end()
    assert not beside_us(), "it ends when nobody can ask it any more"


def beside_us() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if "data.object_store" in one.cmdline()]


def test_it_answers_and_raises_as_the_bucket_does(s3: S3Server, aside: Callable[..., object]) -> None:
    assert aside("get", "part") is None
    aside("put", "part", b"x" * 3_000_000)
    found = aside("get", "part")
    assert isinstance(found, tuple) and found[0] == b"x" * 3_000_000
    assert aside("put_if", "part", b"y", None) is False
    with pytest.raises(FileNotFoundError):
        aside("range", "part", 0, 1, '"another"')
    with s3.befalling("full"), pytest.raises(OSError, match="the store is full"):
        aside("put", "part", b"x")


def test_one_that_was_killed_is_started_again(aside: Callable[..., object]) -> None:
    aside("put", "part", b"x")
    (child,) = beside_us()
    child.kill()
    found = aside("get", "part")
    assert isinstance(found, tuple) and found[0] == b"x"
