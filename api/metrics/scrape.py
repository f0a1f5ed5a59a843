"""One scrape: every source is asked in turn; one that fails costs its own metrics alone, and that is told."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client.exposition import choose_encoder

from api.context import Context
from api.metrics.jobs import look_at_jobs
from api.metrics.lake import look_at_compaction, look_at_companies, look_at_disk
from api.metrics.look import Look
from api.metrics.notices import look_at_notices
from api.metrics.process import look_at_audit, look_at_requests, look_at_version
from api.metrics.queues import look_at_queues
from api.metrics.redis import look_at_redis
from api.metrics.samples import Samples
from api.metrics.work import look_at_due, look_at_work
from api.probing import Prober
from leadmill.errors import LeadmillError, UnavailableError
from leadmill.log import get_logger

log = get_logger(__name__)

Source = Callable[[Look], None]
#: By what they are about: what a project is told of, which is its own; and of the installation, for `default` alone.
OF_PROJECTS: dict[str, Source] = {
    "jobs": look_at_jobs,
    "work": look_at_work,
    "compaction": look_at_compaction,
    "companies": look_at_companies,
}
OF_ALL: dict[str, Source] = {
    "due": look_at_due,
    "queues": look_at_queues,
    "requests": look_at_requests,
    "audit": look_at_audit,
    "notices": look_at_notices,
}
WITHOUT_REDIS: dict[str, Source] = {"disk": look_at_disk, "version": look_at_version}
#: Damaged keys that are named.
_NAMED = 20


def scrape(here: Context, prober: Prober) -> Samples:
    """All that the caller may see of it. Never raises for a fault of what it looks at: of that it tells."""
    began = time.perf_counter()
    look = Look(here)
    sees_all = here.caller.sees_what_all_share
    if sees_all:
        _ask(look, WITHOUT_REDIS)
    if _redis_answers(look, prober):
        _ask(look, OF_PROJECTS)
        if sees_all:
            _ask(look, OF_ALL)
    for key in look.readable.unreadable[:_NAMED]:
        look.samples.add("leadmill_unreadable_keys", 1, key=key)
    look.samples.add("leadmill_metrics_seconds", time.perf_counter() - began)
    return look.samples


def _redis_answers(look: Look, prober: Prober) -> bool:
    """Whether it is worth asking: else each source would wait for an answer that does not come."""
    sees_all = look.here.caller.sees_what_all_share
    try:
        ping_s, info = look.store.server_info()
    except LeadmillError as error:
        log.warning("metrics without Redis", error=str(error))
        look.samples.add("leadmill_metrics_failed", 1, group="redis")
        if sees_all:
            look.samples.add("leadmill_redis_up", float(not isinstance(error, UnavailableError)))
        return not isinstance(error, UnavailableError)
    if sees_all:
        look_at_redis(look, ping_s, info, prober.look())
    return True


def _ask(look: Look, sources: dict[str, Source]) -> None:
    for about, source in sources.items():
        try:
            source(look)
        except (LeadmillError, OSError) as error:
            log.warning("metrics that could not be read", group=about, error=str(error))
            look.samples.add("leadmill_metrics_failed", 1, group=about)


def written(samples: Samples, accept: str) -> tuple[bytes, str]:
    """As text of the form that is asked for, and its media type: OpenMetrics, or the text form of Prometheus."""
    try:
        encode, media_type = choose_encoder(accept)
    except (ValueError, TypeError):  # a version that is none
        encode, media_type = choose_encoder("")
    return encode(samples), media_type
