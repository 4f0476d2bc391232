"""The official Python SDK before its second version: lists the tools of a server and calls one."""

import asyncio
import json
import sys

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


async def main(url: str, key: str, name: str, arguments: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        streamablehttp_client(url, headers=headers) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        answer = await session.call_tool(name, json.loads(arguments))
    print(json.dumps({"tools": tools, "text": answer.content[0].text, "is_error": answer.isError}))


asyncio.run(main(*sys.argv[1:]))
