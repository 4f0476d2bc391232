"""What is pasted into each client has that client's own shape, and never the key."""

from __future__ import annotations

import json
import shlex

import pytest

from skipass.cli.snippets import KEY_VARIABLE, Client, mcp_url, snippet

URL = "https://skipass.example.com/sales/mcp"


def test_claude_code_gets_a_command() -> None:
    """The command names transport, name, address and header, and the shell fills the key in."""
    shown = snippet(Client.CLAUDE_CODE, "sales", URL)
    words = shlex.split(shown.text)
    assert words[:5] == ["claude", "mcp", "add", "--transport", "http"]
    assert words[5:] == ["sales", URL, "--header", f"Authorization: Bearer ${KEY_VARIABLE}"]
    assert f'"Authorization: Bearer ${KEY_VARIABLE}"' in shown.text
    assert shown.file is None


def test_cursor_gets_its_file() -> None:
    """Cursor reads mcpServers, and fills the key in from the environment."""
    shown = snippet(Client.CURSOR, "sales", URL)
    server = json.loads(shown.text)["mcpServers"]["sales"]
    assert shown.file == ".cursor/mcp.json"
    assert server == {"url": URL, "headers": {"Authorization": f"Bearer ${{env:{KEY_VARIABLE}}}"}}


def test_vscode_gets_its_file() -> None:
    """VS Code reads servers, and asks for the key as a password."""
    shown = snippet(Client.VSCODE, "sales", URL)
    shape = json.loads(shown.text)
    (question,) = shape["inputs"]
    assert shown.file == ".vscode/mcp.json"
    assert question["password"] is True
    assert shape["servers"]["sales"] == {
        "type": "http",
        "url": URL,
        "headers": {"Authorization": f"Bearer ${{input:{question['id']}}}"},
    }


@pytest.mark.parametrize("client", Client)
def test_the_command_prints_the_snippet_without_a_gateway(run, client: Client) -> None:
    """`agent config --slug` needs neither sign-in nor server, and prints the text alone on standard output."""
    found = run("agent", "config", "--client", client, "--slug", "sales", "--url", "https://skipass.example.com/")
    assert found.status == 0
    assert found.out == snippet(client, "sales", URL).text + "\n"
    assert mcp_url("https://skipass.example.com/", "sales") == URL


def test_a_shell_metacharacter_in_an_address_is_quoted() -> None:
    """An address with characters that mean something to a shell stays one word."""
    odd = "https://skipass.example.com/a;rm -rf x/mcp"
    assert shlex.split(snippet(Client.CLAUDE_CODE, "a", odd).text)[6] == odd


def test_without_agent_or_slug_it_is_wrong_usage(run) -> None:
    """The command says what is missing."""
    found = run("agent", "config")
    assert found.status == 2
    assert "--slug" in found.err
