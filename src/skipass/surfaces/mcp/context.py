"""What a request says about the call beside its arguments; each of it a claim, none of it trusted."""

from __future__ import annotations

import re

from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.mcp.jsonrpc import INVALID_REQUEST, Fault, Message
from skipass.surfaces.mcp.revisions import META_CLIENT, meta_of
from skipass.tools.call import CallContext

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


def call_context(message: Message, headers: Headers, *, request_id: str, wait_s: float) -> CallContext:
    """Return the context of a call; -32600 when `Idempotency-Key` is repeated or not 1 to 255 visible ASCII."""
    return CallContext(request_id, _idempotency_key(headers), _client_name(message), wait_s)


def _idempotency_key(headers: Headers) -> str | None:
    sent = headers.all("idempotency-key")
    if not sent:
        return None
    if len(sent) > 1 or not _KEY.fullmatch(sent[0]):
        raise Fault(INVALID_REQUEST, "Idempotency-Key must be one value of 1 to 255 visible ASCII characters.")
    return sent[0]


def _client_name(message: Message) -> str | None:
    info = meta_of(message.params).get(META_CLIENT) or message.params.get("clientInfo")
    name = info.get("name") if isinstance(info, dict) else None
    return "".join(c for c in name[:100] if c.isprintable()) or None if isinstance(name, str) else None
