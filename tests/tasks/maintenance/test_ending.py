"""The end of a project: nothing of it is left whenever the removal dies, and nothing of the others is touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import redis

from data.api_keys import KeyRegistry, listed
from data.ending import Ending, ending, endings, put_mark
from data.jobs import removed_project
from data.lake import Lake, UnitFiles
from data.notice_channels import StoredChannel, notice_channels, with_channel
from data.notices.outbox import Outbox
from data.project_quotas import project_quotas
from data.projects import each_project
from data.schedules import Schedule
from leadmill.access import Role
from leadmill.errors import ConflictError, InputError, NotFoundError
from leadmill.notices import Notice
from pipelines.ending import begin, carry_out, in_the_way
from pipelines.execution.restore import check_generation
from pipelines.intake.schedule_registry import ScheduleRegistry
from pipelines.intake.submission import Submission
from pipelines.intake.submit import record
from tests.tasks.maintenance.conftest import Driver, Killed

POINTS = ("ending_marked", "ending_cancelled", "ending_retired", "ending_swept")
#: Its name begins as that of the project which goes.
NEIGHBOUR = "acme-two"


def filled(driver: Driver) -> None:
    """One of each thing that a project can have."""
    name, lake, store = driver.lake.project, driver.lake, driver.store
    keys = KeyRegistry(lake.data)
    keys.create("anna", Role.OPERATOR, name)
    keys.revoke(keys.create("bob", Role.VIEWER, name)[0].id)
    driver.completed(["a.example"], 3)
    aside = driver.cancelled(["b.example"], 2)
    driver.launch(driver.submit(), ["c.example"])
    ScheduleRegistry(store, lake).create(Schedule("nightly", "0 3 * * *", datetime.now(UTC).isoformat()))
    store.keep_idempotency_key("k", aside, "body", 600)
    store.critical("poison", {"job": aside})
    store.redis.zadd(store.key("aside"), {aside: 1})
    store.redis.zadd(store.key("dead"), {f"{aside}|p0": 1})
    store.redis.hset(store.key("used:1"), "pages", 3)
    project_quotas(lake.data).put(name, {"live_jobs": 7})
    channel = StoredChannel("sales", "json://127.0.0.1:1/x", datetime.now(UTC))
    notice_channels(lake.data).change(name, lambda had: with_channel(had, channel))
    outbox = Outbox(store)
    for _ in range(2):
        outbox.put(Notice.new("channel.test", {"channel": "sales"}, name), f"{name}:sales")
    taken = outbox.take("deliverer")
    assert taken is not None and taken.delivery.channel == f"{name}:sales"


def entries(client: redis.Redis) -> Iterator[tuple[str, str]]:
    """Each entry of Redis as (key, what it says)."""
    for key in client.scan_iter():
        kind = client.type(key)
        if kind == "hash":
            yield from ((key, f"{name} {value}") for name, value in client.hgetall(key).items())
        elif kind == "zset":
            yield from ((key, name) for name in client.zrange(key, 0, -1))
        else:
            yield key, str(client.dump(key) and kind)


def redis_of(driver: Driver, project: str) -> list[tuple[str, str]]:
    """What Redis holds that a project is named in, or one of its jobs."""
    client = driver.store.redis
    jobs = {job for job, whose in client.hgetall(driver.store.key("project_of")).items() if whose == project}
    words = [f":{project}:", f"|{project}:", f" {project}:", *jobs]
    return sorted(
        (key, text)
        for key, text in entries(client)
        if any(word in f" {key} {text}" for word in words) or text in (project, *(f"{job} {project}" for job in jobs))
    )


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def rest_of_files(lake: Lake) -> dict[str, bytes]:
    """All files but locks, and those that tell of every project."""
    shared = ("api_keys.json", "quotas.json", "notices.json")
    return {name: content for name, content in files_of(lake.data).items() if "lock" not in name and name not in shared}


@pytest.fixture
def acme(driver: Driver) -> Driver:
    """A project with all that one can have, beside two others that have the same."""
    made = driver.of("acme")
    for one in (driver, driver.of(NEIGHBOUR), made):
        one.at(0)
        filled(one)
    return made


def removed(driver: Driver, check: Any = lambda name: None) -> list[Any]:
    return list(carry_out(driver.store, driver.lake, check, quiet_s=0.0))


def begun(driver: Driver, **more: Any) -> Ending:
    return begin(driver.store, driver.lake, KeyRegistry(driver.lake.data), "acme", **more)


def check_gone(driver: Driver, before: dict[str, Any]) -> None:
    """Nothing of it is left, and all that was of others is as it was."""
    assert redis_of(driver, "acme") == []
    assert before["redis"] == [redis_of(driver, NEIGHBOUR), sorted(driver.store.redis.scan_iter("test:job:*"))]
    left = rest_of_files(driver.lake)
    assert left.pop("projects/acme") == b"" and left == before["files"]
    assert sorted(file.name for file in (driver.lake.data / "projects").iterdir() if "lock" not in file.name) == [
        "acme", NEIGHBOUR,
    ]  # fmt: skip
    assert {key.project for key in listed(KeyRegistry(driver.lake.data).table())} == {"default", NEIGHBOUR}
    assert notice_channels(driver.lake.data).table().keys() == {"default", NEIGHBOUR}
    assert project_quotas(driver.lake.data).own().keys() == {"default", NEIGHBOUR}
    assert driver.store.projects() == ["default", NEIGHBOUR] and driver.lake.projects() == ["default", NEIGHBOUR]


def others(driver: Driver) -> dict[str, Any]:
    files = {name: content for name, content in rest_of_files(driver.lake).items() if "projects/acme/" not in name}
    return {
        "redis": [redis_of(driver, NEIGHBOUR), sorted(driver.store.redis.scan_iter("test:job:*"))],
        "files": files,
    }


def test_it_goes_on_wherever_it_was_killed(driver: Driver, acme: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each point between two of its steps, one kill after the other."""
    monkeypatch.setattr(removed_project, "_STEP", 3)
    before = others(driver)
    assert len(redis_of(driver, "acme")) > 25
    begun(driver, confirm="acme")
    for point in POINTS:
        reached = []

        def kill(name: str, at: str = point, reached: list[str] = reached) -> None:
            reached.append(name)
            if name == at:
                raise Killed

        monkeypatch.setattr("pipelines.ending.pause_point", kill)
        with pytest.raises(Killed):
            removed(driver)
        assert reached[-1] == point and endings(driver.lake.data) == ["acme"]
    monkeypatch.setattr("pipelines.ending.pause_point", lambda name: None)
    [found] = removed(driver)
    assert found["name"] == "acme" and removed(driver) == []
    check_gone(driver, before)


