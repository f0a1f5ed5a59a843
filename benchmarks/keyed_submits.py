"""What an API key costs a submit: the same API with a key, its rate and its audit entry, against one without any key.

Each has a server and a data folder of its own; they take turns. No worker listens, as in the row `submits`.
"""

from __future__ import annotations

from functools import partial

from benchmarks.harness import Line, interleave, main, median
from benchmarks.http_load import load, request
from benchmarks.servers import start_api
from benchmarks.stack import Stack
from benchmarks.submits import BODY, CONNECTIONS
from data.api_keys import KeyRegistry
from leadmill.access import Role


def measure(quick: bool) -> list[Line]:
    seconds, rounds = (0.5, 1) if quick else (4.0, 9)
    with Stack() as open_to_all, Stack() as asking:
        _, secret = KeyRegistry(asking.folder / "data").create("bench", Role.OPERATOR)
        key = {"Authorization": f"Bearer {secret}"}
        ports = {"no key": start_api(open_to_all), "key": start_api(asking, LEADMILL_RATE_LIMIT="10000")}
        sent = {
            "no key": request("POST", "/api/v1/pipelines", BODY),
            "key": request("POST", "/api/v1/pipelines", BODY, key),
        }

        def rate(name: str) -> float:
            found = load(ports[name], CONNECTIONS, seconds, sent[name])
            return found["count"] / found["seconds"]

        taken = interleave({name: partial(rate, name) for name in ports}, rounds)
    bar = ">= 0.97 floor"  # the floor is the API without keys
    return [Line("submits with an API key", median(taken["key"]), "1/s", bar, median(taken["no key"]),
                 better="more", samples=taken)]  # fmt: skip


if __name__ == "__main__":
    main(measure)
