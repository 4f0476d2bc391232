"""The same client for programs without an event loop: a thread runs one, and each call waits for its answer."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from skipass.sdk.actions import AsyncActions
from skipass.sdk.answer import Answer, ToolAnswer
from skipass.sdk.catalogue import AsyncTools, Tool
from skipass.sdk.client import AsyncSkipass
from skipass.sdk.results import AsyncResult
from skipass.sdk.sessions import AsyncSession, AsyncSessions, Waiting
from skipass.snowflake.pace import Pace
from skipass.snowflake.portal import Portal
from skipass.snowflake.result import Result

if TYPE_CHECKING:
    import pyarrow as pa


class Actions:
    """The blocking face of `AsyncActions`."""

    def __init__(self, portal: Portal, inner: AsyncActions) -> None:
        self._portal, self._inner = portal, inner

    def execute_tool(
        self,
        *,
        tool_name: str,
        tool_input: Mapping[str, Any] | None = None,
        identifier: str | None = None,
        connection_name: str | None = None,
        session_id: str | None = None,
    ) -> ToolAnswer:
        """Return what a tool call came to, refusals included (`AsyncActions.execute_tool`)."""
        return self._portal.run(
            self._inner.execute_tool(
                tool_name=tool_name,
                tool_input=tool_input,
                identifier=identifier,
                connection_name=connection_name,
                session_id=session_id,
            )
        )

    def get_or_create_connected_account(self, *, connection_name: str, identifier: str | None = None) -> Answer:
        """Return `connected_account` of a user on a connection."""
        asked = self._inner.get_or_create_connected_account(connection_name=connection_name, identifier=identifier)
        return self._portal.run(asked)

    def get_authorization_link(
        self,
        *,
        connection_name: str,
        identifier: str | None = None,
        role: str | None = None,
        return_url: str | None = None,
    ) -> Answer:
        """Return the one-time `link` by which the user agrees to a role."""
        return self._portal.run(
            self._inner.get_authorization_link(
                connection_name=connection_name, identifier=identifier, role=role, return_url=return_url
            )
        )

    def get_connected_account(self, account_id: str, *, identifier: str | None = None) -> Answer:
        """Return `connected_account`; raises `NotFound`."""
        return self._portal.run(self._inner.get_connected_account(account_id, identifier=identifier))

    def list_connected_accounts(
        self, *, connection_name: str | None = None, identifier: str | None = None
    ) -> list[Answer]:
        """Return every account of the user acted for."""
        asked = self._inner.list_connected_accounts(connection_name=connection_name, identifier=identifier)
        return self._portal.run(asked)

    def verify_connected_account(self, account_id: str, *, code: str, identifier: str | None = None) -> Answer:
        """Put an end user's sign-in in force by the `code` that their browser brought back."""
        return self._portal.run(self._inner.verify_connected_account(account_id, code=code, identifier=identifier))

    def disconnect_connected_account(self, account_id: str, *, identifier: str | None = None) -> Answer:
        """Cancel what runs for an account and destroy its tokens."""
        return self._portal.run(self._inner.disconnect_connected_account(account_id, identifier=identifier))

    def delete_connected_account(self, account_id: str, *, identifier: str | None = None) -> None:
        """Disconnect an account and forget its defaults."""
        self._portal.run(self._inner.delete_connected_account(account_id, identifier=identifier))


class QueryResult:
    """The blocking face of `AsyncResult`."""

    def __init__(self, portal: Portal, inner: AsyncResult) -> None:
        self._portal, self._inner = portal, inner
        self.answer, self.columns = inner.answer, inner.columns
        self.statement_handle, self.num_rows = inner.statement_handle, inner.num_rows

    def whole(self) -> Result:
        """Return all rows at once."""
        return self._portal.run(self._inner.whole())

    def iter_rows(self) -> Generator[tuple[Any, ...], None, None]:
        """Yield the rows in order as tuples of Python values, holding one partition at a time."""
        return self._portal.iterate(self._inner.iter_rows())

    def iter_batches(self) -> Generator[pa.RecordBatch, None, None]:
        """Yield the rows in order as Arrow record batches, one for each partition."""
        return self._portal.iterate(self._inner.iter_batches())

    def rows(self) -> list[tuple[Any, ...]]:
        """Return all rows as tuples of Python values."""
        return self.whole().rows()

    def dicts(self) -> list[dict[str, Any]]:
        """Return all rows as dictionaries by column name."""
        return self.whole().dicts()

    def fetch_arrow(self) -> pa.Table:
        """Return all rows as one Arrow table."""
        return self.whole().fetch_arrow()

    def to_pandas(self, **options: Any) -> Any:
        """Return all rows as a pandas DataFrame."""
        return self.whole().to_pandas(**options)

    def to_polars(self) -> Any:
        """Return all rows as a polars DataFrame."""
        return self.whole().to_polars()


