"""What a request to the SQL API asks for: its path, its query, its body, as arguments of a tool call.

A member or a parameter that the API does not have is refused rather than ignored.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from skipass.errors import SkipassError
from skipass.ids import from_uuid
from skipass.surfaces.edge.asgi import Scope
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.edge.strict_json import parse_json

_PATH = re.compile(
    r"(?P<prefix>(?:/c/(?P<connection>[A-Za-z0-9_-]{1,40}))?)/api/v2/statements/?"
    r"(?:(?P<handle>[^/]{1,64})(?P<cancel>/cancel)?)?",
    re.ASCII,
)
_MEMBERS = ("statement", "timeout", "database", "schema", "warehouse", "role", "bindings", "parameters")
_RESULT_FORMAT = "resultSetMetaData"
_SESSION = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_MOST_PARTITION_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Place:
    """What a path is about: the connection it names, a statement's handle, and whether it cancels.

    `prefix` stands before the API's own path in every address that is given out.
    """

    prefix: str
    connection: str | None
    handle: str | None
    cancels: bool

    @property
    def method(self) -> str:
        """The one method that is served here."""
        return "POST" if self.handle is None or self.cancels else "GET"

    @property
    def statement_id(self) -> str:
        """The statement's id; a text that is no handle of ours names nothing that exists."""
        try:
            return from_uuid("statement", self.handle or "")
        except ValueError:
            return "stm_"


def place_of(path: str) -> Place | None:
    """Return what a path is about, None where it is not one of the API's."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    return Place(found["prefix"], found["connection"], found["handle"], found["cancel"] is not None)


class Query:
    """The query of a request: each parameter once, and none that is not asked for."""

    def __init__(self, scope: Scope, *known: str) -> None:
        try:
            text = scope.get("query_string", b"").decode("ascii")
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=20)
        except ValueError:
            raise SkipassError("invalid_request", "The query string cannot be read.") from None
        self._values = dict(pairs)
        if len(self._values) != len(pairs):
            raise SkipassError("invalid_request", "A query parameter was sent more than once.", "Send it once.")
        if unknown := sorted(set(self._values) - set(known)):
            message = f"There is no query parameter {unknown[0][:40]!r} here."
            raise SkipassError("unknown_field", message, f"Known: {', '.join(known)}.")

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean parameter."""
        text = self._values.get(name)
        value = default if text is None else _BOOLEANS.get(text.lower())
        if value is None:
            raise SkipassError("invalid_request", f"{name} is neither true nor false.")
        return value

    def request_id(self) -> str | None:
        """Return the client's id of its request, in one spelling, None where it sent none."""
        text = self._values.get("requestId")
        try:
            return None if text is None else str(UUID(text))
        except ValueError:
            raise SkipassError("invalid_request", "requestId is not a UUID.") from None

    def partition(self) -> int:
        """Return the number of the partition that is asked for."""
        text = self._values.get("partition", "0")
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_PARTITION_DIGITS):
            raise SkipassError("invalid_request", "partition is not a number from 0.")
        return int(text)


def submitted(scope: Scope, content: bytes, settings: EdgeSettings) -> dict[str, Any]:
    """Return the arguments of `snowflake_execute_query` that a submit stands for; its values are checked there."""
    query = Query(scope, "requestId", "retry", "async", "nullable")
    body = parse_json(content, max_depth=settings.max_json_depth, max_tokens=settings.max_json_tokens)
    if not isinstance(body, dict):
        raise SkipassError("invalid_request", "The body is not a JSON object.")
    if unknown := sorted(set(body) - {*_MEMBERS, _RESULT_FORMAT}):
        message = f"A statement has no member {unknown[0][:40]!r}."
        raise SkipassError("unknown_field", message, f"Known: {', '.join(_MEMBERS)}.")
    return _arguments(body, query)


def _arguments(body: Mapping[str, Any], query: Query) -> dict[str, Any]:
    arguments = {name: body[name] for name in _MEMBERS if body.get(name) is not None}
    if arguments.get("timeout") == 0:  # as long as may be
        del arguments["timeout"]
    arguments |= {"async": query.flag("async", default=False), "nullable": query.flag("nullable", default=True)}
    if request_id := query.request_id():
        arguments |= {"request_id": request_id, "retry": query.flag("retry", default=False)}
    return arguments


def session_from(headers: Headers) -> str | None:
    """Return the access session that `Skipass-Session` picks, None where the header is absent."""
    value = headers.get("skipass-session")
    if value is not None and not _SESSION.fullmatch(value):
        raise SkipassError("invalid_request", "Skipass-Session is not 1 to 128 visible ASCII characters.")
    return value
