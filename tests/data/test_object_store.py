"""Requests to an object store: what is tried again, for how long, and what is said of the rest."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from data.object_store import Bucket, UnfitStoreError, probe
from data.object_store.client import UntoldError
from data.object_store.lease import held
from leadmill.errors import StorageError
from tests.stand_ins.s3 import Request, S3Server

pytestmark = pytest.mark.stack


@pytest.fixture
def bucket(s3: S3Server) -> Bucket:
    return Bucket(s3.place(try_s=0.5, patience_s=2.0))


# ---- tries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["internal", "slow_down", "reset", "lost", "late", "conflict"])
def test_what_another_try_may_not_meet_is_tried_again(s3: S3Server, bucket: Bucket, fault: str) -> None:
    s3.late_s = 0.8
    with s3.befalling(fault, fault) as left:
        bucket.put("part", b"x" * 100_000)
        assert left == []
    with s3.befalling(fault, fault) as left:
        assert bucket.put_if("manifest", b"one", None) and left == []
    s3.clear()
    found = bucket.get("manifest")
    assert found is not None and found[0] == b"one"
    with s3.befalling(fault):
        if fault in ("slow_down", "conflict"):  # which say that nothing was done
            assert not bucket.put_if("manifest", b"two", None)
        else:
            with pytest.raises(UntoldError):
                bucket.put_if("manifest", b"two", None)
    assert bucket.put_if("manifest", b"three", found[1].etag)
    with s3.befalling(fault) as left:
        assert (bucket.get("part") or (b"",))[0] == b"x" * 100_000 and left == []
    s3.clear()
    assert (bucket.get("manifest") or (b"",))[0] == b"three"


@pytest.mark.parametrize(
    ("fault", "number", "said"),
    [
        ("expired", errno.EACCES, "the credentials have expired"),
        ("skewed", errno.EACCES, "this machine's clock is not the store's"),
        ("denied", errno.EACCES, "the credentials do not allow it"),
        ("full", errno.ENOSPC, "the store is full"),
        ("read_only", errno.EROFS, "the store takes no writes"),
        ("bad", errno.EIO, "refused (HTTP 400 InvalidRequest)"),
    ],
)
def test_a_refusal_is_told_at_once_and_says_what_it_is(
    s3: S3Server, bucket: Bucket, fault: str, number: int, said: str
) -> None:
    for ask in (lambda: bucket.put("part", b"x"), lambda: bucket.put_if("part", b"x", None)):
        with s3.befalling(fault, fault) as left, pytest.raises(OSError, match="lake-") as told:
            ask()
        assert left == [fault], "one try"
        assert told.value.errno == number and said in str(told.value)
        assert StorageError.of(told.value) is not None, "the API answers 503 or 507"


def test_a_store_that_is_away_is_waited_for_and_then_told(s3: S3Server, bucket: Bucket) -> None:
    s3.weather = lambda _request: "slow_down"
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="HTTP 503 SlowDown"):
        bucket.get("part")
    s3.clear()
    assert 1.0 < time.monotonic() - began < 10.0
    bucket.put("part", b"x")  # and nothing stays behind


def test_no_bucket_is_no_empty_one(s3: S3Server, bucket: Bucket) -> None:
    from dataclasses import replace

    with pytest.raises(FileNotFoundError, match="no such bucket"):
        Bucket(replace(bucket.place, bucket="nobodys")).get("part")
    assert bucket.get("part") is None and bucket.head("part") is None and bucket.names("") == ([], [])


# ---- conditions -------------------------------------------------------------------------------------------


def test_a_store_that_enforces_its_conditions_is_taken(s3: S3Server, bucket: Bucket) -> None:
    s3.methods()
    probe(bucket)
    assert bucket.names("") == ([], []) and s3.methods().total() <= 7


@pytest.mark.parametrize("name", ["if-none-match", "if-match"])
def test_a_store_that_does_not_is_refused(s3: S3Server, bucket: Bucket, name: str) -> None:
    def without(_request: Request) -> str:
        return f"without {name}"

    s3.weather = without
    with pytest.raises(UnfitStoreError, match=f"(?i){name}"):
        probe(bucket)
    s3.clear()
    assert bucket.names("") == ([], [])


# ---- leases -----------------------------------------------------------------------------------------------


def nothing() -> None:
    """Nobody is told that he waits."""


def test_a_lease_is_renewed_while_it_is_held(bucket: Bucket) -> None:
    with (
        held(bucket, ".lock", 0.0, 0.05, nothing, good_for_s=0.4),
        pytest.raises(TimeoutError),
        held(bucket, ".lock", 1.2, 0.05, nothing, good_for_s=0.4),
    ):
        raise AssertionError("two hold it")
    with held(bucket, ".lock", 0.0, 0.05, nothing, good_for_s=0.4):
        pass


def test_the_lease_of_who_is_gone_is_taken(bucket: Bucket) -> None:
    bucket.put_if(".lock", b"{} of a process that was killed", None)
    told: list[float] = []
    began = time.monotonic()
    with held(bucket, ".lock", 5.0, 0.05, lambda: told.append(time.monotonic()), good_for_s=0.4):
        assert 0.4 < time.monotonic() - began < 4.0 and told


def test_of_many_who_wait_one_holds_it(bucket: Bucket) -> None:
    inside, most = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with held(bucket, ".lock", 30.0, 0.01, nothing):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside -= 1

    each: list[Callable[[], Any]] = [work] * 6
    threads = [threading.Thread(target=one) for one in each]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
