"""Logging of every process: structlog over the standard library, for people or as JSON lines, to standard error.

What a line says of the work that it was written for is bound once, where that work begins (`bound`); every logger,
also a library's, then tells it. `FIELDS` are their names.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Literal

import structlog
from structlog.typing import EventDict

from leadmill.one_line import one_line, visible
from leadmill.redaction import hide_in_crashes, redacted
from leadmill.settings import Settings

#: Of every line, and of those whose work has such a thing; a line may have more of its own.
FIELDS: Mapping[str, str] = {
    "timestamp": "When, UTC, RFC 3339 with microseconds.",
    "level": "`debug`, `info`, `warning`, `error` or `critical`.",
    "event": "What happened, in words that stay the same each time; what differs stands in fields of its own.",
    "logger": "Who says it: the module (`pipelines.execution.running`), or the library's logger (`celery.worker`).",
    "process": "`api`, `worker`, `beat`, `deliverer` (of notices, beside a worker), or `command`: somebody ran it.",
    "pid": "The process's number; each child of a worker has its own.",
    "worker": "The worker's node name, of the worker and its children.",
    "job": "The job's id.",
    "unit": "`launch`, `p17`, `score`, `render:csv`, `publish` …",
    "partition": "The number of a partition: 17 of `p17`.",
    "stage": "The stage that runs: `scrape`, `process` …",
    "epoch": "Number of the unit's hand-out; it grows when the unit is handed out again.",
    "attempt": "1, and one more with each resume of the job.",
    "project": "The project whose job it is.",
    "request_id": "The request's id, as its answer tells it (`X-Request-ID`); in a worker that of the request that "
    "submitted the job, where its caller had named it.",
    "trace_id": "The trace, where traces are on.",
    "exception": "The traceback, all of it in one field.",
}
#: What an access line has beside them (logger `api.access`).
ACCESS_FIELDS: Mapping[str, str] = {
    "method": "`GET`, `POST` …",
    "route": "The address with names of parameters in the place of their values; none where no call has this address.",
    "parameters": "Names of the query's parameters, comma-separated; their values are not told.",
    "status": "HTTP status of the answer.",
    "ms": "Milliseconds from the request's headers to the end of the answer.",
    "key": "The visible part of the caller's API key.",
    "address": "Whom the request comes from.",
}
#: The logger of requests. It speaks where machines read along.
ACCESS = "api.access"
#: Loggers whose lines below a level tell nobody anything.
LEVELS: Mapping[str, str] = {"scrapy": "CRITICAL", "aiohttp": "ERROR", "asyncio": "ERROR", "httpx2": "WARNING"}

_FIRST = ("timestamp", "level", "event", "logger", "process", "pid", "worker")
#: What each line of this process says of it; its children say the same.
_process: dict[str, str] = {}
#: Until the settings are read the environment alone says it.
_form = {"json": os.environ.get("LEADMILL_LOG_FORMAT", "").strip() == "json"}


def configure(settings: Settings, process: Literal["api", "worker", "beat", "deliverer"] | None = None) -> None:
    """Set the process's logging once: format and levels from the settings, to stderr, without secrets."""
    _form["json"] = settings.log_format == "json"
    if process:
        _process["process"] = process
    hide_in_crashes(crashed)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = _Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _hide,
                *(_for_machines() if is_for_machines() else _for_people()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    logging.captureWarnings(True)
    given = dict(one.split("=") for one in settings.log_levels)
    for name, level in {**LEVELS, ACCESS: "NOTSET" if is_for_machines() else "WARNING", **given}.items():
        logging.getLogger(name).setLevel(level)


def is_for_machines() -> bool:
    """Whether lines are JSON."""
    return _form["json"]


def of_process(**about: str) -> None:
    """What every line of this process, and of the children that it forks, says from now on."""
    _process.update(about)


def bound(**about: Any) -> AbstractContextManager[None]:
    """Every line of this thread (or task) says this of itself while the block lasts; what is None is not said."""
    return structlog.contextvars.bound_contextvars(**_told(about))


def begin(**about: Any) -> None:
    """The same until the next `begin`: for whoever does one piece of work after the other, as a worker's child does.

    What a library says at the end of one (Celery: "succeeded in 0.4 s") then tells whose it was.
    """
    structlog.contextvars.clear_contextvars()
    bind(**about)


def bind(**about: Any) -> None:
    """Say more of the work that has begun, once it is known."""
    structlog.contextvars.bind_contextvars(**_told(about))


def _told(about: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in about.items() if value is not None}


def context() -> Mapping[str, Any]:
    """What is bound."""
    return structlog.contextvars.get_contextvars()


def get_logger(name: str) -> Any:
    """A structured logger: `log.info("what happened", job=…, unit=…)`."""
    return structlog.get_logger(name)


def event_of(record: logging.LogRecord) -> EventDict:
    """What a line says, as fields, whoever wrote it; for handlers. Not yet without secrets."""
    if isinstance(record.msg, MutableMapping):  # structlog's: as it came through `configure`'s processors
        return dict(record.msg)
    said: EventDict = {**context(), "level": record.levelname.lower(), "logger": record.name}
    said["event"] = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        said["exception"] = logging.Formatter().formatException(record.exc_info)
    return said


def last_words(text: str, level: str = "error", **about: Any) -> None:
    """One line on stderr in the form that is asked for, where logging cannot be used: before it is set, or in a crash.

    For people it is the text alone.
    """
    if is_for_machines():
        said = {"timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"), "level": level, "event": text}
        text = json.dumps(redacted.within({**said, "logger": __name__, **_of_process(), **about}), default=repr)
    else:
        text = redacted(text)
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def crashed(what: str, trace: str) -> None:
    """Tell what has ended the process or a thread, for `hide_in_crashes`."""
    if is_for_machines():
        last_words(what, "critical", exception=trace)
    else:
        sys.stderr.write(trace if what.startswith("the process") else f"{what}:\n{trace}")


class _Handler(logging.StreamHandler[Any]):
    """A line that cannot be written as it is costs that line, and is told as one."""

    def handleError(self, record: logging.LogRecord) -> None:
        try:
            last_words(f"a line cannot be logged: {sys.exc_info()[1]}", of=record.name, line=repr(record.msg)[:500])
        except (OSError, ValueError):
            return  # nobody reads along any more


def _hide(_logger: Any, _method: str, event: EventDict) -> Any:
    return redacted.within(event)


def _of_process() -> dict[str, Any]:
    return {"process": "command", "pid": os.getpid(), **_process}


def _for_machines() -> list[Any]:
    def in_order(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event = {**_of_process(), **event}
        return {**{name: event[name] for name in _FIRST if name in event}, **event}

    return [in_order, structlog.processors.JSONRenderer()]


def _for_people() -> list[Any]:
    def harmless(_logger: Any, _method: str, event: EventDict) -> EventDict:
        trace = event.pop("exception", None)
        event.pop("logger", None)
        shown = {name: one_line(value) if isinstance(value, str) else value for name, value in event.items()}
        if trace:  # indented: no line of it passes for one of ours
            shown["exception"] = "\n".join(f"  {line}" for line in visible(str(trace)).split("\n"))
        return shown

    return [harmless, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
