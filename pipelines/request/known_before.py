"""What a job asks for that a version before this one does not know, as long as that may work beside it.

That version would not refuse such a job but do something else: leave an option aside, read a list otherwise, tell
nobody, or fail what it cannot parse. So while such a job goes on, the store has the form that makes it leave everything
alone (docs/decisions/0092-versions-work-side-by-side.md). Here is listed what it knows, and not what is new: so what is
added from now on is new to it by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data.jobs import NewJob
from pipelines.stages import KINDS

#: Kinds of jobs that came later.
_LATER_KINDS = frozenset({"remove_project"})
#: What 0.2.0 reads of a job's input, and of its options beside those that a kind declares. Its one scoring model is the
#: default. A file it takes for a CSV with commas, of which it keeps one column.
_SOURCE = frozenset({"company_urls", "company_ids", "search_queries", "max_results_per_query", "parent", "json"})
_OPTIONS: Mapping[str, frozenset[str]] = {
    "crawl": frozenset({"max_pages", "max_depth", "respect_robots", "deadline_s", "timeout_s", "user_agent"}),
    "report": frozenset({"type", "formats"}),
}
_MODELS = (None, "default")


def is_later(job: NewJob) -> bool:
    """Whether a job asks for what 0.2.0 does not know."""
    return bool(job.notify or job.callback_url) or asks_later(job.kind, job.source, job.spec)


def asks_later(kind: str, source: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """The same of what the record of a job keeps."""
    if kind in _LATER_KINDS or not source.keys() <= _SOURCE:
        return True
    return any(_is_later_option(kind, name, value) for name, value in options.items() if value is not None)


def _is_later_option(kind: str, name: str, value: Any) -> bool:
    if name == "scoring_model":
        return value not in _MODELS
    if name in _OPTIONS and isinstance(value, Mapping):
        return any(given is not None and part not in _OPTIONS[name] for part, given in value.items())
    return kind not in KINDS or name not in KINDS[kind].options
