"""What a company lacks for the next tier: the points, and the rules of its model that it does not meet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from api.context import Context
from leadmill.errors import LeadmillError
from leadmill.log import get_logger
from pipelines.request.asked import check_options
from pipelines.scoring.chosen import model_of
from pipelines.scoring.models import Models
from pipelines.scoring.rules import Rule

log = get_logger(__name__)


class Lacking(NamedTuple):
    """What is missing."""

    tier: str
    #: The lowest score that gets it.
    score: float
    #: Rules that would add points, those that add most first.
    rules: list[Rule]


def next_tier(here: Context, row: Mapping[str, Any]) -> Lacking | None:
    """None where it is the best already, or where the model of the row is not known any more as it was."""
    if row.get("score") is None:
        return None
    try:
        _, spec = here.store.asked(row["job_id"])
        folder = here.lake.job_dir(row["job_id"]) / "input"
        model = model_of(check_options(spec), folder, Models.of(here.settings))
    except LeadmillError as error:
        log.debug("the next tier is not told", job=row["job_id"], error=str(error))
        return None
    above = [(tier, least) for tier, least in model.tiers if least > row["score"]]
    if model.version != row.get("model_version") or not above:
        return None
    met = {part["rule"] for part in row.get("contributions") or ()}
    groups = {rule.group for rule in model.rules if rule.group and rule.name in met}
    missing = [rule for rule in model.rules if rule.points > 0 and rule.name not in met and rule.group not in groups]
    return Lacking(*above[-1], sorted(missing, key=lambda rule: -rule.points))
