"""Debian's Redis with TLS and the users of `deploy/redis-users.acl`, as docs/operations.md sets them up.

The whole stack works, also as docs/team.md uses it, and who has the broker's user can neither start nor change work.
One stack serves all of it; the tests go in this order.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import re
import shutil
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.exceptions import NoPermissionError

from cli.demo_check import compare
from cli.doctor import servers
from cli.local_stack.stack import LocalStack
from cli.sample_sites.server import SampleServer
from cli.sample_sites.truth import company_urls, expected
from data.jobs import HandOut, JobStore
from leadmill import Client
from leadmill.errors import UnavailableError
from leadmill.settings import Settings
from pipelines.execution import canvas
from pipelines.execution.broker import make_celery
from pipelines.execution.signing import Signer
from pipelines.execution.thrown_away import Reason
from pipelines.queues import LEVELS, Queue
from reports.reader import Lake
from tasks.messages import STAGES_BY_TASK
from tests.faults.proof import until
from tests.valkey import free_port

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        not (shutil.which("redis-server") and shutil.which("openssl")),
        reason="this machine has no redis-server or no openssl: sh deploy/ci-packages.sh",
    ),
]

ROOT = Path(__file__).parents[2]
TEAM = (ROOT / "docs/team.md").read_text()
#: Looks at what was denied; Leadmill has no such user.
WATCHER = "user watcher on >watching ~* &* +@all\n"


def documented(text: str) -> str:
    (block,) = re.findall(r"test_broker_users.py. -->\n\n```sh\n(.*?)```", text, re.DOTALL)
    return str(block)


class DebianRedis:
    """A server as the documentation sets it up, in a folder of the test."""

    def __init__(self, folder: Path, *, change: tuple[str, str] = ("", "")) -> None:
        self.folder, port = folder, free_port()
        first, rest = documented((ROOT / "docs/operations.md").read_text()).split("\n", 1)
        assert first == "HOST=redis.example.org PORT=6379 DIR=/etc/leadmill-redis"
        script = f"set -eu\nHOST=localhost PORT={port} DIR={folder}\n{rest}"
        subprocess.run(["sh", "-c", script], cwd=ROOT, check=True, capture_output=True)
        lines = (folder / "leadmill.env").read_text().splitlines()
        #: As its `.env` says.
        self.env = dict(line.split("=", 1) for line in lines)
        users = folder / "users.acl"
        users.write_text(users.read_text().replace(*change) + WATCHER)
        self.options: dict[str, Any] = {"ssl_ca_certs": str(folder / "ca.crt"), "decode_responses": True}
        self.url = f"rediss://watcher:watching@localhost:{port}/0"

    def __enter__(self) -> DebianRedis:
        command = ["redis-server", str(self.folder / "redis.conf"), "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.watcher = redis.Redis.from_url(self.url, **self.options)
        until(self._answers, 10, "redis-server answers")
        return self

    def _answers(self) -> bool:
        try:
            return bool(self.watcher.ping())
        except redis.ConnectionError:
            return False

    def denied(self) -> list[str]:
        """What users tried and may not do, since it was asked last."""
        found = [f"{one['username']}: {one['reason']} {one['object']}" for one in self.watcher.acl_log()]
        self.watcher.acl_log_reset()
        return found

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianRedis]:
    with DebianRedis(tmp_path_factory.mktemp("debian")) as running:
        yield running


@pytest.fixture(scope="module")
def apart(server: DebianRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack as `leadmill up` runs it, with that server's `.env`."""
    with SampleServer() as sites:
        env = {**server.env, "LEADMILL_HTTP_PROXY": sites.url}
        with LocalStack(tmp_path_factory.mktemp("apart") / "data", workers=2, api_port=0, env=env) as running:
            yield running


@pytest.fixture
def attacker(server: DebianRedis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.env["CELERY_BROKER_URL"], decode_responses=True) as client:
        yield client


