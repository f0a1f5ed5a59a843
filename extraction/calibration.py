"""How sure a fact is: how often facts of its field, method and weight proved right on pages where the truth is known.

Extractors weigh findings against each other; what they weigh them with orders, and says nothing of how often a value is
right: a name from the title at 0.5 and an address at 0.9 are right alike. `calibration.toml` has the steps from the one
to the other. `python -m benchmarks.extraction --calibrate` writes it.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("calibration.toml")
#: Field → method → (least weight, how often right) in rising order.
Table = dict[str, dict[str, list[tuple[float, float]]]]
#: Facts that say the same as another one in other words.
_AS = {"nace": "industry", "naics": "industry"}


@cache
def table() -> Table:
    """What `calibration.toml` says."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def confidence(field: str, method: str, weight: float) -> float:
    """0 to 1. A method that the table does not know, a plug-in's for instance, keeps its weight.

    Args:
        field: of the fact; `social:facebook` counts as `social`.
        weight: what the extractor or the settling gave it, 0 to 1.
    """
    field = field.partition(":")[0]
    steps = table().get(_AS.get(field, field), {}).get(method)
    right = steps[0][1] if steps else min(1.0, max(0.0, weight))
    for least, share in steps or ():
        if weight >= least:
            right = share
    return round(right, 3)
