"""LangChain's adapters: load the tools of a server and call one as LangChain calls its own."""

import asyncio
import json
import sys

from langchain_mcp_adapters.client import MultiServerMCPClient
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata
from signing_in import METADATA, Memory, led_back, opened, told


async def came():
    back = await asyncio.to_thread(led_back)
    return back["code"], back["state"]


async def main(url: str, key: str, name: str, arguments: str) -> None:
    metadata = OAuthClientMetadata.model_validate(METADATA)
    how = (
        {"headers": {"Authorization": f"Bearer {key}"}}
        if key
        else {"auth": OAuthClientProvider(url, metadata, Memory(), opened, came)}
    )
    client = MultiServerMCPClient({"skipass": {"transport": "streamable_http", "url": url, **how}})
    tools = {tool.name: tool for tool in await client.get_tools()}
    answer = await tools[name].ainvoke(json.loads(arguments))
    told(list(tools), answer if isinstance(answer, str) else answer[0]["text"], False)


asyncio.run(main(*sys.argv[1:]))
