"""What people read of a notice: a title of one line, and a text that says what to do."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from leadmill.access import DEFAULT_PROJECT
from leadmill.notices import Delivery, Notice
from leadmill.redaction import redacted

#: Longest title, and longest line of a text, characters.
TITLE_CHARS, LINE_CHARS = 140, 600
#: By which chats call somebody, or everybody: what is in a tag or on a page calls nobody. Mail addresses stay.
_CALLS = re.compile(r"(?<![\w.%+<-])@(?=\S)|@(?=everyone|here|channel|all|room|team)|<(?=[!@#]|users/)", re.IGNORECASE)
_LOGS = "look at the logs of the workers, or ask: leadmill doctor"
#: What to do, by kind; of a job `{job}` is its id.
ADVICE: Mapping[str, str] = {
    "job.failed": "See what failed: leadmill status {job}. What is committed is kept; once the cause is gone, go on "
    "from there: leadmill resume {job}",
    "job.low_coverage": "The report is there, of the good rows. See why the others failed: leadmill status {job}. Then "
    "try those again: leadmill resume {job}",
    "unit.dead": "The other parts go on. See what is at fault: leadmill list --dead. Then hand it out again: "
    "leadmill resume {job}",
    "workers.gone": "Start a worker (leadmill worker, or leadmill up) and " + _LOGS + ". Nothing is lost: jobs wait.",
    "queue.unserved": "Start a worker that takes from it: leadmill worker -Q {queue}. Nothing is lost: jobs wait.",
    "beat.gone": "Start it (leadmill beat, or leadmill up). What it missed is told and made up for, never done twice.",
    "api.gone": "Start it: leadmill up. Jobs go on without it.",
    "redis.nearly_full": "Give it more memory (maxmemory), or let old jobs go: leadmill maintenance cleanup.",
    "redis.refuses_writes": "Jobs stand still until it takes writes again; what is done is kept. Its own log says why; "
    "leadmill doctor says what to do.",
    "redis.away": "Jobs stand still until it answers again; what is done is kept. Is it running? leadmill doctor",
    "disk.refuses_writes": "Nothing is kept until it takes writes again. Make room, or mend it: leadmill doctor",
    "disk.nearly_full": "Make room, or let old jobs go: leadmill maintenance cleanup.",
    "record.damaged": "It was set aside, and the rest goes on. What it was: leadmill doctor.",
    "store.emptied": "What the lake knows of jobs and schedules was written back; jobs that ran are gone, submit them "
    "again. Look why Redis was emptied: does it keep an append-only file?",
    "store.failed_over": "Jobs go on by themselves. Look why the server before went, and give the new one a replica "
    "again: leadmill doctor",
    "clock.went_back": "Waiting work was pulled in. Let the machine's clock be set by NTP.",
    "health.failed": "See what: leadmill maintenance health-check, or leadmill doctor.",
    "schedule.missed": "Nothing for you to do if the scheduler was stopped on purpose. Else: is beat running? leadmill "
    "status",
    "schedule.refused": "See the schedule (leadmill schedules list) and why it was refused; the next planned time is "
    "tried all the same.",
    "channel.test": "Nothing: messages of this channel arrive here.",
}


def title_of(notice: Notice, delivery: Delivery) -> str:
    """One line, at most `TITLE_CHARS`; without secrets."""
    said = _of_job(notice) if notice.job_id is not None else notice.sentence
    front = "Resolved: " if delivery.resolves else ""
    more = f" (and {delivery.more:,} more like it)" if delivery.more else ""
    room = TITLE_CHARS - len(front) - len(more)
    return _quiet(f"{front}{_cut(_line(said), room)}{more}")


def text_of(notice: Notice, delivery: Delivery, public_url: str | None) -> str:
    """The text of a message: what is known, what to do, where to look. Plain, a fact a line."""
    advice = "" if delivery.resolves else ADVICE.get(notice.kind, "")
    if notice.kind == "job.completed" and notice.about.get("kind") == "pipeline":
        advice = "Take the report: leadmill report {job}"
    remedy = "" if delivery.resolves else _line(notice.about.get("remedy", ""))
    told = _Told({name: _line(value) for name, value in notice.about.items()}, job=notice.job_id or "?")
    blocks = [
        "\n".join(f"{name}: {_cut(text, LINE_CHARS)}" for name, text in _facts(notice)),
        f"{delivery.more:,} more of the same cause since the last message; they are told once an hour."
        if delivery.more
        else "",
        f"What to do: {advice.format_map(told)}" if advice else "",
        f"Try: {remedy}" if remedy else "",
        link_of(notice, public_url) or "",
        _foot(notice, public_url),
    ]
    return _quiet("\n\n".join(block for block in blocks if block))


def _foot(notice: Notice, public_url: str | None) -> str:
    """Who says so, when, and how bad it is: several installations may write into one channel."""
    where = urlsplit(public_url).netloc if public_url else _line(socket.gethostname())
    at = datetime.fromtimestamp(notice.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    parts = [f"Leadmill on {where}", at, notice.severity]
    return ", ".join(parts if notice.project == DEFAULT_PROJECT else [*parts, f"project {notice.project}"])


def link_of(notice: Notice, public_url: str | None) -> str | None:
    """Where to look: the job's status, else the start page; None where nobody said where the API is found."""
    if public_url is None:
        return None
    return f"{public_url}/api/v1/jobs/status/{notice.job_id}" if notice.job_id else f"{public_url}/"


