"""The headers that Snowflake's SQL API insists on, with the refusals it gives.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference (request headers)
"""

from __future__ import annotations

from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.sqlapi.replies import Reply

_JSON = frozenset({"*/*", "application/*", "application/json"})


def media_problem(headers: Headers, method: str) -> Reply | None:
    """Return the refusal of a request without a User-Agent, of another type, or that takes no JSON; else None."""
    if not "".join(headers.all("user-agent")).strip():
        return _refusal(400, "391903", "Missing User-Agent header.")
    accept = ",".join(headers.all("accept")) or "null"
    if not {part.partition(";")[0].strip().lower() for part in accept.split(",")} & _JSON:
        return _refusal(400, "391902", "The Accept header does not admit application/json.")
    kind = ",".join(headers.all("content-type")).partition(";")[0].strip().lower()
    if method == "POST" and kind not in ("", "application/json"):
        return _refusal(415, "391901", "The Content-Type is not application/json.")
    return None


def _refusal(status: int, code: str, message: str) -> Reply:
    body = {"code": code, "sqlState": "08004", "message": f"invalid_request: {message}"}
    return Reply(status, body, {"skipass-error": "invalid_request"})
