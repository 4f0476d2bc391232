"""What to paste into an MCP client: each client's own configuration, one-click links, and a `server.json`. Pure.

A person's client needs the address alone: it signs its user in. An agent's comes with a key, which is left to the
client's own way of keeping it and never stands in what is printed.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from skipass import __version__

KEY_VARIABLE = "SKIPASS_API_KEY"
SERVER_SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"


class Client(StrEnum):
    """The clients whose configuration is known."""

    CLAUDE_CODE = "claude-code"
    CLAUDE_DESKTOP = "claude-desktop"
    CURSOR = "cursor"
    VSCODE = "vscode"
    WINDSURF = "windsurf"
    LANGCHAIN = "langchain"
    OPENAI_AGENTS = "openai-agents"
    SERVER_JSON = "server-json"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to paste, and where: a file's path, or None for a command to run or a field to fill.

    `link` opens the client with the same configuration filled in, where it has such links; it holds no key.
    """

    client: Client
    title: str
    file: str | None
    text: str
    link: str | None = None


def mcp_url(base_url: str, slug: str) -> str:
    """Return the address of a slug."""
    return f"{base_url.rstrip('/')}/{slug}/mcp"


def snippet(client: Client, slug: str, url: str, *, key: bool = True) -> Snippet:
    """Return what lets `client` reach the MCP server at `url`, under the name `slug`; it never holds the key itself.

    With `key` it comes by an agent's key, without it signs its user in.
    Source: https://code.claude.com/docs/en/mcp , https://cursor.com/docs/mcp/install-links ,
    https://code.visualstudio.com/docs/copilot/reference/mcp-configuration ,
    https://docs.windsurf.com/windsurf/cascade/mcp , https://modelcontextprotocol.io/registry/remote-servers
    """
    return _WRITERS[client](slug, url, key)


def _claude_code(slug: str, url: str, key: bool) -> Snippet:
    # The shell fills the variable in: every version takes a header's value as it stands.
    header = f' --header "Authorization: Bearer ${KEY_VARIABLE}"' if key else ""
    text = f"claude mcp add --transport http {shlex.quote(slug)} {shlex.quote(url)}{header}"
    return Snippet(Client.CLAUDE_CODE, "Claude Code", None, text)


def _claude_desktop(slug: str, url: str, key: bool) -> Snippet:
    if not key:
        return Snippet(Client.CLAUDE_DESKTOP, "Claude Desktop, Settings > Connectors > Add custom connector", None, url)
    # Its file knows programs only, so the key comes by the bridge.
    base_url = url.removesuffix(f"/{slug}/mcp")
    bridge = {"command": "skipass", "args": ["mcp", "stdio", "--slug", slug, "--url", base_url]}
    shape = {"mcpServers": {slug: bridge | {"env": {KEY_VARIABLE: "the agent's key"}}}}
    return _file(Client.CLAUDE_DESKTOP, "Claude Desktop", "claude_desktop_config.json", shape)


def _cursor(slug: str, url: str, key: bool) -> Snippet:
    server = {"url": url} | _headers(f"Bearer ${{env:{KEY_VARIABLE}}}", key)
    config = base64.b64encode(orjson.dumps(server)).decode()
    link = f"cursor://anysphere.cursor-deeplink/mcp/install?name={quote(slug)}&config={quote(config, safe='')}"
    return _file(Client.CURSOR, "Cursor", ".cursor/mcp.json", {"mcpServers": {slug: server}}, link)


def _vscode(slug: str, url: str, key: bool) -> Snippet:
    question = f"{slug}-key"
    asks = {"type": "promptString", "id": question, "description": f"skipass agent key for {slug}", "password": True}
    server = {"type": "http", "url": url} | _headers(f"Bearer ${{input:{question}}}", key)
    inputs: dict[str, Any] = {"inputs": [asks]} if key else {}
    link = f"vscode:mcp/install?{quote(orjson.dumps({'name': slug, **server, **inputs}).decode(), safe='')}"
    return _file(Client.VSCODE, "VS Code", ".vscode/mcp.json", {**inputs, "servers": {slug: server}}, link)


