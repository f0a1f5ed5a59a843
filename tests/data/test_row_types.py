"""The types of rows that go from room to room name the columns of the schemas, and no others."""

from __future__ import annotations

import pyarrow as pa
import pytest

from data.schemas import ERRORS, FACT, ORIGIN, PAGES, PLAN, STAGE_SCHEMAS
from leadmill.rows import CompanyRow, ErrorRow, Fact, PageRow, PlanRow, ScrapedRow


@pytest.mark.parametrize(
    ("row", "schema"),
    [
        (PlanRow, PLAN),
        (PageRow, PAGES),
        (ScrapedRow, STAGE_SCHEMAS["scrape"]),
        (CompanyRow, STAGE_SCHEMAS["process"]),
        (ErrorRow, ERRORS),
        (Fact, pa.schema(list(FACT))),
    ],
)
def test_a_row_type_has_the_columns_of_its_schema(row: type, schema: pa.Schema) -> None:
    added_by_the_lake = {field.name for field in ORIGIN}
    assert set(row.__annotations__) == set(schema.names) - added_by_the_lake
