"""Turns a submit's JSON body and query into values, or refuses it as the account would.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skipass.sandbox import failures, zones
from skipass.sandbox.account import Account
from skipass.sandbox.cells import Formats
from skipass.sandbox.identity import Identity, primary_role
from skipass.sandbox.session import Session

MAX_TIMEOUT_S = 604_800
_PATTERNS = {
    "DATE_OUTPUT_FORMAT": ("date",),
    "TIME_OUTPUT_FORMAT": ("time",),
    "TIMESTAMP_OUTPUT_FORMAT": ("timestamp_ntz", "timestamp_ltz", "timestamp_tz"),
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": ("timestamp_ntz",),
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": ("timestamp_ltz",),
    "TIMESTAMP_TZ_OUTPUT_FORMAT": ("timestamp_tz",),
}
_PARAMETERS = {
    *_PATTERNS,
    "BINARY_OUTPUT_FORMAT",
    "CLIENT_RESULT_CHUNK_SIZE",
    "MULTI_STATEMENT_COUNT",
    "QUERY_TAG",
    "ROWS_PER_RESULTSET",
    "TIMEZONE",
    "USE_CACHED_RESULT",
}


@dataclass(frozen=True, slots=True)
class Submit:
    """One submit: the text, where and as whom it runs, and how rows come back."""

    text: str
    timeout: int = 0
    database: str | None = None
    schema: str | None = None
    warehouse: str | None = None
    role: str | None = None
    bindings: object = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    nullable: bool = True

    @property
    def statement_count(self) -> int:
        """How many statements the text may hold; 0 is any number."""
        return _whole(self.parameters.get("MULTI_STATEMENT_COUNT", "1"))

    @property
    def row_cap(self) -> int:
        """The most rows to return; 0 is no cap."""
        return _whole(self.parameters.get("ROWS_PER_RESULTSET", "0"))

    def formats(self, nanos: bool) -> Formats:
        """Return how cells are written."""
        patterns = {
            kind: self.parameters[name]
            for name, kinds in _PATTERNS.items()
            if name in self.parameters
            for kind in kinds
        }
        base64 = self.parameters.get("BINARY_OUTPUT_FORMAT", "").upper() == "BASE64"
        return Formats(nanos, base64, self.nullable, patterns)


def _whole(text: str) -> int:
    if not text.isdigit():
        raise failures.payload()
    return int(text)


def read_submit(body: bytes, *, nullable: bool) -> Submit:
    """Return the submit that a body describes, or raise 390142."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise failures.payload() from None
    if not isinstance(found, dict) or not isinstance(found.get("statement"), str):
        raise failures.payload()
    timeout = found.get("timeout", 0) or 0
    if not isinstance(timeout, int) or isinstance(timeout, bool) or not 0 <= timeout <= MAX_TIMEOUT_S:
        raise failures.payload()
    names = {name: _name(found.get(name)) for name in ("database", "schema", "warehouse", "role")}
    return Submit(
        text=found["statement"],
        timeout=timeout,
        bindings=found.get("bindings"),
        parameters=_parameters(found.get("parameters")),
        nullable=nullable,
        **names,
    )


def _name(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise failures.payload()
    return value or None


def _parameters(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise failures.payload()
    found = {str(name).upper(): str(one) for name, one in value.items() if one is not None}
    for name in found:
        if name not in _PARAMETERS:
            raise failures.compilation("001006", "22023", f"invalid parameter '{name}'")
    if len(found.get("QUERY_TAG", "")) > 2000:
        raise failures.compilation("001008", "22023", "invalid value for parameter 'QUERY_TAG'")
    return found


def open_session(account: Account, identity: Identity, submit: Submit) -> Session:
    """Return the session of a submit: its own names where given, else the user's defaults."""
    role = primary_role(account.catalog, identity, submit.role, account.switches.role_refusal)
    session = identity.enter(account.session_of(identity.user, role))
    session.warehouse = submit.warehouse or session.warehouse
    if submit.database is not None:
        session.database, session.schema = submit.database, submit.schema or "PUBLIC"
    elif submit.schema is not None:
        session.schema = submit.schema
    if "TIMEZONE" in submit.parameters:
        session.zone = zones.checked(submit.parameters["TIMEZONE"])
    session.tag = submit.parameters.get("QUERY_TAG", "")
    return session
