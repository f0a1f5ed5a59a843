"""A process that asks a store for one that forks: `python -m data.object_store`.

What asks stores has threads, and a child of a process with such threads would wait for them for ever. So a worker's
main process has its questions asked by this one, which lives as long as it; its children ask for themselves.
"""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
import threading
from typing import Any

#: A question that its process did not answer, as it died, is asked of another one; not this one: whether its condition
#: held could not be told any more.
_ONCE = "put_if"


class Beside:
    """That process, as the one that forks sees it. Safe between threads; each question waits for the one before."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, place: Any, method: str, arguments: tuple[Any, ...]) -> Any:
        """What a method of the `Bucket` of a place answers; it raises what that raises.

        Raises:
            OSError: the process cannot be started, or has died.
        """
        question = pickle.dumps((place, method, arguments))
        with self._asking:
            try:
                answer, error = self._answered(question)
            except BrokenPipeError:
                if method == _ONCE:
                    raise
                answer, error = self._answered(question)
        if error is not None:
            raise error
        return answer

    def _answered(self, question: bytes) -> Any:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-P", "-m", __package__ or ""]
            # In a session of its own: Ctrl-C is for the process that it asks for, with whose end it ends.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(question)
            process.stdin.flush()
            return pickle.load(process.stdout)  # noqa: S301 - our own process wrote it
        except EOFError as error:
            self._process = None
            process.wait()
            raise BrokenPipeError(errno.EPIPE, "the process that asks the store has died") from error
        except BaseException:  # else the next question would get the answer of this one
            self._process = None
            process.kill()
            process.wait()
            raise

    def end(self) -> None:
        """End the process, if there is one; the next question starts another."""
        with self._asking:
            process, self._process = self._process, None
            if process is not None:
                process.communicate()

    def let_go(self) -> None:
        """In a child: the pipes are its parent's, of whose end the process would not hear while they are open here."""
        process, self._process, self._asking = self._process, None, threading.Lock()
        if process is None:
            return
        nothing = os.open(os.devnull, os.O_RDWR)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            os.dup2(nothing, pipe.fileno(), inheritable=False)  # closed, half a question would be sent twice
        os.close(nothing)
        process.returncode = 0  # not a child of this one


beside = Beside()
os.register_at_fork(after_in_child=beside.let_go)
