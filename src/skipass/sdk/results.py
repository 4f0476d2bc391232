"""A statement's rows, partition after partition, each one fetched when it is asked for and counted."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from skipass.sdk.answer import ToolAnswer
from skipass.snowflake.errors import IncompleteResultError
from skipass.snowflake.result import Result, arrow_batches
from skipass.snowflake.sqlapi.answers import column_of
from skipass.snowflake.sqlapi.values import Cell, Column, decode_rows

if TYPE_CHECKING:
    import pyarrow as pa

Rows = list[list[Cell]]
Fetch = Callable[[str, int], Awaitable[ToolAnswer]]


class AsyncResult:
    """What a statement gave. Whole numbers stay whole: NUMBER(38,0) is an `int`, a fraction a `Decimal`.

    Each partition that is read counts against the session's budgets. A value that is not of its column's type is a
    `skipass.snowflake.errors.SnowflakeError`, as is a partition that is not as long as was announced.
    """

    def __init__(self, answer: ToolAnswer, fetch: Fetch, formats: Mapping[str, object]) -> None:
        self.answer = answer
        body = answer.envelope.get("data") or {}
        shape = body.get("resultSetMetaData") or {}
        self._fetch, self._formats, self._first = fetch, formats, body.get("data") or []
        self._lengths = [int(part["rowCount"]) for part in shape.get("partitionInfo") or ()] or [len(self._first)]
        self._stats = {name: int(count) for name, count in (body.get("stats") or {}).items() if count is not None}
        self.columns: tuple[Column, ...] = tuple(column_of(one) for one in shape.get("rowType") or ())

    @property
    def statement_handle(self) -> str:
        """The gateway's handle of the statement."""
        return str(self.answer.envelope.get("statementHandle"))

    @property
    def num_rows(self) -> int:
        """The number of rows in all partitions."""
        return sum(self._lengths)

    async def iter_partitions(self) -> AsyncGenerator[Rows, None]:
        """Yield the cells of each partition as text, in order; raises `GatewayError` where one is refused."""
        for index, length in enumerate(self._lengths):
            rows = self._first if index == 0 else (await self._part(index))
            if len(rows) != length:
                raise IncompleteResultError(f"{len(rows)} rows came, {length} were announced.")
            yield rows

    async def _part(self, index: int) -> Rows:
        answer = await self._fetch(self.statement_handle, index)
        if answer.error is not None:
            raise answer.error
        rows: Rows = (answer.envelope.get("data") or {}).get("data") or []
        return rows

    async def iter_rows(self) -> AsyncGenerator[tuple[Any, ...], None]:
        """Yield the rows in order as tuples of Python values, holding one partition at a time."""
        async with aclosing(self.iter_partitions()) as parts:
            async for part in parts:
                for row in decode_rows(self.columns, part, self._formats):
                    yield row

    async def iter_batches(self) -> AsyncGenerator[pa.RecordBatch, None]:
        """Yield the rows in order as Arrow record batches, one for each partition."""
        batches = arrow_batches(self.columns, self._formats, "ns", keep_offsets=False)
        async with aclosing(self.iter_partitions()) as parts:
            async for part in parts:
                yield batches.of_rows(part)

    async def whole(self) -> Result:
        """Return all rows at once, in every form that `skipass.snowflake.Result` has."""
        parts = tuple([part async for part in self.iter_partitions()])
        return Result(self.statement_handle, self.columns, parts, self._formats, self._stats)

    async def rows(self) -> list[tuple[Any, ...]]:
        """Return all rows as tuples of Python values."""
        return (await self.whole()).rows()

    async def dicts(self) -> list[dict[str, Any]]:
        """Return all rows as dictionaries by column name."""
        return (await self.whole()).dicts()

    async def fetch_arrow(self) -> pa.Table:
        """Return all rows as one Arrow table."""
        return (await self.whole()).fetch_arrow()

    async def to_pandas(self, **options: Any) -> Any:
        """Return all rows as a pandas DataFrame."""
        return (await self.whole()).to_pandas(**options)

    async def to_polars(self) -> Any:
        """Return all rows as a polars DataFrame."""
        return (await self.whole()).to_polars()
