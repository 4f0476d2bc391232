"""Which error an answer of Snowflake is.

Pure: one answer in, one exception out. The code in the body decides first, then the status, because several documented
refusals travel with different statuses. Texts are looked at only where they are the one stable sign.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import orjson

from skipass.snowflake import errors as e
from skipass.snowflake.sqlapi import hints

_ROLE_CODES = frozenset({"390186", "390189", "390317", "390201"})
_EXPIRED_CODES = frozenset({"390318", "394303", "390112"})
_AUTH_CODES = frozenset({"390100", "390101", "390104", "390144", "390303", "394400"})
_DENIED_CODES = frozenset({"002003", "002043", "003001"})
_GONE_CODES = frozenset({"000709", "000710"})
_FINAL_REFUSALS = frozenset({"390100", "390104", "394400"})
_FAILURE_ID = re.compile(r"\[([^\[\]]+)\]\s*$")
_COUNT_MISMATCH = re.compile(r"Actual statement count \d+ did not match the desired statement count")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, its body decompressed; header names are lower case. `received_at` is this machine's time."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    received_at: datetime | None = None


class Asked(Protocol):
    """What is needed of the call that an answer belongs to."""

    @property
    def request_id(self) -> str | None: ...

    @property
    def statement_handle(self) -> str | None: ...


def json_body(answer: Answer) -> dict[str, Any] | None:
    """Return the answer's JSON object, None for anything else."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def retry_after_s(answer: Answer) -> float | None:
    """Return the `Retry-After` of an answer in seconds, None without one; the date form is not used by Snowflake.

    Source: RFC 9110 §10.2.3
    """
    text = answer.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def can_use_fresh_token(answer: Answer) -> bool:
    """True for a 401 that another token may cure: nothing ran, and the refusal was of this token, not of the login."""
    if answer.status != 401:
        return False
    body = json_body(answer) or {}
    code = _code(body)
    return code not in _ROLE_CODES | _FINAL_REFUSALS and not _is_network_policy(code, _message(body))


def failure_in_success(call: Asked, answer: Answer, body: Mapping[str, Any]) -> e.SnowflakeError | None:
    """Return the failure that a 200 answer carries in its code, None if it is a result."""
    code = _code(body)
    if code == "391908":
        return e.IncompleteResultError("Snowflake returned only part of the result.", **_facts(call, answer, body))
    if code in ("000604", "000605", "000630") or code in _GONE_CODES:
        return failure(call, answer)
    if code in (None, "090001") or "data" in body or "stats" in body:
        return None
    return e.ProtocolError(_message(body) or "The answer is no result.", **_facts(call, answer, body))


def failure(call: Asked, answer: Answer) -> e.SnowflakeError:
    """Return the error that an answer other than a result is."""
    body = json_body(answer)
    error = _class_of(call, answer, body)
    if isinstance(error, e.SnowflakeAuthError):
        match = _FAILURE_ID.search(error.message)
        error.login_failure_id = match[1] if match else None
        error.hint = hints.refused_credential(error.code, error.hint, clock_ahead_s(answer))
    return error


def clock_ahead_s(answer: Answer) -> float | None:
    """Return how far this machine's clock is ahead of Snowflake's, None where the answer's date does not tell.

    Source: RFC 9110 §6.6.1
    """
    try:
        sent = parsedate_to_datetime(answer.headers.get("date", ""))
        if answer.received_at is None or sent.tzinfo is None:
            return None
        return (answer.received_at - sent).total_seconds()
    except (ValueError, OverflowError):
        return None


def _class_of(call: Asked, answer: Answer, body: dict[str, Any] | None) -> e.SnowflakeError:
    shape = body or {}
    code, text = _code(shape), _message(shape)
    facts = _facts(call, answer, shape)
    if code == "000606":
        return e.NoWarehouseError(text or "No warehouse is active.", **{**facts, "hint": hints.no_warehouse(text)})
    if _is_network_policy(code, text):
        return _policy(text or "A network policy refused the request.", facts)
    if code in _ROLE_CODES or "is not listed in the Access Token" in text:
        return e.RoleNotAllowed(text, **facts)
    if kind := _by_code(code):
        return kind(text or kind.__name__, **facts)
    return _by_status(call, answer, body, facts)


