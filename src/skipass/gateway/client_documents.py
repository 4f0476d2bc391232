"""Client ID metadata documents: a client whose id is the address of what it says of itself.

Fetched for signed-in people only, over https from public addresses, pinned, without a redirect, at most 5 KiB of JSON,
and kept as long as its server says, up to a day. Source: draft-ietf-oauth-client-id-metadata-document-00 §3 to §6
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from skipass import __version__
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.oauth_redirects import LOOPBACK, check_address
from skipass.gateway.rates import Rate
from skipass.snowflake.account import target_of
from skipass.snowflake.errors import SnowflakeError
from skipass.snowflake.sqlapi.failures import Answer, json_body
from skipass.snowflake.sqlapi.wire import Call

MAX_BYTES = 5 * 1024
MOST_KEPT = 200
KEPT_S, LEAST_S, MOST_S = 3600.0, 60.0, 86_400.0
WAIT_S = 5.0
FETCHES_A_MINUTE, FETCHES_BY_ONE_A_MINUTE = 60, 10
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})", re.ASCII | re.IGNORECASE)
_ID = re.compile(r"https?://[!-~]+", re.ASCII)
MOST_ADDRESSES, MOST_NAME = 20, 100


@dataclass(frozen=True, slots=True)
class Document:
    """What a document says: a name, and where its client's answers may go."""

    name: str
    redirect_uris: tuple[str, ...]


class Documents:
    """Fetches documents, and keeps them for a while."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._kept: dict[str, tuple[float, Document]] = {}
        self._all = Rate(deps.clock, FETCHES_A_MINUTE, 60.0)
        self._by_one = Rate(deps.clock, FETCHES_BY_ONE_A_MINUTE, 60.0)

    async def get(self, client_id: str, person: str) -> Document:
        """Return what the client at this address says of itself; raises `invalid_request` with what is wrong."""
        self._check(client_id)
        now = self._deps.clock.monotonic()
        until, document = self._kept.get(client_id, (0.0, None))
        if document is not None and now < until:
            return document
        if not (self._by_one.take(person) and self._all.take("all")):
            raise refused("too many are being looked at; wait a minute")
        answer = await self._fetch(client_id)
        document = read(client_id, _body(answer), self._deps.mcp_clients.schemes)
        self._keep(client_id, now + _fresh_s(answer), document)
        return document

    def _check(self, client_id: str) -> None:
        rules, parts = self._deps.mcp_clients, address_of(client_id)
        here = self._deps.sandbox and parts.scheme == "http" and parts.hostname in LOOPBACK
        if not rules.documents or not (here or parts.scheme == "https"):
            raise refused("it is no https address")
        if rules.document_hosts and parts.hostname not in rules.document_hosts:
            raise refused("its host is not among SKIPASS_CLIENT_DOCUMENT_HOSTS")

    async def _fetch(self, client_id: str) -> Answer:
        from skipass.snowflake.sqlapi.transport import Transport

        # Anybody may name an address here, so what a customer's own network is let through for does not count.
        parts, egress = urlsplit(client_id), replace(self._deps.upstream.egress, private_link=False)
        try:
            target = target_of(None, f"{parts.scheme}://{parts.netloc}")
            egress.check_literal(target.host, target.port or 443)
            transport = Transport(
                target.base_url,
                user_agent=f"skipass/{__version__}",
                max_body_bytes=MAX_BYTES,
                connector_factory=egress.connector,
            )
            query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
            try:
                async with asyncio.timeout(WAIT_S):
                    return await transport.send(Call("GET", parts.path, query=query), None, timeout_s=WAIT_S)
            finally:
                await transport.aclose()
        except (SkipassError, SnowflakeError, TimeoutError):
            raise refused("it cannot be fetched") from None

    def _keep(self, client_id: str, until: float, document: Document) -> None:
        if len(self._kept) >= MOST_KEPT:
            del self._kept[min(self._kept, key=lambda one: self._kept[one][0])]
        self._kept[client_id] = (until, document)


def is_document(client_id: str) -> bool:
    """Return whether a client's id is an address; whether it is a good one is another question."""
    return _ID.fullmatch(client_id) is not None


def address_of(client_id: str) -> SplitResult:
    """Return the parts of a client's address: https with a path, and nothing that hides where it leads. Source: §3"""
    check_address(client_id, ())
    parts = urlsplit(client_id)
    steps = parts.path.split("/")[1:]
    if parts.username is not None or not any(steps) or {".", ".."} & set(steps) or "%2e" in parts.path.lower():
        raise refused("its address is not of the documented form")
    return parts


def read(client_id: str, given: Mapping[str, Any], schemes: tuple[str, ...]) -> Document:
    """Return what a document says; raises `invalid_request` unless it is this client's, public, and readable."""
    if given.get("client_id") != client_id:
        raise refused("it is the document of another client")
    if given.get("token_endpoint_auth_method", "none") != "none" or "client_secret" in given:
        raise refused("its client is not a public one")
    return Document(read_name(given), read_addresses(given, schemes))


def read_name(given: Mapping[str, Any]) -> str:
    """Return the name a client gives itself, printable and short; raises `invalid_request` where it has none."""
    name = given.get("client_name")
    text = "".join(one for one in name if one.isprintable()).strip() if isinstance(name, str) else ""
    if not text:
        raise SkipassError("invalid_request", "client_name is missing, or no text.")
    return text[:MOST_NAME]


def read_addresses(given: Mapping[str, Any], schemes: tuple[str, ...]) -> tuple[str, ...]:
    """Return a client's redirect addresses; raises `invalid_request` for none, too many, or one that is refused."""
    found = given.get("redirect_uris")
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_ADDRESSES:
        raise SkipassError("invalid_request", f"redirect_uris is not a list of 1 to {MOST_ADDRESSES} addresses.")
    for one in found:
        if not isinstance(one, str):
            raise SkipassError("invalid_request", "A redirect address is no text.")
        check_address(one, schemes)
    return tuple(found)


def _body(answer: Answer) -> Mapping[str, Any]:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = json_body(answer) if kind == "application/json" or kind.endswith("+json") else None
    if answer.status != 200 or body is None or len(answer.body) > MAX_BYTES:
        raise refused("it does not answer with a JSON object")
    return body


def _fresh_s(answer: Answer) -> float:
    """Return how long an answer may be kept: as its server says, within bounds. Source: RFC 9111 §5.2.2"""
    control = answer.headers.get("cache-control", "")
    if "no-store" in control.lower() or "no-cache" in control.lower():
        return LEAST_S
    found = _MAX_AGE.search(control)
    return min(max(float(found[1]), LEAST_S), MOST_S) if found else KEPT_S


def refused(why: str) -> SkipassError:
    """Return the refusal of a client by its document."""
    return SkipassError("invalid_request", f"The client's metadata document cannot be used: {why}.", "Tell its makers.")
