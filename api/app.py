"""The FastAPI application: its routers, its life, its OpenAPI document. `api.server` serves it within limits."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from api import (
    analytics,
    assets,
    audit,
    blocks,
    companies,
    event_stream,
    health,
    job_logs,
    jobs,
    keys,
    kinds,
    ledger,
    notices,
    openapi,
    pages,
    people,
    pipelines,
    problems,
    processing,
    projects,
    reference,
    reports,
    schedules,
    scraping,
    sign_in,
    sql,
)
from api.auditing import Auditor
from api.binding import check_bind, check_people
from api.context import Installation
from api.forwarded import TrustedProxies
from api.gate import Gate, allowed_hosts
from api.kept import Kept
from api.keyring import Keyring
from api.metrics.requests import EVERY_S, RequestMeter
from api.problem_pages import ProblemPages
from api.rate_limit import SHARE_S, RateLimit
from api.routing import check_roles
from api.session_cookie import SessionCookies
from api.sessions import Sessions
from api.shared_polls import SharedPolls
from api.traced import TracedRequests
from api.under_way import UnderWay
from data.api_keys import KeyNotes
from data.jobs import JobStore
from data.mounts import storage_at
from data.presence import Presence
from data.privacy import keep_private
from data.sessions import SessionStore
from data.shared_buckets import SharedBuckets
from leadmill import log, tracing
from leadmill.errors import LeadmillError
from leadmill.ids import registrable_domain
from leadmill.settings import Settings, get_settings
from pipelines.notices.deliver import DelivererThread
from pipelines.plugin_check import check_plugins
from pipelines.settings_check import check_settings
from pipelines.views import throughput
from pipelines.views.view import API

if TYPE_CHECKING:
    from api.oidc.installing import SignInByProvider

#: The look at the keys, and at a session, waits no longer for Redis, seconds: of keys the file tells, too.
KEYS_TIMEOUT_S = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def create_app(settings: Settings) -> FastAPI:
    """An application of its own: nothing is shared with another one, nothing is connected before it starts.

    Raises (at start-up):
        ConfigError: a host beyond loopback without a key or `LEADMILL_TRUST_NETWORK=1`, a plug-in that is none, a wrong
            setting; at once: a provider to sign in by, without the extra for it.
    """
    keyring, rates = Keyring(settings.data_dir), RateLimit(settings.rate_limit)
    by_provider = _sign_in_by_provider(settings)
    provided = None if by_provider is None else by_provider.people
    sessions = Sessions(SessionCookies(settings.data_dir, settings.public_url), provided)
    app = FastAPI(
        title="Leadmill",
        summary="Background jobs that turn company websites into scored sales leads",
        version="1",
        servers=[{"url": settings.public_url}] if settings.public_url else None,
        routes=_routes(),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(settings, keyring, sessions, rates, by_provider),
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.auditor, app.state.meter, app.state.kept = Auditor(app, keyring.asks), RequestMeter(), Kept()
    under_way = UnderWay()
    app.add_middleware(SharedPolls, under_way=under_way)
    if settings.traces:
        app.add_middleware(TracedRequests, route_of=app.state.auditor.route_of)
    app.add_middleware(
        Gate,
        hosts=allowed_hosts(settings),
        public_url=settings.public_url,
        proxies=TrustedProxies(settings.trusted_proxies),
        keyring=keyring,
        sessions=sessions,
        auditor=app.state.auditor,
        rates=rates,
        meter=app.state.meter,
        under_way=under_way,
    )
    app.add_middleware(ProblemPages)
    problems.install(app)
    if by_provider is not None:
        app.include_router(by_provider.router)
    app.openapi = partial(openapi.document, app)  # type: ignore[method-assign]
    return app


@cache
def _routes() -> list[BaseRoute]:
    """Of every application alike, and made once a process: FastAPI builds each route anew where it is included."""
    # One level of routers, the busiest first: FastAPI looks through them anew for every request.
    below = (
        pipelines, jobs, event_stream, reports, scraping, processing, analytics, kinds, companies, schedules, projects,
        audit, openapi, keys, notices, job_logs, people, blocks, ledger,
        sql,
    )  # fmt: skip
    routers = [
        *((module.router, API) for module in below),
        (health.router, ""),
        *((router, "") for router in pages.routers()),
        (assets.router, ""),
        (sign_in.router, ""),
        (reference.router, ""),
    ]
    together = APIRouter()
    for router, prefix in routers:
        together.include_router(router, prefix=prefix)
    for router, prefix in routers:
        together.include_router(router.heads, prefix=prefix)
    return together.routes


def _sign_in_by_provider(settings: Settings) -> SignInByProvider | None:
    if settings.oidc_issuer is None:
        return None  # and nothing of it is imported
    from api.oidc.installing import SignInByProvider

    return SignInByProvider.of(settings)


def _lifespan(
    settings: Settings,
    keyring: Keyring,
    sessions: Sessions,
    rates: RateLimit,
    by_provider: SignInByProvider | None,
) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        check_roles(iter_route_contexts(app.routes))
        check_bind(settings, settings.api_host)
        check_people(settings)
        check_plugins()
        log.configure(settings, "api")
        check_settings(settings, log.get_logger(__name__).warning)
        await asyncio.to_thread(_look_at_lake, settings)
        here = Installation.make(settings, keyring, sessions, rates)
        app.state.installation = here
        # The list of public suffixes takes a second to load; the first submits would all load it at once.
        await asyncio.to_thread(registrable_domain, "example.com")
        looking = asyncio.create_task(_look_at_throughput(here))
        auditor: Auditor = app.state.auditor
        auditor.start(here.store, here.lake)
        here.dispatcher.start()
        here.hub.start()
        notes = JobStore.connect(settings.redis_url, settings.key_prefix, KEYS_TIMEOUT_S, lake=settings.data_dir)
        sessions.start(SessionStore(notes))
        await asyncio.to_thread(keyring.start, KeyNotes(notes), here.hub.end_unwelcome)
        here.watcher.start()
        deliverer = DelivererThread(settings)
        deliverer.start()
        sharing = asyncio.create_task(_share_rates(here, rates, here.watcher.presence))
        meter: RequestMeter = app.state.meter
        meter.add_counters(
            {
                "api_limited": lambda: rates.refused,
                "launches_left_to_workers": lambda: here.dispatcher.dropped,
                "audit_entries_not_kept": lambda: auditor.lost,
            }
        )
        metering = asyncio.create_task(_tell_requests(here, meter))
        try:
            with _on_shutdown_signal(here), here.views:
                yield
        finally:  # a server that is forced to end waits for nothing that follows
            here.watcher.end()
            deliverer.end()
        here.closing.set()
        await sharing
        await metering
        await looking  # a cancelled one would leave its thread behind, which asks Redis after the end
        await asyncio.to_thread(here.watcher.close)
        await asyncio.to_thread(deliverer.close)
        await asyncio.to_thread(keyring.close)
        notes.close()
        await asyncio.to_thread(here.hub.close)
        await asyncio.to_thread(here.dispatcher.close)
        await asyncio.to_thread(auditor.close)
        if by_provider is not None:
            by_provider.provider.close()
        here.submitters.shutdown(wait=False, cancel_futures=True)
        here.store.close()
        here.broker.close()
        await asyncio.to_thread(tracing.close)

    return lifespan


def _look_at_lake(settings: Settings) -> None:
    """Raises ConfigError: it lies where none can be kept."""
    keep_private(settings.data_dir)
    storage_at(settings.data_dir).check()


async def _look_at_throughput(here: Installation) -> None:
    """Look at the counters now and then, so that whoever asks for units a minute gets them at once."""
    while not here.closing.is_set():
        try:
            await run_in_threadpool(throughput.look, here.store)
        except LeadmillError as error:
            log.get_logger(__name__).debug("throughput unknown", error=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(here.closing.wait(), throughput.EVERY_S)


async def _share_rates(here: Installation, rates: RateLimit, presence: Presence) -> None:
    """Each second, where requests are counted: tell the other API processes of this one, and count with them."""
    buckets = SharedBuckets(here.store)
    while not here.closing.is_set():
        try:
            if rates.applies(with_keys=here.keyring.is_readable and here.keyring.table().asks):
                await run_in_threadpool(rates.share, buckets, presence)
        except LeadmillError as error:
            log.get_logger(__name__).debug("rates are counted here alone", error=str(error)[:200])
        with suppress(TimeoutError):
            await asyncio.wait_for(here.closing.wait(), SHARE_S)


async def _tell_requests(here: Installation, meter: RequestMeter) -> None:
    """Every few seconds, and at the end, add the requests that this process counted to those of all."""
    while not here.closing.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(here.closing.wait(), EVERY_S)
        await run_in_threadpool(meter.add_to, here.store)


@contextmanager
def _on_shutdown_signal(here: Installation) -> Iterator[None]:
    """End event streams as soon as the server is told to stop: it waits for them before it tells us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def end_streams() -> None:
        here.closing.set()
        here.hub.end_streams()

    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(end_streams)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)
        elif handler == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)


app = create_app(get_settings())
