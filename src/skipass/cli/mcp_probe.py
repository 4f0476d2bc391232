"""A slug as an MCP client meets it: the refusal that tells how to sign in, the metadata behind it, the list of tools.

Knows the wire and no command. A key leaves for the slug's own address and nowhere else.
Source: RFC 9728 §5.1; https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from skipass import __version__
from skipass.secret import Secret

if TYPE_CHECKING:
    import aiohttp

REVISION = "2025-11-25"
_METADATA = re.compile(r'resource_metadata="([^"]*)"')
_TOTAL_S, _MOST_BYTES = 30.0, 8 << 20
_HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "User-Agent": f"skipass-cli/{__version__}",
    "MCP-Protocol-Version": REVISION,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a client does: `state` is `ok`, `failed` or `cannot see`."""

    step: str
    state: str
    seen: str
    cause: str = ""
    fix: str = ""
    symptom: str = ""


async def probe(url: str, key: Secret[str] | None) -> list[Step]:
    """Return what a client meets at a slug: without a token and, with an agent's key, by its list of tools."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=_TOTAL_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            challenge, metadata_url = await _challenge(session, url)
            metadata = await _metadata(session, url, metadata_url) if metadata_url else []
            return [challenge, *metadata, await _tools(session, url, key)]
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        fix = "The gateway's base URL must be an address that clients reach: skipass serve --base-url"
        return [Step("address", "failed", f"no answer from {url} ({type(error).__name__})", "", fix, "unreachable")]


async def _challenge(session: aiohttp.ClientSession, url: str) -> tuple[Step, str | None]:
    status, headers, _ = await _post(session, url, "tools/list", {}, None)
    found = _METADATA.search(headers.get("WWW-Authenticate", ""))
    if status == 401 and found is not None:
        return Step("challenge", "ok", "without a token: 401, and where to sign in"), found[1]
    cause = "A client that gets no such answer never starts to sign in; something on the way may have changed it."
    fix = "Let the proxy in front pass the 401 and its WWW-Authenticate header on."
    return Step("challenge", "failed", f"without a token: {status}", cause, fix, "no_challenge"), None


async def _metadata(session: aiohttp.ClientSession, url: str, metadata_url: str) -> list[Step]:
    if urlsplit(metadata_url)[:2] != urlsplit(url)[:2]:
        return [_no_metadata(f"it is at another address: {metadata_url}")]
    async with session.get(metadata_url, allow_redirects=False) as answer:
        found = _object(await answer.content.read(_MOST_BYTES)) if answer.status == 200 else {}
        status = answer.status
    if found.get("resource") != url:
        return [_no_metadata(f"it answers {status}, for {found.get('resource')}")]
    servers = ", ".join(map(str, found.get("authorization_servers") or ()))
    return [Step("metadata", "ok", f"sign in at {servers}") if servers else _no_metadata("it names no server")]


def _no_metadata(seen: str) -> Step:
    cause = "A client takes metadata only for the very address it calls."
    fix = "Let clients use the address that skipass mcp-server show prints; set --base-url to it."
    return Step("metadata", "failed", seen, cause, fix, "no_metadata")


async def _tools(session: aiohttp.ClientSession, url: str, key: Secret[str] | None) -> Step:
    if key is None:
        fix = "--key-env VARIABLE names an agent's key to list with; people's clients sign in by a browser."
        return Step("tools/list", "cannot see", "no key to list with", fix=fix)
    status, _, answer = await _post(session, url, "tools/list", {}, key)
    result, error = answer.get("result"), answer.get("error")
    if status == 200 and isinstance(result, dict) and isinstance(result.get("tools"), list):
        names = [str(tool.get("name")) for tool in result["tools"]]
        return Step("tools/list", "ok", f"{len(names)} tools: {', '.join(names)}")
    told = error.get("message") if isinstance(error, dict) else error
    fix = "Is that agent let in? See skipass mcp-server show."
    return Step("tools/list", "failed", f"{status}: {told}", "The gateway refused the list.", fix, "not_listed")


async def _post(
    session: aiohttp.ClientSession, url: str, method: str, params: Mapping[str, Any], key: Secret[str] | None
) -> tuple[int, Mapping[str, str], dict[str, Any]]:
    """Return status, headers and the JSON object of an answer, whole or as the last event of a stream."""
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params)})
    headers = _HEADERS | ({"Authorization": f"Bearer {key.reveal()}"} if key else {})
    async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
        content = await answer.content.read(_MOST_BYTES)
        while (more := await answer.content.read(_MOST_BYTES)) and len(content) < _MOST_BYTES:
            content += more
        if answer.content_type == "text/event-stream":
            lines = [line[5:] for line in content.splitlines() if line.startswith(b"data:")]
            content = lines[-1] if lines else b""
        return answer.status, answer.headers, _object(content)


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
