"""Companies of partitions that were set aside, or that a deadline never reached, in a job without final rows."""

from __future__ import annotations

from fastapi.testclient import TestClient

from data.jobs import DEADLINE_STRUCK, JobStore
from data.lake import Lake, UnitFiles
from leadmill.ids import company_id
from tests.api.conftest import V1, Worker, post
from tests.plans import write_plan


def test_each_company_that_was_given_up_has_its_error(
    client: TestClient, store: JobStore, worker: Worker, lake: Lake
) -> None:
    urls = [f"c{n}.example" for n in range(8)]
    job = post(client, "/jobs/process/data", {"company_ids": [company_id(u) for u in urls], "deadline": 3_600})[
        "job_id"
    ]
    rows = [
        {"company_id": company_id(u), "domain": u, "url": f"https://{u}/", "bare": False, "partition": n // 2}
        for n, u in enumerate(urls)
    ]
    write_plan(UnitFiles(lake, job, "launch", "launch", 1), rows)
    lake.expose(job, "launch", "launch", 1)
    worker.places = 2
    worker.launch(job, partitions=4)  # p2 and p3 wait
    worker.partitions(job, "p0")
    worker.fail(job, "p1", error="killed its process")
    store.redis.zadd(store.key("due"), {f"{job}|~": 1})
    store.claim({f"{stage}:{level}": True for stage in ("launch", "process") for level in range(6)})

    def told() -> dict[str, tuple[str, str, str]]:
        items, cursor = [], None
        while True:
            page = client.get(f"{V1}/jobs/{job}/errors", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
            assert page.status_code == 200, page.text
            items += page.json()["items"]
            cursor = page.json()["next_cursor"]
            if cursor is None:
                assert len(items) == len({item["domain"] for item in items}), "told twice"
                return {item["domain"]: (item["stage"], item["category"], item["error"]) for item in items}

    struck = ("process", "deadline", DEADLINE_STRUCK)
    killed = ("process", "network", "killed its process")
    expected = {
        "c2.example": killed,
        "c3.example": killed,
        **dict.fromkeys((f"c{n}.example" for n in range(4, 8)), struck),
    }
    assert told() == expected
    worker.publish(job, coverage=0.25)
    assert told() == expected
    store.resume(job)
    worker.launch(job, partitions=4)
    worker.partitions(job, "p1", "p2", "p3")
    assert told() == {}