def begin(command: list[str], stack: LocalStack, server: DebianRedis, folder: Path) -> subprocess.Popen[str]:
    env = {**os.environ, **server.env, "LEADMILL_DATA_URL": str(stack.data_dir)}
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    text = process.communicate(timeout=60)[0]
    assert process.returncode == 0, text
    return text


def assert_as_the_sites_say(stack: LocalStack, job: str) -> None:
    compared = compare(list(Lake(stack.data_dir).job(job).companies()), expected())
    assert compared.passed, compared.faults + compared.differences


def wire(task: str, args: Any, embed: dict[str, Any] | None = None, **headers: Any) -> str:
    """A message as kombu lays it into a list."""
    number = str(uuid.uuid4())
    body = json.dumps([args, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None, **(embed or {})}])
    return json.dumps(
        {
            "body": base64.b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"lang": "py", "task": task, "id": number, "timelimit": [None, None], **headers},
            "properties": {
                "correlation_id": number, "delivery_mode": 2, "priority": 3, "body_encoding": "base64",
                "delivery_tag": number, "delivery_info": {"exchange": "", "routing_key": "scraping"},
            },
        }
    )  # fmt: skip


def forgeries(job: str, signed: Signer) -> list[tuple[Reason, str]]:
    """Messages of every shape, and as what each is thrown away. `signed` makes what was read and is sent again."""

    def link(task: str, *args: Any, **more: Any) -> dict[str, Any]:
        return {
            "task": task,
            "args": args,
            "kwargs": {},
            "options": {},
            "subtask_type": None,
            "immutable": True,
            **more,
        }

    def read(task: str, *args: Any) -> list[Any]:
        return [*args, signed.mac(task, args)]

    stranger = Signer(["a key of the attacker's own, long enough"], "leadmill:", signed._root)
    first, unit = "leadmill.scrape", (job, "p0", 0, 0, False)
    ours = read(first, *unit)
    publish = link("leadmill.publish", job, "publish", 0, 0, True)
    chord = {
        "task": "celery.chord", "args": [], "options": {}, "subtask_type": "chord", "immutable": False,
        "kwargs": {"header": [link("leadmill.report", job, "render:csv", 0, 0, True)], "body": publish, "kwargs": {}},
    }  # fmt: skip
    huge = json.loads(wire(first, ours))
    huge["body"] = base64.b64encode(b"[" * 300_000).decode()
    pickled = json.loads(wire(first, ours))
    pickled["content-type"] = "application/x-python-serialize"
    pickled["body"] = base64.b64encode(pickle.dumps([list(unit), {}, {}])).decode()
    tasks = ("launch", "scrape", "process", "enrich", "score", "report", "publish", "cleanup", "optimize_db")
    return [
        *((Reason.UNREADABLE, text) for text in ("", "{", "null", "[" * 50_000, json.dumps(huge), json.dumps(pickled))),
        *((Reason.FOREIGN_TASK, wire(name, ours)) for name in ("os.system", "celery.chord_unlock", "celery.group")),
        *((Reason.UNSIGNED, wire(f"leadmill.{name}", unit)) for name in tasks),
        *((Reason.UNSIGNED, wire(f"leadmill.{name}", (job, name, 0, 0, False))) for name in tasks),
        (Reason.WRONG_MAC, wire(first, [*unit, stranger.mac(first, unit)])),
        (Reason.WRONG_MAC, wire(first, [job, "p0", 7, *ours[3:]])),
        (Reason.WRONG_MAC, wire("leadmill.enrich", ours)),
        (Reason.ARGUMENTS, wire(first, ["job_x", *ours[1:]])),
        (Reason.ARGUMENTS, wire(first, [*ours, "more"])),
        (Reason.UNSIGNED, wire(first, ours, {"chain": [publish]})),
        (Reason.UNSIGNED, wire(first, ours, {"chain": [chord]})),
        (Reason.CANVAS, wire(first, ours, {"chain": [link("os.system", "true")]})),
        (Reason.CANVAS, wire(first, ours, {"chain": [link(first, *ours, options={"eta": 1})]})),
        (Reason.CANVAS, wire(first, ours, {"chain": [link(first, *ours)] * 60})),
        (Reason.CANVAS, wire(first, ours, {"chord": link("os.system", "true")})),
        (Reason.UNSIGNED, wire(first, ours, {"chord": publish})),
        (Reason.OPTIONS, wire(first, ours, {"callbacks": [link(first, *ours)]})),
        (Reason.OPTIONS, wire(first, ours, {"errbacks": [publish]})),
        (Reason.OPTIONS, wire(first, ours, eta="2126-01-01T00:00:00+00:00")),
        (Reason.OPTIONS, wire(first, ours, expires="2031-01-01T00:00:00")),
        (Reason.OPTIONS, wire(first, ours, timelimit=[1, 1])),
        (Reason.OPTIONS, wire(first, ours, root_id="../x")),
    ]


