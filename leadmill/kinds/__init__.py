"""The kinds of jobs: each module here declares one, `KIND`, as plain data.

To add one, put a module into this package, or register a `Kind` under the entry-point group `leadmill.kinds` from
another distribution. Nothing else is edited (docs/extending.md). All of them together: `leadmill.declared`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leadmill.plugins import ExtensionPoint
from leadmill.stages import Stage


@dataclass(frozen=True)
class Option:
    """A whole number that a caller may give with a job: `?name=` in the API, `--name` in the CLI."""

    low: int
    high: int
    #: One sentence, for the CLI.
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a job is submitted as."""

    #: Also the name of its module or entry point; lower-case letters and underscores.
    name: str
    #: What it runs: names of stages, or a stage of its own in place. Empty: the whole pipeline.
    stages: tuple[str | Stage, ...] = ()
    #: Whether it works on companies; one that does not needs no plan, and is complete once its stages are done.
    needs_companies: bool = True
    #: When it comes by itself (cron, UTC); empty: never. For kinds that need no companies.
    schedule: str = ""
    #: It looks at what all projects share: by itself it comes in the default project alone.
    of_installation: bool = False
    #: The path of its call below /api/v1/jobs/, which `Client.submit_kind` and, where it needs no companies,
    #: `leadmill maintenance <last word>` use, too; empty: it has none, or one of its own form.
    route: str = ""
    #: One sentence without a full stop, for the API and the CLI.
    summary: str = ""
    #: What a caller may give beside what every job takes; `run.options[name]` in its work.
    options: Mapping[str, Option] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """The last word of its path: its name on the command line."""
        return self.route.rpartition("/")[2]

    @property
    def own_stages(self) -> tuple[Stage, ...]:
        """The stages that it declares itself."""
        return tuple(stage for stage in self.stages if isinstance(stage, Stage))

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The names of its stages, in order."""
        return tuple(stage.name if isinstance(stage, Stage) else stage for stage in self.stages)


POINT = ExtensionPoint(package=__name__, group="leadmill.kinds", attribute="KIND", type=Kind)
