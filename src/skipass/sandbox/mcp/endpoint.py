"""The endpoint of a managed MCP server: one JSON-RPC object a POST, answered in JSON or as a stream of one answer.

HTTP 200 says little here: a server that is missing, or that the role may not use, is a JSON-RPC error under 200. There
are no sessions, no batches, no server stream, no negotiation.
Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from skipass.sandbox.account import Account
from skipass.sandbox.address import client_address
from skipass.sandbox.failures import Failure
from skipass.sandbox.identity import OAUTH, Identity, primary_role
from skipass.sandbox.mcp import discovery, objects, spec
from skipass.sandbox.mcp.schema import fault
from skipass.sandbox.mcp.tools import Call, ToolFailure
from skipass.sandbox.names import TableName, shown, stored
from skipass.sandbox.runner import Runner
from skipass.sandbox.session import Session
from skipass.sandbox.signin import authenticate

VERSION = "2025-11-25"
MAX_BODY_BYTES = 1_100_000
PARSE, INVALID, NO_METHOD, BAD_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603


class _RpcError(Exception):
    """A JSON-RPC error: its code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Endpoint:
    """The managed servers of one account."""

    def __init__(self, account: Account, runner: Runner) -> None:
        self._account = account
        self._runner = runner

    async def answer(self, request: Request) -> Response:
        """Answer one request to a server's address."""
        name = server_name(request)
        if name is None:
            return Response(b"", 404)
        if not request.headers.get("authorization"):
            return Response(b"", 401, discovery.challenge(request, self._account, name))
        if request.method != "POST":
            return Response(b"", 405, {"Allow": "POST"})
        accept = request.headers.get("accept", "")
        if not ("json" in accept or "event-stream" in accept or "*/*" in accept):
            body = {"code": "391902", "message": f"Unsupported Accept header {accept or 'null'} is specified."}
            return JSONResponse(body, int(self._account.switches.accept_status))
        return await self._posted(request, name)

    async def _posted(self, request: Request, name: TableName) -> Response:
        raw = await request.body()
        try:
            message = _message(raw)
        except _RpcError as error:
            return JSONResponse(_failed(None, error), 400)
        try:
            identity = await self._identity(request, name)
        except Failure as failure:
            return self._rejected(request, name, message, failure)
        request.scope["state"]["user"] = identity.user.name
        if "id" not in message:
            return Response(b"", 202)
        try:
            answer = {
                "jsonrpc": "2.0",
                "id": message["id"],
                "result": await self._result(request, name, identity, message),
            }
        except _RpcError as error:
            answer = _failed(message["id"], error)
            if error.code != INTERNAL:
                return JSONResponse(answer)  # no tool was called, so there is nothing to stream
        return self._written(request, message["method"], answer)

    async def _identity(self, request: Request, name: TableName) -> Identity:
        kind = request.headers.get("x-snowflake-authorization-token-type")
        header = request.headers["authorization"]
        identity = await asyncio.to_thread(authenticate, self._account, header, kind, client_address(request))
        bound = discovery.bound(self._account, name.parent)
        if bound is not None and identity.kind == OAUTH:
            one = self._account.sign_in.integrations.get(bound)
            if one is None or not one.enabled or identity.integration != bound:
                raise Failure("390303", "08004", "Invalid OAuth access token.", 401)
        return replace(identity, agentic=True)

    def _rejected(self, request: Request, name: TableName, message: dict[str, Any], failure: Failure) -> Response:
        if self._account.switches.mcp_token_rejected == "401" and failure.status == 401:  # noqa: S105
            body = {"code": failure.code, "message": failure.message}
            return JSONResponse(body, 401, discovery.challenge(request, self._account, name))
        status = 200 if failure.status == 401 else failure.status
        return JSONResponse(_failed(message.get("id"), _RpcError(INTERNAL, failure.message)), status)

    async def _result(
        self, request: Request, name: TableName, identity: Identity, message: dict[str, Any]
    ) -> dict[str, Any]:
        session = self._session(request, identity)
        request.scope["state"]["role"] = session.role
        tools = self._tools(session, name)
        method, params = message["method"], message.get("params")
        if method == "initialize":
            return _initialized()
        if method == "ping":
            return {}
        if method == "tools/list":
            return {"tools": [tool.listed() for tool in tools.values()]}
        if method != "tools/call":
            raise _RpcError(NO_METHOD, f"Method not found: {method}")
        return await self._called(request, session, tools, params)

    def _session(self, request: Request, identity: Identity) -> Session:
        """Role and warehouse come from the token and the user's defaults; headers may name others that are allowed."""
        account = self._account
        wanted = request.headers.get("x-snowflake-role")
        try:
            role = primary_role(account.catalog, identity, stored(wanted) if wanted else None, "390186")
        except Failure as failure:
            raise _RpcError(INTERNAL, failure.message) from None
        session = identity.enter(account.session_of(identity.user, role))
        if session.warehouse is None:
            raise _RpcError(INTERNAL, "Failed to initialize the session: the user has no default warehouse.")
        warehouse = request.headers.get("x-snowflake-warehouse")
        session.warehouse = stored(warehouse) if warehouse else session.warehouse
        return session

    def _tools(self, session: Session, name: TableName) -> dict[str, spec.Tool]:
        rights = session.rights(self._account.catalog)
        try:
            server = objects.found(self._account, rights, "MCP SERVER", name, "USAGE")
        except Failure:
            full = f"{shown(name.database)}.{shown(name.schema)}.{shown(name.name)}"
            raise _RpcError(INTERNAL, f"MCP server '{full}' does not exist or not authorized.") from None
        session.database, session.schema = name.database, name.schema
        return {tool.name: tool for tool in spec.tools(server.text)}

    async def _called(
        self, request: Request, session: Session, tools: dict[str, spec.Tool], params: Any
    ) -> dict[str, Any]:
        found = params if isinstance(params, dict) else {}
        tool = tools.get(str(found.get("name")))
        if tool is None:
            raise _RpcError(BAD_PARAMS, f"Unknown tool: {found.get('name')}")
        arguments = found.get("arguments", {})
        wrong = fault(tool.input_schema() | {"type": "object"}, arguments)
        if wrong is not None:
            raise _RpcError(BAD_PARAMS, f"Invalid arguments: {wrong}")
        request.scope["state"]["tool"] = tool.name
        if self._account.switches.trial_account:
            return self._tool_failed("399504 Access denied for trial accounts")
        if tool.type == spec.SQL:
            request.scope["state"]["statement"] = arguments["sql"]
        try:
            return await Call(self._account, self._runner, session, tool).run(arguments)
        except ToolFailure as failure:
            return self._tool_failed(str(failure))

    def _tool_failed(self, text: str) -> dict[str, Any]:
        where = self._account.switches.mcp_tool_failure
        if where == "error":
            raise _RpcError(INTERNAL, text)
        content = {"content": [{"type": "text", "text": text}]}
        return content | {"isError": True} if where == "is_error" else content

    def _written(self, request: Request, method: str, answer: dict[str, Any]) -> Response:
        switches = self._account.switches
        wanted = switches.mcp_stream if method == "tools/call" else switches.mcp_list_stream
        accept = request.headers.get("accept", "")
        if wanted != "sse" or not ("event-stream" in accept or "*/*" in accept):
            return JSONResponse(answer)
        text = f"data: {json.dumps(answer, ensure_ascii=False)}\n\ndata: [DONE]\n\n"
        return Response(text.encode(), 200, {"Cache-Control": "no-store"}, "text/event-stream")


def server_name(request: Request) -> TableName | None:
    """Return the server that a path names, None for parts that are no identifiers."""
    parts = [request.path_params[part] for part in ("database", "schema", "server")]
    names = [stored(part) for part in parts]
    good = all(part.startswith('"') or shown(name) == name for part, name in zip(parts, names, strict=True))
    return TableName(*names) if good and all(names) else None


def _message(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BODY_BYTES:
        raise _RpcError(INVALID, "Request too large")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise _RpcError(PARSE, "Parse error") from None
    if not isinstance(found, dict) or found.get("jsonrpc") != "2.0" or not isinstance(found.get("method"), str):
        raise _RpcError(INVALID, "Invalid Request")
    if isinstance(found.get("id"), (dict, list, bool)):
        raise _RpcError(INVALID, "Invalid Request")
    return found


def _failed(message_id: Any, error: _RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message_id, "error": {"code": error.code, "message": error.message}}


def _initialized() -> dict[str, Any]:
    return {
        "protocolVersion": VERSION,
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": "snowflake-managed-mcp", "version": "1.0.0"},
    }
