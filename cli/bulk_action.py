"""`leadmill cancel --all` and `resume --all`: count first, ask, act, tell."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from cli import console
from cli.failure import CommandError, Exit

if TYPE_CHECKING:
    from leadmill.client import Client
    from leadmill.client.options import JobFilter

#: Refused jobs shown.
_SHOWN = 10

Action = Literal["cancel", "resume"]
_DONE = {"cancel": "cancelled", "resume": "resumed"}


def act_on_all(client: Client, action: Action, filter: JobFilter, *, yes: bool, as_json: bool) -> int:
    """Act on every job that matches, told how many first; without `yes` only after a person agreed.

    Raises:
        CommandError: nobody can be asked.
    """
    plan = client.bulk(action, filter, dry_run=True)
    console.note(f"{console.plural(plan['matched'], 'job')} match: {plan['done']} can be {_DONE[action]}")
    if plan["done"] and not yes:
        if not sys.stdin.isatty():
            raise CommandError("nobody is here to be asked", hint=f"leadmill {action} --all --yes …")
        console.note(f"{action} {console.plural(plan['done'], 'job')}? Type y for yes:")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            console.note("nothing done")
            return Exit.OK
    found = client.bulk(action, filter)
    if as_json:
        console.json_result(found)
        return Exit.OK
    console.result(f"{found['done']} {_DONE[action]}, {found['refused']} refused, {found['matched']} matched")
    for job in found["refused_jobs"][:_SHOWN]:
        console.note(console.clean(f"not {_DONE[action]}: {job['job_id']}: {job['reason']}"))
    if found["refused"] > _SHOWN:
        console.note(f"and {found['refused'] - min(_SHOWN, len(found['refused_jobs']))} more")
    return Exit.OK
