"""`POST /tools/{tool_name}/execute`, the hot route: plain ASGI, one governed call, one envelope.

Every refusal ends in the record, malformed requests of verified callers included.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.execute import Target
from skipass.nouns.envelope import Envelope
from skipass.nouns.principal import Principal
from skipass.surfaces.edge.answers import send_json
from skipass.surfaces.edge.asgi import REQUEST_ID, Receive, Scope, Send, client_address
from skipass.surfaces.edge.bearer import bearer_from
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.idempotency import idempotency_key
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.rest import bodies
from skipass.surfaces.rest.faults import fault_from, unknown_fields
from skipass.surfaces.rest.parsing import identifier_of, parsed
from skipass.tools.call import CallContext
from skipass.tools.text import text_of

PATH = re.compile(r"/api/v1/tools/([^/]{1,128})/execute")


class Execute:
    """Serves the route for any tool."""

    def __init__(self, gateway: Gateway, settings: EdgeSettings) -> None:
        self._gateway, self._settings = gateway, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send, tool: str) -> None:
        """Answer one call with its envelope; raises `SkipassError` for what is no tool call at all."""
        headers = Headers.of(scope)
        if scope["method"] != "POST":
            wrong = SkipassError("invalid_request", f"{scope['method']} is not served here.", "Use POST.")
            await send_json(send, 405, {"error": wrong.as_dict()}, {"allow": "POST"})
            return
        principal, body = await self._read(scope, headers, (await receive())["body"], tool)
        call = CallContext(
            request_id=scope[REQUEST_ID],
            idempotency_key=idempotency_key(headers),
            client_name=(headers.get("user-agent") or "")[:100] or None,
            wait_s=self._settings.wait_s,
            client_address=client_address(scope),
        )
        target = Target(connection=body.connection_name, session_id=body.session_id)
        envelope = await self._gateway.calls.call(principal, target, tool, body.tool_input, call)
        await send_json(send, 200, _told(envelope))

    async def _read(
        self, scope: Scope, headers: Headers, content: bytes, tool: str
    ) -> tuple[Principal, bodies.Execute]:
        """Return the verified caller and a well-formed body; who is not verified learns nothing of the body."""
        bearer, value, fault = bearer_from(headers), None, None
        try:
            value = parsed(content, headers, self._settings)
        except SkipassError as error:
            fault = error
        principal = await self._gateway.authenticator.authenticate(bearer, identifier=identifier_of(headers, value))
        try:
            if fault is not None:
                raise fault
            return principal, _body(scope, value)
        except SkipassError as error:
            call = CallContext(scope[REQUEST_ID])
            await self._gateway.calls.record_refusal(principal, "", error, call, tool=tool)
            raise


def _told(envelope: Envelope) -> dict[str, Any]:
    """Return the envelope, with the text form beside it where the call asked for a format."""
    asked = {"text": text_of(envelope)} if "format" in envelope.fields else {}
    return envelope.as_dict() | asked


def _body(scope: Scope, value: object) -> bodies.Execute:
    if scope.get("query_string"):
        raise unknown_fields([scope["query_string"].split(b"=")[0].decode("latin-1")])
    try:
        return bodies.Execute.model_validate(value)
    except ValidationError as error:
        raise fault_from(error.errors(include_url=False, include_context=False, include_input=False)) from None
