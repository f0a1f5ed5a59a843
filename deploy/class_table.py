"""Writes `extraction/structured/classes.toml`, the classes that a company may be declared as, from the vocabulary.

    python -m deploy.class_table schemaorg-current-https-types.csv

schema.org publishes the file with each release (https://schema.org/docs/developers.html);
2.4 MB, not kept here.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

from extraction.structured.classes import TABLE

HEAD = (
    "# Classes of schema.org by what stands above them, each under the first that holds it (deploy/class_table.py).\n"
)
#: Kind of node → the classes whose descendants are of it.
ROOTS = {
    "organization": ("Organization", "LocalBusiness"),
    # What a company may be called by, but what may be no company as well: museums, zoos, churches, stations.
    "venue": ("CivicStructure", "TouristAttraction", "ApartmentComplex"),
    "place": ("Place",),
}


def descendants(parents: Mapping[str, list[str]], roots: tuple[str, ...]) -> set[str]:
    """These classes and all below them, by the classes right above each."""
    found = set(roots)
    while below := {name for name, above in parents.items() if found.intersection(above)} - found:
        found |= below
    return found


def table(vocabulary: Path) -> str:
    """The text of the table."""
    limit = csv.field_size_limit(sys.maxsize)  # one limit for the whole process: others have their own reasons for it
    try:
        with vocabulary.open(encoding="utf-8", newline="") as lines:
            parents = {
                row["label"]: [above.strip().rpartition("/")[2] for above in row["subTypeOf"].split(",")]
                for row in csv.DictReader(lines)
            }
    finally:
        csv.field_size_limit(limit)
    text = HEAD
    known: set[str] = set()
    for kind, roots in ROOTS.items():
        below = descendants(parents, roots) - known
        known |= below
        text += f'{kind} = """\n' + "\n".join(sorted(name.lower() for name in below)) + '\n"""\n'
    return text


if __name__ == "__main__":
    TABLE.write_text(table(Path(sys.argv[1])), encoding="utf-8")
