"""Is a container's service well? `python deploy/healthcheck.py api|worker|beat|flower` exits 0 or says why not.

Each check sees work done: a worker answers over the broker, beat has recorded its newest ticks.
"""

from __future__ import annotations

import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from leadmill.settings import Settings, get_settings

#: Beat looks every second; a tick that is later than this will not come by itself.
LATE = timedelta(minutes=2)


def api(settings: Settings) -> str | None:
    """The API process answers, whatever state Redis is in."""
    return _get(f"http://127.0.0.1:{settings.api_port}/healthz")


def worker(settings: Settings) -> str | None:
    """A worker of this host answers a ping that went through the broker."""
    from pipelines.execution.broker import make_celery

    here = f"*@{socket.gethostname()}"
    answers = make_celery(settings).control.inspect(pattern=here, matcher="glob", limit=1, timeout=5).ping()
    return None if answers else f"no worker {here} answers"


def beat(settings: Settings) -> str | None:
    """Every periodic job's newest planned time has been ticked (by this beat or another)."""
    from data.jobs import JobStore
    from data.schedules import ScheduleStore
    from leadmill.declared import PERIODIC
    from pipelines.intake.cron import planned_time

    ticks = ScheduleStore(JobStore.connect(settings.redis_url, settings.key_prefix, lake=settings.data_dir)).ticks()
    for name, cron in PERIODIC.items():
        last, planned = ticks.get(name), planned_time(cron, UTC, datetime.now(UTC) - LATE)
        if last is None:
            return f"{name} has never been ticked"
        if planned is not None and last < planned:
            return f"{name} was due at {planned.isoformat()} and last ticked at {last.isoformat()}"
    return None


def flower(settings: Settings) -> str | None:
    """Flower's web server answers."""
    return _get(f"http://127.0.0.1:{os.environ.get('FLOWER_PORT', '5555')}/healthcheck")


def _get(url: str) -> str | None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=4):
            return None
    except urllib.error.HTTPError as error:
        return f"{url} answers {error.code}: {error.read(500).decode(errors='replace')}"
    except OSError as error:
        return f"{url}: {error}"


CHECKS: dict[str, Callable[[Settings], str | None]] = {"api": api, "worker": worker, "beat": beat, "flower": flower}


def main(arguments: list[str]) -> int:
    """Run the named check; 0 well, 1 not, 2 no such check."""
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        print(f"usage: healthcheck.py {'|'.join(CHECKS)}", file=sys.stderr)
        return 2
    try:
        fault = CHECKS[arguments[0]](get_settings())
    except Exception as error:  # whatever it is, the service is not well
        fault = f"{type(error).__name__}: {error}"
    if fault:
        print(fault, file=sys.stderr)
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
