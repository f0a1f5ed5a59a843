"""Servers that take each other's place: who is found, what waits for a replica, and what a new primary has redone."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from data import keys
from data.identity import is_bound
from data.jobs import JobStore, NewJob
from data.jobs.connection import StoreConnection
from data.sentinels import Replicas
from data.server import examine
from leadmill.errors import LeadmillError, NotReplicatedError, UnavailableError
from tests.faults.proof import until
from tests.sentinels import HighlyAvailable

pytestmark = pytest.mark.timeout(100)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HighlyAvailable]:
    with HighlyAvailable(tmp_path_factory.mktemp("redis"), sentinel_password="of-the-sentinels") as running:
        yield running


@pytest.fixture
def settled(servers: HighlyAvailable) -> HighlyAvailable:
    for server in servers.servers:
        if server.process is None or server.process.poll() is not None:
            servers.bring_back(server, settle=False)
    servers.settled()
    return servers


@pytest.fixture
def store(settled: HighlyAvailable, tmp_path: Path) -> Iterator[JobStore]:
    found = JobStore.connect(settled.url, f"{tmp_path.name}:", lake=tmp_path)
    yield found
    found.close()


def job(number: int = 0) -> NewJob:
    return NewJob(f"job_{number:020d}", "pipeline", ("scrape",), ("scrape",), {}, {})


def patiently(move: Callable[[], Any], seconds: float = 30) -> Any:
    """Make a move again until it is made, as whoever waits for a store does."""
    until = time.monotonic() + seconds
    while True:
        try:
            return move()
        except LeadmillError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def test_a_killed_primary_is_followed_by_another_and_what_was_accepted_is_there(
    store: JobStore, settled: HighlyAvailable
) -> None:
    old, line = settled.primary, store.line
    assert line == ""
    store.submit(job())
    line = store.line
    old.kill()
    settled.failed_over(old)
    record = patiently(lambda: store.read(job().job_id))
    assert record["status"] == "pending"
    assert store.line != line


def test_a_frozen_primary_is_left_and_its_late_answers_are_not_believed(
    store: JobStore, settled: HighlyAvailable
) -> None:
    old = settled.primary
    store.redis.set(store.key("x"), "before")
    old.kill(signal.SIGSTOP)
    settled.failed_over(old)
    patiently(lambda: store.submit(job()))
    store.redis.set(store.key("x"), "after")
    old.kill(signal.SIGCONT)
    for _ in range(50):
        assert store.redis.get(store.key("x")) == "after"
        assert store.redis.ping() is True
    settled.bring_back(old)


def test_what_is_handed_out_or_runs_is_done_anew_under_epochs_that_nobody_had(
    store: JobStore, settled: HighlyAvailable, tmp_path: Path
) -> None:
    store.submit(job())
    assert not isinstance(store.begin(job().job_id, "launch", 1, 0, "worker-1"), str)
    store.submit(job(1))
    old = settled.primary
    old.kill()
    settled.failed_over(old)
    another = JobStore.connect(settled.url, store.prefix, lake=tmp_path)  # it never spoke with the old one
    sent = patiently(lambda: another.claim({}).send)
    assert {out.job_id for out in sent} == {job().job_id, job(1).job_id}
    assert all(out.epoch > 1_000_000_000_000 for out in sent)
    assert patiently(lambda: store.begin(job().job_id, "launch", 1, 0, "worker-2")) == "stale"
    told = [event for event in store.criticals(10) if event["kind"] == "failed_over"]
    assert [event["units"] for event in told] == [2]
    assert another.line == store.line
    again = JobStore.connect(settled.url, store.prefix, lake=tmp_path).claim({})
    assert not again.send, "once a change"
    (later,) = store.submit(job(2)).send
    assert later.epoch > 1_000_000_000_000, "also of what comes later"


def test_an_answer_waits_for_a_replica_and_its_repeat_too(
    store: JobStore, settled: HighlyAvailable, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.submit(job())
    for replica in settled.replicas:
        replica.kill(signal.SIGSTOP)  # still connected, and silent
    monkeypatch.setattr("data.jobs.connection.REPLICATED_MS", 200)
    first = JobStore.connect(settled.url, store.prefix, lake=store.pair.root if store.pair else None)
    try:
        with pytest.raises(NotReplicatedError):
            first.submit(job(1))  # also where no connection was made before
        for _ in range(2):
            with pytest.raises(NotReplicatedError) as caught:
                store.submit(job(1))
            assert caught.value.job_id == job(1).job_id
            assert caught.value.status == 503
    finally:
        first.close()
        for replica in settled.replicas:
            replica.kill(signal.SIGCONT)
    assert patiently(lambda: store.submit(job(1))).body["job"] == job(1).job_id
    assert patiently(lambda: store.submit(job(1))).body["replayed"] is True
    counted = store.redis.zcard(store.key(keys.of_status("pending")))
    assert counted == 2, "no second job"


def test_without_replicas_nothing_is_taken_and_it_is_said(store: JobStore, settled: HighlyAvailable) -> None:
    for replica in settled.replicas:
        replica.kill(signal.SIGSTOP)
    time.sleep(3.5)  # longer than min-replicas-max-lag
    try:
        with pytest.raises(UnavailableError, match="replicas"):
            store.submit(job())
    finally:
        for replica in settled.replicas:
            replica.kill(signal.SIGCONT)
    patiently(lambda: store.submit(job()))


def test_the_primary_is_known_without_sentinels(store: JobStore, settled: HighlyAvailable) -> None:
    store.submit(job())
    for sentinel in settled.sentinels:
        sentinel.stop()
    try:
        store.redis.connection_pool.disconnect()
        assert store.read(job().job_id)
    finally:
        for sentinel in settled.sentinels:
            sentinel.start()


def test_it_is_told_whether_the_store_is_a_lakes(store: JobStore, settled: HighlyAvailable, tmp_path: Path) -> None:
    """As `leadmill doctor --deep` and `leadmill lake copy` ask, before they open it."""
    store.submit(job())
    assert is_bound(tmp_path, settled.url, store.prefix)
    assert not is_bound(tmp_path, settled.url, f"other-{store.prefix}")
    assert not is_bound(tmp_path, settled.url.replace("master=", "master=no-"), store.prefix)


def test_a_replica_is_not_taken_for_the_primary(store: JobStore, settled: HighlyAvailable) -> None:
    from data import sentinels

    replica = settled.replicas[0]
    pool = store.redis.connection_pool
    known = sentinels.Sentinels.discover_master
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentinels.Sentinels, "discover_master", lambda *_: ("127.0.0.1", replica.port))
        pool.disconnect()
        with pytest.raises(UnavailableError):
            store.submit(job())
    assert sentinels.Sentinels.discover_master is known
    patiently(lambda: store.submit(job()))


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (("of-the-servers", "wrong"), "unfit", "refuses the password"),
        (("of-the-sentinels", "wrong"), "unfit", "refuse us"),
        (("master=leadmill", "master=other"), "unfit", "watch no 'other'; they know leadmill"),
    ],
)
def test_what_is_wrong_is_said(settled: HighlyAvailable, change: tuple[str, str], kind: str, said: str) -> None:
    (found,) = examine(settled.url.replace(*change))
    assert (found.kind, said in found.text) == (kind, True), found


def test_what_is_risky_is_said(settled: HighlyAvailable) -> None:
    until(lambda: examine(settled.url) == [], 20, "nothing is risky")  # a busy machine's replica lags for a moment
    client = settled.primary.client()
    client.config_set("min-replicas-to-write", 0)
    try:
        (found,) = examine(settled.url)
        assert found.kind == "risk" and "a failover loses jobs" in found.text
    finally:
        client.config_set("min-replicas-to-write", 1)
    settled.sentinels[0].stop()
    try:
        (found,) = examine(settled.url)
        assert found.kind == "risk" and "1 of 3 Sentinels" in found.text
    finally:
        settled.sentinels[0].start()


def test_a_server_without_sentinels_is_asked_nothing_more(tmp_path: Path) -> None:
    from tests.valkey import Valkey

    with Valkey(tmp_path / "one", aof=False) as server:
        store: StoreConnection = JobStore.connect(server.url, "t:", lake=tmp_path)
        asked = []
        with server_watch(server.url) as watch:
            store.call("submit", durable=True, id="job_" + "0" * 20, fields={"kind": "x"}, input="", spec="")
            store.redis.set("end", 1)
            for command in watch.listen():
                if command["command"].startswith("SET end"):
                    break
                asked.append(command["command"].partition(" ")[0])
    assert not {"WAIT", "INFO", "ROLE"} & set(asked)


def server_watch(url: str) -> Any:
    return redis.Redis.from_url(url).monitor()


def test_replicas_are_read_of_both_forms_of_an_answer() -> None:
    assert Replicas.of_info({"role": "slave", "master_host": "h", "master_port": "1"}).of == "h:1"
    found = Replicas.of_info(
        {"role": "master", "connected_slaves": 2, "min_slaves_good_slaves": 1, "master_replid": "a"}
    )
    assert (found.connected, found.good, found.line) == (2, 1, "a")
