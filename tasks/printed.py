"""What Celery prints past logging (its banner, what it says of signals): lines of the log, where machines read them."""

from __future__ import annotations

from typing import Any

from celery.apps import worker as worker_program

from leadmill import log


def log_what_is_printed(worker: Any) -> None:
    """Have a worker that is about to start say everything as lines of the log; for people nothing changes."""
    if not log.is_for_machines():
        return
    worker.quiet = True  # no banner: the settings are no news, and how many processes there are the log says, too
    # Celery has no other way: its signal handlers write to the terminal themselves.
    worker_program.safe_say = _say


def _say(text: str, _stream: Any = None) -> None:
    if "\n" in text.strip():  # SIGUSR1 asks where every thread is
        log.last_words("stacks of all threads", "info", stacks=text)
    else:
        log.last_words(text.strip(), "info")
