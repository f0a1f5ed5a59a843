"""The work of every declared stage is there; one that is not is named before a worker begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadmill.declared import STAGES
from leadmill.errors import ConfigError
from leadmill.stages import Queue
from tasks.work import preload


def test_the_work_of_every_stage_is_there() -> None:
    preload(tuple(Queue))


@pytest.mark.parametrize("work", ["reports.nowhere:work", "reports.render:nowhere"])
def test_work_that_is_not_there_is_named(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGES, "report", replace(STAGES["report"], work=work))
    with pytest.raises(ConfigError, match=f"stage 'report': work='{work}' cannot be imported"):
        preload([Queue.ANALYTICS])
