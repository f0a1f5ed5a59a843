"""Every notebook runs from top to bottom over a small lake made here, and is kept without outputs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from data.lake import Lake
from tests.small_lake import scored_job

pytestmark = pytest.mark.stack

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

@pytest.fixture
def job(tmp_path: Path) -> str:
    return scored_job(Lake(tmp_path / "var" / "demo"))


def execute(path: Path, project: Path) -> nbformat.NotebookNode:
    """Run it as Jupyter does: in its own folder, which stands in `project` beside `var`, with no setting at all."""
    folder = project / FOLDER.name
    shutil.copytree(FOLDER, folder)
    notebook = nbformat.read(folder / path.name, as_version=4)
    client = NotebookClient(notebook, timeout=90, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADMILL_")}
    client.execute(env={**kept, "MPLBACKEND": "module://matplotlib_inline.backend_inline"})
    return notebook


def outputs(notebook: nbformat.NotebookNode, kind: str) -> list[str]:
    found = (out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs)
    return [out.data[kind] for out in found if "data" in out and kind in out.data]


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_explore_leads_reads_and_plots_a_job(job: str, tmp_path: Path) -> None:
    notebook = execute(FOLDER / "explore_leads.ipynb", tmp_path)
    text = "".join(
        out.text for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs if "text" in out
    )
    assert f"{job}: 13 companies, 12 good, coverage 92%" in text
    assert len(outputs(notebook, "image/png")) == 2
    best, *_, failed = outputs(notebook, "text/html")
    assert best.index("firm-11.example") < best.index("firm-10.example")
    assert "+20 names an e-mail address" in best
    assert "no answer from down.example" in failed


def test_explore_leads_says_what_to_do_without_a_job(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="run `leadmill demo`"):
        execute(FOLDER / "explore_leads.ipynb", tmp_path)
