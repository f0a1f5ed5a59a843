"""`leadmill audit` as a person meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

V1 = "/api/v1"
Run = Callable[..., Any]
ENTRY = {
    "entry_id": "aud_01kt3hm7xg0000000400", "at": "2027-01-31T08:00:00.123Z", "key": "k7v2m9qa", "name": "crm-import",
    "role": "operator", "project": "default", "address": "10.1.4.7", "method": "POST", "route": f"{V1}/pipelines",
    "action": "submit_pipeline", "id": "job_1", "status": 202, "code": None, "request_id": "req_1", "count": 1,
}  # fmt: skip
COUNTED = {
    **ENTRY, "name": None, "key": None, "project": None, "action": "refused", "id": None, "status": 401,
    "code": "key_unknown", "count": 30,
}  # fmt: skip
COMMAND = {
    **ENTRY, "key": None, "name": "root", "address": "here", "action": "create_key", "id": "k7v2m9qa", "status": None,
}  # fmt: skip


def test_the_table_the_filters_and_the_json(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    api.on("GET", f"{V1}/audit", answer({"items": [ENTRY, COUNTED, COMMAND], "next_cursor": None}))
    ended = leadmill("audit", env=at(api.url))
    assert ended.code == 0
    assert ended.out.splitlines()[1:] == [
        "2027-01-31 08:00:00\tcrm-import (k7v2m9qa)\tdefault\t10.1.4.7\tsubmit_pipeline\tjob_1\t202",
        "2027-01-31 08:00:00\t\t\t10.1.4.7\trefused\t\t401 key_unknown × 30",
        "2027-01-31 08:00:00\troot\tdefault\there\tcreate_key\tk7v2m9qa\tdone",
    ]
    assert ended.err == "3 entries\n"
    assert json.loads(leadmill("audit", "--json", env=at(api.url)).out) == [ENTRY, COUNTED, COMMAND]
    options = ["--since", "1d", "--until", "2035-01-01", "--key", "k7v2m9qa", "--project", "default"]
    options += ["--action", "cancel", "--id", "job_1", "--status", "409", "--limit", "2"]
    ended = leadmill("audit", *options, env=at(api.url))
    assert "2 entries (at most 2: --limit)" in ended.err
    query = api.requests[-1].query
    assert query.pop("since") < query.pop("until")
    assert query == {
        "key": "k7v2m9qa", "project": "default", "action": "cancel", "id": "job_1", "status": "409", "limit": "2",
    }  # fmt: skip
    assert "not a time" in leadmill("audit", "--since", "yesterday", env=at(api.url)).err


def test_a_bulk_call_is_shown_by_its_first_job(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    ids = [f"job_01m8em2b8phx507c45{n:02d}" for n in range(3)]
    bulk = {**ENTRY, "action": "cancel_all", "id": " ".join(ids), "count": 3, "status": 200}
    api.on("GET", f"{V1}/audit", answer({"items": [bulk], "next_cursor": None}))
    assert f"\tcancel_all\t{ids[0]} and 2 more\t200 × 3" in leadmill("audit", env=at(api.url)).out


def test_a_project_that_is_new_may_have_been_mistyped(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    def described(name: str) -> dict[str, Any]:
        return {"name": name, "quotas": []}

    api.on("GET", f"{V1}/projects", answer({"items": [described("acme"), described("default")], "next_cursor": None}))
    for name in ("acmee", "acme"):
        api.on("GET", f"{V1}/projects/{name}", answer(described(name)))
        api.on("PUT", f"{V1}/projects/{name}", answer(described(name)))
    told = leadmill("projects", "set", "acmee", "--live-jobs", "3", env=at(api.url)).err
    assert told.startswith("project acmee is a new one; did you mean 'acme'?\n")
    assert "new one" not in leadmill("projects", "set", "acme", "--live-jobs", "3", env=at(api.url)).err