def copies(job: str, signed: Signer) -> list[str]:
    """Messages that were signed for this job, as somebody who read them has them."""
    found = []
    for stage, unit in [("launch", "launch"), ("score", "score"), ("report", "render:csv"), ("publish", "publish")]:
        args = (job, unit, 0, 0, False)
        found.append(wire(f"leadmill.{stage}", [*args, signed.mac(f"leadmill.{stage}", args)]))
    for number in range(8):
        for index, stage in enumerate(("scrape", "process", "enrich")):
            args = (job, f"p{number}", 1, index, False)
            found.append(wire(f"leadmill.{stage}", [*args, signed.mac(f"leadmill.{stage}", args)]))
    return found


def test_the_whole_stack_works_and_who_has_the_brokers_user_can_delay_and_no_more(
    apart: LocalStack, server: DebianRedis, attacker: redis.Redis, tmp_path: Path
) -> None:
    doctor = begin(["leadmill", "doctor", "--json"], apart, server, tmp_path)
    ping = begin(["celery", "-A", "tasks.app", "inspect", "ping"], apart, server, tmp_path)
    assert set(apart.pids) == {"worker-scraping", "worker-general", "api", "beat"}
    with Client(apart.api_url) as client:
        checked = client.health_check().wait(timeout=60)
        assert [row for row in (checked.result or {})["checks"] if row["status"] == "fail"] == []
        assert client.health()["status"] == "ok"
    found = json.loads(said(doctor))
    assert {row["check"]: row["level"] for row in found}["broker"] == "ok"
    assert [row for row in found if row["level"] != "ok"] == []
    assert said(ping).count("pong") == 2
    _attack(apart, server, attacker)
    assert server.denied() == [], "neither to the stack, nor to what the attacker may do"
    logs = "".join(file.read_text() for file in apart.run.path.glob("*.log"))
    assert "NOPERM" not in logs and "no permissions" not in logs and "Traceback" not in logs


