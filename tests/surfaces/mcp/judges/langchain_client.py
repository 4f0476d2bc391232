"""LangChain's adapters: load the tools of a server and call one as LangChain calls its own."""

import asyncio
import json
import sys

from langchain_mcp_adapters.client import MultiServerMCPClient


async def main(url: str, key: str, name: str, arguments: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    client = MultiServerMCPClient({"skipass": {"transport": "streamable_http", "url": url, "headers": headers}})
    tools = {tool.name: tool for tool in await client.get_tools()}
    answer = await tools[name].ainvoke(json.loads(arguments))
    text = answer if isinstance(answer, str) else answer[0]["text"]
    print(json.dumps({"tools": list(tools), "text": text, "is_error": False}))


asyncio.run(main(*sys.argv[1:]))
