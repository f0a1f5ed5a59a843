"""The outbox, operation by operation, on a real server: lines, leases, the hour, what resolves, bounds, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data import keys
from data.jobs import LIMITS, JobStore, script
from data.notices import entries
from data.notices.entries import Outcome, Taken, Target
from data.notices.outbox import LEASE_S, Outbox
from data.notices.telling import tell
from data.notices.wanted import put_wanted
from data.presence import StackProcess, living, quiet_s
from leadmill.errors import ConflictError
from leadmill.notices import KINDS, RESOLVED, Notice
from tests.data.jobs.acting import pass_time

SENT = Outcome("sent")
OPS, HOOK = Target("default:ops", True), Target("default:hook", False)


def job(n: int) -> str:
    return f"job_{n:020}"


def write(store: JobStore, kind: str, job_id: str | None = None, entry: str = "*", **about: Any) -> None:
    """A notice, as the script writes one; `entry` is its id in the stream."""
    body = {"kind": kind, "job": job_id, "about": about}
    store.redis.xadd(
        store.key(keys.NOTICES), {"info" if KINDS[kind].severity == "info" else "more": json.dumps(body)}, entry
    )


def spread(outbox: Outbox, *targets: Target) -> None:
    while new := outbox.new():
        outbox.spread([(one, targets) for one in new])


def take(outbox: Outbox, owner: str = "a") -> Taken:
    taken = outbox.take(owner)
    assert taken is not None and taken.notice is not None
    return taken


def told(outbox: Outbox, owner: str = "a") -> list[str]:
    """Everything that is due, sent; what each delivery says."""
    said = []
    while (taken := outbox.take(owner)) is not None:
        assert taken.notice is not None
        said.append(taken.delivery.said(taken.notice))
        outbox.settle(taken, owner, SENT)
    return said


def name_of(taken: Taken) -> tuple[str, str | None]:
    assert taken.notice is not None
    return taken.delivery.channel.partition(":")[2], taken.notice.job_id


def test_a_notice_goes_to_each_of_its_channels(store: JobStore, outbox: Outbox) -> None:
    assert not outbox.is_due() and outbox.take("a") is None
    write(store, "job.failed", job(1), error="away")
    assert outbox.is_due()
    spread(outbox, OPS, HOOK)
    assert outbox.figures().waiting == 2 and outbox.figures().new == 0
    assert sorted(told(outbox)) == [f"Job {job(1)} has failed: away"] * 2
    assert not outbox.is_due() and outbox.figures() == outbox.figures().__class__(0, 0, None)
    assert store.redis.keys(store.prefix + "notices_line:*") == []


def test_a_notice_of_no_channel_is_gone(store: JobStore, outbox: Outbox) -> None:
    write(store, "job.failed", job(1))
    spread(outbox)
    assert not outbox.is_due() and outbox.take("a") is None


def test_only_the_first_deliverer_spreads(store: JobStore, outbox: Outbox) -> None:
    write(store, "job.failed", job(1))
    new = outbox.new()
    outbox.spread([(one, [HOOK]) for one in new])
    outbox.spread([(one, [HOOK]) for one in new])
    write(store, "job.failed", job(2))
    outbox.spread([(one, [HOOK]) for one in new])
    assert outbox.figures().waiting == 1 and outbox.figures().new == 1


def test_one_at_a_time_sends_to_a_channel_and_the_others_go_on(store: JobStore, outbox: Outbox) -> None:
    for n in (1, 2):
        write(store, "job.completed", job(n))
    spread(outbox, HOOK)
    write(store, "job.completed", job(3))
    spread(outbox, OPS)
    held = take(outbox, "a")
    assert name_of(held) == ("hook", job(1))
    assert name_of(take(outbox, "b")) == ("ops", job(3))
    assert outbox.take("c") is None
    outbox.settle(held, "a", SENT)
    assert name_of(take(outbox, "c")) == ("hook", job(2))


def test_a_lease_lapses_unless_it_is_renewed(store: JobStore, outbox: Outbox) -> None:
    write(store, "job.completed", job(1))
    spread(outbox, HOOK)
    first = take(outbox, "a")
    pass_time(store, LEASE_S - 1)
    assert outbox.renew(HOOK.name, "a") and not outbox.renew(HOOK.name, "b")
    pass_time(store, LEASE_S - 1)
    assert outbox.take("b") is None
    pass_time(store, 2)
    second = take(outbox, "b")
    assert (first.delivery.attempt, second.delivery.attempt) == (1, 2)
    outbox.settle(first, "a", Outcome("failed", "late", None, 100))
    outbox.settle(first, "a", Outcome("given_up", "late"))
    assert outbox.renew(HOOK.name, "b") and not outbox.renew(HOOK.name, "a"), "who lost it changes nothing"
    outbox.settle(first, "a", SENT)
    assert outbox.figures().waiting == 0, "but what was taken was taken"
    outbox.settle(second, "b", SENT)
    assert [one.result for one in outbox.log(HOOK.name)] == ["sent"]


def test_a_later_notice_of_a_job_does_not_pass_an_earlier_one(store: JobStore, outbox: Outbox) -> None:
    for kind in ("job.failed", "job.completed"):
        write(store, kind, job(1))
    write(store, "job.completed", job(2))
    spread(outbox, HOOK)
    first = take(outbox)
    outbox.settle(first, "a", Outcome("failed", "https://u:secret@x.example/ says 503", 503, 60))
    pass_time(store, 3)
    other = take(outbox)
    assert other.notice is not None and other.notice.job_id == job(2), "another job goes on"
    outbox.settle(other, "a", SENT)
    assert outbox.take("a") is None
    (second, first_again) = sorted(outbox.waiting_of(""), key=lambda one: one.notice.kind)
    assert (second.notice.kind, first_again.notice.kind) == ("job.completed", "job.failed")
    assert "503" in first_again.error and "secret" not in first_again.error
    pass_time(store, 60)
    again = take(outbox)
    assert again.notice is not None and again.notice.kind == "job.failed" and again.failures == 1
    outbox.settle(again, "a", Outcome("given_up", "no"))
    last = take(outbox)
    assert last.notice is not None and last.notice.kind == "job.completed" and last.delivery.resolves


def test_a_channel_that_fails_is_left_alone_for_longer_and_longer(store: JobStore, outbox: Outbox) -> None:
    for n in range(20):
        write(store, "job.completed", job(n))
    spread(outbox, HOOK)
    tries = 0
    for _ in range(120):
        if (taken := outbox.take("a")) is not None:
            outbox.settle(taken, "a", Outcome("failed", "away", None, 3600))
            tries += 1
        pass_time(store, 1)
    assert 5 <= tries <= 9
    pass_time(store, 60)
    outbox.settle(take(outbox), "a", SENT)
    assert take(outbox), "one that was taken ends the pause"


def test_the_same_cause_is_told_once_an_hour(store: JobStore, outbox: Outbox) -> None:
    for n in range(43):
        write(store, "job.failed", job(n), category="network", error=f"away {n}")
    write(store, "job.failed", job(50), category="data", error="another cause")
    spread(outbox, OPS, HOOK)
    said = told(outbox)
    assert len(said) == 44 + 2, "a program gets each"
    assert said.count(f"Job {job(0)} has failed: away 0") == 2
    assert [one.held for one in outbox.waiting_of("")] == [True]
    oldest = outbox.figures().oldest_ms
    assert oldest is not None and oldest > store.now_ms() + 3_000_000, "what waits for the hour is not late"
    pass_time(store, 3500)
    assert told(outbox) == []
    pass_time(store, 110)
    assert told(outbox) == [f"Job {job(42)} has failed: away 42 (and 41 more like it)"]
    write(store, "job.failed", job(60), category="network")
    spread(outbox, OPS)
    assert told(outbox) == [], "its hour began when the last was told"


def test_after_a_quiet_hour_it_is_told_at_once(store: JobStore, outbox: Outbox) -> None:
    write(store, "job.failed", job(1), category="network")
    spread(outbox, OPS)
    assert len(told(outbox)) == 1
    (window,) = store.redis.keys(store.prefix + "notices_told:*")
    assert 3_590_000 < store.redis.pttl(window) <= 3_600_000
    store.redis.delete(window)
    write(store, "job.failed", job(2), category="network")
    spread(outbox, OPS)
    assert len(told(outbox)) == 1


def test_resolved_follows_failed(store: JobStore, outbox: Outbox) -> None:
    write(store, "job.failed", job(1), error="away")
    spread(outbox, OPS)
    assert told(outbox) == [f"Job {job(1)} has failed: away"]
    write(store, "job.completed", job(1))
    write(store, "job.completed", job(2))
    spread(outbox)
    assert told(outbox) == [f"Resolved: Job {job(1)} is completed"], "no rule wanted it; nobody was told of the other"
    write(store, "job.completed", job(1))
    spread(outbox)
    assert told(outbox) == [], "once"


def test_a_rule_that_wants_the_end_gets_it_once(store: JobStore, outbox: Outbox) -> None:
    write(store, "job.failed", job(1))
    write(store, "job.completed", job(1))
    spread(outbox, HOOK)
    assert told(outbox) == [f"Job {job(1)} has failed", f"Resolved: Job {job(1)} is completed"]


def test_what_was_only_counted_is_not_resolved_by_name(store: JobStore, outbox: Outbox) -> None:
    for n in range(4):
        write(store, "job.failed", job(n), category="network")
    spread(outbox, OPS)
    assert told(outbox) == [f"Job {job(0)} has failed"]
    for n in (3, 1):
        write(store, "job.completed", job(n))
    spread(outbox)
    assert told(outbox) == []
    pass_time(store, 3610)
    assert told(outbox) == [f"Job {job(2)} has failed"], "the one that is left"
    write(store, "job.completed", job(2))
    spread(outbox)
    assert told(outbox) == [f"Resolved: Job {job(2)} is completed"], "it was told by name"
    write(store, "job.failed", job(4), category="network")
    spread(outbox, OPS)
    write(store, "job.completed", job(4))
    spread(outbox)
    pass_time(store, 3610)
    assert told(outbox) == [] and outbox.figures().waiting == 0, "nothing is left to tell"


def test_a_fault_that_comes_back_is_news(store: JobStore, outbox: Outbox) -> None:
    for kind in ("workers.gone", "workers.gone", "workers.back", "workers.gone"):
        write(store, kind)
        spread(outbox, *([OPS] if kind in RESOLVED else []))
    gone = "No worker is there: jobs wait"
    assert told(outbox) == [gone, "Resolved: Workers are there again", gone]
    assert outbox.figures().waiting == 0, "what was counted meanwhile is over"


def test_subjects_of_a_kind_are_apart(store: JobStore, outbox: Outbox) -> None:
    for queue in ("scraping", "analytics"):
        write(store, "queue.unserved", queue=queue)
    spread(outbox, OPS)
    assert len(told(outbox)) == 2
    write(store, "queue.served", queue="analytics")
    spread(outbox)
    assert told(outbox) == ["Resolved: Queue analytics has a worker again"]


def test_the_log_keeps_what_a_replay_needs(store: JobStore, outbox: Outbox) -> None:
    write(store, "job.failed", job(1), error="away ü")
    spread(outbox, HOOK)
    taken = take(outbox)
    outbox.settle(taken, "a", Outcome("given_up", "410 ü", 410), 0.25)
    (entry,) = outbox.log(HOOK.name)
    assert (entry.result, entry.error, entry.status, entry.took_ms, entry.delivery) == (
        "given_up",
        "410 ?",
        410,
        250,
        taken.delivery,
    )
    assert entry.notice == taken.notice and entry.notice.about == {"error": "away ü"}
    outbox.put(entry.notice, HOOK.name)
    with pytest.raises(ConflictError):
        outbox.put(entry.notice, HOOK.name)
    again = take(outbox)
    assert again.delivery.id == taken.delivery.id and again.notice == taken.notice
    outbox.settle(again, "a", SENT)
    store.redis.lpush(store.key(keys.notices_log(HOOK.name)), b"\xff\xfe")  # no text: the others are read all the same
    assert [one.result for one in outbox.log(HOOK.name)] == ["sent", "given_up"]
    assert LIMITS["OWN_LOG_KEPT_S"] < store.redis.ttl(store.key(keys.notices_log(HOOK.name))) <= LIMITS["LOG_KEPT_S"]
    callback = f"default:callback:{job(1)}"
    outbox.put(entry.notice, callback)
    outbox.settle(take(outbox), "a", SENT)
    for log in (callback, "default:callback:"):
        assert 0 < store.redis.ttl(store.key(keys.notices_log(log))) <= LIMITS["OWN_LOG_KEPT_S"]
        assert [one.delivery.channel for one in outbox.log(log)] == [callback]


def test_the_log_of_a_channel_is_bounded(store: JobStore, outbox: Outbox) -> None:
    for _ in range(210):
        outbox.put(Notice.new("channel.test"), HOOK.name)
    told(outbox)
    assert store.redis.llen(store.key(keys.notices_log(HOOK.name))) == LIMITS["LOGGED"]
    assert len(list(outbox.log(HOOK.name))) == LIMITS["LOGGED"]


def test_too_many_deliveries_lose_the_oldest_of_no_weight(
    store: JobStore, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(script.CONSTANTS, "NOTICES_KEPT", "100")
    monkeypatch.setitem(script.CONSTANTS, "NOTICES_DROPPED", "10")
    script.of.cache_clear()
    with store.redis.pipeline() as pipe:
        body = json.dumps({"notice": "{}", "line": "x"})
        for n in range(100):
            pipe.hset(store.key(keys.DELIVERIES), f"ntc_{n}-0|c", body)
            light = n % 5 == 0
            pipe.zadd(store.key(keys.NOTICES_WAITING), {f"ntc_{n}-0|c": n + (0 if light else LIMITS["HEAVY"])})
        pipe.execute()
    write(store, "workers.gone")
    spread(outbox, OPS)
    left = store.redis.zrange(store.key(keys.NOTICES_WAITING), 0, -1)
    script.of.cache_clear()
    assert len(left) == 91 == store.redis.hlen(store.key(keys.DELIVERIES))
    light = [name for name in left if name.endswith("|c") and int(name[4:].partition("-")[0]) % 5 == 0]
    assert len(light) == 10 and min(int(name[4:].partition("-")[0]) for name in light) == 50
    assert outbox.take_lost() == 10 and outbox.take_lost() == 0


HOSTILE = ["", "x", "[]", '{"notice": 1, "line": "x"}', b"\xff\xfe", '{"notice": "{}", "line": "\\u00ff', "[" * 5_000]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_damaged_delivery_does_not_stop_the_others(store: JobStore, outbox: Outbox, text: Any) -> None:
    for n in (1, 2):
        write(store, "job.failed", job(n))
    write(store, "job.completed", job(1))
    spread(outbox, HOOK)
    first = list(outbox.waiting_of(""))[-2].delivery.id
    store.redis.hset(store.key(keys.DELIVERIES), first, text)
    assert sorted(told(outbox)) == [f"Job {job(2)} has failed", f"Resolved: Job {job(1)} is completed"]
    assert outbox.take_lost() == 1 and outbox.figures().waiting == 0


NO_NOTICES = [
    *HOSTILE[:5],
    '{"kind": "job.failed", "job": "../x"}',
    '{"kind": "job.failed", "about": {"coverage": NaN}}',
    '{"kind": "job.failed", "about": {"coverage": 1e999, "companies": 3}}',
    '{"kind": "job.failed", "about": {"companies": 1' + "0" * 400 + "}}",
    '{"kind": "job.failed", "id": "ntc_4611686018427387904-1"}',
    '{"kind": "job.failed", "id": "ntc_-1-1"}',
]


@pytest.mark.parametrize("text", NO_NOTICES, ids=range(len(NO_NOTICES)))
def test_a_damaged_notice_does_not_stop_the_others(store: JobStore, outbox: Outbox, text: Any) -> None:
    store.redis.xadd(store.key(keys.NOTICES), {"more": text})
    store.redis.xadd(store.key(keys.NOTICES), {b"\xff": text, "x": "y"})
    write(store, "job.failed", job(1))
    spread(outbox, HOOK)
    assert told(outbox) == [f"Job {job(1)} has failed"] and outbox.take_lost() == 2


@pytest.mark.parametrize(
    "damaged",
    [f"notices_line:default:hook|{job(1)}", "notices_of:default:hook", f"notices_open:{job(1)}",
     "notices_log:default:hook", "notices_told:default:hook|x"],
)  # fmt: skip
@pytest.mark.parametrize("before", [True, False])
def test_a_key_of_another_type_costs_its_channel_at_most(
    store: JobStore, outbox: Outbox, damaged: str, before: bool
) -> None:
    def damage() -> None:
        store.redis.delete(store.prefix + damaged)
        store.redis.sadd(store.prefix + damaged, "x")

    if before:
        damage()
    write(store, "job.failed", job(1))
    spread(outbox, HOOK, OPS)
    if not before:
        damage()
    write(store, "workers.gone")
    spread(outbox, OPS)
    said = told(outbox)
    assert "No worker is there: jobs wait" in said
    if not before:
        assert f"Job {job(1)} has failed" in said, "the other channel hears of it"


def test_who_asks_what_waits_reads_no_deliveries_of_others(store: JobStore, outbox: Outbox) -> None:
    for n in range(250):  # all within one millisecond, as they come where a machine is fast
        write(store, "job.failed", job(n), entry=f"1700000000000-{n}")
    spread(outbox, Target("acme:hook", False))

    def read(front: str, job_id: str | None = None) -> tuple[list[str | None], int]:
        store.redis.config_resetstat()
        found = [one.notice.job_id for one in outbox.waiting_of(front, job_id)]
        return found, store.redis.info("commandstats").get("cmdstat_hmget", {"calls": 0})["calls"]

    assert read("evil:") == ([], 0)
    found, calls = read("acme:")
    assert len(found) == 250 and found[0] == job(249) and calls == 3
    assert read("acme:", job(7))[0] == [job(7)]


def test_names_of_channels_do_not_fill_the_metrics(store: JobStore, outbox: Outbox) -> None:
    metrics = store.key(keys.METRICS)
    store.redis.hset(
        metrics, mapping={f"x{n}": 1 for n in range(LIMITS["MOST_METRICS"])} | {"notice_deliveries:ops:sent": 1}
    )
    had = store.redis.hlen(metrics)
    write(store, "job.failed", job(1))
    spread(outbox, HOOK, OPS)
    assert len(told(outbox)) == 2 and store.redis.hlen(metrics) == had
    assert store.redis.hget(metrics, "notice_deliveries:ops:sent") == "2"


def test_of_a_group_of_which_something_is_sent_nothing_more_is_taken_where_that_is_asked(
    store: JobStore, outbox: Outbox
) -> None:
    for n in range(120):
        write(store, "job.completed", job(n))
        spread(outbox, Target(f"acme:callback:{job(n)}", False))
    pass_time(store, 1)
    write(store, "workers.gone")
    spread(outbox, OPS)
    assert take(outbox, "a").delivery.channel.startswith("acme:callback:")
    found = outbox.take("b", new_group=True)
    assert found is not None and found.delivery.channel == OPS.name
    assert outbox.take("c", new_group=True) is None
    assert take(outbox, "d").delivery.channel.startswith("acme:callback:")


@pytest.mark.parametrize("entry", [f"{2**64 - 1}-{2**64 - 1}", f"{2**62}-1"])
def test_a_stream_at_the_end_of_all_times_begins_anew(store: JobStore, outbox: Outbox, entry: str) -> None:
    put_wanted(store, {"workers.gone"})
    for key in (keys.NOTICES, "critical"):
        store.redis.xadd(store.key(key), {"more": "x"}, id=entry)
    tell(store, "workers.gone")
    store.critical("health", {"x": 1})
    assert outbox.take_lost() == 1 and len(outbox.new()) == 1
    spread(outbox, OPS)
    assert told(outbox) == ["No worker is there: jobs wait"] and outbox.take_lost() == 0


def test_numbers_that_none_can_be_are_passed_over() -> None:
    held = Notice.new("channel.test").written()
    found = entries.waiting(
        "ntc_1-1|x", json.dumps({"notice": held, "line": "x"})[:-1] + ', "tries": 1e999, "since": 1e300}'
    )
    assert found is not None and (found.delivery.attempt, found.since_ms) == (1, 0)
    told = {"id": "ntc_1-1|x", "notice": held, "at": 2**53, "result": "sent", "status": 10**40, "tries": 10**40}
    logged = entries.logged(json.dumps(told))
    assert logged is not None and (logged.at_ms, logged.status) == (0, None) and logged.delivery.attempt < 1e15
    assert entries.logged(json.dumps({**told, "result": "eaten"})) is None


def test_hostile_names_in_the_due_set_go(store: JobStore, outbox: Outbox) -> None:
    store.redis.zadd(store.key(keys.NOTICES_DUE), {b"\xff": 1, "nobody": 1, "x" * 1000: 1})
    store.redis.zadd(store.key(keys.NOTICES_WAITING), {b"\xff": 1, b"\xff|default:ops": 2})
    store.redis.lpush(store.key(keys.notices_log("default:ops")), b"\xff")
    for kind in StackProcess:
        store.redis.zadd(store.key(kind), {b"\xff": store.now_ms(), "x": store.now_ms()})
        assert living(store, kind) == [] and quiet_s(store, kind) is not None
    assert outbox.is_due() and outbox.figures().oldest_ms == 1
    assert list(outbox.waiting_of("default:")) == list(outbox.log("default:ops")) == []
    write(store, "workers.gone")
    spread(outbox, OPS)
    assert len(told(outbox)) == 1 and store.redis.zcard(store.key(keys.NOTICES_DUE)) == 0


def test_a_claim_says_that_nobody_delivers(store: JobStore, outbox: Outbox) -> None:
    store.redis.hset(store.key(keys.NOTICES_WANTED), "workers.gone", "1")
    assert "notices" not in store.claim({}).body
    store.redis.xadd(store.key(keys.NOTICES), {"more": '{"kind": "workers.gone"}'}, id=f"{store._clock()}-1")
    assert "notices" not in store.claim({}).body
    pass_time(store, 2.5)
    assert store.claim({}).body["notices"] is True
    spread(outbox, OPS)
    assert "notices" not in store.claim({}).body
    taken = take(outbox)
    pass_time(store, 5)
    assert "notices" not in store.claim({}).body, "somebody has it"
    pass_time(store, 8)
    assert store.claim({}).body["notices"] is True
    outbox.settle(taken, "a", SENT)
    tell(store, "beat.gone")
    assert "notices" not in store.claim({}).body


def test_a_job_that_failed_twice_is_over_once(store: JobStore, outbox: Outbox) -> None:
    for n in (1, 1, 2):
        write(store, "job.failed", job(n), category="network")
        spread(outbox, OPS)
    assert told(outbox) == [f"Job {job(1)} has failed"]
    write(store, "job.completed", job(1))
    spread(outbox)
    assert told(outbox) == [f"Resolved: Job {job(1)} is completed"]
    pass_time(store, 3610)
    assert told(outbox) == [f"Job {job(2)} has failed"]
