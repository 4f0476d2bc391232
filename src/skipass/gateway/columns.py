"""The columns of results that were handed out, so that later partitions, which come without them, can be read.

Kept in this process alone and only so many: whoever does not find them here asks Snowflake. Knows no caller.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses (partitions come without metadata)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

MOST_RESULTS = 256
MOST_COLUMNS = 200

Columns = Sequence[Mapping[str, Any]]


class KnownColumns:
    """Names and types of the columns of the newest results."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, Columns] = OrderedDict()

    def note(self, statement_id: str, body: Mapping[str, Any]) -> Columns:
        """Keep the columns that a first partition came with, unless they are very many, and return them."""
        meta = body.get("resultSetMetaData")
        listed = meta.get("rowType") if isinstance(meta, Mapping) else None
        columns = [{"name": one.get("name"), "type": one.get("type")} for one in listed or ()]
        if len(columns) <= MOST_COLUMNS:
            self._of[statement_id] = columns
            self._of.move_to_end(statement_id)
        while len(self._of) > MOST_RESULTS:
            self._of.popitem(last=False)
        return columns

    def of(self, statement_id: str) -> Columns | None:
        """Return the columns of a statement's result, None where they are not kept."""
        return self._of.get(statement_id)
