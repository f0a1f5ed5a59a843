"""What a request needs: the job store, lake and schedules of its caller's project, and what all projects share.

An endpoint takes `Here`, and so asks for nothing but its caller's project. What is of all projects together it reaches
by `Everything` alone, which few may (tests/api/test_scope_of_calls.py names them).
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from api.auditing import ACCEPTANCE, Acceptance
from api.company_rows import Companies
from api.company_view import CompanyViews
from api.dispatcher import Dispatcher
from api.event_hub import EventHub
from api.gate import NAMED
from api.keyring import Keyring
from api.probing import Prober
from api.rate_limit import RateLimit
from api.sessions import Sessions
from data.api_keys import KeyNotes, KeyRegistry
from data.jobs import JobStore
from data.lake import Lake
from data.message_queues import MessageQueues
from data.presence import StackProcess
from leadmill.access import Caller
from leadmill.settings import Settings
from pipelines.committed import known_by
from pipelines.execution.broker import make_celery
from pipelines.intake.schedule_registry import ScheduleRegistry
from pipelines.notices.rules import Rules
from pipelines.notices.watcher import Watcher
from pipelines.views.view import API

#: No call to Redis blocks longer, seconds; a request that meets a dead Redis is answered 503 after it.
REDIS_TIMEOUT_S = 2.0
#: Fewer threads than callers: they wait for Redis, but share one interpreter.
SUBMITTERS = 8


@dataclass(slots=True)  # a frozen one takes four times as long to make, for each submit
class Context:
    """What a request may ask and do: the store and the lake are those of the caller's project."""

    caller: Caller
    settings: Settings
    #: What links begin with.
    api: str
    store: JobStore
    lake: Lake
    schedules: ScheduleRegistry
    dispatcher: Dispatcher
    hub: EventHub
    #: The Redis that holds the queues of all projects; None for callers of another one than the default.
    broker: MessageQueues | None
    #: What is wrong with the stack; the same.
    watcher: Watcher | None
    #: Threads of POST /pipelines.
    submitters: ThreadPoolExecutor
    #: Set when the server shuts down; streams end then.
    closing: asyncio.Event
    views: CompanyViews
    #: The audit entry of a job that this request may make; None where it is not audited.
    acceptance: Acceptance | None = None
    #: The request's id where its caller has named it: the log of a job that it makes says so, too.
    named_id: str | None = None

    @property
    def companies(self) -> Companies:
        """Where lists of companies come from."""
        return Companies(self.lake, self.views.of(self.lake.project))


@dataclass
class Installation:
    """All projects together; made once a process. Everything in it may be used from several threads."""

    settings: Settings
    #: Of the default project; `of` gives that of another one, as of the lake.
    store: JobStore
    #: The Redis that holds the queues.
    broker: MessageQueues
    lake: Lake
    dispatcher: Dispatcher
    hub: EventHub
    #: Looks whether disk and Redis take writes.
    prober: Prober
    #: Tells what becomes wrong with the stack.
    watcher: Watcher
    #: API keys as requests are let in by them; where they are changed; what Redis knows of them.
    keyring: Keyring
    api_keys: KeyRegistry
    key_notes: KeyNotes
    #: Browsers that are signed in.
    sessions: Sessions
    #: How many requests a key may make.
    rates: RateLimit
    #: Newest rows of the companies of each project.
    views: CompanyViews
    #: Threads of POST /pipelines.
    submitters: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(SUBMITTERS, "submit"))
    #: Set when the server shuts down; streams end then.
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    _schedules: dict[str, ScheduleRegistry] = field(default_factory=dict)

    @property
    def api(self) -> str:
        """What links begin with."""
        return f"{self.settings.public_url or ''}{API}"

    @classmethod
    def make(cls, settings: Settings, keyring: Keyring, sessions: Sessions, rates: RateLimit) -> Installation:
        prefix = settings.key_prefix
        store = JobStore.connect(
            settings.redis_url, prefix, REDIS_TIMEOUT_S, lake=settings.data_dir, try_again_at_once=True
        )
        lake = Lake(settings.data_dir, store.critical, commits_of=known_by(store))
        notes = KeyNotes(store)
        broker = MessageQueues.of(store, settings.redis_url, settings.broker_url, REDIS_TIMEOUT_S)
        return cls(
            settings=settings,
            store=store,
            broker=broker,
            lake=lake,
            dispatcher=Dispatcher(make_celery(settings)),
            hub=EventHub(store),
            watcher=Watcher(settings, StackProcess.API, Rules(settings)),
            prober=Prober(store, broker, lake, settings.redis_url, settings.broker_url),
            keyring=keyring,
            api_keys=KeyRegistry(settings.data_dir, notes.announce),
            key_notes=notes,
            sessions=sessions,
            rates=rates,
            views=CompanyViews(store, lake, settings.run_dir),
        )

    def seen_by(self, caller: Caller, acceptance: Acceptance | None = None, named_id: str | None = None) -> Context:
        """What a caller may ask and do."""
        store = self.store.of(caller.project)
        lake = self.lake if caller.project == self.lake.project else self.lake.of(caller.project, store.critical)
        schedules = self._schedules.get(caller.project)
        if schedules is None:
            schedules = self._schedules.setdefault(caller.project, ScheduleRegistry(store, lake))
        return Context(
            caller=caller,
            settings=self.settings,
            api=self.api,
            store=store,
            lake=lake,
            schedules=schedules,
            dispatcher=self.dispatcher,
            hub=self.hub,
            broker=self.broker if caller.sees_what_all_share else None,
            watcher=self.watcher if caller.sees_what_all_share else None,
            submitters=self.submitters,
            closing=self.closing,
            views=self.views,
            acceptance=acceptance,
            named_id=named_id,
        )


async def get_installation(request: Request) -> Installation:
    """That of the application that a request reached."""
    found: Installation = request.app.state.installation
    return found


#: For calls that ask about all projects together.
Everything = Annotated[Installation, Depends(get_installation)]


async def get_caller(request: Request) -> Caller:
    """Who the request comes from; the gate has found out."""
    found: Caller = request.scope["leadmill.caller"]
    return found


async def get_known_caller(request: Request) -> Caller | None:
    """The same for a call that is open to everybody: None where a key is asked for and none came that counts."""
    found: Caller | None = request.scope["leadmill.caller"]
    return found


Who = Annotated[Caller, Depends(get_caller)]
PerhapsWho = Annotated[Caller | None, Depends(get_known_caller)]


async def get_context(request: Request) -> Context:
    """What the request's caller may ask and do."""
    installation: Installation = request.app.state.installation
    caller: Caller = request.scope["leadmill.caller"]
    return installation.seen_by(caller, request.scope.get(ACCEPTANCE), request.scope.get(NAMED))


Here = Annotated[Context, Depends(get_context)]
