"""What comes by itself, and what is planned, in several projects."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data import keys, project_quotas, shared_file
from data.jobs import JobStore
from data.lake import Lake
from data.projects import each_project
from leadmill.declared import PERIODIC
from leadmill.errors import NotFoundError
from leadmill.notices import Notice
from pipelines.execution.restore import check_generation
from pipelines.intake import control
from pipelines.intake.schedule_registry import ScheduleRegistry
from pipelines.intake.schedules import Ticker, create
from pipelines.intake.submission import Submission
from pipelines.intake.submit import record

NOW = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
#: By then each of what comes by itself has come.
LATER = NOW + timedelta(days=8)
PIPELINE = Submission("pipeline", company_urls=["a.example"])


@pytest.fixture
def acme(store: JobStore, lake: Lake) -> tuple[JobStore, Lake]:
    return store.of("acme"), lake.of("acme")


def submitted(store: JobStore, tag: str) -> list[str]:
    return [job_id for job_id, _ in store.ids(f"t:{tag}")]


def test_a_schedule_is_of_its_project(store: JobStore, lake: Lake, acme: tuple[JobStore, Lake]) -> None:
    create(*acme, "daily", "0 * * * *", PIPELINE, NOW)
    with pytest.raises(NotFoundError):
        ScheduleRegistry(store, lake).get("daily")
    with pytest.raises(NotFoundError):
        ScheduleRegistry(store, lake).delete("daily")
    create(store, lake, "daily", "0 * * * *", PIPELINE, NOW)
    ticker = Ticker(store, lake, lambda outs: None)
    assert ticker.tick(LATER).count("daily") == 2
    assert ticker.tick(LATER) == []
    [ours], [theirs] = submitted(store, "schedule:daily"), submitted(acme[0], "schedule:daily")
    assert ours != theirs
    ScheduleRegistry(store, lake).delete("daily")
    assert [one.name for one in ScheduleRegistry(*acme).read_all(NOW)[0]] == ["daily"]


def test_a_project_whose_folder_cannot_be_read_keeps_no_other_waiting(
    store: JobStore, lake: Lake, acme: tuple[JobStore, Lake]
) -> None:
    create(*acme, "daily", "0 * * * *", PIPELINE, NOW)
    create(store.of("zeta"), lake.of("zeta"), "daily", "0 * * * *", PIPELINE, NOW)
    shutil.rmtree(acme[1].root / "schedules")
    (acme[1].root / "schedules").write_text("no folder")
    with pytest.raises(OSError, match="schedules"):
        Ticker(store, lake, lambda outs: None).tick(LATER)
    assert submitted(store.of("zeta"), "schedule:daily")


def test_upkeep_comes_by_itself_in_every_project_and_a_look_at_the_stack_in_one(
    store: JobStore, lake: Lake, acme: tuple[JobStore, Lake]
) -> None:
    create(*acme, "daily", "0 0 1 1 *", PIPELINE, NOW)  # a project that has a schedule and no job yet
    ticker = Ticker(store, lake, lambda outs: None)
    assert ticker.tick(NOW) == []
    ticker.tick(LATER)
    kinds = {kind: (bool(store.ids(f"k:{kind}")), bool(acme[0].ids(f"k:{kind}"))) for kind in PERIODIC}
    assert kinds == {kind: (True, kind != "health_check") for kind in PERIODIC}


def test_that_the_server_was_emptied_is_written_once_though_who_listens_is_lost(store: JobStore, lake: Lake) -> None:
    notices = store.key(keys.NOTICES)
    check_generation(store, lake, None)
    assert not store.redis.exists(notices), "a new one was not emptied"
    store.redis.flushall()
    check_generation(store, lake, None)
    check_generation(store, lake, None)  # another worker that found it empty
    rows: Any = store.redis.xrange(notices)
    assert [Notice.read(entry, text).kind for entry, fields in rows for text in fields.values()] == ["store.emptied"]


def test_after_an_emptied_server_every_project_has_its_jobs_and_schedules_again(
    store: JobStore, lake: Lake, acme: tuple[JobStore, Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_file, "LOOK_S", 0.0)
    check_generation(store, lake, None)
    create(*acme, "daily", "0 * * * *", PIPELINE, NOW)
    later = Submission("pipeline", company_urls=["a.example"], run_at=LATER.timestamp(), idempotency_key="local:k")
    ours, theirs = record(store, lake, later).job_id, record(*acme, later).job_id
    store.redis.flushall()
    (lake.data / project_quotas.FILE).write_text("{")  # whoever submits is refused; what was accepted comes back
    assert [one.project for one, _ in each_project(store, lake)] == ["default", "acme"], "the lake knows them"
    check_generation(store, lake, store.current_generation())
    for own, other, job in ((store, acme[0], ours), (acme[0], store, theirs)):
        assert own.record(job) is not None and other.record(job) is None
    assert Ticker(store, lake, lambda outs: None).tick(LATER) == []
    assert "tick_waits" in {event["kind"] for event in acme[0].criticals(9)}
    (lake.data / project_quotas.FILE).unlink()
    assert record(*acme, later).job_id == theirs, "the key is that of its project"
    assert Ticker(store, lake, lambda outs: None).tick(LATER).count("daily") == 1
    assert submitted(acme[0], "schedule:daily") and not submitted(store, "schedule:daily")


def test_a_lost_job_is_put_back_by_who_asks_in_its_project_alone(
    store: JobStore, lake: Lake, acme: tuple[JobStore, Lake]
) -> None:
    job = record(*acme, Submission("pipeline", company_urls=["a.example"], run_at=LATER.timestamp())).job_id
    store.redis.flushall()
    for act in (control.existing, control.known, control.cancel):
        with pytest.raises(NotFoundError):
            act(store, lake, job)
    with pytest.raises(NotFoundError):
        control.resume(store, lake, lambda outs: None, job)
    with pytest.raises(NotFoundError):
        control.rerun(store, lake, job, "score")
    assert acme[0].record(job) is None, "nobody of another project puts it back"
    assert control.existing(*acme, job).project == "acme"
