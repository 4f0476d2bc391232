"""The client that a program uses: one login, SQL in, typed rows out; asynchronous.

Everything about the protocol is in `sqlapi`, everything about credentials in `auth`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from skipass.clock import Clock
from skipass.secret import Secret
from skipass.snowflake.auth.tokens import TokenSource
from skipass.snowflake.connect import (
    Defaults,
    LoginOptions,
    Text,
    dbt_options_from_connection,
    defaults_from_env,
    login,
    login_from_env,
    options_from_connection,
)
from skipass.snowflake.errors import NoWarehouseError
from skipass.snowflake.fetch import Source
from skipass.snowflake.identifiers import body_field
from skipass.snowflake.pace import Pace
from skipass.snowflake.prefetch import Ahead
from skipass.snowflake.result import Result
from skipass.snowflake.sqlapi import hints
from skipass.snowflake.sqlapi.answers import Running
from skipass.snowflake.sqlapi.binds import bindings
from skipass.snowflake.sqlapi.client import MAX_BODY_BYTES, SqlApi
from skipass.snowflake.sqlapi.wire import SubmitRequest
from skipass.snowflake.statement import AsyncStatement, Terms
from skipass.snowflake.submission import submitted

if TYPE_CHECKING:
    import aiohttp


class ClientOptions(LoginOptions, Defaults, total=False):
    """What both clients take; the asynchronous one takes an HTTP session too."""

    clock: Clock | None
    pace: Pace | None
    http_timeout_s: float
    max_body_bytes: int
    ahead: Ahead | None
    pause_collector: bool


class StatementOptions(TypedDict, total=False):
    """What a single statement may set; role, warehouse, database and schema are SQL identifiers.

    `timeout_s` bounds the statement in Snowflake and the waiting here. `statement_count` is the number of statements in
    the text, 0 for any number. With `wait_first` Snowflake answers with the result itself if it is there within 45
    seconds: one exchange less, and until then no handle to cancel the statement by.
    """

    role: str | None
    warehouse: str | None
    database: str | None
    schema: str | None
    timeout_s: float | None
    query_tag: str | None
    parameters: Mapping[str, str | int | bool] | None
    statement_count: int | None
    wait_first: bool


class AsyncSnowflakeClient:
    """Snowflake's SQL API as one user.

    Takes an account (any form, see `parse_account`) or a `host`, and one credential. Use it as an asynchronous context
    manager, or call `aclose`. Raises `SnowflakeConfigError` at once for options that cannot work.

    `ahead` bounds the partitions fetched before they are asked for. `pause_collector` keeps Python's garbage collector
    quiet while rows are decoded, which is faster; it concerns the whole process, so a server should leave it off.
    """

    def __init__(
        self,
        *,
        account: str | None = None,
        user: str | None = None,
        private_key: bytes | str | Secret[str] | None = None,
        private_key_path: str | Path | None = None,
        private_key_passphrase: Text | None = None,
        token: Text | None = None,
        programmatic_access_token: Text | None = None,
        tokens: TokenSource | None = None,
        host: str | None = None,
        role: str | None = None,
        warehouse: str | None = None,
        database: str | None = None,
        schema: str | None = None,
        session: aiohttp.ClientSession | None = None,
        clock: Clock | None = None,
        pace: Pace | None = None,
        http_timeout_s: float = 60.0,
        max_body_bytes: int = MAX_BODY_BYTES,
        ahead: Ahead | None = None,
        pause_collector: bool = True,
    ) -> None:
        who = login(
            {
                "account": account,
                "user": user,
                "private_key": private_key,
                "private_key_path": private_key_path,
                "private_key_passphrase": private_key_passphrase,
                "token": token,
                "programmatic_access_token": programmatic_access_token,
                "tokens": tokens,
                "host": host,
            },
            clock,
        )
        api = SqlApi(who.target, session=session, clock=clock, max_body_bytes=max_body_bytes)
        self._source = Source(api, who.tokens, pace or Pace(), http_timeout_s, ahead or Ahead())
        self._defaults: Defaults = {"role": role, "warehouse": warehouse, "database": database, "schema": schema}
        self._pause_collector = pause_collector

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

    async def query(
        self,
        sql: str,
        binds: Sequence[object] | None = None,
        *,
        progress: bool = False,
        **options: Unpack[StatementOptions],
    ) -> Result:
        """Run one statement and return all its rows; with `progress` a terminal shows a bar.

        Cancelling the task, or the end of `timeout_s`, cancels the statement in Snowflake.
        """
        return await (await self.submit(sql, binds, **options)).result(progress=progress)

    async def submit(
        self, sql: str, binds: Sequence[object] | None = None, **options: Unpack[StatementOptions]
    ) -> AsyncStatement:
        """Submit one statement and return as soon as Snowflake has accepted it."""
        request = submit_request(sql, binds, options, self._defaults)
        try:
            state = await submitted(self._source, request)
        except NoWarehouseError as error:
            error.hint = hints.no_warehouse(error.message, request.warehouse)
            raise
        return AsyncStatement(self._source, state, self._terms(request, options))

    def _terms(self, request: SubmitRequest, options: StatementOptions) -> Terms:
        return Terms(request.parameters, request.warehouse, options.get("timeout_s") or None, self._pause_collector)

    async def query_all(self, sql: str, **options: Unpack[StatementOptions]) -> list[Result]:
        """Run the statements of one text in one session and return the result of each, in order.

        When one fails, those before it have taken effect and those after it have not run.
        """
        options.setdefault("statement_count", 0)
        return await (await self.submit(sql, **options)).results()

    def statement(self, handle: str, *, parameters: Mapping[str, object] | None = None) -> AsyncStatement:
        """Return a statement that was submitted before, by its handle; nothing is asked yet.

        `parameters` are the output formats that it was submitted with, if any.
        """
        terms = Terms(parameters or {}, pause_collector=self._pause_collector)
        return AsyncStatement(self._source, Running(handle, {}), terms)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._source.api.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def submit_request(
    sql: str, binds: Sequence[object] | None, options: StatementOptions, defaults: Defaults
) -> SubmitRequest:
    """Return the request for a statement, asynchronous unless `wait_first` is set.

    Asynchronous means that its handle is there at once, to cancel it by.
    """
    parameters = dict(options.get("parameters") or {})
    if tag := options.get("query_tag"):
        parameters["query_tag"] = tag
    if (count := options.get("statement_count")) is not None:
        parameters["multi_statement_count"] = str(count)
    limit_s = options.get("timeout_s")
    return SubmitRequest(
        sql,
        bindings(binds),
        database=_name(options.get("database") or defaults.get("database")),
        schema=_name(options.get("schema") or defaults.get("schema")),
        warehouse=_name(options.get("warehouse") or defaults.get("warehouse")),
        role=_name(options.get("role") or defaults.get("role")),
        timeout_s=None if limit_s is None else math.ceil(limit_s),
        parameters=parameters,
        run_async=not options.get("wait_first", False),
    )


def _name(identifier: str | None) -> str | None:
    return body_field(identifier) if identifier else None
