"""Which answers are audited, and when they go out: a write's answer not before its entry stands."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.types import Message, Receive, Scope, Send

from api import problems
from api.auditing.calls import Call, Calls, job_in
from api.auditing.commits import Commits
from api.auditing.tally import Refused, Tally
from data.audit import AuditFiles, AuditStream, Entry
from data.audit.entry import fragment
from data.audit.stream import FLUSH_AT
from data.jobs import JobStore
from data.lake import Lake
from leadmill.access import Caller

#: Methods that change nothing: of those only refusals are audited.
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: What changes something all the same: a provider sends the browser back by GET, and so it is signed in.
_WRITING_READS = frozenset({"/sign-in/oidc/callback"})
#: What is audited although it changes nothing: who asks by SQL may read all that there is of a project.
TOLD_READS = frozenset({"/ui/sql", "/api/v1/sql", *(f"/api/v1/sql.{form}" for form in ("csv", "json", "xlsx"))})
#: What is sent by POST because it is too large for an address, and changes nothing.
_READING_POSTS = frozenset({"/ui/new/look"})
#: Answers that refuse whatever is asked. 503 is one where the gate gives it.
_REFUSALS = frozenset({401, 403, 413, 421, 429})
#: In a request's scope: the visible part of the key that was refused; what its call says of itself (`audited`); the
#: entry of a job that it may make.
SHOWN_KEY, SAID, ACCEPTANCE = "leadmill.shown_key", "leadmill.said", "leadmill.acceptance"
#: Calls that are audited also where no key is configured, for they decide who may do what.
_ALWAYS = re.compile(r"(/api/v1|/ui)/(keys|projects)\b")
_CODE = re.compile(rb'"code":"([a-z0-9_]{1,60})"')
_MINUTE_S = 60.0


def audited(request: Request, **said: Any) -> None:
    """Say what this request's entry cannot take from its address: `id`, `action`, `count` (fields of `Entry`)."""
    request.scope[SAID] = said


@dataclass(slots=True)
class Acceptance:
    """The entry of a job that a request may make: it is written with the record, in one move."""

    #: The entry (`Entry.text`) of the job with this id.
    text: Callable[[str], str]
    #: Elements of the stream, once it is written; 0: it is not.
    stands: int = 0


