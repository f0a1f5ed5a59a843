"""Enrich: add what a company's pages hint at."""

from leadmill.stages import Stage

STAGE = Stage(
    name="enrich",
    after="process",
    work="extraction.enrich:enrich_rows",
    columns={
        "industry": "text",
        "technologies": "texts",
        "employees_min": "int32",
        "employees_max": "int32",
    },
    columns_before="founded",
    more_columns="extraction.enrichers:added_columns",
    reads_also=("looks",),
    made_at="enriched_at",
    lacks="no enriched data: enrich again",
)
