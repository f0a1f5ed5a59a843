"""`leadmill doctor`."""

from __future__ import annotations

import typer

from cli import console
from cli.options import AsJson, DataFolder


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(data: DataFolder = None, as_json: AsJson = False) -> int:
    """Check this installation and the running stack.

    Each fault comes with the command that mends it.
    """
    from cli.connection import use_data
    from cli.doctor_checks import examine
    from cli.failure import Exit

    checks = list(examine(use_data(data)))
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