class Auditor:
    """Of one application. Until it is started, and where there is nothing to audit, answers pass untouched.

    `asks` says whether API keys are asked for.
    """

    def __init__(self, app: FastAPI, asks: Callable[[], bool]) -> None:
        self._app, self._asks = app, asks
        self._tally = Tally()
        self._calls = Calls(())
        self._commits: Commits | None = None
        self._minute: asyncio.TimerHandle | None = None
        #: How many requests are under way; the gate says it.
        self.under_way: Callable[[], int] = lambda: 0

    def start(self, store: JobStore, lake: Lake) -> None:
        """Begin, within the loop that serves."""
        self._calls = Calls(iter_route_contexts(self._app.routes))
        self._commits = Commits(AuditStream(store), AuditFiles(lake.data, lake.tell), self.under_way)
        self._commits.start()
        self.tell_counted()

    def close(self) -> None:
        """Add what was counted and what waits."""
        if self._commits is None:
            return
        if self._minute is not None:
            self._minute.cancel()
        self._put_counted(self._commits)
        self._commits.close()

    @property
    def lost(self) -> int:
        """Entries of refusals that are nowhere."""
        return 0 if self._commits is None else self._commits.lost

    def route_of(self, scope: Scope) -> str | None:
        """The address of the call that a request is, without values; None: there is no such call."""
        return self._calls.of(scope)[0].route

    def watching(self, scope: Scope, receive: Receive, send: Send, *, refused: bool) -> Send:
        """`send` for a request whose caller is known or not let in; it holds back an answer until its entry stands.

        `refused`: by the gate, whatever the call is.
        """
        commits = self._commits
        caller: Caller | None = scope.get("leadmill.caller")
        known = caller is not None and caller.key_id is not None
        if commits is None or not (known or self._asks() or _ALWAYS.match(scope["path"])):
            return send
        exceptions = _WRITING_READS if scope["method"] in _READS else _READING_POSTS
        if scope["query_string"]:  # without a query the page is an empty one
            exceptions |= TOLD_READS if scope["method"] in _READS else frozenset()
        is_read = (scope["method"] in _READS) != (scope["path"] in exceptions)
        if not (is_read or refused):
            scope[ACCEPTANCE] = Acceptance(partial(self._entry, scope, 202))
        held: Message | None = None
        over = False

        def is_told() -> bool:  # whatever came of it: an error may hold what was asked for
            return not refused and scope["path"] in TOLD_READS and "id" in scope.get(SAID, {})

        async def watched(message: Message) -> None:
            nonlocal held, over
            if over:
                return
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= 400 and (refused or not is_read or status in _REFUSALS):
                    held = message  # its code stands in the body
                    return
                if status < 400 and not is_read and not await self._stands(commits, scope, message):
                    over = True
                    await _not_kept(scope)(scope, receive, send)
                    return
            elif held is not None:
                start, held = held, None
                body = message.get("body", b"")
                if is_told() and not await commits.stands(self._entry(scope, start["status"], code=_code_in(body))):
                    over = True
                    await _not_kept(scope)(scope, receive, send)
                    return
                if not is_told():
                    self._put_refusal(commits, scope, start["status"], body)
                await send(start)
            await send(message)

        return watched

    async def _stands(self, commits: Commits, scope: Scope, start: Message) -> bool:
        accepted: Acceptance = scope[ACCEPTANCE]
        if accepted.stands:
            if accepted.stands >= FLUSH_AT:
                commits.look_soon()
            return True
        return await commits.stands(self._entry(scope, start["status"], job_in(start["headers"])))

    def _put_refusal(self, commits: Commits, scope: Scope, status: int, body: bytes) -> None:
        code = _code_in(body)
        who = _who_of(scope)
        if self._tally.has_room(Refused(who.key, who.project, who.address, status, code)):
            commits.put(self._entry(scope, status, code=code))

    def _entry(self, scope: Scope, status: int, job_id: str | None = None, *, code: str | None = None) -> str:
        call, given = self._calls.of(scope)
        about = {"id": job_id or given, "status": status, "code": code, **scope.get(SAID, {})}
        rest = fragment(**about, request_id=scope["leadmill.request_id"])
        return f"{{{_who(_who_of(scope))},{_what(scope['method'], call)},{rest}}}"

    def tell_counted(self) -> None:
        """Add what was counted within the last minute; it goes on each minute."""
        assert self._commits is not None
        self._put_counted(self._commits)
        self._minute = asyncio.get_running_loop().call_later(_MINUTE_S, self.tell_counted)

    def _put_counted(self, commits: Commits) -> None:
        for of, count in self._tally.take().items():
            commits.put(Entry(action="refused", **of._asdict(), count=count).text())


def _code_in(body: bytes) -> str | None:
    found = _CODE.search(body[:4_000])
    return found and found[1].decode()


def _not_kept(scope: Scope) -> Any:
    return problems.problem(
        503,
        "this was done, but its audit entry can be kept neither in the job store nor on disk: look at both "
        "(`leadmill doctor`); it does no harm to send it again",
        code="audit_not_kept",
        request_id=scope["leadmill.request_id"],
        headers={"Retry-After": "5"},
    )


class _Who(NamedTuple):
    """Who asks, in the words of an entry."""

    key: str | None
    name: str | None
    role: str | None
    project: str | None
    address: str


def _who_of(scope: Scope) -> _Who:
    """Of somebody who was not let in it tells the id of the key that was shown."""
    caller: Caller | None = scope.get("leadmill.caller")
    if caller is None:
        return _Who(scope.get(SHOWN_KEY), None, None, None, (scope.get("client") or ("",))[0])
    return _Who(caller.key_id, caller.name, caller.role.value, caller.project, caller.address)


# What many entries have in common is written once.


@lru_cache(maxsize=1_000)
def _who(who: _Who) -> str:
    return fragment(**who._asdict())


@lru_cache(maxsize=1_000)
def _what(method: str, call: Call) -> str:
    return fragment(method=method[:20], route=call.route, action=call.action)
