"""What notices say, and how one is read that anybody may have written."""

from __future__ import annotations

import json
import string

import pytest

from leadmill.notices import KINDS, OF_EVENT, RESOLVED, Delivery, Notice, Severity, UnreadableNoticeError

JOB = "job_00000000000000000000"


def read(**fields: object) -> Notice:
    return Notice.read("ntc_1800000000000-0", json.dumps(fields))


def test_each_kind_names_kinds_and_says_one_sentence() -> None:
    for name, kind in KINDS.items():
        assert name == kind.name and kind.heard_by[0] == name and set(kind.heard_by) <= KINDS.keys()
        assert kind.resolves <= KINDS.keys() and not kind.says.endswith(".")
        named = {field for _, field, _, _ in string.Formatter().parse(kind.says) if field}
        assert named <= {"job", kind.apart_by}, "what a sentence needs is always there"
        for other in kind.resolves:
            assert KINDS[other].apart_by == kind.apart_by, "they have the same subject"
    assert {"job.failed", "workers.gone", "redis.refuses_writes"} <= RESOLVED
    assert OF_EVENT["missed_ticks"].name == "schedule.missed"


def test_a_notice_is_read_as_it_was_written() -> None:
    made = Notice("ntc_1800000000000-0", "job.failed", Severity.WARNING, "acme", 1_800_000_000.0, JOB, ("a", "b"),
                  {"error": "away\nand\tgone", "category": "network"}, {"notify": "sales"})  # fmt: skip
    assert Notice.read(made.id, made.written()) == made
    assert made.sentence == f"Job {JOB} has failed: away and gone"
    assert Delivery("x", "c", more=41).said(made) == f"{made.sentence} (and 41 more like it)"
    assert Delivery("x", "c", resolves=True).said(read(kind="workers.back")) == "Resolved: Workers are there again"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"kind": "unheard.of"}', '{"kind": []}', '{"kind": "job.failed", "job": "job_1"}',
     '{"kind": "job.failed", "project": "A B"}', '{"kind": "job.failed", "project": 7}',
     '{"kind": "job.failed", "tags": "{"}', '{"kind": "job.failed", "about": [1]}',
     '{"kind": "job.failed", "asked": "x"}',
     "[" * 100_000],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(UnreadableNoticeError):
        Notice.read("ntc_1-0", text)


def test_an_id_that_is_none_is_refused() -> None:
    with pytest.raises(UnreadableNoticeError):
        Notice.read("ntc_x", '{"kind": "job.failed"}')


def test_hostile_values_stay_values() -> None:
    told = read(kind="queue.unserved", about={"queue": "{job.__class__}", "error": {"a": "\u202e" * 10}})
    assert told.sentence.startswith("No worker takes from queue {job.__class__}: jobs wait")
    assert read(kind="queue.unserved").sentence == "No worker takes from queue ?: jobs wait"


def test_subject_and_cause() -> None:
    failed = [read(kind="job.failed", job=f"job_{n:020}", about={"category": "network"}) for n in range(2)]
    assert failed[0].subject != failed[1].subject and failed[0].cause == failed[1].cause
    done = [read(kind="job.completed", job=f"job_{n:020}") for n in range(2)]
    assert done[0].cause != done[1].cause, "each completed job is news"
    gone, back = (
        read(kind="queue.unserved", about={"queue": "scraping"}),
        read(kind="queue.served", about={"queue": "scraping"}),
    )
    assert gone.subject == back.subject == "default:queue:scraping"
    assert read(kind="queue.unserved", about={"queue": "analytics"}).subject != gone.subject
    assert Notice.new("channel.test").id != Notice.new("channel.test").id