def _by_code(code: str | None) -> type[e.SnowflakeError] | None:
    table: tuple[tuple[frozenset[str], type[e.SnowflakeError]], ...] = (
        (_EXPIRED_CODES, e.TokenExpired),
        (_AUTH_CODES, e.TokenRejected),
        (frozenset({"000604", "000605"}), e.StatementCancelled),
        (frozenset({"000630"}), e.StatementTimedOut),
        (_GONE_CODES, e.StatementNotFound),
        (_DENIED_CODES, e.ObjectNotFoundError),
    )
    return next((kind for codes, kind in table if code in codes), None)


def _by_status(call: Asked, answer: Answer, body: dict[str, Any] | None, facts: dict[str, Any]) -> e.SnowflakeError:
    status, text = answer.status, _message(body or {})
    if status == 401:
        return e.TokenRejected(text or "Snowflake did not accept the credential.", **facts)
    if status == 408:
        return e.StatementTimedOut(text or "The statement reached its time limit.", **facts)
    if status == 429:
        throttled = e.Throttled(text or "Too many requests.", **facts)
        throttled.retry_after_s = retry_after_s(answer)
        return throttled
    if call.statement_handle and (status in (404, 410) or (status == 422 and body is None)):
        return e.StatementNotFound(text or "The statement is unknown or its result is no longer kept.", **facts)
    if status >= 500 and status != 513:
        return _unavailable(status, text, facts)
    if status == 422 and body is not None:
        return _statement_error(text, facts)
    return _refused(answer, body, text, facts)


def _unavailable(status: int, text: str, facts: dict[str, Any]) -> e.SnowflakeError:
    error = e.SnowflakeUnavailable(text or f"Snowflake answered with status {status}.", sent=True, http_status=status)
    error.code, error.hint = facts["code"], facts["hint"]
    return error


def _statement_error(text: str, facts: dict[str, Any]) -> e.SnowflakeError:
    is_compilation = (facts["sql_state"] or "").startswith("42") or _COUNT_MISMATCH.search(text)
    kind = e.CompileError if is_compilation else e.StatementError
    return kind(text or "Snowflake failed the statement.", **facts)


def _refused(answer: Answer, body: dict[str, Any] | None, text: str, facts: dict[str, Any]) -> e.SnowflakeError:
    if answer.status == 403 and not answer.body.strip():
        return _policy("Snowflake refused the request without a word.", facts)
    if body is None and (answer.status in (403, 404, 513) or 300 <= answer.status < 400):
        return e.SnowflakeConfigError(
            f"The host answered with status {answer.status}.", **{**facts, "hint": hints.HOST}
        )
    if 400 <= answer.status < 500:
        return e.SnowflakeConfigError(text or f"Snowflake refused the request with status {answer.status}.", **facts)
    return e.ProtocolError(f"An answer with status {answer.status} is not one of the SQL API.", **facts)


def _policy(text: str, facts: dict[str, Any]) -> e.NetworkPolicyError:
    return e.NetworkPolicyError(text, **{**facts, "hint": facts["hint"] or hints.NETWORK_POLICY})


def _is_network_policy(code: str | None, text: str) -> bool:
    return (code or "").startswith("39042") or code == "390432" or "is not allowed to access Snowflake" in text


def _code(body: Mapping[str, Any]) -> str | None:
    code = body.get("code")
    if isinstance(code, int) and not isinstance(code, bool):
        return f"{code:06d}"
    return code if isinstance(code, str) and code else None


def _message(body: Mapping[str, Any]) -> str:
    message = body.get("message")
    return message if isinstance(message, str) else ""


def _facts(call: Asked, answer: Answer, body: Mapping[str, Any]) -> dict[str, Any]:
    state, handle = body.get("sqlState"), body.get("statementHandle")
    return {
        "code": _code(body),
        "sql_state": state if isinstance(state, str) and state else None,
        "statement_handle": handle if isinstance(handle, str) and handle else call.statement_handle,
        "request_id": call.request_id,
        "http_status": answer.status,
        "hint": hints.BY_CODE.get(_code(body) or "", ""),
    }
