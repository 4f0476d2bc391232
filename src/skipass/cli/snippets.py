"""What to paste into an MCP client: each client's own configuration, with the key left to the client. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

KEY_VARIABLE = "SKIPASS_API_KEY"


class Client(StrEnum):
    """The clients whose configuration is known."""

    CLAUDE_CODE = "claude-code"
    CURSOR = "cursor"
    VSCODE = "vscode"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to paste, and where: a file's path relative to the project, or None for a command to run."""

    client: Client
    title: str
    file: str | None
    text: str


def mcp_url(base_url: str, slug: str) -> str:
    """Return the address of a slug."""
    return f"{base_url.rstrip('/')}/{slug}/mcp"


def snippet(client: Client, slug: str, url: str) -> Snippet:
    """Return what lets `client` reach the MCP server at `url`, under the name `slug`; it never holds the key itself.

    Source: https://code.claude.com/docs/en/mcp , https://cursor.com/docs/mcp ,
    https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
    """
    return {Client.CLAUDE_CODE: _claude_code, Client.CURSOR: _cursor, Client.VSCODE: _vscode}[client](slug, url)


def _claude_code(slug: str, url: str) -> Snippet:
    # The shell fills the variable in: every version takes a header's value as it stands.
    header = f'--header "Authorization: Bearer ${KEY_VARIABLE}"'
    text = f"claude mcp add --transport http {shlex.quote(slug)} {shlex.quote(url)} {header}"
    return Snippet(Client.CLAUDE_CODE, "Claude Code", None, text)


def _cursor(slug: str, url: str) -> Snippet:
    headers = {"Authorization": f"Bearer ${{env:{KEY_VARIABLE}}}"}
    return _file(Client.CURSOR, "Cursor", ".cursor/mcp.json", {"mcpServers": {slug: {"url": url, "headers": headers}}})


def _vscode(slug: str, url: str) -> Snippet:
    question = f"{slug}-key"
    shape = {
        "inputs": [
            {"type": "promptString", "id": question, "description": f"skipass agent key for {slug}", "password": True}
        ],
        "servers": {slug: {"type": "http", "url": url, "headers": {"Authorization": f"Bearer ${{input:{question}}}"}}},
    }
    return _file(Client.VSCODE, "VS Code", ".vscode/mcp.json", shape)


def _file(client: Client, title: str, file: str, shape: dict[str, Any]) -> Snippet:
    return Snippet(client, title, file, orjson.dumps(shape, option=orjson.OPT_INDENT_2).decode())
