"""Reads files of a lake to their end, several at a time, to see whether they can be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data.damage import fault_of
from data.mounts import storage_at
from pipelines.lake_examination.finding import Fault, Finding

#: Maps a function over files, several at a time, in their order.
Each = Callable[[Callable[[Path], Exception | None], Sequence[Path]], Iterator[Exception | None]]


def torn_among(files: Sequence[tuple[Path, int]], each: Each) -> Iterator[Finding]:
    """Those of some files, given with their sizes, that cannot be read."""
    for (file, size), error in zip(files, each(_fault, [file for file, _ in files]), strict=True):
        if error is not None:
            reason = f"cannot be read ({str(error).splitlines()[0][:150]})"
            yield Finding(Fault.TORN, file, reason, error=error, size=size)


def _fault(file: Path) -> Exception | None:
    """Why a file of the lake cannot be read; None where it can, or has gone."""
    try:
        if file.suffix == ".parquet":
            return fault_of(file)
        content = storage_at(file.parent).read(file)
        if content is not None:
            json.loads(content.data)
    except FileNotFoundError:
        return None
    except (IsADirectoryError, ValueError, RecursionError) as error:
        return error
    return None
