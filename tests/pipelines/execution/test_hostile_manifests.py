"""Manifests lie in the lake for anybody to write: one that no job of ours left is told, and holds up no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from data.jobs import JobStore
from data.lake import Lake
from pipelines.execution.restore import restore_missing
from tests.releases.fixture import Left
from tests.releases.test_restores import back
from tests.valkey import Valkey

LEFT = Left.by("0.1.0")

Change = Callable[[dict[str, Any]], Any]


def put(path: str, value: Any) -> Change:
    """Sets one place of a manifest."""
    *outer, last = path.split("|")

    def change(manifest: dict[str, Any]) -> None:
        for name in outer:
            manifest = manifest[name]
        manifest[last] = value

    return change


HOSTILE: dict[str, Change] = {
    "units a text": put("units", "p0"),
    "units a list": put("units", [1]),
    "a unit of no name": put("units|../../x", {"s": "d", "e": 1}),
    "a unit without a state": put("units|p0", 5),
    "an epoch of another kind": put("units|p0", {"s": "d", "e": {"a": 1}, "c": [1]}),
    "more commits than stages": put("units|p0", {"s": "d", "e": 1, "c": [1] * 99}),
    "commits no list": put("units|p0", {"s": "d", "e": 1, "c": {"a": 1}}),
    "record a list": put("record", []),
    "a field of another kind": put("record|created", {"a": 1}),
    "a time that is none": put("record|created", "inf"),
    "a count that is none": put("record|pn", "-5"),
    "tags no list": put("record|tags", "{}"),
    "tags of another kind": put("record|tags", "[[1]]"),
    "no such kind": put("kind", "evil"),
    "kind of another type": put("kind", ["pipeline"]),
    "stages unknown": put("stages", ["evil"]),
    "stages other than the record's": put("stages", ["scrape"]),
    "partition stages other than the stages'": put("record|ps", "scrape,../../x"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("server"), aof=False) as running:
        yield running


def test_each_is_told_and_holds_up_no_other(server: Valkey, tmp_path: Path) -> None:
    LEFT.lay_out(tmp_path / "data")
    lake = Lake(tmp_path / "data")
    client = redis.Redis.from_url(server.url, decode_responses=True)
    client.flushall()
    store = JobStore(client, "leadmill:")
    good = (lake.job_dir(LEFT.roles["completed"]) / "manifest.json").read_text()
    planted = {}
    for number, (name, change) in enumerate(HOSTILE.items()):
        job_id = f"job_{number:020d}"
        manifest = json.loads(good)
        manifest["job_id"] = manifest["record"]["id"] = job_id
        change(manifest)
        lake.job_dir(job_id).mkdir()
        (lake.job_dir(job_id) / "manifest.json").write_text(json.dumps(manifest))
        planted[job_id] = name
    assert set(restore_missing(store, lake)) == back(LEFT)
    told = {event["job"] for event in store.criticals(200) if event["kind"] == "job_not_restored"}
    assert {planted[job_id] for job_id in planted.keys() - told} == set()
    client.close()
