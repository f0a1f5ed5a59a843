"""Redis is spoken to in `data/` alone, about jobs in `data/jobs/` alone; nobody else knows a key or a stored field."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.test_import_graph import modules

#: Beside `data.jobs`: which lake a server belongs to, which is the primary, whether it can work, schedules, queues of
#: messages, the audit, API keys, rates of requests, sessions, the outbox, hosts.
DOORS = {
    "data.identity", "data.sentinels", "data.server", "data.probes", "data.schedules", "data.message_queues",
    "data.audit.stream", "data.api_keys.key_notes", "data.presence", "data.shared_buckets", "data.sessions",
    "data.notices.outbox", "data.notices.wanted", "data.hosts.leases", "data.hosts.blocks",
}  # fmt: skip
#: What the client library raises is known to whoever speaks to the broker, too.
ERRORS = {
    "data.redis_errors", "pipelines.execution.transport", "pipelines.execution.recovery", "pipelines.execution.canvas",
    "api.dispatcher", "tasks.maintenance.task",
}  # fmt: skip
#: Where names of keys are made.
KEYS = {"data.keys"}
_KEY = re.compile(r"(job|doc|units|todo|ev|log|idx|hist|idem|told|ticked):([sk]:)?")
#: Methods of the store that give what is stored as it is: lists and files of `data.jobs` may want it, nobody else.
_RAW = {"read", "units"}


def is_inside(module: str) -> bool:
    return module == "data.jobs" or module.startswith("data.jobs.")


def faults(module: str, source: str) -> Iterator[str]:
    """What a module must not do, with its line."""
    inside, door = is_inside(module), module in DOORS
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import | ast.ImportFrom) and not (inside or door):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in names:
                if name.partition(".")[0] == "redis" and not (name == "redis.exceptions" and module in ERRORS):
                    yield f"{line}: imports {name}"
        elif isinstance(node, ast.Attribute) and not (inside or door):
            if node.attr == "redis":
                yield f"{line}: takes the store's client"
            elif node.attr in ("key", "pipeline", "guarded") and "store" in ast.unparse(node.value):
                yield f"{line}: {ast.unparse(node)}"
            elif node.attr in _RAW and ast.unparse(node.value).endswith("store"):
                yield f"{line}: {ast.unparse(node)} gives stored fields"
        elif isinstance(node, ast.JoinedStr) and module not in KEYS and node.values:
            first = node.values[0]
            if isinstance(first, ast.Constant) and _KEY.fullmatch(str(first.value)):
                yield f"{line}: makes a key, {ast.unparse(node)}"


def test_nobody_but_the_store_speaks_to_redis_about_jobs() -> None:
    found = {name: list(faults(name, file.read_text())) for name, file in modules().items()}
    assert {name: told for name, told in found.items() if told} == {}
    assert found.keys() >= DOORS | ERRORS | KEYS, "an exception that nobody needs"


@pytest.mark.parametrize(
    "source",
    [
        "import redis", "from redis.exceptions import RedisError", "from redis import Redis", "store.redis.get('x')",
        "self._store.redis", "store.key('due')", "here.store.pipeline()", "store.read(job)", "f'job:{job}'",
        "f'idx:s:{status}'", "def f():\n    from redis.client import Pipeline",
    ],
)  # fmt: skip
def test_each_way_round_the_store_is_seen(source: str) -> None:
    assert list(faults("pipelines.views.view", source))


@pytest.mark.parametrize("source", ["file.read()", "f'job {job}'", "f'jobs: {n}'", "from redis_errors import x"])
def test_what_is_no_way_round_is_not(source: str) -> None:
    assert not list(faults("pipelines.views.view", source))
