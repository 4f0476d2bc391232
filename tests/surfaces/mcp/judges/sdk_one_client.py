"""The official Python SDK before its second version: lists the tools of a server and calls one."""

import asyncio
import json
import sys

from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamablehttp_client
from mcp.shared.auth import OAuthClientMetadata
from signing_in import METADATA, Memory, led_back, opened, told


async def came():
    back = await asyncio.to_thread(led_back)
    return back["code"], back["state"]


async def main(url: str, key: str, name: str, arguments: str) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else None
    metadata = OAuthClientMetadata.model_validate(METADATA)
    auth = None if key else OAuthClientProvider(url, metadata, Memory(), opened, came)
    async with (
        streamablehttp_client(url, headers=headers, auth=auth) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        answer = await session.call_tool(name, json.loads(arguments))
    told(tools, answer.content[0].text, answer.isError)


asyncio.run(main(*sys.argv[1:]))
