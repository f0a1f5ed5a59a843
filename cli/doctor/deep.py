"""`leadmill doctor --deep`: every file of the lake held against what names it, and read to its end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from cli import console
from cli.failure import Exit
from data.identity import is_bound
from data.jobs import JobStore
from data.lake import Lake
from leadmill.errors import ForeignLakeError, StoreRefusedError, UnavailableError
from leadmill.settings import get_settings
from pipelines.lake_examination import MEANINGS, Fault, Finding, examine_lake


def examine_files(root: Path, *, mend: bool, as_json: bool) -> int:
    """Print each finding as it is made; the command's exit code: a fault where something is not read that should be."""
    settings = get_settings()
    told: list[dict[str, object]] = []

    def tell(lake: Lake, finding: Finding, mended: str | None) -> None:
        about = finding.as_dict(lake.data, mended)
        if as_json:
            told.append(about)
            return
        console.result(f"{about['level']}  {finding.fault}: {console.clean(str(about['file']))}: {finding.reason}")
        if mended is not None:
            console.result(f"      {mended}")
        elif finding.remedy:
            console.result(f"      {finding.remedy}")

    store = _store(root, settings.redis_url, settings.key_prefix)
    if store is None:
        console.note("the job store does not answer: what a run may still want is left alone, nothing is mended")
        done = examine_lake(Lake(root), None, tell)
    else:
        with closing(store):
            done = examine_lake(Lake(root, store.critical), store, tell, mend=mend)
    if as_json:
        counts = {fault.value: number for fault, number in done.faults.items()}
        console.json_result({"jobs": done.jobs, **counts, "mended": done.mended, "findings": told})
    else:
        for fault in (fault for fault, number in done.faults.items() if number):
            meaning = MEANINGS[fault]
            console.note(f"{fault}: {meaning.text}; with --mend {meaning.mending}")
    named = ", ".join(f"{done.faults[fault]} {fault}" for fault in Fault)
    console.note(f"{console.plural(done.jobs, 'job')}: {named}, {done.mended} mended")
    return Exit.JOB_FAILED if done.loses else Exit.OK


def _store(root: Path, url: str, prefix: str) -> JobStore | None:
    """The job store, where it answers and is this lake's."""
    if not is_bound(root, url, prefix):
        return None
    try:
        return JobStore.connect(url, prefix, 2, lake=root)
    except (UnavailableError, ForeignLakeError, StoreRefusedError):
        return None
