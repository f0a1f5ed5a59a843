"""Logging of every process: structlog over the standard library, for people or as JSON lines."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from leadmill.redaction import hide_in_crashes, redacted
from leadmill.settings import Settings

#: Loggers whose warnings tell a user nothing.
_QUIET = {
    "scrapy": logging.CRITICAL,
    "aiohttp": logging.ERROR,
    "asyncio": logging.ERROR,
    "httpx2": logging.WARNING,
}


def configure(settings: Settings) -> None:
    """Set the process's logging once: format and level from the settings, to stderr, without secrets."""
    hide_in_crashes()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _hide, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)


def _hide(_logger: Any, _method: str, event: Any) -> Any:
    return redacted.within(event)


def get_logger(name: str) -> Any:
    """A structured logger: `log.info("what happened", job=…, unit=…)`."""
    return structlog.get_logger(name)
