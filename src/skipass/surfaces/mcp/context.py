"""What a request says about the call beside its arguments; each of it a claim, none of it trusted."""

from __future__ import annotations

from skipass.errors import SkipassError
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.idempotency import idempotency_key
from skipass.surfaces.mcp.jsonrpc import INVALID_REQUEST, Fault, Message
from skipass.surfaces.mcp.revisions import META_CLIENT, meta_of
from skipass.tools.call import CallContext


def call_context(message: Message, headers: Headers, *, request_id: str, wait_s: float) -> CallContext:
    """Return the context of a call; -32600 when `Idempotency-Key` is repeated or not 1 to 255 visible ASCII."""
    return CallContext(request_id, _key(headers), _client_name(message), wait_s)


def _key(headers: Headers) -> str | None:
    try:
        return idempotency_key(headers)
    except SkipassError as error:
        raise Fault(INVALID_REQUEST, error.message, cause=error) from None


def _client_name(message: Message) -> str | None:
    info = meta_of(message.params).get(META_CLIENT) or message.params.get("clientInfo")
    name = info.get("name") if isinstance(info, dict) else None
    return "".join(c for c in name[:100] if c.isprintable()) or None if isinstance(name, str) else None
