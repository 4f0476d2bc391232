"""From an envelope, or a refusal, to the answer that a client of Snowflake's SQL API understands.

Every handle in an answer is ours. The one table from our codes to Snowflake's is here; ours travels beside it, in the
message and in `Skipass-Error`.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference and …/sql-api/handling-errors
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from skipass.errors import KINDS, Kind, SkipassError
from skipass.ids import as_uuid
from skipass.nouns.envelope import Envelope, Status

IN_PROGRESS = "Asynchronous execution in progress. Use provided query id to perform query monitoring and management."
_RUNNING = "333334"
_CANCELLED = ("000604", "57014")
_DENIED = ("003001", "42501")
_CODES: Mapping[str, tuple[str, str]] = MappingProxyType({
    "unauthenticated": ("390303", "08004"),
    "invalid_request": ("390142", "08004"),
    "unknown_field": ("390142", "08004"),
    "missing_field": ("390142", "08004"),
    "invalid_bindings": ("390142", "08004"),
    "not_found": ("000709", "02000"),
    "result_expired": ("000710", "02000"),
    "unparseable": ("001003", "42000"),
    "multi_statement": ("000008", "0A000"),
    "statement_too_large": ("000900", "54000"),
    "not_allowed": ("391911", "0A000"),
    "warehouse_required": ("000606", "57P03"),
    "statement_cancelled": _CANCELLED,
    "withdrawn": _CANCELLED,
    "lapsed": _CANCELLED,
})  # fmt: skip
_STATUS: Mapping[Kind, int] = MappingProxyType({
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
})  # fmt: skip
_BY_STATUS: Mapping[int, tuple[str, str]] = MappingProxyType({
    400: ("390142", "08004"),
    429: ("390505", "08004"),
    500: ("000603", "XX000"),
    503: ("000603", "08006"),
})  # fmt: skip
_ERROR = "skipass-error"
_TOLD = ("hint", "reasons", "request", "details", "url", "parts", "warehouses", "sessions", "connections")
_WAITING = frozenset({Status.RUNNING, Status.UNKNOWN, Status.APPROVAL_REQUIRED})


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, JSON body and headers of an answer."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def answered(envelope: Envelope, prefix: str, asked: str | None = None, *, no_result: bool = False) -> Reply:
    """Return the answer that tells what an envelope tells.

    `asked` is the handle that the request named. With `no_result` a result is left to be fetched.
    """
    if envelope.status in _WAITING or (no_result and envelope.status is Status.SUCCESS):
        return _waiting(envelope, prefix)
    if envelope.status is Status.SUCCESS:
        return _result(envelope, prefix)
    return _failed(envelope, prefix, asked)


def cancelled(envelope: Envelope, prefix: str, asked: str) -> Reply:
    """Return the answer to a cancel: it took hold, it is on its way, or there is nothing to cancel.

    A held statement that is taken back never runs, which is what a cancelled one has come to.
    """
    known = _known(asked, prefix)
    if envelope.status in (Status.CANCELLED, Status.WITHDRAWN):
        code, state = _CANCELLED
        return Reply(200, {"code": code, "sqlState": state, "message": "SQL execution canceled", **known})
    if envelope.status in (Status.RUNNING, Status.UNKNOWN):
        return Reply(200, {"code": _RUNNING, "message": "A cancel was sent.", **known})
    if envelope.status is Status.APPROVAL_REQUIRED:
        return refused(SkipassError("approval_required", "Nothing runs yet: a person decides."), asked)
    if envelope.status is Status.SUCCESS:
        return refused(SkipassError("not_found", "It has ended, so there is nothing to cancel."), asked)
    return _failed(envelope, prefix, asked)


def refused(error: SkipassError, asked: str | None = None, *, signed: bool = False) -> Reply:
    """Return the answer to a request that came to nothing; `signed` says that it came with a key-pair token.

    A handle is named even where there is no statement. Source: …/sql-api/reference, QueryFailureStatus.
    """
    reply = _refusal(error.as_dict(), asked, error.kind)
    if signed and reply.status == 401:
        return Reply(401, {**reply.body, "code": "390144"}, reply.headers)
    return reply


def links(handle: str, prefix: str, index: int, count: int) -> dict[str, str]:
    """Return the header that names the partitions around this one. Source: …/sql-api/reference, Link."""
    wanted = {"first": 0, "prev": index - 1, "next": index + 1, "last": count - 1}
    shown = [
        f'<{_url(handle, prefix)}&partition={number}>; rel="{rel}"'
        for rel, number in wanted.items()
        if 0 <= number < count
    ]
    return {"link": ", ".join(shown)}


def _waiting(envelope: Envelope, prefix: str) -> Reply:
    handle = as_uuid(envelope.execution_id)
    message, headers = IN_PROGRESS, {}
    if envelope.status is Status.APPROVAL_REQUIRED:
        url = str(envelope.fields.get("approval", {}).get("url", ""))
        message, headers = f"approval_required: a person decides at {url}. {IN_PROGRESS}", {"skipass-approval-url": url}
    elif envelope.status is Status.UNKNOWN:
        message = f"statement_unknown: {envelope.fields.get('hint', '')} {IN_PROGRESS}"
    return Reply(202, {"code": _RUNNING, "message": message, **_known(handle, prefix)}, headers)


def _result(envelope: Envelope, prefix: str) -> Reply:
    handle, body = as_uuid(envelope.execution_id), dict(envelope.data or {})
    body.pop("statementHandles", None)
    partitions = body.get("resultSetMetaData", {}).get("partitionInfo") or [{}]
    fixed = {"code": "090001", "sqlState": "00000", "message": "Statement executed successfully."}
    return Reply(200, {**fixed, **body, **_known(handle, prefix)}, links(handle, prefix, 0, len(partitions)))


def _failed(envelope: Envelope, prefix: str, asked: str | None) -> Reply:
    fields, statement_id = envelope.fields, envelope.execution_id
    handle = asked or (as_uuid(statement_id) if statement_id.startswith("stm_") else str(uuid4()))
    snowflakes = str(fields.get("snowflake_code") or "")
    if snowflakes.isdigit() and len(snowflakes) == 6:
        return _snowflakes(snowflakes, fields, handle, prefix)
    codes = (str(fields.get("code")), snowflakes, envelope.status.value)
    code = next((one for one in codes if one in KINDS), "internal_error")
    named = asked or (handle if statement_id.startswith("stm_") else None)
    return _refusal({**fields, "code": code}, named, KINDS[code])


def _snowflakes(code: str, fields: Mapping[str, Any], handle: str, prefix: str) -> Reply:
    """Return Snowflake's own refusal of a statement, as it said it."""
    state = str(fields.get("snowflake_state") or ("57014" if code in ("000604", "000630") else "42000"))
    status = {"000630": 408, "390505": 429}.get(code, 422)
    body = {"code": code, "sqlState": state, "message": fields.get("message") or "", **_known(handle, prefix)}
    return Reply(status, body, {_ERROR: str(fields.get("code") or "statement_failed")})


def _refusal(error: Mapping[str, Any], named: str | None, kind: Kind) -> Reply:
    code, handle = str(error["code"]), named or str(uuid4())
    status = _STATUS.get(kind, 429 if error.get("retryable") else 422)
    number, state = _CODES.get(code, _BY_STATUS.get(status, _DENIED))
    said = " ".join(str(error[part]) for part in ("message", "hint") if error.get(part))
    about = f"Statement {handle} not found. " if named and number == "000709" else ""
    body: dict[str, Any] = {"code": number, "sqlState": state, "message": f"{about}{code}: {said}".strip()}
    more = {name: error[name] for name in _TOLD if error.get(name)}
    return Reply(status, body | {"statementHandle": handle, **({"skipass": more} if more else {})}, {_ERROR: code})


def _known(handle: str, prefix: str) -> dict[str, Any]:
    created_ms = UUID(handle).int >> 80  # our ids begin with the time they were made at
    return {"statementHandle": handle, "statementStatusUrl": _url(handle, prefix), "createdOn": created_ms}


def _url(handle: str, prefix: str) -> str:
    return f"{prefix}/api/v2/statements/{handle}?requestId={uuid4()}"
