"""How a waited-for job is told: report paths on stdout, one closing line on stderr, the exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from cli import console
from cli.failure import Exit
from cli.list_words import sentence
from cli.progress import closing_line
from leadmill.client.results import Job
from reports.wording import NO_PROFILE

if TYPE_CHECKING:
    from leadmill.client import Client


#: Companies named whose addresses were merged, and most that a job's result tells of.
SHOWN_MERGED, TOLD_MERGED = 3, 200


def _order(ending: str) -> tuple[int, str]:
    """HTML first, then CSV, then the others by name."""
    return {"html": 0, "csv": 1}.get(ending, 2), ending


def job_folder(data_dir: Path, job_id: str) -> Path | None:
    """A job's folder in a data folder of this machine, whichever project it is of."""
    places = chain([data_dir / "jobs" / job_id], data_dir.glob(f"projects/*/jobs/{job_id}"))
    return next((place for place in places if place.is_dir()), None)


def report_files(data_dir: Path, job_id: str) -> list[Path]:
    """The reports of a job in a data folder of this machine."""
    folder = job_folder(data_dir, job_id)
    found = [] if folder is None else (folder / "reports").glob("report.*")
    return sorted((file for file in found if not file.is_symlink()), key=lambda file: _order(file.suffix[1:]))


def fetch_reports(client: Client, job: Job, folder: Path) -> list[Path]:
    """Save a job's reports in a folder as `<job>.<format>`."""
    folder.mkdir(parents=True, exist_ok=True)
    formats = sorted(job.result.get("formats") or (), key=_order)
    return [client.download_report(job.id, name, folder / f"{job.id}.{name}") for name in formats]


def tell(
    client: Client, job: Job, data_dir: Path, *, report_dir: Path | None, as_json: bool, icp: object = True
) -> int:
    """Print what came out of a job and return the exit code. Without an `icp` it is told what the score does not say.

    A stack of another folder or machine has the reports there: they are saved here, for a path to be one.
    """
    if report_dir is None and job_folder(data_dir, job.id) is None:
        report_dir = Path.cwd()
    paths = report_files(data_dir, job.id) if report_dir is None else fetch_reports(client, job, report_dir)
    if as_json:
        console.json_result({**job.raw, "report_files": [str(path) for path in paths]})
    else:
        for path in paths:
            console.result(str(path))
    for name, why in job.result.get("failed_formats", {}).items():
        console.note(f"warning: no {name} report: {console.clean(why)}")
    if (given := job.result.get("input")) and given["companies"] < given["lines"]:
        console.note(sentence(given))
    if merged := job.result.get("merged"):
        console.note(merged_line(merged))
    if icp is None and job.result.get("good") and any(stage.name == "score" for stage in job.stages):
        console.note(NO_PROFILE)
    console.note(closing_line(job))
    if job.status != "completed":
        console.note(f"why: leadmill status {job.id}    go on: leadmill resume {job.id}")
        return Exit.JOB_FAILED
    if job.result.get("missing"):
        console.note(f"why some failed: leadmill status {job.id}")
    return Exit.OK


def merged_line(merged: Mapping[str, Sequence[str]]) -> str:
    """`3 addresses were merged into 2 companies: acme.example (3 addresses), plum.example (2 addresses)`.

    `merged`: domain → the addresses that are one company, in the order of the input.
    """
    further = sum(len(addresses) - 1 for addresses in merged.values())
    companies = console.plural(len(merged), "company")
    named = [f"{domain} ({len(addresses)} addresses)" for domain, addresses in list(merged.items())[:SHOWN_MERGED]]
    more = ["…"] if len(merged) > SHOWN_MERGED else []
    most = "at least " if len(merged) >= TOLD_MERGED else ""
    verb = "was" if further == 1 else "were"
    line = f"{most}{console.plural(further, 'address')} {verb} merged into {companies}: {', '.join(named + more)}"
    return console.clean(line)
