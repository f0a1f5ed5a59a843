"""How a waited-for job is told: report paths on stdout, one closing line on stderr, the exit code."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cli import console
from cli.failure import Exit
from cli.progress import closing_line
from leadmill.client.results import Job

if TYPE_CHECKING:
    from leadmill.client import Client


def report_files(data_dir: Path, job_id: str) -> list[Path]:
    """The reports of a job in a data folder of this machine: HTML and CSV first."""
    order = {".html": 0, ".csv": 1}
    found = (data_dir / "jobs" / job_id / "reports").glob("report.*")
    return sorted((file for file in found if not file.is_symlink()), key=lambda f: (order.get(f.suffix, 2), f.suffix))


def fetch_reports(client: Client, job_id: str, folder: Path, formats: Iterable[str]) -> list[Path]:
    """Save a job's reports in a folder as `<job>.<format>`."""
    folder.mkdir(parents=True, exist_ok=True)
    return [client.download_report(job_id, name, folder / f"{job_id}.{name}") for name in formats]


def tell(client: Client, job: Job, data_dir: Path, *, report_dir: Path | None, as_json: bool) -> int:
    """Print what came out of a job and return the exit code."""
    here = report_files(data_dir, job.id)
    paths = here
    if report_dir is not None:
        formats = job.result.get("formats") or [file.suffix[1:] for file in here]
        paths = fetch_reports(client, job.id, report_dir, formats)
    if as_json:
        console.json_result({**job.raw, "report_files": [str(path) for path in paths]})
    else:
        for path in paths:
            console.result(str(path))
    for name, why in job.result.get("failed_formats", {}).items():
        console.note(f"warning: no {name} report: {console.clean(why)}")
    console.note(closing_line(job))
    if job.status != "completed":
        console.note(f"why: leadmill status {job.id}    go on: leadmill resume {job.id}")
        return Exit.JOB_FAILED
    return Exit.OK
