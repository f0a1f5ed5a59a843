"""The work of a declared stage: found by its import string, imported where it runs."""

from __future__ import annotations

from collections.abc import Collection
from pkgutil import resolve_name

from leadmill.declared import STAGES
from leadmill.errors import ConfigError
from leadmill.stages import Stage
from pipelines.execution.running import Body
from pipelines.execution.unit_run import UnitRun
from tasks.company_rows import run_on_rows


def body_of(stage: Stage) -> Body:
    """What a run of the stage does. Its work is imported when it first runs; other queues' workers never import it."""

    def body(run: UnitRun) -> None:
        work = resolve_name(stage.work)
        if stage.takes == "rows":
            run_on_rows(run, work)
        else:
            work(run)

    return body


def preload(queues: Collection[str]) -> None:
    """Import the work of every stage of these queues: for a parent, before it forks.

    Raises:
        ConfigError: there is none where a stage names it; the message names the stage.
    """
    for stage in STAGES.values():
        if stage.queue in queues:
            try:
                resolve_name(stage.work)
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
                raise ConfigError(f"stage {stage.name!r}: work={stage.work!r} cannot be imported ({why})") from error
