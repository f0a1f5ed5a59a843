"""`leadmill doctor`."""

from __future__ import annotations

import typer

from cli import console
from cli.options import AsJson, DataFolder


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(data: DataFolder = None, as_json: AsJson = False) -> int:
    """Check this installation and the running stack; each fault comes with the command that mends it."""
    from cli.connection import use_data
    from cli.doctor_checks import examine
    from cli.failure import Exit

    findings = list(examine(use_data(data)))
    if as_json:
        console.json_result([finding.as_dict() for finding in findings])
    else:
        for finding in findings:
            console.result(f"{finding.level:<4}  {finding.check}: {console.clean(finding.text)}")
            if finding.remedy:
                console.result(f"      {finding.remedy}")
    faults = [finding for finding in findings if finding.level == "fail"]
    warnings = [finding for finding in findings if finding.level == "warn"]
    counts = f"{console.plural(len(faults), 'fault')}, {console.plural(len(warnings), 'warning')}"
    console.note(f"{counts} in {console.plural(len(findings), 'check')}")
    return Exit.JOB_FAILED if faults else Exit.OK
