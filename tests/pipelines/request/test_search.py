"""A search provider that fails is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.lake import Lake
from leadmill.settings import Settings
from pipelines.execution.running import failure_text
from pipelines.request.search import search
from pipelines.request.search_providers import PROVIDERS, Provider


def test_a_provider_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def angry(query: str, most: int, argument: str, lake: Lake) -> Any:
        return {}[query]

    monkeypatch.setitem(PROVIDERS._places, "angry", ("a test", lambda: None))
    monkeypatch.setitem(PROVIDERS._loaded, "angry", Provider("angry", angry, "nothing"))
    with pytest.raises(KeyError) as raised:
        search(Settings(search_provider="angry"), Lake(tmp_path), ["solar"], 1)
    assert failure_text(raised.value) == "search provider 'angry': KeyError: 'solar'"
