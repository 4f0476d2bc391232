"""FastMCP's client: lists the tools of a server and calls one."""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.auth import BearerAuth


async def main(url: str, key: str, name: str, arguments: str) -> None:
    async with Client(url, auth=BearerAuth(key)) as client:
        tools = [tool.name for tool in await client.list_tools()]
        answer = await client.call_tool(name, json.loads(arguments), raise_on_error=False)
    print(json.dumps({"tools": tools, "text": answer.content[0].text, "is_error": answer.is_error}))


asyncio.run(main(*sys.argv[1:]))
