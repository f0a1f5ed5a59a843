"""What a job scores by stays what it was when the job was accepted, wherever its files lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.storage import Storage
from leadmill.errors import WorkError
from pipelines.scoring.chosen import MODEL_FILE, choose, model_of
from pipelines.scoring.models import Models
from pipelines.scoring.rules import MAX_FILE
from tests.pipelines.scoring.test_models import model

OWN = model("ours").encode()


@pytest.fixture
def models(tmp_path: Path) -> Models:
    file = tmp_path / "ours.toml"
    file.write_bytes(OWN)
    return Models(None, file)


def test_the_model_is_read_as_it_was_kept(storage: Storage, models: Models, tmp_path: Path) -> None:
    chosen, folder = choose({}, models), storage.root / "jobs" / "job" / "input"
    for name, data in chosen.files.items():
        storage.put(folder / name, data)
    (tmp_path / "ours.toml").write_text(model("another"))
    assert model_of(chosen.options, folder, models).version.startswith("ours")


@pytest.mark.parametrize(
    ("kept", "told"), [(None, "is gone"), (OWN + b" ", "is damaged"), (b" " * (MAX_FILE + 1), "is damaged")]
)
def test_one_that_is_not_as_it_was_is_refused(storage: Storage, models: Models, kept: bytes | None, told: str) -> None:
    folder = storage.root / "jobs" / "job" / "input"
    if kept is not None:
        storage.put(folder / MODEL_FILE, kept)
    with pytest.raises(WorkError, match=told):
        model_of(choose({}, models).options, folder, models)