def _windsurf(slug: str, url: str, key: bool) -> Snippet:
    server = {"serverUrl": url} | _headers(f"Bearer ${{env:{KEY_VARIABLE}}}", key)
    return _file(Client.WINDSURF, "Windsurf", "~/.codeium/windsurf/mcp_config.json", {"mcpServers": {slug: server}})


def _langchain(slug: str, url: str, key: bool) -> Snippet:
    how = '"headers": {"Authorization": f"Bearer {os.environ[\'SKIPASS_API_KEY\']}"}' if key else '"auth": auth'
    comes = "import os\n\n" if key else ""
    note = "" if key else "# auth: an OAuthClientProvider of the MCP SDK, which signs the user in.\n"
    server = f'{{"transport": "streamable_http", "url": {_text(url)}, {how}}}'
    text = (
        f"{comes}from langchain_mcp_adapters.client import MultiServerMCPClient\n\n{note}"
        f"client = MultiServerMCPClient({{{_text(slug)}: {server}}})\n"
        "tools = await client.get_tools()"
    )
    return Snippet(Client.LANGCHAIN, "LangChain", "your program", text)


def _openai_agents(slug: str, url: str, key: bool) -> Snippet:
    how = ', "headers": {"Authorization": f"Bearer {os.environ[\'SKIPASS_API_KEY\']}"}' if key else ', "auth": auth'
    comes = "import os\n\n" if key else ""
    note = "" if key else "# auth: an OAuthClientProvider of the MCP SDK, which signs the user in.\n"
    text = (
        f"{comes}from agents.mcp import MCPServerStreamableHttp\n\n{note}"
        f'server = MCPServerStreamableHttp(name={_text(slug)}, params={{"url": {_text(url)}{how}}})'
    )
    return Snippet(Client.OPENAI_AGENTS, "OpenAI Agents SDK", "your program", text)


def _server_json(slug: str, url: str, key: bool) -> Snippet:
    variable = {"description": "Key of a skipass agent", "isRequired": True, "isSecret": True}
    header = {"name": "Authorization", "value": "Bearer {key}", "variables": {"key": variable}}
    remote = {"type": "streamable-http", "url": url} | ({"headers": [header]} if key else {})
    shape = {
        "$schema": SERVER_SCHEMA,
        "name": f"{_namespace(url)}/{slug}",
        "title": slug,
        "description": "Snowflake through skipass: every statement governed and on record.",
        "version": __version__,
        "remotes": [remote],
    }
    return _file(Client.SERVER_JSON, "MCP registries", "server.json", shape)


_WRITERS: Mapping[Client, Callable[[str, str, bool], Snippet]] = {
    Client.CLAUDE_CODE: _claude_code,
    Client.CLAUDE_DESKTOP: _claude_desktop,
    Client.CURSOR: _cursor,
    Client.VSCODE: _vscode,
    Client.WINDSURF: _windsurf,
    Client.LANGCHAIN: _langchain,
    Client.OPENAI_AGENTS: _openai_agents,
    Client.SERVER_JSON: _server_json,
}


def _namespace(url: str) -> str:
    """Return the gateway's host as registries name who a server is of: its labels the other way round."""
    host = urlsplit(url).hostname or ""
    labels = host.split(".")
    return ".".join(reversed(labels)) if host.isascii() and all(labels) and ":" not in host else "localhost"


def _headers(value: str, key: bool) -> dict[str, Any]:
    return {"headers": {"Authorization": value}} if key else {}


def _text(value: str) -> str:
    """Return a text as Python and JSON both write it."""
    return orjson.dumps(value).decode()


def _file(client: Client, title: str, file: str, shape: Mapping[str, Any], link: str | None = None) -> Snippet:
    return Snippet(client, title, file, orjson.dumps(shape, option=orjson.OPT_INDENT_2).decode(), link)
