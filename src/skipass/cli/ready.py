"""What `serve` says once it answers: where it is, and what to paste into an agent's client. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skipass.cli.visible import visible
from skipass.tools.snippets import KEY_VARIABLE, Client, snippet


def announcement(ready: Mapping[str, Any]) -> str:
    """Return the text for a terminal of the object that `serve --format json` prints."""
    lines = [f"skipass answers at {ready['url']}"]
    lines += [f"  MCP server {server['slug']}: {server['url']}" for server in ready["mcp_servers"]]
    if "agent" in ready and ready["mcp_servers"]:
        lines += ["", *_sandbox(ready)]
    elif not ready["mcp_servers"]:
        lines.append("  No MCP server yet: skipass connection add, then skipass agent create.")
    return "\n".join([*lines, "", "Ctrl-C stops it."])


def _sandbox(ready: Mapping[str, Any]) -> list[str]:
    """Everything here works against the stand-in only, which is why keys may stand in a terminal."""
    connection = ready.get("jit_connection", ready.get("connection"))
    servers = ready["mcp_servers"]
    chosen = next((server for server in servers if server["slug"] == connection), servers[0])
    lines = ["This is a sandbox: everything in it is a stand-in. Its agent's key:", ""]
    lines += [f"  export {KEY_VARIABLE}={ready['agent']['api_key']}"]
    for client in (Client.CLAUDE_CODE, Client.CURSOR, Client.VSCODE):
        shown = snippet(client, chosen["slug"], chosen["url"])
        lines += ["", f"{shown.title}{f', in {shown.file}' if shown.file else ''}:", ""]
        lines += [f"  {line}" for line in shown.text.splitlines()]
    lines += ["", "To decide as its approver:", ""]
    lines.append(f"  {KEY_VARIABLE}={ready['approver']['api_key']} SKIPASS_URL={ready['url']} skipass approval list")
    return [visible(line) for line in lines]
