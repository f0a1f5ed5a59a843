"""Score: every company of the plan by the rules, with its contributions or its error."""

from leadmill.stages import Stage

STAGE = Stage(
    name="score",
    after="enrich",
    work="tasks.processing.task:score",
    takes="run",
    scope="job",
    time_limit_factor=10,
    columns={
        "score": "float64",
        "tier": "text",
        "fit": "float64",
        "reach": "float64",
        "probability": "float64",
        "contributions": "contributions",
        "model_version": "text",
        "error_category": "text",
        "error": "text",
        "error_code": "text",
        "input": "input lines",
    },
    made_at="scored_at",
    lacks="no score: score again",
)
