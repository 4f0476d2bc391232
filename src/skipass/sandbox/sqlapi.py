"""The SQL API's three endpoints: submit, status or partition, cancel.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference and .../handling-responses.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from skipass.sandbox import failures, openpoints
from skipass.sandbox.account import Account
from skipass.sandbox.address import client_address
from skipass.sandbox.failures import Failure
from skipass.sandbox.identity import Identity
from skipass.sandbox.quantities import whole
from skipass.sandbox.requests import open_session, read_submit
from skipass.sandbox.runner import Runner
from skipass.sandbox.signin import authenticate
from skipass.sandbox.statements import Output, Statement

IN_PROGRESS = "Asynchronous execution in progress. Use provided query id to perform query monitoring and management."
Handler = Callable[["Api", Request], Awaitable[Response]]


class Api:
    """The endpoints of one account."""

    def __init__(self, account: Account, runner: Runner) -> None:
        self.account = account
        self.runner = runner

    async def submit(self, request: Request) -> Response:
        """Accept a statement: 200 with rows, 202 while it runs, 422 or 408 if it fails."""
        return await self._answered(request, self._submit)

    async def status(self, request: Request) -> Response:
        """Answer the state of a statement, or a partition of its result."""
        return await self._answered(request, self._status)

    async def cancel(self, request: Request) -> Response:
        """Stop a running statement."""
        return await self._answered(request, self._cancel)

    async def _answered(self, request: Request, work: Callable[[Request, Identity], Awaitable[Response]]) -> Response:
        try:
            _check_headers(request)
            kind = request.headers.get("x-snowflake-authorization-token-type")
            authorization = request.headers.get("authorization", "")
            identity = await asyncio.to_thread(authenticate, self.account, authorization, kind, client_address(request))
            request.scope["state"]["user"] = identity.user.name
            return await work(request, identity)
        except Failure as failure:
            return refused(failure, openpoints.status(self.account.switches, failure))

    async def _submit(self, request: Request, identity: Identity) -> Response:
        query = request.query_params
        request_id = _request_id(query.get("requestId"))
        submit = read_submit(await request.body(), nullable=query.get("nullable", "true").lower() != "false")
        request.scope["state"] |= {"statement": submit.text, "tag": submit.parameters.get("QUERY_TAG", "")}
        statement = self._replayed(identity, request_id) if query.get("retry", "").lower() == "true" else None
        if statement is None:
            session = open_session(self.account, identity, submit)
            request.scope["state"]["role"] = session.role
            statement = self.runner.start(submit, session, request_id)
        request.scope["state"]["handle"] = statement.handle
        if query.get("async", "").lower() == "true" or self.runner.answers_early():
            return self._running(statement)
        await self.runner.wait(statement, self.account.switches.sync_window_s)
        return self._state(statement)

    def _replayed(self, identity: Identity, request_id: str | None) -> Statement | None:
        if request_id is None:
            return None
        found = self.account.registry.by_request(identity.user.name, request_id)
        return None if found is None or found.failure is not None else found

    def _found(self, request: Request, identity: Identity, status: int = 422) -> Statement:
        handle = request.path_params["handle"]
        oldest = self.account.now() - timedelta(seconds=self.account.switches.handle_age_s)
        statement = self.account.registry.get(handle, identity.user.name, oldest)
        if statement is None:
            raise _Unknown(handle, status)
        request.scope["state"]["handle"] = handle
        return statement

    async def _status(self, request: Request, identity: Identity) -> Response:
        if "nullable" in request.query_params:
            raise failures.payload()
        statement = self._found(request, identity, int(self.account.switches.unknown_handle_status))
        wanted = whole(request.query_params.get("partition", "0"))
        if wanted is None:
            raise failures.payload()
        if wanted == 0 or statement.output is None:
            return self._state(statement)
        return self._partition(statement, statement.output, wanted)

    async def _cancel(self, request: Request, identity: Identity) -> Response:
        statement = self._found(request, identity)
        if statement.done.is_set() or not await self.runner.stop(statement, failures.cancelled()):
            raise _Unknown(statement.handle)
        other = {"code": "0", "sqlState": "", "message": "successfully canceled"}
        chosen = other if self.account.switches.cancel_code == "0" else {}
        return _json(200, _failure_body(failures.cancelled(), statement) | chosen)

    def _state(self, statement: Statement) -> Response:
        if not statement.done.is_set():
            return self._running(statement)
        if statement.failure is not None:
            status = openpoints.status(self.account.switches, statement.failure)
            return _json(status, _failure_body(statement.failure, statement))
        if statement.output is None:
            raise _Unknown(statement.handle)
        return _result(statement, statement.output, self.account.switches.row_type_case == "upper")

    def _running(self, statement: Statement) -> Response:
        """Return the 202 of a statement that has not ended."""
        body = {"code": self.account.switches.running_code, "message": IN_PROGRESS}
        return _json(202, body | {"statementHandle": statement.handle, "statementStatusUrl": _url(statement.handle)})

    def _partition(self, statement: Statement, output: Output, wanted: int) -> Response:
        if wanted >= len(output.partitions):
            raise failures.Failure("391912", "22023", f"Partition {wanted} does not exist.", 422)
        headers = {"Content-Encoding": "gzip", "Link": _links(statement.handle, wanted, len(output.partitions))}
        body = output.partitions[wanted].compressed
        return Response(body, 200, headers, "application/json")


class _Unknown(Failure):
    """000709, which alone among the refusals before a run names the handle as its own member."""

    def __init__(self, handle: str, status: int = 422) -> None:
        known = failures.unknown_handle(handle)
        super().__init__(known.code, known.sqlstate, known.message, status)
        self.handle = handle


def _request_id(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise failures.payload() from None


def _check_headers(request: Request) -> None:
    headers = request.headers
    if not headers.get("user-agent", "").strip():
        raise Failure("391903", "08004", "Missing User-Agent header.", 400)
    accept = headers.get("accept")
    if accept is None or not _admits_json(accept):
        shown = "null" if accept is None else accept
        raise Failure("391902", "08004", f"Unsupported Accept header {shown} is specified.", 400)
    kind = headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if request.method == "POST" and kind != "application/json":
        raise Failure("391901", "08004", f"Unsupported Content-Type header {kind} is specified.", 415)


def _admits_json(accept: str) -> bool:
    kinds = {part.split(";")[0].strip().lower() for part in accept.split(",")}
    return bool(kinds & {"*/*", "application/*", "application/json"})


def refused(failure: Failure, status: int) -> Response:
    """Return the answer to a request that started no statement."""
    body: dict[str, Any] = {"code": failure.code, "message": failure.message}
    if status == 422:
        handle = failure.handle if isinstance(failure, _Unknown) else str(uuid.uuid4())
        body |= {"sqlState": failure.sqlstate, "statementHandle": handle}
    return _json(status, body)


def _url(handle: str) -> str:
    return f"/api/v2/statements/{handle}?requestId={uuid.uuid4()}"


def _failure_body(failure: Failure, statement: Statement) -> dict[str, Any]:
    return {
        "code": failure.code,
        "sqlState": failure.sqlstate,
        "message": failure.message,
        "statementHandle": statement.handle,
        "statementStatusUrl": _url(statement.handle),
        "createdOn": int(statement.started.timestamp() * 1000),
    }


def _capital(column: dict[str, object]) -> dict[str, object]:
    """The other reading of a column: its type in capital letters, 0 for what it does not have."""
    zeros = {name: column[name] or 0 for name in ("length", "byteLength", "precision", "scale")}
    return column | zeros | {"type": str(column["type"]).upper()}


def _result(statement: Statement, output: Output, upper: bool) -> Response:
    row_type = [column.as_json() for column in output.columns]
    if upper:
        row_type = [_capital(column) for column in row_type]
    body: dict[str, Any] = {
        "resultSetMetaData": {
            "numRows": output.total_rows,
            "format": "jsonv2",
            "partitionInfo": [partition.info() for partition in output.partitions],
            "rowType": row_type,
        },
        "data": output.partitions[0].rows,
        "code": "090001",
        "sqlState": "00000",
        "message": "Statement executed successfully.",
        "statementHandle": statement.handle,
        "statementStatusUrl": _url(statement.handle),
        "createdOn": int(statement.started.timestamp() * 1000),
    }
    if output.children:
        body["statementHandles"] = output.children
    if output.stats is not None:
        body["stats"] = output.stats
    return _json(200, body, {"Link": _links(statement.handle, 0, len(output.partitions))})


def _links(handle: str, current: int, count: int) -> str:
    wanted = {"first": 0, "prev": current - 1, "next": current + 1, "last": count - 1}
    links = [
        f'<{_url(handle)}&partition={number}>; rel="{rel}"' for rel, number in wanted.items() if 0 <= number < count
    ]
    return ", ".join(links)


def _json(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), status, headers, "application/json")