def test_it_goes_on_between_any_two_steps(driver: Driver, acme: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removed_project, "_STEP", 2)
    before = others(driver)
    begun(driver, confirm="acme")
    for kills in count():
        assert kills < 200
        looks = iter(range(3))

        def check(name: str, looks: Iterator[int] = looks) -> None:
            if next(looks, None) is None:
                raise Killed

        try:
            removed(driver, check)
        except Killed:
            assert ending(driver.lake.data, "acme") is not None
        else:
            break
    assert kills > 5
    check_gone(driver, before)


def test_who_still_runs_something_of_it_writes_nothing_anew(driver: Driver, acme: Driver) -> None:
    job = acme.submit()
    grant = acme.begin(job, "launch")
    files = UnitFiles(acme.lake, job, "scrape", "launch", grant.epoch, 0)
    begun(driver, confirm="acme")
    removed(driver)
    with pytest.raises(OSError, match="acme"):
        files.write([{"company_id": "c", "domain": "a.example"}])
    assert driver.store.commit(grant).refused == "gone" and driver.store.renew(grant) == "gone"
    assert acme.lake.root.is_file() and redis_of(driver, "acme") == []


def test_one_that_works_is_not_removed_without_its_name(driver: Driver, acme: Driver) -> None:
    assert in_the_way(driver.store, driver.lake, "acme") == ["1 live job", "1 API key", "1 active schedule"]
    with pytest.raises(ConflictError, match=r"still has 1 live job, 1 API key, 1 active schedule: .*confirm=acme"):
        begun(driver)
    with pytest.raises(InputError) as wrong:
        begun(driver, confirm=NEIGHBOUR)
    assert wrong.value.field == "confirm"
    with pytest.raises(ConflictError, match="LEADMILL_OIDC_ROLES"):
        begun(driver, confirm="acme", roles="sales=operator:acme")
    for name, error in (("default", ConflictError), ("nobody", NotFoundError), ("../x", NotFoundError)):
        with pytest.raises(error):
            begin(driver.store, driver.lake, KeyRegistry(driver.lake.data), name, confirm=name)
    assert endings(driver.lake.data) == [] and len(redis_of(driver, "acme")) > 25


