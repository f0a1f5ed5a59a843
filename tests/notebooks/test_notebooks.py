"""Every notebook runs from top to bottom over a small lake made here, and is kept without outputs."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from data.lake import Lake, UnitFiles
from leadmill.ids import company_id, new_job_id

pytestmark = pytest.mark.stack

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def lead(number: int, score: float, country: str | None) -> dict[str, Any]:
    domain = f"firm-{number}.example"
    return {
        "company_id": company_id(domain),
        "domain": domain,
        "url": f"https://{domain}/",
        "name": f"Firm {number}",
        "emails": [f"info@{domain}"] if number % 2 else [],
        "phones": ["+442079460000"],
        "address": {"city": "Leeds", "country": "GB"} if number % 3 else None,
        "social": {"linkedin": f"https://www.linkedin.com/company/firm-{number}"},
        "country": country,
        "industry": "software",
        "technologies": ["WordPress"],
        "founded": 1999 if number % 2 else None,
        "score": score,
        "tier": "A" if score >= 75 else "C",
        "contributions": [{"rule": "has_email", "axis": "reach", "points": 20.0, "reason": "names an e-mail address"}],
        "scraped_at": NOW,
        "scored_at": NOW,
    }


@pytest.fixture
def job(tmp_path: Path) -> str:
    """A lake with one scored job, written by the lake's own hand."""
    lake, job_id = Lake(tmp_path), new_job_id()
    down = {
        "company_id": company_id("down.example"),
        "domain": "down.example",
        "score": 0.0,
        "tier": "D",
        "error_category": "network",
        "error": "no answer from down.example",
    }
    files = UnitFiles(lake, job_id, "score", "score", 1)
    files.write([*(lead(n, 30.0 + 5 * n, ["GB", "DE", None][n % 3]) for n in range(12)), down])
    lake.expose(job_id, "score", "score", 1)
    assert len(lake.parts(job_id, "score")) == 1
    return job_id


def execute(path: Path, data: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=90, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADMILL_")}
    client.execute(
        env={**kept, "LEADMILL_DATA_URL": str(data), "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    )
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
