"""Above the storage seam nobody lists, renames, removes, syncs or locks: an object store would know none of it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "data", "extraction", "pipelines", "reports", "tasks")
#: Calls that a file system answers and an object store does not, or in another way.
OF_A_DISK = {
    "fsync", "flock", "glob", "hardlink_to", "iterdir", "link", "listdir", "lockf", "mkdir", "mkstemp",
    "renames", "rglob", "rmdir", "rmtree", "scandir", "symlink_to", "touch", "unlink", "walk",
}  # fmt: skip
#: Those that may, and what they do it to.
ALLOWED: dict[str, str] = {
    "data/local_storage.py": "the seam on a disk",
    "data/object_store/storage.py": "what passes through this machine on its way to a store",
    "data/jobs/script.py": "the package's own scripts",
    "data/jobs/removed_project.py": "keys of Redis",
    "data/duck.py": "what a query spills, beside other temporary files",
    "data/probes.py": "asks the disk itself whether it takes anything",
    "data/privacy.py": "modes of the folders of a disk",
    "api/assets.py": "the package's own files for browsers",
    "api/rendering.py": "a report's own temporary folder",
    "api/reports.py": "the same, after it was kept",
    "api/company_export.py": "the same, after it was sent",
    "extraction/look_version.py": "the packages' own source",
    "api/sql_console/confinement.py": "threads of its own process, of which the system tells",
    "reports/reader.py": "looks for a data folder, before there is a lake",
    "reports/render.py": "a report's scratch folder beside it",
    "reports/formats/__init__.py": "the same",
    "reports/ranked.py": "the same",
    "reports/layout_choice.py": "the user's own folder of layouts",
    "pipelines/scoring/models.py": "the user's own folder of models",
}


def calls_of_a_disk(source: str) -> set[str]:
    """Names of such calls; `replace` and `rename` of one argument are a path's, of two a text's or a Redis client's."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, given = node.func.attr, len(node.args) + len(node.keywords)
            of_os = isinstance(node.func.value, ast.Name) and node.func.value.id == "os"
            if name in OF_A_DISK or (name in ("rename", "replace") and len(node.args) == given == (2 if of_os else 1)):
                found.add(name)
    return found


#: What reads a Parquet file by whatever `data.mounts.opened` gives, and who reads what is not the lake's.
READERS = {"ParquetFile", "read_metadata", "read_schema", "read_table"}
OF_THEIR_OWN = {"reports/ranked.py": "its scratch files"}


def opened_by_path(source: str) -> list[str]:
    """Calls of pyarrow that are given something else than what the mount opened."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [
        ast.unparse(call)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in READERS
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "pq"
        and not ast.unparse(call.args[0]).startswith("opened(")
    ]


def test_parquet_files_of_the_lake_are_opened_by_the_mount() -> None:
    found = {str(file.relative_to(ROOT)): opened_by_path(file.read_text()) for file in modules()}
    assert {name: calls for name, calls in found.items() if calls and name not in OF_THEIR_OWN} == {}
    assert [name for name in OF_THEIR_OWN if not found[name]] == [], "allowed without need"
    assert opened_by_path("pq.read_table(file)") and not opened_by_path("pq.read_table(opened(file))")


def modules() -> list[Path]:
    return [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


def test_only_the_storage_touches_the_lakes_files() -> None:
    found = {str(file.relative_to(ROOT)): calls_of_a_disk(file.read_text()) for file in modules()}
    above = {name: sorted(calls) for name, calls in found.items() if calls and name not in ALLOWED}
    assert above == {}, "use `lake.storage` (data/storage.py), or say in ALLOWED what else this is done to"
    assert [name for name in ALLOWED if not found.get(name)] == [], "allowed without need"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("a.glob('*')", True),
        ("os.replace(a, b)", True),
        ("path.replace(other)", True),
        ("fcntl.flock(fd, 2)", True),
        ("path.rename(other)", True),
        ("redis.rename(key, other)", False),
        ("text.replace('a', 'b')", False),
        ("replace(record, paused=True)", False),
        ("names(folder)", False),
    ],
)
def test_the_look_tells_paths_from_texts(source: str, told: bool) -> None:
    assert bool(calls_of_a_disk(source)) is told
