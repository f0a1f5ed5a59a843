"""How a command ends when it cannot do what was asked: exit codes and the one-line error with a hint."""

from __future__ import annotations

from enum import IntEnum

from leadmill.errors import LeadmillError


class Exit(IntEnum):
    """What the exit code of `leadmill` means."""

    OK = 0
    #: The job ended failed or cancelled, or the demo or the doctor found a fault.
    JOB_FAILED = 1
    #: What was asked cannot be done as asked: wrong option, no such file, no running stack.
    USER_ERROR = 2
    #: A fault of Leadmill itself; the traceback is on stderr.
    BUG = 70
    INTERRUPTED = 130


class CommandError(LeadmillError):
    """A command cannot go on: one sentence, and a hint that is a command to paste."""

    code = "command_failed"
    status = 400

    def __init__(self, message: str, *, hint: str | None = None, exit_code: Exit = Exit.USER_ERROR) -> None:
        super().__init__(message)
        self.hint = hint
        self.exit_code = exit_code
