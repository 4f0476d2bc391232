"""What goes to the SQL API, as pure values: one `Call` for each of its requests.

No I/O, no tokens, no clock. What Snowflake cannot take is refused here, before anything is sent.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import orjson

from skipass.snowflake.errors import SnowflakeConfigError

PARAMETERS = frozenset({
    "binary_output_format", "client_result_chunk_size", "date_output_format", "multi_statement_count", "query_tag",
    "rows_per_resultset", "time_output_format", "timestamp_ltz_output_format", "timestamp_ntz_output_format",
    "timestamp_output_format", "timestamp_tz_output_format", "timezone", "use_cached_result",
})  # fmt: skip
MAXIMUM_TIMEOUT_S = 604_800
_PATH = "/api/v2/statements"
HANDLE = re.compile(r"[0-9A-Za-z-]{1,64}")
_TAG_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """One statement to submit; names of database, schema, warehouse and role are exact and unquoted.

    `bindings` is in wire form (`sqlapi.binds.bindings`). `timeout_s` is Snowflake's own limit, 0 the longest. `retry`
    is true only when the same `request_id` may have been received before: then nothing runs twice. `run_async` asks for
    a handle at once. `nullable=False` turns NULL into the word `null` and is never needed.
    """

    statement: str
    bindings: Mapping[str, Mapping[str, str | None]] | None = None
    database: str | None = None
    schema: str | None = None
    warehouse: str | None = None
    role: str | None = None
    timeout_s: int | None = None
    parameters: Mapping[str, str | int | bool] = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: str(uuid4()))
    retry: bool = False
    run_async: bool = False
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, apart from its credential: path from the account's root, query, body (None on GET).

    `headers` go beside or instead of the usual ones. An answer is read no further than `last` bytes found in it.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    statement_handle: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    last: bytes = b""

    @property
    def request_id(self) -> str | None:
        """The request's id, where it has one."""
        return self.query.get("requestId")

    @property
    def submits(self) -> bool:
        """True for the one call that can make Snowflake run something."""
        return self.path == _PATH

    def again(self) -> Call:
        """Return the call to send after this one was refused or its fate is unknown: a submit says it is a retry."""
        return replace(self, query={**self.query, "retry": "true"}) if self.submits else self


def submit_call(request: SubmitRequest) -> Call:
    """Return the request that submits a statement, or raise `SnowflakeConfigError` for what Snowflake cannot take."""
    _check(request)
    named = {
        "statement": request.statement, "timeout": request.timeout_s, "database": request.database,
        "schema": request.schema, "warehouse": request.warehouse, "role": request.role,
        "bindings": dict(request.bindings) if request.bindings else None,
        "parameters": dict(request.parameters) or None,
    }  # fmt: skip
    query = {"requestId": request.request_id}
    flags = {"retry": request.retry, "async": request.run_async}
    query |= {name: "true" for name, is_set in flags.items() if is_set}
    query |= {} if request.nullable else {"nullable": "false"}
    return Call("POST", _PATH, query, _dumps({k: v for k, v in named.items() if v is not None}))


def _dumps(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        raise SnowflakeConfigError("The statement, a bind or a parameter has no JSON form (UTF-8 text).") from None


def _check(request: SubmitRequest) -> None:
    wanted = {name.lower(): value for name, value in request.parameters.items()}
    several = str(wanted.get("multi_statement_count", "1")) != "1"
    problems = {
        "The statement is empty.": not request.statement.strip(),
        "The request id is not a UUID.": not _is_uuid(request.request_id),
        "The timeout is not between 0 and 604800 seconds.": not 0 <= (request.timeout_s or 0) <= MAXIMUM_TIMEOUT_S,
        "Binds cannot be used with several statements.": several and bool(request.bindings),
        "The query tag is longer than 2000 characters.": len(str(wanted.get("query_tag", ""))) > _TAG_CHARACTERS,
    }
    problems |= {f"The SQL API has no parameter {name!r}.": True for name in wanted if name not in PARAMETERS}
    if found := [text for text, is_wrong in problems.items() if is_wrong]:
        raise SnowflakeConfigError(" ".join(found), request_id=request.request_id)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def poll_call(handle: str) -> Call:
    """Return the request for a statement's state, or its first partition."""
    return Call("GET", f"{_PATH}/{_checked(handle)}", statement_handle=handle)


def partition_call(handle: str, index: int) -> Call:
    """Return the request for partition `index`, from 1."""
    if index < 0:
        raise SnowflakeConfigError("A partition's number is not negative.")
    return Call("GET", f"{_PATH}/{_checked(handle)}", {"partition": str(index)}, statement_handle=handle)


def cancel_call(handle: str) -> Call:
    """Return the request that cancels a statement."""
    return Call("POST", f"{_PATH}/{_checked(handle)}/cancel", body=b"{}", statement_handle=handle)


def _checked(handle: str) -> str:
    if not HANDLE.fullmatch(handle):
        raise SnowflakeConfigError("The statement handle is not one of Snowflake's.")
    return handle
