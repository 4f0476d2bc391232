"""What a tool of a managed MCP server returned, in the forms that its five kinds of tool have.

Pure. Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from skipass.snowflake.errors import ProtocolError
from skipass.snowflake.sqlapi.answers import column_of
from skipass.snowflake.sqlapi.values import Column, decode_rows

_FENCE = re.compile(r"\s*```[a-z]*\n(.*?)\n?```\s*", re.S)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A successful `tools/call`; `raw` is the whole JSON-RPC result."""

    raw: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The text blocks, one after the other."""
        blocks = [item for item in self.raw.get("content") or [] if isinstance(item, dict)]
        return "\n".join(str(block["text"]) for block in blocks if block.get("type") == "text" and "text" in block)

    @property
    def value(self) -> Any:
        """The JSON value in the text, with or without a code fence around it; plain text as it is.

        A search tool may have its answer in a member `results` instead.
        """
        if "results" in self.raw:
            return self.raw["results"]
        match = _FENCE.fullmatch(self.text)
        try:
            return orjson.loads(match[1] if match else self.text)
        except orjson.JSONDecodeError:
            return self.text

    @property
    def query_id(self) -> str | None:
        """The query id of a SQL tool's statement, None for other tools."""
        value = self.value
        return str(value["query_id"]) if isinstance(value, dict) and "query_id" in value else None

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of a SQL tool's result."""
        return tuple(column_of(shape) for shape in self._result_set()["resultSetMetaData"]["rowType"])

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows of a SQL tool's result as Python values; the server cuts results at 250 KB."""
        return decode_rows(self.columns(), self._result_set()["data"], {})

    @property
    def answer(self) -> str:
        """An agent's answer: the last text among its thoughts and tool uses."""
        value = self.value
        items = value.get("content") if isinstance(value, dict) else None
        texts = [i["text"] for i in items or [] if isinstance(i, dict) and i.get("type") == "text" and "text" in i]
        return str(texts[-1]) if texts else self.text

    def _result_set(self) -> Mapping[str, Any]:
        value = self.value
        found = value.get("result_set") if isinstance(value, dict) else None
        metadata = found.get("resultSetMetaData") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(metadata, dict) or not isinstance(found.get("data"), list):
            raise ProtocolError("The tool's result is not one of a SQL tool.")
        if not isinstance(metadata.get("rowType"), list):
            raise ProtocolError("The tool's result is not one of a SQL tool.")
        return found
