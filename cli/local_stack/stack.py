"""The whole stack on this machine: Redis, two workers, beat and the API, started and ended together.

`LocalStack` is a context manager; `leadmill up`, `demo`, `run` and the tests use it alike.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cli.child import beat_arguments, python_command, worker_arguments
from cli.failure import CommandError, Exit
from cli.local_stack import ports, redis_server
from cli.local_stack.process import ChildSpec
from cli.local_stack.run_dir import RunDir
from cli.local_stack.supervisor import Supervisor, end_leftovers
from leadmill.machine import room
from leadmill.places import path_of, url_of
from leadmill.redaction import plain, shown
from leadmill.sample_sites import RUN_FILE as SAMPLES
from leadmill.secret_files import SUFFIX, declared
from leadmill.settings import DEFAULT_REDIS_URL, Settings, get_settings, secret_variables

if TYPE_CHECKING:
    from cli.sample_sites.server import SampleServer

DEFAULT_API_PORT = 8000
#: A process that ends this often in a row before the stack was ever ready will not get better by itself.
HOPELESS = 3


def default_workers() -> int:
    """Processes of each of the two workers: one a core, as far as memory lasts, at least 2, at most 8."""
    return min(8, max(2, room().processes(workers=2)))


def declared_redis_url() -> str | None:
    """REDIS_URL of the environment or `.env` (or of the file they name), not of the run files of a dead stack."""
    return declared("REDIS_URL")


class LocalStack:
    """A running stack in `data_dir`.

    `workers` is the number of processes of each of the two workers. `api_port`: a number is taken or refused,
    0 takes any free one, None takes 8000 or, when that is in use, any. `redis_url` names a running Redis;
    unset, that of REDIS_URL (in `env`, the environment, `.env`), else one of our own is started. `env` is
    added to the environment of every process. `say` gets each line worth telling (restarts, warnings). A
    `temporary` one says so in `stack.json` (`cli.local_stack.temporary`). With `samples` the sample sites
    are served beside it, by a thread of this process, unless all crawling goes through a proxy.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        workers: int | None = None,
        api_host: str = "127.0.0.1",
        api_port: int | None = None,
        redis_url: str | None = None,
        env: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda line: None,
        ready_timeout_s: float = 60.0,
        temporary: bool = False,
        samples: bool = False,
    ) -> None:
        self.data_dir = path_of(str(data_dir))
        self.workers = workers or default_workers()
        self.api_host = api_host
        self._wanted_port = api_port
        self._env = dict(env or {})
        self.redis_url = plain(redis_url or self._env.get("REDIS_URL") or declared_redis_url() or "")
        self.redis_is_ours = not self.redis_url
        self.http_proxy = self._env.get("LEADMILL_HTTP_PROXY") or get_settings().http_proxy
        self.run = RunDir(self._settings().run_dir)
        self.api_url = ""
        self._say = say
        self._ready_timeout_s = ready_timeout_s
        self._temporary = temporary
        self._with_samples = samples and not self.http_proxy
        self._samples: SampleServer | None = None
        self._supervisor: Supervisor | None = None
        self._own_redis: redis_server.OwnServer | None = None
        self._port_is_lost = False
        self.is_stopping = False

    def __enter__(self) -> Self:
        """Start everything and return when the API says that every queue has a listener.

        Raises:
            CommandError: another stack runs here, a port is taken, no Redis, or a process will not live.
            ConfigError: a setting is wrong.
        """
        from pipelines.settings_check import check_settings

        check_settings(get_settings(), self._say)  # each process would only refuse it later
        self.run.prepare()
        self.run.lock()
        try:
            if leftovers := end_leftovers(self.run):
                self._say(f"ended what a crashed stack left running: {', '.join(leftovers)}")
            port = self._choose_port()
            self.api_url = f"http://{ports.in_url(self.api_host)}:{port}"
            self._supervisor = Supervisor(self.run, facts=self._facts(), say=self._say)
            self._start_redis()
            if self._with_samples:
                self._serve_samples()
            commands = self._commands(port)
            beat = commands.pop("beat")
            for name, command in commands.items():
                self._start(name, command, port)
            self._wait_until_ready(port)
            self._start("beat", beat, port)  # after the rest: no work waits for it, and its import takes a second
            self.run.write("api.url", self.api_url + "\n")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """API, beat and workers first, Redis last; all within 15 seconds; run files removed."""
        self.is_stopping = True
        if self._supervisor is not None:
            self._supervisor.end()
        if self._samples is not None:
            self._samples.stop()
        if self.run.lock_fd is not None:
            self.run.clear()
            self.run.unlock()

    def hurry(self) -> None:
        """Make a `stop` under way kill what is still there."""
        if self._supervisor is not None:
            self._supervisor.hurry()

    @property
    def pids(self) -> dict[str, int]:
        """Pids by name: redis (when ours), worker-scraping, worker-general, beat, api."""
        return self._supervisor.pids if self._supervisor else {}

    def check_alive(self) -> None:
        """Raises the supervisor's own error, should it have ended by one; says when our Redis lost its port."""
        if self._supervisor is None:
            return
        if self._supervisor.crash is not None:
            raise self._supervisor.crash
        server = self._own_redis
        deaths = self._supervisor.quick_deaths("redis") if server else 0
        if server and deaths >= HOPELESS and not self._port_is_lost and not server.answers():
            self._port_is_lost = True
            self._say(
                f"the Redis of this stack cannot come back on its port {server.port}: if another process listens"
                " there, end that one, or start this stack again; until then its jobs wait"
            )
        elif deaths < HOPELESS:
            self._port_is_lost = False

    def _facts(self) -> dict[str, object]:
        return {
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "data": url_of(self.data_dir),
            "workers": self.workers,
            "http_proxy": bool(self.http_proxy),
            "temporary": self._temporary,
        }

    def _choose_port(self) -> int:
        host, wanted = self.api_host, self._wanted_port
        try:
            if not wanted:
                return ports.free_port(host) if wanted == 0 else ports.preferred_port(host, DEFAULT_API_PORT)
            if ports.is_free(host, wanted):
                return wanted
        except OSError as error:
            raise CommandError(f"cannot listen on {host} ({error.strerror})", hint="leadmill up --port 8000") from error
        raise CommandError(f"port {wanted} is in use", hint="leadmill up --port 0    # any free port")

    def _start_redis(self) -> None:
        if self.redis_is_ours:
            self._start_own_redis()
        else:
            for fault, remedy in redis_server.check(self.redis_url, self._settings().key_prefix):
                where = f"Redis at {shown(self.redis_url)}"
                if get_settings().strict:
                    raise CommandError(f"LEADMILL_STRICT refuses {where}: it {fault}", hint=remedy)
                self._say(f"warning: {where} {fault}; mend it with: {remedy}")
        from pipelines.execution.start_check import bind

        bind(self._settings())
        self.run.write("redis.url", self.redis_url + "\n")

    def _serve_samples(self) -> None:
        from cli.sample_sites.server import SampleServer  # only where they are wanted

        self._samples = SampleServer().start()
        self.run.write(SAMPLES, self._samples.known_as.written())

    def _settings(self) -> Settings:
        """What the processes will read of where things are."""
        prefix = self._env.get("LEADMILL_KEY_PREFIX") or get_settings().key_prefix
        own = self._env.get("LEADMILL_RUN_DIR") or get_settings().own_run_dir
        return Settings(
            redis_url=self.redis_url or DEFAULT_REDIS_URL,
            data_url=url_of(self.data_dir),
            own_run_dir=own,
            key_prefix=prefix,
        )

    def _start_own_redis(self) -> None:
        assert self._supervisor is not None
        folder = self.run.path / "redis"
        folder.mkdir(mode=0o700, exist_ok=True)
        server = redis_server.OwnServer(folder)
        server.write()
        command = server.command(redis_server.find_server())
        hidden = secret_variables()  # its own password is in its configuration
        self._supervisor.start(ChildSpec("redis", command, without=hidden, cwd=folder, patience_s=3.0, last=True))
        import pipelines.execution.start_check  # noqa: F401  (needed next: it loads while the server starts)

        until = time.monotonic() + self._ready_timeout_s
        deaths = 0
        while not server.answers():
            if self._supervisor.quick_deaths("redis") > deaths:
                deaths += 1
                server.leave_taken_port()
            if deaths >= HOPELESS or time.monotonic() > until:
                raise self._not_ready("redis", "does not answer PING")
            time.sleep(0.02)
        self._own_redis, self.redis_url = server, server.url

    def _start(self, name: str, command: list[str], port: int) -> None:
        assert self._supervisor is not None
        env = {
            **self._env,
            "REDIS_URL": self.redis_url,
            "LEADMILL_DATA_URL": url_of(self.data_dir),
            "LEADMILL_RUN_DIR": str(self.run.path),
            "LEADMILL_API_HOST": self.api_host,
            "LEADMILL_API_PORT": str(port),
            "PYTHONUNBUFFERED": "1",
        }
        is_worker = name.startswith("worker-")
        patience_s = 8.0 if is_worker else 5.0
        spec = ChildSpec(
            name, command, env=env, without=["REDIS_URL" + SUFFIX], patience_s=patience_s, quit_too=is_worker
        )
        self._supervisor.start(spec)

    def _commands(self, port: int) -> dict[str, list[str]]:
        processes = ("-c", str(self.workers))
        scraping = worker_arguments(["-Q", "scraping", *processes])
        general = worker_arguments(["-Q", "processing,analytics,maintenance", *processes])
        beat = beat_arguments([])
        return {
            "worker-scraping": python_command("celery", *scraping),
            "worker-general": python_command("celery", *general),
            "api": python_command("api", self.api_host, str(port)),
            "beat": python_command("celery", *beat),
        }

    def _wait_until_ready(self, port: int) -> None:
        assert self._supervisor is not None
        host = ports.in_url(self.api_host).strip("[]")
        until = time.monotonic() + self._ready_timeout_s
        answer = "no answer"
        while True:
            status, answer = _ask_readiness(host, port, answer)
            if status == 200:
                return
            self.check_alive()
            for name in ("api", "worker-scraping", "worker-general", "redis"):
                if self._supervisor.quick_deaths(name) >= HOPELESS:
                    raise self._not_ready(name, f"ends soon after every start ({HOPELESS} times)")
            if time.monotonic() > until:
                raise self._not_ready("api", f"is not ready after {self._ready_timeout_s:g} s: {answer[:300]}")
            time.sleep(0.05)

    def _not_ready(self, name: str, what: str) -> CommandError:
        for line in self.run.tail(name):
            self._say(f"{name} | {line[:300]}")
        return CommandError(f"{name} {what}", hint=f"tail -50 {self.run.log(name)}", exit_code=Exit.JOB_FAILED)


def _ask_readiness(host: str, port: int, last: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return response.status, response.read(2_000).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, last
    finally:
        connection.close()
