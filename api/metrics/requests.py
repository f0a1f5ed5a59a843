"""How long answers of this API process took, and what else it counts by itself.

Several API processes may stand behind one address, and a scrape meets any of them: so each adds what it counted to one
hash in Redis, every few seconds and before it answers a scrape, and tells what stands there, which is of all.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock

from data.jobs import JobStore
from data.jobs.metrics import count_for_api
from leadmill.errors import LeadmillError
from leadmill.log import get_logger
from leadmill.metrics import ANSWERS, OTHER

log = get_logger(__name__)

#: Between two times at which it is added, seconds.
EVERY_S = 5.0
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMeter:
    """Counts the requests of one process, those too that come no further than the gate.

    Used by the loop that serves and by threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        #: Of each (method, route, class of status): how many answers lie in each bucket, and last their sum in seconds.
        self._times: dict[tuple[str, str, int], list[float]] = {}
        self._counted_by_others: dict[str, Callable[[], int]] = {}
        self._told: Counter[str] = Counter()
        self._untold: Counter[str] = Counter()

    def add_counters(self, counters: Mapping[str, Callable[[], int]]) -> None:
        """Tell of what others count since their start, too: field of the hash → how much it is by now."""
        self._counted_by_others.update(counters)

    def answered(self, method: str, route: str | None, status: int, took_s: float) -> None:
        """A request's answer began; `route` is the address of its call without values, None where there is none."""
        key = (method if method in _METHODS else OTHER, route or OTHER, status // 100)
        with self._lock:
            times = self._times.get(key)
            if times is None:
                times = self._times[key] = [0.0] * (len(ANSWERS) + 2)
            times[bisect_left(ANSWERS, took_s)] += 1
            times[-1] += took_s

    def add_to(self, store: JobStore) -> None:
        """Add what is new to what all have counted; what Redis does not take is added the next time."""
        with self._lock:
            fresh, self._untold = self._untold, Counter()
            times, self._times = self._times, {}
            for name, total in self._counted_by_others.items():
                now = total()
                fresh[name] += now - self._told[name]
                self._told[name] = now
        for (method, route, status), (*buckets, total_s) in times.items():
            name = f"api_request_duration_seconds:{method}:{route}:{status}xx"
            fresh[f"{name}:ms"] += round(1000 * total_s)
            for bucket, number in enumerate(buckets, 1):
                fresh[f"{name}:{bucket}"] += int(number)
        fresh = +fresh
        if not fresh:
            return
        try:
            count_for_api(store, fresh)
        except LeadmillError as error:
            log.debug("requests are counted later", error=str(error)[:200])
            with self._lock:
                self._untold.update(fresh)
