"""What a source of metrics may ask, and where it puts what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from api.context import Context
from api.metrics.samples import Samples
from data.jobs import JobStore
from data.jobs.metrics import projects_by_age
from data.lake import Lake
from leadmill.metrics import NAMED_PROJECTS, OTHER_PROJECTS
from pipelines.views.readable import Readable


@dataclass
class Look:
    """One scrape, as its caller may see it: a project's own figures, or for `default` those of all."""

    here: Context
    samples: Samples = field(default_factory=Samples)
    #: Keys of Redis that are damaged: what they count is left out.
    readable: Readable = field(default_factory=Readable)
    _labels: Mapping[str, str] | None = None

    @property
    def store(self) -> JobStore:
        return self.here.store

    @property
    def lake(self) -> Lake:
        return self.here.lake

    def labels(self) -> Mapping[str, str]:
        """Each project that is told of, and its label: its name, or one for all behind the first `NAMED_PROJECTS`.

        Raises:
            UnavailableError: Redis does not answer.
        """
        if self._labels is None:
            own = [self.here.caller.project]
            sees_all = self.here.caller.sees_what_all_share
            found = self.readable.read(lambda: projects_by_age(self.store), own) if sees_all else own
            named = set(found[:NAMED_PROJECTS])
            self._labels = {project: project if project in named else OTHER_PROJECTS for project in found}
        return self._labels
