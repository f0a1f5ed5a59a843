"""What every process asks before it begins: can all that is plugged in be used?"""

from __future__ import annotations

import pytest

from leadmill.declared import PERIODIC
from leadmill.plugins import PluginError
from pipelines.plugin_check import check_plugins


def test_a_kind_that_comes_at_no_time_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PERIODIC, "cleanup", "15 3 31 2 *")
    with pytest.raises(PluginError, match=r"kind 'cleanup': not a cron expression: '15 3 31 2 \*'"):
        check_plugins()
