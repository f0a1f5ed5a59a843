"""What the call for one company answers: a model made of the lake's columns, those of plug-ins among them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, Field, create_model

from api.company_columns import NOT_TOLD
from data.schemas import STAGE_SCHEMAS
from leadmill.answers import CompanyHistory

_FINAL = STAGE_SCHEMAS["score"]
_SEEN = pa.field("seen_at", pa.timestamp("us", tz="UTC"))


def _model(name: str, about: str | None, columns: Iterable[pa.Field], **more: Any) -> type[BaseModel]:
    fields: dict[str, Any] = dict(_field(name, column) for column in columns) | more
    return create_model(name, __doc__=about, **fields)


def _field(owner: str, column: pa.Field) -> tuple[str, Any]:
    """A column's name and type; one that is called like something that every model has (`register`), under an alias."""
    kind = _typed(owner, column)
    return (
        (f"{column.name}_", (kind, Field(alias=column.name)))
        if hasattr(BaseModel, column.name)
        else (column.name, kind)
    )


def _typed(owner: str, column: pa.Field) -> Any:
    kind = _python(f"{owner}{column.name.title().replace('_', '')}", column.type)
    return kind | None if column.nullable else kind


def _python(name: str, kind: pa.DataType) -> Any:
    """The Python type that a column has once it was JSON."""
    if pa.types.is_map(kind):
        return dict[str, _python(name, kind.item_type) | None]  # type: ignore[misc]
    if pa.types.is_list(kind):
        return list[_python(name, kind.value_type)]  # type: ignore[misc]
    if pa.types.is_struct(kind):
        return _model(name, None, kind)
    for known, python in ((pa.types.is_integer, int), (pa.types.is_floating, float), (pa.types.is_boolean, bool)):
        if known(kind):
            return python
    return str  # texts, and times as ISO 8601


CompanyDetail = _model(
    "CompanyDetail",
    "The whole newest row of a company, where each value was found (`facts`), and what jobs found of it. "
    "Without `input`: what a list says of a company belongs to the job that was given the list, and is in its report.",
    [*(column for column in _FINAL if column.name not in NOT_TOLD), _SEEN],
    history=list[CompanyHistory],
)
