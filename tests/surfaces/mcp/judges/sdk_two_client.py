"""The official Python SDK: lists the tools of a server and calls one, in the mode it is told."""

import asyncio
import json
import sys

import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from signing_in import METADATA, Memory, led_back, opened, told


async def came():
    back = await asyncio.to_thread(led_back)
    return AuthorizationCodeResult(code=back["code"], state=back["state"], iss=back["iss"])


async def main(url: str, key: str, name: str, arguments: str, mode: str) -> None:
    metadata = OAuthClientMetadata.model_validate(METADATA)
    auth = None if key else OAuthClientProvider(url, metadata, Memory(), opened, came)
    headers = {"Authorization": f"Bearer {key}"} if key else None
    async with (
        httpx2.AsyncClient(headers=headers, auth=auth, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        tools = [tool.name for tool in (await client.list_tools()).tools]
        answer = await client.call_tool(name, json.loads(arguments))
    told(tools, answer.content[0].text, answer.is_error)


asyncio.run(main(*sys.argv[1:]))
