"""`leadmill doctor`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.options import AsJson, DataFolder

Tune = Annotated[bool, typer.Option("--tune", help="Look at the running stack for 3 s: what bounds its work now.")]


Facts = Annotated[
    bool,
    typer.Option("--facts", help="Look whether each fact's quote stands in its stored page."),
]
Deep = Annotated[bool, typer.Option("--deep", help="Read every file of the lake, and hold it against what names it.")]
Mend = Annotated[
    bool,
    typer.Option("--mend", help="With --deep: set torn files aside, move orphaned and foreign ones to quarantine/."),
]
Sample = Annotated[
    int | None, typer.Option(min=1, help="With --facts: about so many of them, drawn by lot.", show_default=False)
]
Job = Annotated[str | None, typer.Option(help="With --facts: those of this job.", show_default=False)]


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(
    data: DataFolder = None,
    tune: Tune = False,
    facts: Facts = False,
    deep: Deep = False,
    mend: Mend = False,
    sample: Sample = None,
    job: Job = None,
    as_json: AsJson = False,
) -> int:
    """Check this installation and the running stack.

    Each fault comes with the command that mends it.
    """
    from cli.connection import use_data
    from cli.doctor import examine
    from cli.failure import CommandError, Exit

    folder = use_data(data)
    if (sample or job) and not facts:
        raise CommandError("--sample and --job go with --facts", hint="leadmill doctor --facts --sample 1000")
    if mend and not deep:
        raise CommandError("--mend goes with --deep", hint="leadmill doctor --deep --mend")
    if deep:
        from cli.doctor.deep import examine_files

        return examine_files(folder, mend=mend, as_json=as_json)
    if facts:
        return _facts(folder, job, sample, as_json=as_json)
    if tune:
        return _tune(folder, as_json=as_json)
    checks = list(examine(folder))
    if as_json:
        console.json_result([one.as_dict() for one in checks])
    else:
        for one in checks:
            console.result(f"{one.level:<4}  {one.check}: {console.clean(one.text)}")
            if one.remedy:
                console.result(f"      {one.remedy}")
    faults = [one for one in checks if one.level == "fail"]
    warnings = [one for one in checks if one.level == "warn"]
    counts = f"{console.plural(len(faults), 'fault')}, {console.plural(len(warnings), 'warning')}"
    console.note(f"{counts} in {console.plural(len(checks), 'check')}")
    return Exit.JOB_FAILED if faults else Exit.OK


def _tune(folder: Path, *, as_json: bool) -> int:
    from cli.failure import Exit
    from cli.tuning import measure
    from data.jobs import JobStore
    from data.lake import Lake
    from leadmill.settings import get_settings
    from pipelines.views.tuning import bounds, nothing

    settings = get_settings()
    with closing(JobStore.connect(settings.redis_url, settings.key_prefix, 2, lake=folder)) as store:
        seen = measure(store, Lake(folder), settings)
    found = bounds(seen)
    if as_json:
        console.json_result({"bounds": [one.as_dict() for one in found], "measured": seen.as_dict()})
        return Exit.OK
    for one in found:
        console.result(f"{one.of}: {one.text}")
        console.result(f"      {one.remedy}")
    if not found:
        console.result(nothing(seen))
    if seen.elsewhere:
        console.note(f"CPU and memory are this machine's; there are workers on {', '.join(seen.elsewhere)}, too")
    console.note("what each advice is worth, with figures: docs/tuning.md")
    return Exit.OK


def _facts(folder: Path, job: str | None, sample: int | None, *, as_json: bool) -> int:
    from cli.doctor.facts import check_facts, told
    from cli.failure import CommandError, Exit
    from data.lake import Lake

    lakes = [Lake(folder).of(project) for project in Lake(folder).projects()]
    if job is not None and not any(job in lake.job_ids() for lake in lakes):
        raise CommandError(f"no job {job!r} has a folder here", hint="leadmill list")
    found = check_facts(lakes, job, sample)
    if as_json:
        console.json_result(found.as_dict())
    else:
        for line in told(found):
            console.result(line)
    faults = sum(found.faults.values()) + len(found.damaged_files)
    console.note(f"{console.plural(faults, 'fault')} in {console.plural(found.facts, 'fact')}")
    return Exit.JOB_FAILED if faults else Exit.OK