def _attack(apart: LocalStack, server: DebianRedis, attacker: redis.Redis) -> None:
    """A job over all sample sites, and all that somebody can send who has the broker's user, while it runs."""
    records = JobStore.connect(server.env["REDIS_URL"], "leadmill:")
    signed = Signer([server.env["LEADMILL_SIGNING_KEY"]], "leadmill:", apart.data_dir)
    pids, before = apart.pids, thrown_away(records)
    lists = [
        (queue, f"leadmill:{queue}\x06\x16{level}".removesuffix("\x06\x160")) for queue in Queue for level in LEVELS
    ]
    sent: Counter[str | None] = Counter()
    with Client(apart.api_url) as client:
        known = {job.id for job in client.list_jobs(limit=100)}
        handle = client.submit(company_urls(), report={"formats": ["html", "csv", "xlsx"]})
        until(lambda: records.units(handle.id), 20, "work begins")
        every: list[tuple[Reason | None, str]] = [*forgeries(handle.id, signed)]
        every += [(None, message) for message in copies(handle.id, signed)]
        for queue, key in lists:
            for reason, message in every:
                attacker.lpush(key, message)
                sent[Reason.FOREIGN_TASK if _is_of_another_worker(message, queue) else reason] += 1
        for method in ("shutdown", "pool_shrink", "revoke", "rate_limit", "cancel_consumer", "ping", "nothing"):
            body = base64.b64encode(json.dumps({"method": method, "arguments": {}}).encode()).decode()
            command = json.loads(wire("x", [])) | {"body": body, "headers": {}}
            attacker.publish("leadmill:/0.celery.pidbox", json.dumps(command))
        assert handle.wait(timeout=150).status == "completed"
        assert_as_the_sites_say(apart, handle.id)
        until(lambda: not any(attacker.llen(key) for _, key in lists), 30, "every message read")
        assert {job.id for job in client.list_jobs(limit=100)} == known | {handle.id}
    record = records.read(handle.id)
    assert record is not None and record["attempt"] == "1"
    assert apart.pids == pids, "no process ended"
    del sent[None]  # copies of signed messages, taken and found to be done
    workers = 2
    sent[Reason.CONTROL] = 6 * workers
    until(lambda: (thrown_away(records) - before).total() >= sent.total(), 10, "counts told")
    assert thrown_away(records) - before == sent
    (told,) = servers.living_workers(apart.data_dir, server.env["REDIS_URL"], "leadmill:")
    assert told.level == "warn" and "unsigned" in told.text
    records.close()


def _is_of_another_worker(message: str, queue: Queue) -> bool:
    """One worker scrapes, the other does all else."""
    try:
        task = json.loads(message)["headers"]["task"]
    except (ValueError, TypeError, RecursionError):
        return False
    return task in STAGES_BY_TASK and (STAGES_BY_TASK[task].queue == Queue.SCRAPING) != (queue == Queue.SCRAPING)


def thrown_away(records: JobStore) -> Counter[str]:
    return sum((Counter(worker.thrown_away) for worker in records.workers().values()), Counter())


def test_the_brokers_user_has_no_way_to_the_records(attacker: redis.Redis, apart: LocalStack) -> None:
    job = "job_00000000000000000000"
    tries: list[tuple[Any, ...]] = [
        ("HGETALL", f"leadmill:job:{job}"), ("HSET", f"leadmill:job:{job}", "status", "running"),
        ("ZADD", "leadmill:due", 0, f"{job}|launch"), ("SET", "leadmill:lake", "lake_x"), ("DEL", "leadmill:lake"),
        ("SET", "leadmill:record_version", 99), ("EVAL", "return 1", 0), ("SCRIPT", "LOAD", "return 1"),
        ("KEYS", "*"), ("SCAN", 0), ("CONFIG", "GET", "*"), ("CLIENT", "LIST"), ("CLIENT", "KILL", "SKIPME", "yes"),
        ("INFO",), ("FLUSHALL",), ("SHUTDOWN",), ("ACL", "LIST"), ("MONITOR",),
        ("RENAME", "leadmill:due", "leadmill:scraping"), ("RENAME", "leadmill:scraping", "leadmill:due"),
        ("ZADD", "leadmill:celery-task-meta-x.j", 0, "x"), ("INCR", "leadmill:celery-task-meta-x.t"),
        ("PUBLISH", "leadmill:celery-task-meta-x", "x"), ("LPUSH", "other:scraping", "x"),
        ("LPUSH", "leadmill:job:x.reply.celery.pidbox", "x"), ("MIGRATE", "h", 1, "k", 0, 1), ("PSUBSCRIBE", "*"),
    ]  # fmt: skip
    ask: Any = attacker.execute_command
    for command in tries:
        with pytest.raises(NoPermissionError):
            ask(*command)
    assert str(attacker.mget("leadmill:lake")[0]).startswith("lake_")


