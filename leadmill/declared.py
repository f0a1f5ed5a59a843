"""All stages and kinds that are declared, checked and in their order: what everybody reads of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from keyword import iskeyword

from leadmill import kinds, stages
from leadmill.access import DEFAULT_PROJECT
from leadmill.errors import ConfigError
from leadmill.kinds import Kind, Option
from leadmill.stages import Queue, Stage

_NAME = re.compile(r"[a-z][a-z_]{0,39}\Z")
_WORK = re.compile(r"[\w.]+:\w+\Z")
_ROUTE = re.compile(r"[a-z-]+/[a-z-]+\Z")
#: Folders of a job that no stage may have for its rows, and the unit of the report's formats.
_TAKEN = frozenset({"input", "ledger", "looks", "pages", "people", "reports", "render"})
#: What every submission takes by these names, and the parameters of its call: no option of a kind is called so.
_TAKEN_OPTIONS = frozenset({
    "as_json", "body", "company_ids", "data", "deadline", "here", "idempotency_key", "json", "kind", "min_coverage",
    "priority", "run_at", "tags",
})  # fmt: skip
#: The stage that the pipeline's first one follows, and its end.
_ROOT, _END = "launch", "report"


def in_order(found: Iterable[Stage]) -> dict[str, Stage]:
    """Stages by name: those of the pipeline in its order behind launch, each with the stage it reads; then the others.

    A stage comes directly behind the one it names in `after`. Where several name the same, they come by name with what
    follows each, and the way to the report last: what is added stands between a stage and the rest of the pipeline.

    Raises:
        ConfigError: they do not make a pipeline; the message names the stage.
    """
    known: dict[str, Stage] = {}
    for stage in found:
        if stage.name in known or stage.name in _TAKEN:
            raise ConfigError(f"stage {stage.name!r}: the name is taken")
        known[stage.name] = stage
        _check(stage)
    line = _line(known, _ROOT)
    for stage in known.values():
        if stage.after is not None and stage.name not in line:
            raise ConfigError(f"stage {stage.name!r}: after={stage.after!r} is no stage of the pipeline")
    ordered: dict[str, Stage] = {}
    reads: str | None = None
    closing = ""
    for name in line:
        stage = known[name]
        if stage.scope == "partition" and closing:
            raise ConfigError(f"stage {name!r}: it works on partitions, which have ended before {closing!r}")
        closing = name if stage.scope != "partition" and name != _ROOT else closing
        ordered[name] = replace(stage, reads=reads)
        reads = name if stage.made_at else reads
    rest = sorted(name for name in known if name not in ordered)
    return ordered | {name: known[name] for name in rest}


def _line(known: Mapping[str, Stage], name: str) -> list[str]:
    branches = [_line(known, stage.name) for stage in known.values() if stage.after == name]
    return [name, *chain.from_iterable(sorted(branches, key=lambda branch: (_END in branch, branch)))]


def _check(stage: Stage) -> None:
    wrong = None
    if not _NAME.match(stage.name):
        wrong = "a name has lower-case letters and underscores, at most 40"
    elif told := _misfit(stage):
        wrong = told
    elif not _WORK.match(stage.work):
        wrong = f"work={stage.work!r} is not package.module:function"
    elif stage.scope == "partition" and (stage.after is None or not stage.made_at):
        wrong = "one that works on partitions needs `after` and `made_at`"
    elif stage.made_at and stage.scope != "partition" and stage.name != "score":
        wrong = "one that makes rows works on partitions; of the whole job score alone does"
    elif stage.scope == "format" and stage.name != _END:
        wrong = "report alone works on formats"
    elif stage.takes == "rows" and stage.scope != "partition":
        wrong = "one that takes rows works on partitions"
    elif stage.made_at and not stage.lacks:
        wrong = "one that makes rows says what a company `lacks` without them"
    elif stage.columns and not stage.made_at:
        wrong = "one that has columns needs `made_at`"
    if wrong:
        raise ConfigError(f"stage {stage.name!r}: {wrong}")


def _misfit(stage: Stage) -> str | None:
    """Which field holds what its type does not: a declaration comes from anywhere, and nothing has checked it."""
    for name in ("work", "made_at", "lacks", "more_columns", "unit"):
        if not isinstance(getattr(stage, name), str):
            return f"{name}={getattr(stage, name)!r} is no text"
    types = stage.columns.values() if isinstance(stage.columns, Mapping) else (None,)
    fits = {
        f"queue={stage.queue!r} is no leadmill.stages.Queue": isinstance(stage.queue, Queue),
        f"scope={stage.scope!r} is not partition, job or format": stage.scope in ("partition", "job", "format"),
        f"takes={stage.takes!r} is not rows or run": stage.takes in ("rows", "run"),
        f"columns={stage.columns!r} does not name a type for each": all(isinstance(kind, str) for kind in types),
        f"unit={stage.unit!r}: report alone has a unit of another name": not stage.unit or stage.name == _END,
    }
    return next((told for told, fit in fits.items() if not fit), None)


def _wrong_option(kind: Kind) -> str | None:
    for name, option in kind.options.items():
        if not _NAME.match(name) or iskeyword(name) or name in _TAKEN_OPTIONS:
            return f"option {name!r}: the name is taken, or has more than lower-case letters and underscores"
        if not isinstance(option, Option) or option.low > option.high:
            return f"option {name!r}: {option!r} is no Option with a range"
    return None


def _wrong_kind(kind: Kind, known: Mapping[str, Stage], found: Sequence[Kind]) -> str | None:
    names, others = kind.stage_names, [other for other in found if other is not kind]
    commands = {other.word for other in others if other.route and not other.needs_companies}
    wrong: str | None = None
    if not _NAME.match(kind.name):
        wrong = "a name has lower-case letters and underscores, at most 40"
    elif unknown := [name for name in names if name not in known]:
        wrong = f"there is no stage {unknown[0]!r}"
    elif len(set(names)) < len(names):
        wrong = f"stages={names!r} names one twice"
    elif not names and not kind.needs_companies:
        wrong = "one that needs no companies names its stages"
    elif kind.route and not _ROUTE.match(kind.route):
        wrong = f"route={kind.route!r} is not two words, like maintenance/cleanup"
    elif kind.route and kind.route in {other.route for other in others}:
        wrong = f"route={kind.route!r} is taken"
    elif kind.route and not kind.needs_companies and kind.word in commands:
        wrong = f"route={kind.route!r}: the command {kind.word!r} is taken"
    elif not kind.summary.isprintable():
        wrong = "a summary is one line"
    elif kind.schedule and kind.needs_companies:
        wrong = "a schedule is for a kind that needs no companies"
    return wrong or _wrong_option(kind)


def kinds_in_order(found: Sequence[Kind], known: Mapping[str, Stage], pipeline: tuple[str, ...]) -> dict[str, Kind]:
    """Kinds by name: the pipeline, then those of its stages in their order, then the others by name.

    Raises:
        ConfigError: a kind cannot be; the message names it.
    """
    for kind in found:
        if wrong := _wrong_kind(kind, known, found):
            raise ConfigError(f"kind {kind.name!r}: {wrong}")

    def place(kind: Kind) -> tuple[int, int, str]:
        first = kind.stage_names[0]
        return pipeline.index(first) if first in pipeline else len(pipeline), -len(kind.stages), kind.name

    whole = (replace(kind, stages=kind.stages or pipeline) for kind in found)
    return {kind.name: kind for kind in sorted(whole, key=place)}


_FOUND = tuple(kinds.POINT.all().values())
STAGES: dict[str, Stage] = in_order(
    (*stages.POINT.all().values(), *chain.from_iterable(kind.own_stages for kind in _FOUND))
)
#: Stages that a caller may list in `stages`, in the order in which they run.
PIPELINE: tuple[str, ...] = tuple(name for name, stage in STAGES.items() if stage.after is not None)
#: Those whose rows the lake holds, in the same order; the rows of the last have all columns.
ROW_STAGES: tuple[str, ...] = tuple(name for name in PIPELINE if STAGES[name].made_at)
_ASKED = [
    (stage.name, option.partition(".")[0]) for stage in STAGES.values() for option in stage.also.values() if option
]
#: By the name that a unit has in the record.
BY_UNIT: dict[str, Stage] = {stage.unit_name: stage for stage in STAGES.values()}
#: Options of a job that ask for other rows beside a stage's own (`Stage.also`), each with the stages that read it.
OPTION_READERS: dict[str, tuple[str, ...]] = {
    option: tuple(dict.fromkeys(stage for stage, asked in _ASKED if asked == option)) for _, option in _ASKED
}
#: Kinds of jobs, in the order in which they are told.
KINDS: dict[str, Kind] = kinds_in_order(_FOUND, STAGES, PIPELINE)
#: When each kind of job comes by itself (cron, UTC).
PERIODIC: dict[str, str] = {kind.name: kind.schedule for kind in KINDS.values() if kind.schedule}


def periodic_in(project: str) -> dict[str, str]:
    """Those that come by themselves in a project."""
    if project == DEFAULT_PROJECT:
        return PERIODIC
    return {name: cron for name, cron in PERIODIC.items() if not KINDS[name].of_installation}
