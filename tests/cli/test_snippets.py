"""What is pasted into each client has that client's own shape, and never the key."""

from __future__ import annotations

import ast
import base64
import json
import shlex
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.tools.snippets import KEY_VARIABLE, Client, mcp_url, snippet

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


@pytest.mark.parametrize("client", Client)
def test_a_persons_client_gets_the_address_and_no_key(client: Client) -> None:
    """Signing its user in takes the address alone: no header, no variable, nowhere."""
    shown = snippet(client, "sales", URL, key=False)
    assert URL in shown.text
    for word in (KEY_VARIABLE, "Bearer", "headers", "Authorization"):
        assert word not in shown.text + unquote(shown.link or "")


def test_cursors_link_holds_its_configuration() -> None:
    """The link opens Cursor with name and configuration, base64 of the same JSON as in the file."""
    for key in (True, False):
        shown = snippet(Client.CURSOR, "sales", URL, key=key)
        parts = urlsplit(shown.link or "")
        assert (parts.scheme, parts.netloc, parts.path) == ("cursor", "anysphere.cursor-deeplink", "/mcp/install")
        given = parse_qs(parts.query)
        assert given["name"] == ["sales"]
        assert json.loads(base64.b64decode(given["config"][0])) == json.loads(shown.text)["mcpServers"]["sales"]


def test_vs_codes_link_holds_its_configuration() -> None:
    """The link is VS Code's scheme and one JSON object, percent-encoded: name, type, address and its questions."""
    shown = snippet(Client.VSCODE, "sales", URL)
    scheme, _, rest = (shown.link or "").partition("?")
    assert scheme == "vscode:mcp/install"
    given, file = json.loads(unquote(rest)), json.loads(shown.text)
    assert given == {"name": "sales", **file["servers"]["sales"], "inputs": file["inputs"]}
    bare = json.loads(unquote((snippet(Client.VSCODE, "sales", URL, key=False).link or "").partition("?")[2]))
    assert bare == {"name": "sales", "type": "http", "url": URL}


def test_claude_desktop_starts_the_bridge_or_takes_the_address() -> None:
    """With a key its file starts `skipass mcp stdio`; without, its settings take the address as a connector."""
    shown = snippet(Client.CLAUDE_DESKTOP, "sales", URL)
    server = json.loads(shown.text)["mcpServers"]["sales"]
    base_url = "https://skipass.example.com"
    assert [server["command"], *server["args"]] == ["skipass", "mcp", "stdio", "--slug", "sales", "--url", base_url]
    assert list(server["env"]) == [KEY_VARIABLE]
    bare = snippet(Client.CLAUDE_DESKTOP, "sales", URL, key=False)
    assert (bare.file, bare.text) == (None, URL)


def test_windsurf_gets_its_own_word_for_an_address() -> None:
    """Windsurf reads `serverUrl`, and fills a variable into a header."""
    shown = snippet(Client.WINDSURF, "sales", URL)
    server = json.loads(shown.text)["mcpServers"]["sales"]
    assert server == {"serverUrl": URL, "headers": {"Authorization": f"Bearer ${{env:{KEY_VARIABLE}}}"}}


@pytest.mark.parametrize("client", [Client.LANGCHAIN, Client.OPENAI_AGENTS])
@pytest.mark.parametrize("key", [True, False])
def test_a_program_gets_python_that_parses(client: Client, key: bool) -> None:
    """The snippet is Python, names the address, and takes the key from the environment alone."""
    shown = snippet(client, "sales", URL, key=key)
    tree = ast.parse(shown.text, mode="exec", type_comments=False, feature_version=(3, 11))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert URL in texts
    assert (KEY_VARIABLE in texts) is key


def test_a_registry_gets_its_file() -> None:
    """`server.json` names the schema, the gateway's host the other way round, and one remote whose key is secret."""
    shape: dict[str, Any] = json.loads(snippet(Client.SERVER_JSON, "sales", URL).text)
    assert shape["name"] == "com.example.skipass/sales"
    (remote,) = shape["remotes"]
    assert (remote["type"], remote["url"]) == ("streamable-http", URL)
    (header,) = remote["headers"]
    assert (header["name"], header["value"], header["variables"]["key"]["isSecret"]) == (
        *("Authorization", "Bearer {key}"),
        True,
    )
    assert shape["$schema"].endswith("/server.schema.json")
    local = json.loads(snippet(Client.SERVER_JSON, "sales", "http://[::1]:8787/sales/mcp").text)
    assert local["name"] == "localhost/sales"


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True), st.sampled_from(list(Client)), st.booleans())
def test_no_slug_breaks_a_snippet(slug: str, client: Client, key: bool) -> None:
    """Whatever a slug is called, JSON stays JSON, and a link stays one word."""
    shown = snippet(client, slug, mcp_url("https://skipass.example.com", slug), key=key)
    if shown.file and shown.file.endswith(".json"):
        json.loads(shown.text)
    assert " " not in (shown.link or "")


def test_the_command_prints_the_link_and_the_sign_in_variant(run) -> None:
    """`--sign-in` leaves the key out, the link goes to standard error, and JSON has both."""
    where = ("agent", "config", "--client", "cursor", "--slug", "sales", "--url", "https://skipass.example.com")
    found = run(*where, "--sign-in")
    expected = snippet(Client.CURSOR, "sales", URL, key=False)
    assert (found.status, found.out) == (0, expected.text + "\n")
    assert f"Or open: {expected.link}" in found.err
    (row,) = run(*where, "--sign-in", "--format", "json").lines
    assert (row["text"], row["link"]) == (expected.text, expected.link)
