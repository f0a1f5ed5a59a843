"""What a request needs, made once a process: job store, lake, dispatcher, event hub."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from api.dispatcher import Dispatcher
from api.event_hub import EventHub
from api.probing import Prober
from data.jobs import JobStore
from data.lake import Lake
from data.message_queues import MessageQueues
from leadmill.access import Caller
from leadmill.settings import Settings
from pipelines.execution.broker import make_celery
from pipelines.intake.schedule_registry import ScheduleRegistry

#: No call to Redis blocks longer, seconds; a request that meets a dead Redis is answered 503 after it.
REDIS_TIMEOUT_S = 2.0
#: Fewer threads than callers: they wait for Redis, but share one interpreter.
SUBMITTERS = 8


@dataclass
class Context:
    """The parts. Everything in it may be used from several threads."""

    settings: Settings
    store: JobStore
    #: The Redis that holds the queues.
    broker: MessageQueues
    lake: Lake
    dispatcher: Dispatcher
    hub: EventHub
    schedules: ScheduleRegistry
    #: Looks whether disk and Redis take writes.
    prober: Prober
    #: Threads of POST /pipelines.
    submitters: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(SUBMITTERS, "submit"))
    #: Set when the server shuts down; streams end then.
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def make(cls, settings: Settings) -> Context:
        prefix = settings.key_prefix
        store = JobStore.connect(
            settings.redis_url, prefix, REDIS_TIMEOUT_S, lake=settings.data_dir, try_again_at_once=True
        )
        lake = Lake(settings.data_dir, store.critical)
        same = settings.broker_url == settings.redis_url or not settings.broker_url.startswith("redis")
        broker = (
            MessageQueues.beside(store) if same else MessageQueues.connect(settings.broker_url, prefix, REDIS_TIMEOUT_S)
        )
        return cls(
            settings=settings,
            store=store,
            broker=broker,
            lake=lake,
            dispatcher=Dispatcher(make_celery(settings)),
            hub=EventHub(store),
            schedules=ScheduleRegistry(store, lake),
            prober=Prober(store, broker, lake, settings.redis_url, settings.broker_url),
        )


async def get_context(request: Request) -> Context:
    """The context of the application that a request reached."""
    found: Context = request.app.state.context
    return found


Here = Annotated[Context, Depends(get_context)]


async def get_caller(request: Request) -> Caller:
    """Who the request comes from; the gate has found out."""
    found: Caller = request.scope["leadmill.caller"]
    return found


Who = Annotated[Caller, Depends(get_caller)]
