"""`AsyncClient` against a real socket, with the event loop free while it waits. The rest: test_client.py."""

from __future__ import annotations

import asyncio
import inspect
import io
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy import plain_client
from leadmill import ApiError, AsyncClient, Client
from leadmill.client.asynchronous.job_handle import AsyncJobHandle
from leadmill.client.errors import ApiUnreachableError
from leadmill.client.job_handle import JobHandle

V1 = "/api/v1"


def run(api: Any, use: Callable[[AsyncClient], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with AsyncClient(api.url, timeout=5) as client:
            return await use(client)

    return asyncio.run(main())


def test_submit_follow_and_save(api: Any, answer: Any, a_job: Any, tmp_path: Path) -> None:
    api.on("POST", f"{V1}/pipelines", answer({"job_id": "job_1"}, 202))
    api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job()), answer(a_job(status="completed")))
    api.on("GET", f"{V1}/jobs/job_1/report", answer(b"a,b\n" * 50_000))

    def pieces() -> Iterator[bytes]:
        yield b'id: 1\nevent: status\ndata: {"status": "running"}\n\n'
        time.sleep(0.3)
        yield b'id: 2\nevent: status\ndata: {"status": "completed"}\n\n'

    stream = answer(pieces=pieces(), headers={"content-type": "text/event-stream"})
    api.on("GET", f"{V1}/jobs/job_1/events", stream)
    turns = 0

    async def use(client: AsyncClient) -> Any:
        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        beside = asyncio.create_task(count())
        handle = await client.submit(["a.example"], priority="high")
        job = await handle.wait(timeout=10)
        beside.cancel()
        return job.status, await handle.report("csv", tmp_path)

    assert run(api, use) == ("completed", tmp_path / "job_1.csv")
    assert (tmp_path / "job_1.csv").stat().st_size == 200_000
    assert api.asked("POST", f"{V1}/pipelines")[0].json == {"company_urls": ["a.example"], "priority": "high"}
    assert turns > 5, "others had their turn while it waited"


def test_a_busy_api_is_asked_again_with_the_same_key(api: Any, answer: Any, a_problem: Any) -> None:
    busy = a_problem(503, "unavailable", "later", {"retry-after": "0"})
    api.on("POST", f"{V1}/jobs/scrape/company", busy, busy, answer({"job_id": "job_1"}, 202))
    assert run(api, lambda client: client.scrape_company("a.example")).id == "job_1"
    keys = {request.headers["idempotency-key"] for request in api.requests}
    assert (len(api.requests), len(keys)) == (3, 1)


def test_lists_are_read_page_after_page(api: Any, answer: Any, a_job: Any) -> None:
    first = answer({"items": [a_job("job_1")], "next_cursor": "x"})
    api.on("GET", f"{V1}/jobs/list", first, answer({"items": [a_job("job_2")], "next_cursor": None}))

    async def use(client: AsyncClient) -> list[str]:
        return [job.id async for job in client.list_jobs()]

    assert run(api, use) == ["job_1", "job_2"]


def test_errors_are_typed(api: Any, a_problem: Any) -> None:
    api.on("GET", f"{V1}/jobs/status/job_1", a_problem(404, "not_found", "no job"))
    with pytest.raises(ApiError) as caught:
        run(api, lambda client: client.status("job_1"))
    assert caught.value.code == "not_found"

    async def nobody() -> None:
        async with AsyncClient("http://127.0.0.1:9", retries=0, timeout=2) as client:
            await client.health()

    with pytest.raises(ApiUnreachableError):
        asyncio.run(nobody())


def parquet(rows: list[dict[str, Any]]) -> bytes:
    schema = pa.schema(
        [("domain", pa.string()), ("score", pa.float64()), ("social", pa.map_(pa.string(), pa.string()))]
    )
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), file)
    return file.getvalue()


def test_leads_by_both_clients(api: Any, answer: Any) -> None:
    rows = [{"domain": f"{n}.example", "score": 90.0 - n, "social": {"x": "https://x.example"}} for n in range(3)]
    api.on("GET", f"{V1}/jobs/job_1/report", answer(parquet(rows)))

    async def use(client: AsyncClient) -> Any:
        leads = client.job("job_1").leads()
        return [lead async for lead in leads], await leads.df(), await leads.arrow()

    with Client(api.url) as client:
        plain = client.job("job_1").leads()
        for found, df, table in (run(api, use), ([*plain], plain.df(), plain.arrow())):
            assert found == rows
            assert df["domain"].tolist() == [row["domain"] for row in rows]
            assert df["social"][0] == {"x": "https://x.example"}
            assert table.num_rows == 3
    assert api.requests[-1].query == {"format": "parquet", "type": "leads"}


def test_leads_of_a_job_that_has_none(api: Any, a_problem: Any) -> None:
    api.on("GET", f"{V1}/jobs/job_1/report", a_problem(409, "conflict", "it runs"))
    with Client(api.url) as client, pytest.raises(ApiError, match="it runs"):
        next(iter(client.job("job_1").leads(partial=True)))
    assert api.requests[-1].query["partial"] == "true"


def test_a_missing_library_is_named(api: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    api.on("GET", f"{V1}/jobs/job_1/report", answer(parquet([])))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with Client(api.url) as client, pytest.raises(ImportError, match="pip install pandas"):
        client.job("job_1").leads().df()


@pytest.mark.stack
def test_the_plain_client_is_made_of_the_asynchronous_one() -> None:
    assert plain_client.main(["--check"]) == 0


@pytest.mark.parametrize(("plain", "asynchronous"), [(Client, AsyncClient), (JobHandle, AsyncJobHandle)])
def test_both_have_the_same_calls(plain: type, asynchronous: type) -> None:
    def calls(one: type) -> dict[str, list[str]]:
        found = inspect.getmembers(one, inspect.isfunction)
        return {name: list(inspect.signature(call).parameters) for name, call in found if name[0] != "_"}

    mine, theirs = calls(plain), calls(asynchronous)
    mine["aclose"] = mine.pop("close") if "close" in mine else []
    theirs.setdefault("aclose", [])
    assert mine == theirs
