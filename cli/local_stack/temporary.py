"""The stack that `leadmill run` starts where none runs. It ends with the last command that uses it.

It is a process of its own (`python -m cli.local_stack.temporary DATA`), so that it outlives the command that started it
while another one uses it; it ends once nobody holds a lease, also when all of them were killed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from cli import console
from cli.connection import check_key, find_client
from cli.failure import CommandError, Exit
from cli.interrupts import Stopped, orderly_end
from cli.local_stack.lease import LastOut, Lease, is_ending, is_used
from cli.local_stack.run_dir import RunDir, StackRunsError
from leadmill.client import Client
from leadmill.client.errors import ApiError
from leadmill.errors import LeadmillError
from leadmill.places import is_in_bucket, url_of

#: Name of the log to which the process says what it says, and how long one that somebody else starts may take, seconds.
LOG, PATIENCE_S = "stack", 90.0
_TICK_S = 0.05


class SharedStack:
    """A running stack, as one of its users sees it."""

    def __init__(self, base_url: str, run: RunDir, started: _Started | None = None) -> None:
        self.base_url = base_url
        self._run, self._started = run, started
        state = run.state() if run.read("api.url") == base_url else {}
        self._pid = state.get("pid")
        #: It ends when the last of its users does; another one is there to stay.
        self.temporary = bool(state.get("temporary"))
        self.is_stopping = False

    def check(self) -> None:
        """Tell what it has said since.

        Raises:
            CommandError: it has ended under its users.
        """
        if self._started:
            self._started.tell()
        if self.temporary and self._has_ended():
            raise CommandError("the stack has ended under this job", hint="leadmill up", exit_code=Exit.JOB_FAILED)

    def wait_for_end(self) -> None:
        """Return once a temporary one has ended, or somebody else uses it. Call it without a lease."""
        self.is_stopping = True
        while self.temporary and not self._has_ended() and not is_used(self._run):
            time.sleep(_TICK_S)
        if self._started and self._has_ended():
            self._started.process.wait()  # that of ours, which has ended, too, where another one was quicker

    def hurry(self) -> None:
        """Have one that ends kill what is still there."""
        if isinstance(self._pid, int) and is_ending(self._run) and not self._has_ended():
            os.kill(self._pid, signal.SIGTERM)

    def _has_ended(self) -> bool:
        return self._run.state().get("pid") != self._pid


@contextmanager
def shared_stack(data_dir: Path) -> Iterator[SharedStack]:
    """The running stack while the block lasts; where none runs a temporary one on the data folder.

    Raises:
        CommandError: none can be started.
    """
    run = RunDir.of(data_dir)
    if not run.path.exists() and (found := _found(run)):
        yield found  # that of another folder or machine
        return
    with Lease(run) as lease:
        stack = _found(run) or _started(data_dir, run, lease)
        with orderly_end(stack) if stack.temporary else nullcontext():
            try:
                yield stack
            finally:
                lease.release()
                stack.wait_for_end()


@contextmanager
def ending_with(stack: SharedStack, client: Client, job_id: str) -> Iterator[None]:
    """A job that is waited for: Ctrl-C cancels it where the stack ends, too; else it tells how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        if stack.temporary:
            client.cancel(job_id)
            console.note(f"cancelled {job_id}; to go on: leadmill up, then leadmill resume {job_id}")
        else:
            console.note(f"{job_id} goes on; see it with: leadmill watch {job_id}")
            console.note(f"end it with: leadmill cancel {job_id}")
        raise


def stack_of(data_dir: Path) -> AbstractContextManager[SharedStack]:
    """`shared_stack` for what needs jobs that are there; nothing is started on a folder without any.

    Raises:
        CommandError: none runs, and there are no jobs.
    """
    from cli.connection import connect

    if not is_in_bucket(data_dir) and not any((data_dir / name).is_dir() for name in ("jobs", "projects")):
        connect(patient=True).close()
    return shared_stack(data_dir)


def _found(run: RunDir) -> SharedStack | None:
    client = find_client()
    if client is None:
        return None
    with client:
        return SharedStack(client.base_url, run)


class _Started:
    """A stack that this command starts, or waits for while somebody else who was quicker starts it."""

    def __init__(self, data_dir: Path, run: RunDir) -> None:
        self._data_dir, self._run = data_dir, run
        run.prepare()
        run.bound_log(LOG)
        self._log_fd = os.open(run.log(LOG), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._log = run.log(LOG).open(encoding="utf-8", errors="replace")
        self._log.seek(0, os.SEEK_END)
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "cli.local_stack.temporary", str(self._data_dir)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log_fd,
            start_new_session=True,  # Ctrl-C is for the command alone
            text=True,
        )

    def tell(self) -> None:
        """Pass on what it has said since."""
        for line in self._log:
            console.note(console.clean(line.rstrip()))

    def wait_until_ready(self) -> str:
        """The address of its API.

        Raises:
            CommandError: it cannot start.
        """
        until = time.monotonic() + PATIENCE_S
        while not (url := _answering(self._run)):
            self.tell()
            if self.process.poll() is not None:
                if failure := self._failure():
                    raise failure
                time.sleep(1.0)
                self.process = self._start()
            if time.monotonic() > until:
                where = url_of(self._data_dir)
                hint = f"leadmill status --data {where}"
                raise CommandError(f"the stack on {where} is not ready", hint=hint)
            time.sleep(_TICK_S)
        return url

    def _failure(self) -> CommandError | None:
        """Why it has ended; None: since another one is there."""
        self.tell()
        assert self.process.stdout is not None
        try:
            told = json.loads(self.process.stdout.read())
        except ValueError:
            hint = f"tail -50 {self._run.log(LOG)}"
            return CommandError("the stack could not be started", hint=hint, exit_code=Exit.JOB_FAILED)
        if told["taken"]:
            return None
        return CommandError(told["message"], hint=told["hint"], exit_code=Exit(told["code"]))


def _started(data_dir: Path, run: RunDir, lease: Lease) -> SharedStack:
    check_key(data_dir)
    console.note("no stack is running: starting one for this job (leadmill up keeps one running)")
    started = _Started(data_dir, run)
    try:
        url = started.wait_until_ready()
    except BaseException:
        lease.release()
        if not is_used(run):
            started.process.terminate()
            started.process.wait()
        raise
    return SharedStack(url, run, started)


def _answering(run: RunDir) -> str | None:
    """The address of the folder's API, if it answers: that of a crashed stack does not."""
    if url := run.read("api.url"):
        try:
            with Client(url, timeout=2, retries=0) as client:
                client.health()
        except ApiError:
            return None
    return url


def serve(data_dir: Path) -> None:
    """Run a stack until nobody uses it."""
    from cli.local_stack.stack import LocalStack

    stack = LocalStack(data_dir, api_port=0, say=console.note, temporary=True)
    with orderly_end(stack), stack:
        last_out = LastOut(stack.run)
        while not last_out.taken():
            stack.check_alive()
            time.sleep(_TICK_S)


def main(arguments: list[str]) -> int:
    """Serve; what keeps it from starting is told as JSON on stdout, for the command that waits."""
    try:
        serve(Path(arguments[0]))
    except Stopped:
        pass
    except LeadmillError as error:
        code = getattr(error, "exit_code", Exit.USER_ERROR)
        told = {"message": str(error), "hint": getattr(error, "hint", None), "code": code}
        with suppress(BrokenPipeError):  # the command that waited found another stack, and has gone
            os.write(1, json.dumps({**told, "taken": isinstance(error, StackRunsError)}).encode())
        return code
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