def test_nothing_begins_in_it_until_it_is_gone_and_then_all_anew(driver: Driver, acme: Driver) -> None:
    mark = begun(driver, confirm="acme")
    assert begun(driver) == mark, "asked again it goes on, with nothing to confirm"
    keys, one = KeyRegistry(driver.lake.data), Schedule("other", "0 3 * * *", datetime.now(UTC).isoformat())
    submission = Submission("pipeline", company_urls=("https://a.example/",))

    def begin_all() -> None:
        with pytest.raises(ConflictError, match="acme is being removed"):
            record(acme.store, acme.lake, submission)
        with pytest.raises(ConflictError, match="acme is being removed"):
            ScheduleRegistry(acme.store, acme.lake).create(one)
        with pytest.raises(ConflictError, match="acme is being removed"):
            keys.create("carl", Role.VIEWER, "acme")

    begin_all()
    assert [store.project for store, _ in each_project(driver.store, driver.lake)] == ["default", NEIGHBOUR]
    for client in (driver.store.redis,):  # an emptied server gets nothing of it back
        client.flushall()
    check_generation(driver.store, driver.lake, None)
    assert redis_of(driver, NEIGHBOUR) and redis_of(driver, "acme") == []
    begin_all()
    removed(driver)
    keys.create("carl", Role.VIEWER, "acme")
    ScheduleRegistry(acme.store, acme.lake).create(one)
    job = record(acme.store, acme.lake, submission).job_id
    assert [made for made, _ in acme.store.ids("k:pipeline")] == [job]
    assert acme.lake.job_ids() == [] and acme.lake.newest("score") == []
    assert [key.name for key in listed(keys.table(), "acme")] == ["carl"]
    assert [one.name for one in ScheduleRegistry(acme.store, acme.lake).read_all()[0]] == ["other"]


def test_it_waits_for_what_had_begun_before(driver: Driver, acme: Driver) -> None:
    """A request that passed before the mark may record its job a moment later: the last step finds that, too."""
    begun(driver, confirm="acme")
    put_mark(driver.lake.data, "acme", Ending(datetime.now(UTC) - timedelta(seconds=0.2), None))
    late: list[str] = []

    def check(name: str) -> None:
        if not late and acme.lake.root.is_file():
            late.append(acme.submit())

    carry_out(driver.store, driver.lake, check, quiet_s=0.5)
    assert late and redis_of(driver, "acme") == []


def test_a_mark_that_cannot_be_read_is_one(driver: Driver, acme: Driver) -> None:
    begun(driver, confirm="acme")
    (driver.lake.data / "projects" / "acme.ending").write_text("{")
    with pytest.raises(ConflictError):
        record(acme.store, acme.lake, Submission("pipeline", company_urls=("https://a.example/",)))
    assert [found["name"] for found in removed(driver)] == ["acme"]
