"""Copies a lake to another place: `copy_lake`."""

from pipelines.lake_copy.copying import Copied, UnlikeCopyError, copy_lake

__all__ = ["Copied", "UnlikeCopyError", "copy_lake"]
