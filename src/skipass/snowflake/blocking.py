"""The same client for programs without an event loop: a thread runs one, and each call waits for its answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from skipass.snowflake.client import AsyncSnowflakeClient, ClientOptions, StatementOptions
from skipass.snowflake.connect import (
    dbt_options_from_connection,
    defaults_from_env,
    login_from_env,
    options_from_connection,
)
from skipass.snowflake.portal import Portal
from skipass.snowflake.result import Result
from skipass.snowflake.sqlapi.answers import CancelOutcome
from skipass.snowflake.statement import AsyncStatement, TimestampUnit

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")


class Statement:
    """A statement that Snowflake has accepted; the blocking face of `AsyncStatement`.

    An interrupt while one of the forms is waited for cancels the statement in Snowflake.
    """

    def __init__(self, portal: Portal, inner: AsyncStatement) -> None:
        self._portal = portal
        self._inner = inner

    @property
    def statement_handle(self) -> str:
        """Snowflake's handle, which is also the query id."""
        return self._inner.statement_handle

    def poll(self) -> bool:
        """Ask once; return True when the statement has finished."""
        return self._portal.run(self._inner.poll())

    def result(self, *, progress: bool = False) -> Result:
        """Wait for the statement and return all its rows; with `progress` a terminal shows a bar."""
        return self._portal.run(self._inner.result(progress=progress))

    def results(self) -> list[Result]:
        """Wait for a request of several statements and return the result of each, in order."""
        return self._portal.run(self._inner.results())

    def iter_rows(self, *, progress: bool = False) -> Generator[tuple[Any, ...], None, None]:
        """Yield the rows in order as tuples of Python values, holding only a few partitions at a time."""
        for part in self._portal.iterate(self._inner.iter_row_lists(progress=progress)):
            yield from part

    def iter_batches(
        self, *, timestamp_unit: TimestampUnit = "ns", keep_offsets: bool = False, progress: bool = False
    ) -> Generator[pa.RecordBatch, None, None]:
        """Yield the rows in order as Arrow record batches of one schema, holding only a few partitions at a time."""
        batches: AsyncGenerator[pa.RecordBatch, None] = self._inner.iter_batches(
            timestamp_unit=timestamp_unit, keep_offsets=keep_offsets, progress=progress
        )
        return self._portal.iterate(batches)

    def fetch_arrow(
        self, *, timestamp_unit: TimestampUnit = "ns", keep_offsets: bool = False, progress: bool = False
    ) -> pa.Table:
        """Return all rows as one Arrow table."""
        return self._portal.run(
            self._inner.fetch_arrow(timestamp_unit=timestamp_unit, keep_offsets=keep_offsets, progress=progress)
        )

    def to_pandas(self, *, progress: bool = False, **options: Any) -> Any:
        """Return all rows as a pandas DataFrame (`arrow.frames.to_pandas`)."""
        return self._portal.run(self._inner.to_pandas(progress=progress, **options))

    def to_polars(self, *, progress: bool = False) -> Any:
        """Return all rows as a polars DataFrame (`arrow.frames.to_polars`)."""
        return self._portal.run(self._inner.to_polars(progress=progress))

    def cancel(self) -> CancelOutcome:
        """Cancel the statement; one that has finished is nothing to cancel."""
        return self._portal.run(self._inner.cancel())


class SnowflakeClient:
    """Snowflake's SQL API as one user; takes what `AsyncSnowflakeClient` takes, except an HTTP session.

    Use it as a context manager, or call `close`. May be shared by threads.
    """

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        self._portal = Portal()
        self._inner = AsyncSnowflakeClient(**options)

    @classmethod
    def from_env(cls) -> Self:
        """Return a client of the `SNOWFLAKE_*` variables (`connect.login_from_env`)."""
        return cls(**login_from_env(), **defaults_from_env())

    @classmethod
    def from_connection(cls, name: str | None = None) -> Self:
        """Return a client of a connection in Snowflake's own files (`profiles.connection_settings`)."""
        return cls(**options_from_connection(name))

    @classmethod
    def from_dbt(cls, profile: str, target: str | None = None, *, directory: str | Path | None = None) -> Self:
        """Return a client of a target in dbt's profiles (`profiles.dbt_settings`)."""
        return cls(**dbt_options_from_connection(profile, target, directory=directory))

    def query(
        self,
        sql: str,
        binds: Sequence[object] | None = None,
        *,
        progress: bool = False,
        **options: Unpack[StatementOptions],
    ) -> Result:
        """Run one statement and return all its rows; with `progress` a terminal shows a bar.

        An interrupt or the end of `timeout_s` cancels it in Snowflake.
        """
        return self._portal.run(self._inner.query(sql, binds, progress=progress, **options))

    def query_all(self, sql: str, **options: Unpack[StatementOptions]) -> list[Result]:
        """Run the statements of one text in one session and return the result of each, in order."""
        return self._portal.run(self._inner.query_all(sql, **options))

    def submit(self, sql: str, binds: Sequence[object] | None = None, **options: Unpack[StatementOptions]) -> Statement:
        """Submit one statement and return as soon as Snowflake has accepted it."""
        return Statement(self._portal, self._portal.run(self._inner.submit(sql, binds, **options)))

    def statement(self, handle: str, *, parameters: Mapping[str, object] | None = None) -> Statement:
        """Return a statement that was submitted before, by its handle; nothing is asked yet."""
        return Statement(self._portal, self._inner.statement(handle, parameters=parameters))

    def close(self) -> None:
        """Close the connections and end the thread; a later call starts both again."""
        self._portal.stop(self._inner.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
