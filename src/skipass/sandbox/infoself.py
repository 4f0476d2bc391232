"""INFORMATION_SCHEMA about itself: the rows that its own views have in TABLES, VIEWS and COLUMNS.

Source: https://docs.snowflake.com/en/sql-reference/info-schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skipass.sandbox import sqltypes

Row = dict[str, Any]
Inline = Callable[[dict[str, str], list[Row]], str]
Shapes = Mapping[str, Mapping[str, str]]
SCHEMA = "INFORMATION_SCHEMA"


def more(view: str, database: str, shapes: Shapes, inline: Inline) -> str:
    """Return what one view of a database says of all of them, as SQL to be put behind its own; most say nothing.

    `inline` makes SQL of rows in a shape.
    """
    if view == "COLUMNS":
        told, fixed = _columns(shapes), _COLUMNS
    elif view in _MORE:
        told, fixed = [{"TABLE_NAME": name} for name in sorted(shapes)], _MORE[view]
    else:
        return ""
    said = ", ".join(f"'{value}' AS \"{name}\"" for name, value in fixed.items())
    own = inline({name: shapes[view][name] for name in told[0]}, told)
    catalog = database.replace("'", "''")
    return f""" UNION ALL BY NAME SELECT '{catalog}' AS "TABLE_CATALOG", '{SCHEMA}' AS "TABLE_SCHEMA", {said}, *
        FROM ({own}) AS own"""


_COLUMNS: Row = {"IS_NULLABLE": "YES", "IS_SELF_REFERENCING": "NO", "IS_IDENTITY": "NO"}
_MORE: dict[str, Row] = {
    "TABLES": {"TABLE_TYPE": "VIEW", "IS_TRANSIENT": "NO", "IS_INSERTABLE_INTO": "NO", "IS_TYPED": "YES"},
    "VIEWS": {"CHECK_OPTION": "NONE", "IS_UPDATABLE": "NO", "INSERTABLE_INTO": "NO", "IS_SECURE": "NO"},
}
_DUCK = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}


def _columns(shapes: Shapes) -> list[Row]:
    return [
        {"TABLE_NAME": name, "COLUMN_NAME": column, "ORDINAL_POSITION": position}
        | sqltypes.describe(sqltypes.from_duck(_DUCK.get(kind, kind)))
        for name in sorted(shapes)
        for position, (column, kind) in enumerate(shapes[name].items(), 1)
    ]