def _of_job(notice: Notice) -> str:
    about = notice.about
    name = _name(notice)
    rows = _rows(about)
    match notice.kind:
        case "job.completed":
            return f"{name} is done" + (f": {rows}" if rows else "")
        case "job.low_coverage":
            return f"{name} failed: only {rows}" if rows else f"{name} failed: too few companies have a good row"
        case "job.failed":
            why = _line(about.get("error") or "").removesuffix("; see the errors of the job") or rows
            return f"{name} failed" + (f": {why}" if why else "")
        case "job.cancelled" | "report.ready" as kind:
            return (
                f"{name} was cancelled" if kind == "job.cancelled" else f"The report of {_lower_first(name)} is ready"
            )
        case "unit.dead":
            why = _line(about.get("error") or "")
            return f"A part of {_lower_first(name)} was given up" + (f": {why}" if why else "")
    return notice.sentence


def _name(notice: Notice) -> str:
    """What people call a job: its first tag, or the schedule that it came from, else its id."""
    parent = str(notice.about.get("parent") or "")
    named = next(iter(notice.tags), "") or ("" if parent.startswith("job_") else parent.partition("@")[0])
    return f"Job '{_cut(_line(named), 40)}'" if named else f"Job {notice.job_id}"


def _rows(about: Mapping[str, Any]) -> str:
    companies, coverage = about.get("companies"), about.get("coverage")
    if not isinstance(companies, int | float) or not isinstance(coverage, int | float) or companies < 1:
        return ""
    good = round(companies * coverage)
    return f"{good:,} of {companies:,} companies {'has' if good == 1 else 'have'} a good row"


def _facts(notice: Notice) -> list[tuple[str, str]]:
    about = {name: value for name, value in notice.about.items() if name != "remedy"}
    found: list[tuple[str, Any]] = []
    if notice.job_id is not None:
        found = [
            ("Job", f"{notice.job_id} ({about.pop('kind')})" if "kind" in about else notice.job_id),
            ("Tags", ", ".join(notice.tags)),
            ("Companies", _rows(about)),
        ]
        for name in ("status", "companies", "coverage"):
            about.pop(name, None)
        for name in ("attempt", "units"):
            if about.get(name) == 1:
                del about[name]
        if isinstance(took := about.pop("took_ms", None), int | float):
            found.append(("Took", _took(took)))
    words = {"error": "Error", "category": "Kind of error", "parent": "From", "attempt": "Attempt"}
    named = [(words.get(name, name.replace("_", " ").capitalize()), value) for name, value in about.items()]
    return [(name, _line(value)) for name, value in [*found, *named] if value not in (None, "", [], {})]


class _Told(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"<{name}>"


def _line(value: Any) -> str:
    return redacted(" ".join(str(value).split()))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _took(ms: float) -> str:
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _quiet(text: str) -> str:
    return _CALLS.sub("\\g<0>\u200b", text)
