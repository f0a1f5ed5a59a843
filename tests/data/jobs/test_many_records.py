"""Records of many jobs are what each of them is by itself, whatever stands in it."""

from __future__ import annotations

import pytest
import redis

from data import keys
from data.jobs import DamagedRecord, JobRecord, JobStore, NewJob
from data.jobs.entries import unit_state, unit_states
from data.jobs.hashes import fields_of, texts_of
from leadmill.errors import StoreError
from leadmill.ids import new_job_id
from pipelines.stages import PIPELINE, partition_stages
from tests.valkey import Valkey

_TEXTS = ('"quoted" \\ / \x00\x1f\x7f', "Größe 株式会社 \U0001f680\u2028", "{}", "WRONGTYPE of nobody")


def _jobs(store: JobStore) -> list[str]:
    made = []
    for text in (*_TEXTS, "", ""):
        job = NewJob(new_job_id(), "pipeline", PIPELINE, partition_stages(PIPELINE), spec={}, source={}, tags=(text,))
        store.submit(job)
        store.redis.hset(store.key(keys.document(job.job_id)), mapping={"error": text, "result": '{"companies": 1}'})
        made.append(job.job_id)
    return made


def test_many_are_read_as_each_by_itself(store: JobStore) -> None:
    jobs = _jobs(store)
    store.redis.delete(store.key(keys.document(jobs[-1])))
    mistyped = {jobs[-2]: keys.record(jobs[-2]), jobs[1]: keys.document(jobs[1])}
    asked = [*jobs, new_job_id(), *jobs * 4]  # more than one script reads
    assert [one.stored["error"] for one in store.records(jobs) if isinstance(one, JobRecord)] == [*_TEXTS, "", ""]
    for key in mistyped.values():
        store.redis.delete(store.key(key))
        store.redis.set(store.key(key), "no hash")
    found = store.records(asked)
    assert found == [store.records([job])[0] for job in asked]
    assert {one.job_id for one in found if isinstance(one, DamagedRecord)} == {*mistyped}
    assert found[len(jobs)] is None and fields_of(store, []) == []


def test_a_server_that_refuses_says_so(store: JobStore, valkey: Valkey) -> None:
    jobs = _jobs(store)
    store.redis.acl_setuser("blind", nopass=True, enabled=True, keys=["*"], commands=["+@all", "-hmget"])
    blind = redis.Redis.from_url(valkey.url, username="blind", password="any", decode_responses=True)
    with pytest.raises(StoreError, match="hmget"):
        JobStore(blind, store.prefix).records(jobs)
    blind.close()


def test_what_many_say_in_words_is_what_each_says(store: JobStore) -> None:
    jobs = _jobs(store)
    store.redis.hset(store.key(keys.record(jobs[0])), "msg", "Straße 7")
    told = texts_of(store, [*jobs, new_job_id()] * 30)  # more than one script reads
    assert told == told[: len(jobs) + 1] * 30 and "Straße 7" in str(told[0]) and told[-1] == "\n\n"
    for job, text in zip(jobs, told, strict=False):
        record = store.record(job)
        assert record and text == f"{record.error}\n{record.tags_json}\n{record.message}"
    for name in (keys.record(jobs[0]), keys.document(jobs[1])):
        store.redis.delete(store.key(name))
        store.redis.set(store.key(name), "no hash")
    assert texts_of(store, jobs)[:3] == [None, None, told[2]] and texts_of(store, []) == []


@pytest.mark.parametrize(
    "odd", ["", "1", '"d"', "{", '{"s":"?"}', '{"s":"d","e":"1"}', '{"s":"d"},{"s":"d"}', "é", "NaN"]
)
def test_states_of_many_units_are_what_each_is(odd: str) -> None:
    texts = ['{"s":"d","e":1}', odd, '{"s":"r","e":2,"k":1}']
    assert unit_states(texts) == [unit_state(text) for text in texts] and unit_states(texts)[1] is None
    assert unit_states(texts[::2]) == [unit_state(text) for text in texts[::2]] and unit_states([]) == []
