"""The DuckDB of a process, in which each table has a file of its own: to remove a table is to remove its file."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any, Self

from data.duck import held_beside
from data.mounts import storage_at

_PREFIX = "companies_"


class Database:
    """What is held in memory of all tables together; what more a query needs is spilt beside their files."""

    def __init__(self, folder: Path, memory: str) -> None:
        self._folder, self._storage = folder, storage_at(folder)
        self._con = held_beside(folder, memory)
        self._numbers = count(1)
        self._there: set[str] = set()

    def __enter__(self) -> Self:
        """Have it closed at the end of the block; the files stay."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it for every cursor."""
        self._con.close()

    def cursor(self) -> Any:
        """One more, for a thread of its own."""
        return self._con.cursor()

    def add(self) -> str:
        """A new file, by the name that SQL has for what lies in it.

        Raises:
            duckdb.Error: there is no room, or the file cannot be made.
        """
        name = f"{_PREFIX}{next(self._numbers)}"
        self._there.add(name)
        file = str(self._folder / f"{name}.duckdb").replace("'", "''")
        with self.cursor() as cursor:
            cursor.execute(f"ATTACH '{file}' AS {name}")
        return name

    def remove(self, name: str) -> None:
        """Remove a file, and the log of what was written to it. Who reads it in this moment may read on.

        Raises:
            duckdb.Error: the database was closed.
            OSError: the disk removes nothing; the next call tries it again.
        """
        with self.cursor() as cursor:
            cursor.execute(f"DETACH DATABASE IF EXISTS {name}")
        self._there.discard(name)
        for file in self._storage.names(self._folder):
            if file.startswith(_PREFIX) and file.partition(".")[0] not in self._there:
                self._storage.remove(self._folder / file)
