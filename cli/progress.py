"""Following a job by its events until it ends: a live view on a terminal, now and then a line elsewhere, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import takewhile
from typing import TYPE_CHECKING

from cli import console
from cli.pulse import Pulse
from leadmill.client.errors import ApiUnreachableError
from leadmill.client.results import Job
from reports.wording import nameless, turn_words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from leadmill.client import Client

#: Without a terminal at most one line in this time, seconds, unless the stage changes.
LINE_S = 5.0
#: How long an API that does not answer is waited for, seconds.
AWAY_S = 60.0

#: Called between two looks; raises what should end the waiting.
Check = Callable[[], None]


def follow(client: Client, job_id: str, *, live: bool | None = None, check: Check = lambda: None) -> Job:
    """Return the job once it has ended; `live` None: as the terminal allows, False: say nothing.

    Raises:
        ApiUnreachableError: the API stayed away for `AWAY_S`.
    """
    if live is None:
        live = True
    if not live:
        return _watch(client, job_id, lambda job: None, check)
    if not sys.stderr.isatty():
        return _watch(client, job_id, _Lines(), check)
    from rich.console import Console
    from rich.live import Live

    speed = _Speed()
    with Live(console=Console(stderr=True), refresh_per_second=8, transient=True) as screen:
        return _watch(client, job_id, lambda job: screen.update(view(job, speed.of(job))), check)


def _watch(client: Client, job_id: str, show: Callable[[Job], None], check: Check) -> Job:
    away_since: float | None = None
    with Pulse(client, job_id) as pulse:
        while True:
            try:
                job = client.status(job_id)
                away_since = None
                show(job)
                if job.ended:
                    return job
            except ApiUnreachableError:
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > AWAY_S:
                    raise
            check()
            pulse.wait()


class _Speed:
    """Pages a second, from the counts of the last looks."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, float]] = []

    def of(self, job: Job) -> float | None:
        pages = job.progress.details.get("pages")
        if not isinstance(pages, int | float):
            return None
        now = time.monotonic()
        self._seen = [*[(at, count) for at, count in self._seen if now - at < 5], (now, float(pages))]
        (first_at, first), (last_at, last) = self._seen[0], self._seen[-1]
        return (last - first) / (last_at - first_at) if last_at - first_at > 0.5 else None


class _Lines:
    """Plain lines for a log: when the step changes, else at most every `LINE_S`."""

    def __init__(self) -> None:
        self._last = ""
        self._step: object = None
        self._due = 0.0

    def __call__(self, job: Job) -> None:
        line = one_line(job)
        step = (job.status, job.progress.current_step)
        now = time.monotonic()
        if line == self._last or (step == self._step and now < self._due):
            return
        self._last, self._step, self._due = line, step, now + LINE_S
        console.note(line)


def one_line(job: Job) -> str:
    """`job_… running 62 % scrape 12/20: message`."""
    planned = takewhile(lambda stage: stage.total or stage.status != "pending", job.stages)  # later ones are too early
    active = [f"{s.name} {s.done}/{s.total}" for s in planned if s.total and s.done < s.total]
    words = [job.id, job.status, f"{job.progress.percentage:.0f} %", *active[:3]]
    text = _says(job)
    return console.clean(" ".join(words) + (f": {text}" if text else ""))


def view(job: Job, speed: float | None) -> RenderableType:
    """The live view: one bar a stage, then what the job says of itself."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for stage in job.stages:
        ended = stage.done + stage.failed
        total = stage.total or 1
        bar = ProgressBar(total=total, completed=ended if stage.total else int(stage.status == "completed"), width=28)
        count = f"{ended}/{stage.total}" if stage.total else stage.status
        rows = console.plural(stage.rows_out, "row") if stage.rows_out else ""
        faults = console.plural(stage.errors, "error") if stage.errors else ""
        grid.add_row(Text(console.clean(stage.name)), bar, count, rows, Text(faults, style="yellow"))
    rate = f"  {speed:.0f} pages/s" if speed is not None else ""
    head = f"{job.id}  {job.status}  {job.progress.percentage:.0f} %{rate}"
    text = _says(job)
    return Group(Text(head, style="bold"), grid, Text(console.clean(text)[:200], style="dim"))


def _says(job: Job) -> str:
    """What the job says of itself, beyond its status, and what its crawls got."""
    message = "" if job.progress.message == job.status else job.progress.message
    turn = turn_words(job.turn.jobs, job.turn.processes, job.turn.seconds) if job.turn else ""
    said = (job.waiting_for,) if job.waiting_for else (message, turn)  # why it stands still says whose turn it is
    return ", ".join(filter(None, (*said, traffic(job))))


#: Why hosts wait, in words.
_WAITS = {"pace": "at their own pace", "quiet": "asked for quiet", "elsewhere": "asked by another crawl"}


def traffic(job: Job) -> str:
    """What its crawls got: `1.2 MB, 12 answers 4xx, 3 hosts wait (2 at their own pace, 1 asked for quiet)`."""
    details = job.progress.details
    answers, waits = details.get("answers") or {}, details.get("hosts_waiting") or {}
    received = details.get("received_bytes") or 0
    words = [f"{received / 1e6:,.1f} MB" if received >= 1e5 else f"{received / 1e3:,.1f} kB"] if received else []
    words += [f"{console.plural(answers[name], 'answer')} {name}" for name in ("4xx", "5xx") if answers.get(name)]
    if waits:
        why = ", ".join(f"{number} {_WAITS.get(name, name)}" for name, number in waits.items())
        hosts = sum(waits.values())
        words.append(f"{console.plural(hosts, 'host')} {'waits' if hosts == 1 else 'wait'} ({why})")
    return ", ".join(words)


def _failed(job: Job) -> int:
    """How many companies have no good row, each once; while that is not known, the errors that the stages told of."""
    companies, good = job.result.get("companies"), job.result.get("good")
    if isinstance(companies, int) and isinstance(good, int):
        return companies - good
    # The score has an error for each company without a row: those of the stages before it again, and the input's.
    handed_on = sum(stage.errors for stage in job.stages if stage.name == "score")
    return max(handed_on, sum(stage.errors for stage in job.stages) - handed_on)


def _nameless(job: Job) -> str:
    """How many lines of the list are no companies at all, as `leadmill check` tells of it."""
    given = job.result.get("input") or {}
    return nameless(given.get("without_address", 0) + given.get("refused", 0))


def closing_line(job: Job) -> str:
    """`Completed job_…: 24 of 25 companies, 1 failed in 12.3 s`."""
    counts: list[str] = []
    companies = job.result.get("companies")
    if isinstance(companies, int):
        good = job.result.get("good")
        counts.append((f"{good:,} of " if isinstance(good, int) else "") + console.plural(companies, "company"))
    elif job.coverage is not None:
        counts.append(f"coverage {job.coverage:.0%}")
    faults = _failed(job)
    if faults and isinstance(job.result.get("good"), int):
        counts.append(f"{faults:,} failed")
    elif faults:
        counts.append(console.plural(faults, "error"))
    if lines := _nameless(job):
        counts.append(lines)
    line = f"{job.status.capitalize()} {job.id}"
    if counts:
        line += f": {', '.join(counts)}"
    if job.duration_s is not None:
        line += f" in {console.duration(job.duration_s)}"
    if reason := (job.error or {}).get("message"):
        line += f": {reason}"
    for warning in job.result.get("warnings", ()):
        line += f". {warning}"
    return console.clean(line)