def test_a_broker_of_its_own_keeps_the_mark_where_its_user_may_write_it(
    server: DebianRedis, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """And one that only reads it waits for the records' connection to write it."""
    with DebianRedis(tmp_path_factory.mktemp("queues"), change=("%R~", "~")) as queues:
        settings = Settings(
            REDIS_URL=server.env["REDIS_URL"].replace("/0?", "/1?"),
            celery_broker_url=queues.env["CELERY_BROKER_URL"],
            data_url=str(tmp_path / "data"),
        )
        out = HandOut("job_" + "0" * 20, "p0", 1, 0, 3, "scrape", ("scrape",))
        canvas.dispatch(make_celery(settings), [out])
        assert queues.watcher.llen("leadmill:scraping\x06\x163") == 1
        mark = str(queues.watcher.get("leadmill:lake"))
        assert mark.startswith("lake_")
        # An empty server is asked whether 0.1.0 works there, which is for the records' connection to know.
        assert queues.denied() == ["leadmill-broker: command time"]
        queues.watcher.flushall()
        ask: Any = queues.watcher.execute_command
        reads = [f"%R~leadmill:{name}" for name in ("lake", "lake_place", "record_version", "generation")]
        ask("ACL", "SETUSER", "leadmill-broker", "resetkeys", "~leadmill:scraping*", "~leadmill:_kombu*", *reads)
        app = make_celery(settings)
        with app.connection_for_write() as connection, pytest.raises(UnavailableError) as told:
            connection.transport_options |= {"interval_start": 0, "interval_step": 0, "interval_max": 0}
            canvas.dispatch(app, [out], connection)
        assert "no lake's mark that its user may read" in str(told.value.__cause__)
        queues.watcher.set("leadmill:lake", mark)
        with app.connection_for_write() as connection:
            canvas.dispatch(app, [out], connection)


def test_a_team_works_as_its_page_says(apart: LocalStack, server: DebianRedis, tmp_path: Path) -> None:
    """docs/team.md: three keys of three roles, and two projects."""
    marked = TEAM.partition("is run by tests/deploy/test_broker_users.py. -->")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", marked, re.DOTALL)
    assert len(blocks) == 6
    script = 'set -euo pipefail\ncurl() { command curl --noproxy "*" --fail-with-body -S "$@"; }\n'
    # Each process of the API looks at the keys once a second.
    asked = (
        'until [ "$(command curl -s --noproxy "*" -o /dev/null -w "%{{http_code}}" -H "X-API-Key: {}" $API)" = 401 ]'
    )
    wait = f"API={apart.api_url}/api/v1/jobs/list\n{asked}; do sleep 0.1; done\n"
    blocks[0] += wait.format("none")
    blocks[-1] = blocks[-1].replace('anna.key)"\n', f'anna.key)"\n{wait.format("$(cat anna.key)")}')
    script += "\n".join(blocks).replace("http://127.0.0.1:8000", apart.api_url)
    env = {**os.environ, **server.env, "LEADMILL_DATA_URL": str(apart.data_dir)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3_000:]}\n{done.stderr}"
    assert "nordwind-solar.example" in (tmp_path / "leads.csv").read_text()
    for told in ("the board may not", "not a job of this project", "revoked"):
        assert told in done.stdout.splitlines(), told
    keys = {name: (tmp_path / f"{name}.key").read_text().strip() for name in ("ops", "anna", "board")}
    shown = done.stdout + done.stderr
    assert not any(key[12:] in shown for key in keys.values()), "a key is printed once, into its file"
    job = (tmp_path / "job.txt").read_text().strip()
    assert shown.count(job) >= 3, "also in the list by curl, and in the audit"
    assert "403" in shown and "5000" in re.sub("[,\u202f ]", "", shown)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.glob("*.key")} == {0o600}
