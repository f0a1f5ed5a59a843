"""A lake and a job store know each other: who meets another pair reads nothing and changes nothing."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from data.identity import LAKE_FILE, LakePair, connect, read_id, write_id
from data.jobs import JobStore, NewJob
from leadmill.errors import ForeignLakeError, UnavailableError
from leadmill.ids import new_job_id
from tests.valkey import Valkey

STAGES = ("scrape", "process", "enrich", "score", "report")
_serial = itertools.count()


@pytest.fixture
def prefix() -> str:
    return f"identity{next(_serial)}:"


@pytest.fixture
def stores() -> Iterator[list[JobStore]]:
    made: list[JobStore] = []
    yield made
    for store in made:
        store.redis.close()


def submit(store: JobStore) -> str:
    return str(store.submit(NewJob(new_job_id(), "pipeline", STAGES, STAGES[:3], {}, {})).body["job"])


def everything(server: Valkey, prefix: str) -> dict[str, bytes | None]:
    with connect(server.url) as client:
        return {key.decode(): client.dump(key) for key in sorted(client.scan_iter(f"{prefix}*"))}


def test_a_stranger_reads_nothing_and_changes_nothing(
    valkey: Valkey, prefix: str, tmp_path: Path, stores: list[JobStore]
) -> None:
    ours, theirs = (JobStore.connect(valkey.url, prefix, lake=tmp_path / name) for name in ("ours", "theirs"))
    stores += [ours, theirs]
    job = submit(ours)
    before = everything(valkey, prefix)
    for move in (
        lambda: submit(theirs),
        lambda: theirs.begin(job, "launch", 0, 0, "x:1"),
        lambda: theirs.claim({}, node="n", about="{}"),
        lambda: theirs.cancel(job),
        lambda: theirs.leave("n"),
        lambda: theirs.read(job),
        theirs.workers,
        lambda: theirs.critical("x", {}),
        lambda: theirs.generation("x"),
        theirs.redis.ping,
    ):
        with pytest.raises(Exception) as caught:
            move()
        assert "nothing is read or changed" in str(caught.value)
    assert everything(valkey, prefix) == before
    assert not (tmp_path / "theirs" / LAKE_FILE).exists()
    with pytest.raises(ForeignLakeError) as told:
        theirs.read(job)
    lake = read_id(tmp_path / "ours")
    for part in (str(lake), str(tmp_path / "ours"), str(tmp_path / "theirs"), prefix, "LEADMILL_DATA_URL", "REDIS_URL"):
        assert part in str(told.value)
    assert ours.read(job)


def test_records_that_were_given_away_are_not_touched_over_an_open_connection(
    valkey: Valkey, prefix: str, tmp_path: Path, stores: list[JobStore]
) -> None:
    ours = JobStore.connect(valkey.url, prefix, lake=tmp_path)
    stores.append(ours)
    job = submit(ours)
    with connect(valkey.url) as client:
        client.set(f"{prefix}lake", "lake_" + "0" * 20)
    before = everything(valkey, prefix)
    with pytest.raises(ForeignLakeError, match="lake_00000000000000000000"):
        ours.cancel(job)
    with pytest.raises(ForeignLakeError):
        ours.read(job)
    assert everything(valkey, prefix) == before


def test_another_server_on_the_same_port_is_found_out(tmp_path: Path, stores: list[JobStore]) -> None:
    first, second = Valkey(tmp_path / "first", aof=True), Valkey(tmp_path / "second", aof=True)
    second.start()
    other = JobStore.connect(second.url, "p:", lake=tmp_path / "other")
    submit(other)
    stores.append(other)
    with first:
        ours = JobStore.connect(first.url, "p:", lake=tmp_path / "ours")
        stores.append(ours)
        job = submit(ours)
    second.stop()
    second.port = first.port
    second.start()
    with pytest.raises(ForeignLakeError):
        submit(ours)
    with pytest.raises(ForeignLakeError):
        ours.read(job)
    before = everything(second, "p:")
    with connect(second.url) as client:
        client.flushall()  # standing empty it is still not ours
    with pytest.raises(ForeignLakeError):
        submit(ours)
    second.stop()
    assert before
    with first:
        assert ours.read(job), "its own server is back"


def test_an_emptied_server_and_another_server_take_the_lakes_id(
    valkey: Valkey, prefix: str, tmp_path: Path, stores: list[JobStore]
) -> None:
    ours = JobStore.connect(valkey.url, prefix, lake=tmp_path)
    stores.append(ours)
    submit(ours)
    lake = read_id(tmp_path)
    with connect(valkey.url) as client:
        client.delete(*client.keys(f"{prefix}*"))
        submit(ours)
        assert client.get(f"{prefix}lake") == str(lake).encode(), "bound again by the move itself"
    elsewhere = JobStore.connect(valkey.url, f"new-{prefix}", lake=tmp_path)
    stores.append(elsewhere)
    submit(elsewhere)
    assert read_id(tmp_path) == lake


# ---- version 0.1, which knew no ids --------------------------------------------------------------


def old_store(server: Valkey, prefix: str, root: Path, *, generation: str | None, jobs: int = 2) -> list[str]:
    """Records and a lake as 0.1 left them."""
    store = JobStore.connect(server.url, prefix)
    made = [submit(store) for _ in range(jobs)]
    for job in made:
        (root / "jobs" / job).mkdir(parents=True)
    (root / "run").mkdir(parents=True)
    if generation:
        store.generation(generation)
        (root / "run" / "generation").write_text(generation)
    store.redis.close()
    return made


def bound(store: JobStore, prefix: str) -> str | None:
    value = store.redis.get(f"{prefix}lake")
    return None if value is None else str(value)


def test_two_halves_of_an_old_pair_adopt_each_other(
    valkey: Valkey, prefix: str, tmp_path: Path, stores: list[JobStore]
) -> None:
    jobs = old_store(valkey, prefix, tmp_path, generation="g1")
    store = JobStore.connect(valkey.url, prefix, lake=tmp_path)
    stores.append(store)
    assert store.read(jobs[0])
    assert bound(store, prefix) == read_id(tmp_path)


@pytest.mark.parametrize("generation", ["g1", None])
def test_a_lake_whose_file_was_lost_finds_back_by_its_jobs(
    generation: str | None, valkey: Valkey, prefix: str, tmp_path: Path, stores: list[JobStore]
) -> None:
    jobs = old_store(valkey, prefix, tmp_path, generation=generation)
    first = JobStore.connect(valkey.url, prefix, lake=tmp_path)
    lake = bound(first, prefix)
    (tmp_path / LAKE_FILE).unlink()
    again = JobStore.connect(valkey.url, prefix, lake=tmp_path)
    stores += [first, again]
    assert again.read(jobs[1])
    assert read_id(tmp_path) == lake


def test_an_old_server_that_was_used_by_another_lake_is_not_taken(
    valkey: Valkey, prefix: str, tmp_path: Path, stores: list[JobStore]
) -> None:
    old_store(valkey, prefix, tmp_path / "theirs", generation="g1")
    old_store(valkey, f"other-{prefix}", tmp_path / "ours", generation="g2")
    for own_id in (False, True):
        if own_id:
            write_id(tmp_path / "ours")
        store = JobStore.connect(valkey.url, prefix, lake=tmp_path / "ours")
        stores.append(store)
        with pytest.raises(ForeignLakeError, match="was used by another lake"):
            store.workers()
    with connect(valkey.url) as client:
        assert client.get(f"{prefix}lake") is None


# ---- races, crashes, disks ------------------------------------------------------------------------


def at_once(pairs: list[LakePair], url: str) -> list[str | None]:
    """Connect all together; the lake each found, None for a refusal."""
    barrier, found = threading.Barrier(len(pairs)), [None] * len(pairs)

    def run(number: int, pair: LakePair) -> None:
        store = JobStore(connect(url, pair, decode_responses=True), pair.prefix, pair=pair)
        barrier.wait()
        try:
            store.workers()
            found[number] = pair.lake  # type: ignore[call-overload]
        except ForeignLakeError:
            pass
        finally:
            store.redis.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(pairs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_many_folders_at_an_empty_server_and_one_gets_it(valkey: Valkey, prefix: str, tmp_path: Path) -> None:
    for turn in range(10):
        here = f"{prefix}{turn}:"
        found = at_once([LakePair(tmp_path / f"{turn}-{n}", here, valkey.url) for n in range(6)], valkey.url)
        winners = [lake for lake in found if lake]
        assert len(winners) == 1
        with connect(valkey.url) as client:
            assert client.get(f"{here}lake") == winners[0].encode()


def test_many_processes_of_one_new_folder_agree(valkey: Valkey, prefix: str, tmp_path: Path) -> None:
    for turn in range(10):
        root = tmp_path / str(turn)
        found = at_once([LakePair(root, f"{prefix}{turn}:", valkey.url) for _ in range(6)], valkey.url)
        assert set(found) == {read_id(root)}
        assert {file.name for file in root.iterdir()} == {LAKE_FILE, ".lock"}, "unfinished files were left"


def test_a_death_between_the_file_and_the_server(
    valkey: Valkey, prefix: str, tmp_path: Path, stores: list[JobStore]
) -> None:
    lake = write_id(tmp_path)
    store = JobStore.connect(valkey.url, prefix, lake=tmp_path)
    stores.append(store)
    assert submit(store)
    assert bound(store, prefix) == lake


def test_a_damaged_id_is_said_and_nothing_is_bound(
    valkey: Valkey, prefix: str, tmp_path: Path, stores: list[JobStore]
) -> None:
    (tmp_path / LAKE_FILE).write_text("lake_\n")
    store = JobStore.connect(valkey.url, prefix, lake=tmp_path)
    stores.append(store)
    with pytest.raises(UnavailableError, match=r"lake.id is damaged"):
        submit(store)
    assert not everything(valkey, prefix)


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_bound(
    valkey: Valkey, prefix: str, tmp_path: Path, stores: list[JobStore]
) -> None:
    (tmp_path / "file").touch()
    store = JobStore.connect(valkey.url, prefix, lake=tmp_path / "file")  # also root may not write below a file
    stores.append(store)
    with pytest.raises(UnavailableError, match=r"lake\.id"):
        submit(store)
    assert not everything(valkey, prefix)


# ---- any interleaving -------------------------------------------------------------------------------

_server: Valkey | None = None
FOLDERS, SERVERS = ("a", "b", "c"), ("x", "y")


@pytest.fixture(autouse=True, scope="module")
def _use(valkey: Valkey) -> None:
    global _server  # noqa: PLW0603 - hypothesis makes the machine
    _server = valkey


class Pairs(RuleBasedStateMachine):
    """Folders and servers meet in any order, servers are emptied and change places, files get lost."""

    @initialize()
    def begin(self) -> None:
        assert _server is not None
        self.raw = connect(_server.url, decode_responses=True)
        self.root = Path(_server.folder) / f"pairs{next(_serial)}"
        self.prefix = f"pairs{next(_serial)}:"
        #: Open processes: folder, server, and their store.
        self.open: list[tuple[str, str, JobStore]] = []
        #: Each job's folder.
        self.owner: dict[str, str] = {}

    @rule(folder=st.sampled_from(FOLDERS), server=st.sampled_from(SERVERS))
    def start(self, folder: str, server: str) -> None:
        assert _server is not None
        store = JobStore.connect(_server.url, f"{self.prefix}{server}:", lake=self.root / folder)
        self.open.append((folder, server, store))

    @rule(data=st.data())
    def work(self, data: st.DataObject) -> None:
        if not self.open:
            return
        folder, _, store = data.draw(st.sampled_from(self.open))
        try:
            job = submit(store)
        except ForeignLakeError:
            return
        self.owner[job] = folder
        (self.root / folder / "jobs" / job).mkdir(parents=True)

    @rule(server=st.sampled_from(SERVERS))
    def empty(self, server: str) -> None:
        for key in self.raw.scan_iter(f"{self.prefix}{server}:*"):
            self.raw.delete(key)

    @rule()
    def change_places(self) -> None:
        """Each server comes back where the other was: every connection is a new one."""
        for server in SERVERS:
            for key in self.raw.scan_iter(f"{self.prefix}{server}:*"):
                self.raw.rename(key, key.replace(f"{self.prefix}{server}:", f"{self.prefix}@{server}:"))
        for server, other in zip(SERVERS, reversed(SERVERS), strict=True):
            for key in self.raw.scan_iter(f"{self.prefix}@{server}:*"):
                self.raw.rename(key, key.replace(f"{self.prefix}@{server}:", f"{self.prefix}{other}:"))
        for _, _, store in self.open:
            store.redis.connection_pool.disconnect()

    @rule(folder=st.sampled_from(FOLDERS))
    def lose_the_file(self, folder: str) -> None:
        (self.root / folder / LAKE_FILE).unlink(missing_ok=True)

    @rule(folder=st.sampled_from(FOLDERS))
    def die_before_binding(self, folder: str) -> None:
        write_id(self.root / folder)

    @invariant()
    def no_server_holds_jobs_of_two_folders(self) -> None:
        if not hasattr(self, "raw"):
            return
        for server in SERVERS:
            jobs = self.raw.zrange(f"{self.prefix}{server}:idx:k:pipeline", 0, -1)
            assert len({self.owner[job] for job in jobs}) <= 1

    def teardown(self) -> None:
        if hasattr(self, "raw"):
            for _, _, store in self.open:
                store.redis.close()
            self.raw.close()


TestPairs = Pairs.TestCase
TestPairs.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