class Session:
    """The blocking face of `AsyncSession`."""

    def __init__(self, portal: Portal, inner: AsyncSession) -> None:
        self._portal, self._inner = portal, inner
        self.id, self.view = inner.id, inner.view

    def execute_tool(self, tool_name: str, tool_input: Mapping[str, Any] | None = None) -> ToolAnswer:
        """Return what a tool call in this session came to, refusals included."""
        return self._portal.run(self._inner.execute_tool(tool_name, tool_input))

    def query(self, sql: str, binds: Sequence[object] | None = None, **options: Any) -> QueryResult:
        """Run one statement and return its result; `options` are those of `AsyncSession.query`."""
        return QueryResult(self._portal, self._portal.run(self._inner.query(sql, binds, **options)))


class Sessions:
    """The blocking face of `AsyncSessions`."""

    def __init__(self, portal: Portal, inner: AsyncSessions) -> None:
        self._portal, self._inner = portal, inner

    @contextmanager
    def open(
        self,
        *,
        connection: str,
        scope: Mapping[str, Any],
        ttl: int | timedelta,
        reason: str,
        identifier: str | None = None,
        budgets: Mapping[str, int] | None = None,
        wait: float | timedelta = 600,
        on_wait: Waiting | None = None,
    ) -> Generator[Session, None, None]:
        """Open a session for the block, and close it after the block (`AsyncSessions.open`)."""
        opening: AbstractAsyncContextManager[AsyncSession] = self._inner.open(
            connection=connection,
            scope=scope,
            ttl=ttl,
            reason=reason,
            identifier=identifier,
            budgets=budgets,
            wait=wait,
            on_wait=on_wait,
        )
        session = Session(self._portal, self._portal.run(_entered(opening)))
        try:
            yield session
        finally:
            self._portal.run(_left(opening))


async def _entered(opening: AbstractAsyncContextManager[AsyncSession]) -> AsyncSession:
    return await opening.__aenter__()


async def _left(opening: AbstractAsyncContextManager[AsyncSession]) -> None:
    await opening.__aexit__(None, None, None)


class Tools:
    """The blocking face of `AsyncTools`."""

    def __init__(self, portal: Portal, inner: AsyncTools) -> None:
        self._portal, self._inner = portal, inner

    def list(self, *, identifier: str | None = None) -> list[Tool]:
        """Return every tool in the gateway's order."""
        return self._portal.run(self._inner.list(identifier=identifier))

    def as_json_schema(self, *, identifier: str | None = None) -> Sequence[dict[str, Any]]:
        """Return every tool as `catalogue.as_json_schema` has it."""
        return self._portal.run(self._inner.as_json_schema(identifier=identifier))


class Skipass:
    """A gateway; takes what `AsyncSkipass` takes. A context manager, or ended by `close`. Threads may share it."""

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        timeout_s: float = 90.0,
        pace: Pace | None = None,
    ) -> None:
        self._inner = AsyncSkipass(
            base_url=base_url,
            api_key=api_key,
            client_id=client_id,
            client_secret=client_secret,
            timeout_s=timeout_s,
            pace=pace,
        )
        self._portal = portal = Portal()
        self.base_url = self._inner.base_url
        self.actions = Actions(portal, self._inner.actions)
        self.sessions = Sessions(portal, self._inner.sessions)
        self.tools = Tools(portal, self._inner.tools)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    def close(self) -> None:
        """Close the connections and end the thread; a later call starts both again."""
        self._portal.stop(self._inner.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
