"""Polls of pages that are answered together: how often a page is made, for whom, and what nobody gets of another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from api import shared_polls
from api.shared_polls import SharedPolls
from api.under_way import UnderWay
from data.api_keys import KeyRegistry
from leadmill.access import Caller, Role
from leadmill.settings import Settings
from tests.api.conftest import V1, post, running_api

POLL = {"HX-Request": "true"}
VERA = Caller("Vera", Role.VIEWER, "default", "k1", "10.0.0.1")


class Pages:
    """An application behind the middleware: each making has a number, and lasts a moment."""

    def __init__(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.status, self.body = status, body
        self.headers = {"content-type": "text/html; charset=utf-8"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        self.made: list[Scope] = []
        self.under_way = UnderWay()
        #: Most that were counted while a page was made.
        self.counted = 0
        self.polls = SharedPolls(self, self.under_way)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.made.append(scope)
        number = len(self.made)
        scope["route"], scope["path_params"] = "the page's", {}
        await asyncio.sleep(0.01)
        self.counted = max(self.counted, self.under_way.count)
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await send({"type": "http.response.body", "body": b"%d" % number})

    async def ask(
        self,
        caller: Caller = VERA,
        path: str = "/ui/jobs",
        reads: Callable[[], Awaitable[None]] | None = None,
        **changed: Any,
    ) -> tuple[int, bytes, Scope]:
        """One request: status, body, and its scope as it is behind it."""
        headers = changed.pop("headers", {"hx-request": "true", "host": "here", "cookie": "secret=1"})
        scope: Scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
            "scheme": "http", "root_path": "", "client": (caller.address, 5), "leadmill.caller": caller,
            "leadmill.still": lambda: True,
            "leadmill.session": "secret", "leadmill.request_id": "req_1",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()], **changed,
        }  # fmt: skip
        got: list[Message] = []

        async def send(message: Message) -> None:
            if reads is not None:
                await reads()
            got.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        self.under_way.count += 1
        try:
            await self.polls(scope, receive, send)
        finally:
            self.under_way.count -= 1
        got[0]["headers"].append((b"x-of", b"this request alone"))  # as the gate does
        return got[0]["status"], b"".join(one.get("body", b"") for one in got[1:]), scope


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_polls, "LEAST_S", 0.15)
    monkeypatch.setattr(shared_polls, "MOST_S", 0.15)


def test_of_many_at_once_one_page_is_made_for_all_but_the_first() -> None:
    async def work() -> None:
        pages = Pages()
        answers = await asyncio.gather(*(pages.ask() for _ in range(200)))
        assert sorted({body for _, body, _ in answers}) == [b"1", b"2"] and len(pages.made) == 2
        assert [body for _, body, _ in answers].count(b"1") == 1, "the others came when it had begun"
        assert {status for status, _, _ in answers} == {200}
        assert {scope["route"] for _, _, scope in answers} == {"the page's"}, "meter and log know the call"
        assert pages.counted == 1, "who waits takes no other's place"
        assert pages.under_way.count == 0

    run(work)


def test_nobody_is_shown_what_was_before_it_asked() -> None:
    async def work() -> None:
        pages = Pages()
        first = asyncio.create_task(pages.ask())
        while not pages.made:
            await asyncio.sleep(0)
        assert (await pages.ask())[1] == b"2", "the first was being made already"
        assert (await first)[1] == b"1"
        for number in (b"3", b"4"):
            assert (await pages.ask())[1] == number

    run(work)


@pytest.mark.parametrize(
    ("caller", "changed"),
    [
        (Caller("Vera", Role.ADMIN, "default", "k1", "10.0.0.1"), {}),
        (Caller("Vera", Role.VIEWER, "other", "k1", "10.0.0.1"), {}),
        (Caller("Vera", Role.VIEWER, "default", None, "10.0.0.1"), {}),
        (VERA, {"path": "/ui/schedules"}),
        (VERA, {"query_string": b"status=failed"}),
        (VERA, {"scheme": "https"}),
        (VERA, {"root_path": "/below"}),
        (VERA, {"headers": {"hx-request": "true", "host": "there"}}),
    ],
)
def test_who_would_see_something_else_has_a_page_of_its_own(caller: Caller, changed: dict[str, Any]) -> None:
    async def work() -> None:
        pages = Pages()
        await asyncio.gather(*(one for _ in range(5) for one in (pages.ask(), pages.ask(caller, **changed))))
        assert len(pages.made) == 4, "of each the first, and the others'"

    run(work)


def test_whom_a_shared_page_is_made_for_it_cannot_tell() -> None:
    async def work() -> None:
        pages = Pages()
        others = Caller("Otto", Role.VIEWER, "default", "k2", "10.0.0.2")
        await asyncio.gather(pages.ask(), pages.ask(others), pages.ask(others))
        assert len(pages.made) == 2
        for scope in pages.made:
            told = repr(scope)
            assert not [one for one in ("Vera", "Otto", "k1", "k2", "10.0.0", "secret") if one in told], told
            assert dict(scope["headers"]) == {b"host": b"here", b"hx-request": b"true"}

    run(work)


@pytest.mark.parametrize(
    "pages",
    [
        lambda: Pages(404),
        lambda: Pages(503, content_type="application/problem+json"),
        lambda: Pages(set_cookie="a=b"),
        lambda: Pages(content_type="text/csv"),
        lambda: Pages(body=b"x" * (shared_polls.MAX_BODY + 1)),
    ],
)
def test_what_is_no_page_everybody_is_answered_alone(pages: Callable[[], Pages]) -> None:
    async def work() -> None:
        made = pages()
        answers = await asyncio.gather(*(made.ask() for _ in range(4)))
        assert len(made.made) == 4, "two for the two who made it, and one each for who waited"
        assert sorted(body.removeprefix(made.body) for _, body, _ in answers) == [b"1", b"2", b"3", b"4"]
        assert {status for status, _, _ in answers} == {made.status}

    run(work)


@pytest.mark.parametrize(
    "changed",
    [
        {"headers": {"host": "here"}},
        {"method": "POST"},
        {"method": "HEAD"},
        {"path": "/api/v1/jobs/list"},
        {"path": "/ui/" + "x" * shared_polls.MAX_ADDRESS},
        {"headers": {"hx-request": "true", "content-length": "3"}},
        {"leadmill.caller": None},
    ],
)
def test_what_is_no_poll_goes_through_as_it_is(changed: dict[str, Any]) -> None:
    async def work() -> None:
        pages = Pages()
        await asyncio.gather(*(pages.ask(**changed) for _ in range(3)))
        assert len(pages.made) == 3 and all(scope["leadmill.session"] == "secret" for scope in pages.made)

    run(work)


def test_who_goes_before_its_page_is_made_costs_nobody_else_theirs() -> None:
    async def work() -> None:
        pages = Pages()
        await pages.ask()
        gone, other = asyncio.create_task(pages.ask()), asyncio.create_task(pages.ask())
        await asyncio.sleep(0.02)
        gone.cancel()
        assert (await asyncio.wait_for(other, 5))[1] == b"2"
        waits = [asyncio.create_task(pages.ask()) for _ in range(2)]
        await asyncio.sleep(0.02)
        waits[1].cancel()
        assert (await asyncio.wait_for(waits[0], 5))[0] == 200
        assert pages.under_way.count == 0

    run(work)


def test_a_page_that_breaks_is_asked_for_again_by_each() -> None:
    async def work() -> None:
        pages = Pages()

        async def broken(scope: Scope, receive: Receive, send: Send) -> None:
            pages.made.append(scope)
            await asyncio.sleep(0.01)
            raise ZeroDivisionError

        pages.polls = SharedPolls(broken, pages.under_way)
        answers = await asyncio.gather(*(pages.ask() for _ in range(4)), return_exceptions=True)
        assert [type(one) for one in answers] == [ZeroDivisionError] * 4 and len(pages.made) == 4

    run(work)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_polls, "MAX_PAGES", 10)
    monkeypatch.setattr(shared_polls, "MAX_WAITING", 5)

    async def work() -> None:
        pages = Pages()
        for number in range(30):
            await pages.ask(path=f"/ui/jobs/{number}")
        assert len(pages.polls._pages) == 10 and len(pages.made) == 30
        await asyncio.gather(*(pages.ask(path="/") for _ in range(20)))
        assert len(pages.made) > 32, "whoever finds too many waiting does not wait"

    run(work)


# ---- through the whole application ---------------------------------------------------------------------------


def told(answer: httpx2.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_poll_ends_with_its_session_and_shows_what_its_role_may(client: TestClient, settings: Settings) -> None:
    job = post(client)["job_id"]
    registry = KeyRegistry(settings.data_dir)
    operator, viewer = registry.create("Ada", Role.OPERATOR)[1], registry.create("Vera", Role.VIEWER)[1]
    stranger = registry.create("Sam", Role.OPERATOR, "other")[1]
    while client.get(f"{V1}/jobs/list").status_code != 401:
        pass
    address = f"/ui/jobs/{job}"
    sent = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
    client.post("/sign-in", data={"key": operator}, headers=sent, follow_redirects=False)
    signed_in = POLL | {"Sec-Fetch-Site": "same-origin"}
    shown = told(client.get(address, headers=signed_in))
    assert "X-API-Key: $LEADMILL_API_KEY" in shown and "Ada" not in shown, "a shared page names nobody"
    assert "Ada" in told(client.get(address, headers=sent | {"Sec-Fetch-Site": "none"})), "one of its own does"
    client.post("/sign-out", headers=sent, follow_redirects=False)
    assert client.get(address, headers=signed_in).status_code == 401
    assert "X-API-Key" not in told(client.get(address, headers=POLL | {"X-API-Key": viewer}))
    assert client.get(address, headers=POLL | {"X-API-Key": stranger}).status_code == 404
    refused = client.get("/ui/keys", headers=POLL | {"X-API-Key": viewer})
    assert refused.status_code == 403 and "needs a key with the role admin" in refused.text


@pytest.fixture
def two_projects(settings: Settings, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    registry = KeyRegistry(settings.data_dir)
    keys = {name: registry.create(name, Role.OPERATOR, name)[1] for name in ("left", "right")}
    with running_api(settings, tmp_path) as url:
        yield url, keys


@pytest.mark.stack
def test_many_tabs_of_two_projects_see_their_own_jobs(two_projects: tuple[str, dict[str, str]]) -> None:
    url, keys = two_projects
    with httpx2.Client(base_url=url, trust_env=False, timeout=60) as http:
        for name, key in keys.items():
            body = {"company_urls": ["acme.example"], "tags": [f"of {name}"]}
            assert http.post(f"{V1}/pipelines", json=body, headers={"X-API-Key": key}).status_code == 202

        def ask(name: str) -> tuple[str, httpx2.Response]:
            return name, http.get("/ui/jobs", headers=POLL | {"X-API-Key": keys[name]})

        with ThreadPoolExecutor(20) as threads:
            answers = list(threads.map(ask, [*keys] * 40))
    for name, answer in answers:
        other = "right" if name == "left" else "left"
        assert f"of {name}" in told(answer) and f"of {other}" not in answer.text
    ids = [answer.headers["x-request-id"] for _, answer in answers]
    assert len(set(ids)) == len(ids), "each request has an answer's head of its own"


def test_nobody_waits_for_a_client_that_does_not_read() -> None:
    async def work() -> None:
        pages = Pages(body=b"x" * 1_100_000)
        never = asyncio.Event()

        async def reads() -> None:
            await never.wait()

        slow = asyncio.create_task(pages.ask(reads=reads))
        while not pages.made:
            await asyncio.sleep(0)
        others = await asyncio.wait_for(asyncio.gather(*(pages.ask() for _ in range(3))), 5)
        assert {status for status, _, _ in others} == {200} and not slow.done()
        never.set()
        assert (await slow)[0] == 200

    run(work)


def test_who_is_signed_out_while_waiting_gets_nothing() -> None:
    async def work() -> None:
        pages = Pages()
        in_time = True
        first = asyncio.create_task(pages.ask())
        while not pages.made:
            await asyncio.sleep(0)
        gone = [asyncio.create_task(pages.ask(**{"leadmill.still": lambda: in_time})) for _ in range(2)]
        here = asyncio.create_task(pages.ask())
        await asyncio.sleep(0)
        in_time = False
        assert [status for status, _, _ in await asyncio.gather(*gone)] == [401, 401]
        assert [status for status, _, _ in await asyncio.gather(first, here)] == [200, 200]

    run(work)


def test_those_that_waited_are_refused_where_too_many_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        monkeypatch.setattr(shared_polls, "MAX_BUSY", 5)
        pages = Pages()
        blocked = asyncio.Event()

        async def reads() -> None:
            await blocked.wait()

        asked = [asyncio.create_task(pages.ask(reads=reads)) for _ in range(20)]
        await asyncio.sleep(0.4)
        assert pages.under_way.count == 20
        blocked.set()
        answers = [status for status, _, _ in await asyncio.gather(*asked)]
        assert answers.count(503) >= 14 and 200 in answers

    run(work)
