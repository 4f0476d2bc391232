"""What a stateless client does that can ask its user: send a call, hand on the question, come back with the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.walk import Walk
from gateways import BASE_URL
from surfaces.mcp.fake import META, headers_for, modern, post

CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
OPENS_URLS = {"elicitation": {"url": {}, "form": {}}}
SCOPE = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}
WISH = {"name": "skipass_request_session", "arguments": SCOPE}


async def send(walk: Walk, key: str, params: Mapping[str, Any], **how: Any) -> dict[str, Any]:
    """Return the JSON-RPC answer to a stateless request; a result has to say of what sort it is."""
    meta = META | {CAPABILITIES: how.pop("capabilities", OPENS_URLS)}
    body = modern(how.pop("method", "tools/call"), params, meta=meta)
    headers = headers_for(
        body, authorization=f"Bearer {key}", **({"mcp_name": params["uri"]} if "uri" in params else {})
    )
    answer: dict[str, Any] = (await post(f"{walk.url}/{how.pop('slug', 'own')}/mcp", body, headers)).json()
    assert "error" in answer or answer["result"]["resultType"] in ("complete", "input_required")
    return answer


async def asked(walk: Walk, key: str, params: Mapping[str, Any] = WISH, **how: Any) -> dict[str, Any]:
    """Return the question that a first call is answered with."""
    question: dict[str, Any] = (await send(walk, key, params, **how))["result"]
    assert question["resultType"] == "input_required"
    return question


def retry(params: Mapping[str, Any], question: Mapping[str, Any], action: str = "accept") -> dict[str, Any]:
    """Return the params of the retry, with the user's answer to every question."""
    said = {key: {"action": action} for key in question["inputRequests"]}
    return {**params, "inputResponses": said, "requestState": question["requestState"]}


async def connect(walk: Walk, address: str, name: str = "sam") -> None:
    """Do what a person does who was asked to open an address: sign in with us, press the button, agree, come back."""
    assert address.startswith(f"{BASE_URL}/connect?"), address
    async with walk.browser() as browser:
        entrance = await browser.get(address.removeprefix(BASE_URL))
        page = await browser.post("/sign-in", {**entrance.form("/sign-in"), "link": await walk.link(name)})
        done = await walk.land(browser, await walk.agree(await walk.press(browser, page)))
    assert "Connected" in done.text, done.text


def url_in(question: Mapping[str, Any]) -> str:
    """Return where the user is asked to go."""
    (request,) = question["inputRequests"].values()
    assert request["method"] == "elicitation/create"
    assert request["params"]["mode"] == "url"
    return str(request["params"]["url"])
