"""MCP servers by their commands: opened, shown, changed, tested, closed, and set up in Snowflake."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.client import Client
from skipass.sandbox.testing import running_sandbox
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.setup_sql import ManagedServer, ManagedTool, mcp_server_script
from skipass.snowflake.setup_sql.mcp_server import SQL

Run = Callable[..., Any]


@pytest.fixture
def admin(run: Run, sandboxed: dict[str, Any]) -> Run:
    """Run a command as the shared gateway's admin, with JSON for an answer."""
    return partial(run, SKIPASS_URL=sandboxed["url"], SKIPASS_API_KEY=sandboxed["admin"]["api_key"])


@pytest.fixture
def slug(request: pytest.FixtureRequest) -> str:
    """A slug of this test's own."""
    return "t" + hashlib.sha256(request.node.name.encode()).hexdigest()[:10]


def test_a_slug_is_opened_shown_changed_and_closed(admin: Run, slug: str) -> None:
    """A new slug lets nobody in and says so; then names come and go, and the slug closes and opens again."""
    made = admin("mcp-server", "add", slug, "--connection", "jit", "--format", "json")
    assert made.status == 0, made.err
    assert (made.json["users"], made.json["agents_of_connection"]) == ([], False)
    assert f"Nobody is let in yet: skipass mcp-server change {slug} --user NAME" in made.err
    changed = admin(
        *("mcp-server", "change", slug, "--user", "sam", "--group", "analysts", "--agent", "reporting-agent"),
        *("--tool", "snowflake_execute_query", "--sessions", "explicit", "--format", "json"),
    )
    assert changed.status == 0, changed.err
    shown = admin("mcp-server", "show", slug, "--format", "json").json
    assert shown == changed.json
    assert [shown[name] for name in ("users", "groups", "agents", "tools", "sessions")] == [
        *(["sam"], ["analysts"], ["reporting-agent"], ["snowflake_execute_query"]),
        "explicit",
    ]
    less = admin("mcp-server", "change", slug, "--remove-user", "sam", "--remove-tool", "snowflake_execute_query")
    assert less.status == 0, less.err
    assert "users                 \n" in less.out or "users\n" in less.out
    for verb, state in (("disable", "disabled"), ("enable", "enabled")):
        assert admin("mcp-server", verb, slug, "--format", "json").json["state"] == state
    listed = admin("mcp-server", "list", "--format", "json").lines
    assert slug in [one["slug"] for one in listed]


def test_names_that_are_nobodys_are_refused(admin: Run, slug: str) -> None:
    """An unknown person or tool opens nothing, and wrong usage says what is missing."""
    unknown = admin("mcp-server", "add", slug, "--connection", "jit", "--user", "nobody-here")
    assert (unknown.status, unknown.err.startswith("not_found: ")) == (1, True)
    tool = admin("mcp-server", "add", slug, "--connection", "jit", "--tool", "snowflake_drop_everything")
    assert (tool.status, tool.err.startswith("unknown_tool: ")) == (1, True)
    assert admin("mcp-server", "show", slug).status == 1
    assert admin("mcp-server", "add", slug).status == 2
    assert admin("mcp-server", "add", slug, "--connection", "jit", "--oauth-metadata", "x.json").status == 2
    assert admin("mcp-server", "change", "jit").status == 2


def test_a_dry_run_shows_and_changes_nothing(admin: Run, slug: str) -> None:
    """What would be is shown, and the slug is as it was."""
    admin("mcp-server", "add", slug, "--connection", "jit")
    would = admin("mcp-server", "change", slug, "--user", "sam", "--dry-run", "--format", "json")
    assert would.json["users"] == ["sam"]
    assert admin("mcp-server", "show", slug, "--format", "json").json["users"] == []


def test_a_slug_is_tested_as_a_client_meets_it(admin: Run, sandboxed: dict[str, Any], slug: str) -> None:
    """Without a token it hears where to sign in, with an agent's key it lists tools, and the doctor looks behind it."""
    key = sandboxed["agent"]["api_key"]
    found = admin("mcp-server", "test", "jit", "--key-env", "AGENT_KEY", "--format", "json", AGENT_KEY=key)
    steps = {one["step"]: one for one in found.lines}
    assert found.status == 0, found.out
    assert [steps[name]["state"] for name in ("challenge", "metadata", "tools/list", "slug", "let in")] == ["ok"] * 5
    assert "snowflake_execute_query" in steps["tools/list"]["seen"]
    assert steps["sign-in"]["state"] == "ok"
    assert key not in found.out + found.err
    unseen = admin("mcp-server", "test", "jit", "--format", "json")
    assert {one["step"]: one["state"] for one in unseen.lines}["tools/list"] == "cannot see"


def test_a_slug_that_lets_nobody_in_fails_its_test(admin: Run, sandboxed: dict[str, Any], slug: str) -> None:
    """Exit 1, with the command that lets somebody in; and an agent that is not let in is told so."""
    admin("mcp-server", "add", slug, "--connection", "jit")
    key = sandboxed["agent"]["api_key"]
    found = admin("mcp-server", "test", slug, "--key-env", "AGENT_KEY", "--format", "json", AGENT_KEY=key)
    failed = {one["step"]: one for one in found.lines if one["state"] == "failed"}
    assert found.status == 1
    assert failed["let in"]["fix"].startswith(f"skipass mcp-server change {slug} --user")
    assert failed["tools/list"]["symptom"] == "not_listed"
    admin("mcp-server", "disable", slug)
    closed = admin("mcp-server", "test", slug, "--format", "json")
    assert closed.lines[0]["symptom"] == "slug_disabled"
    assert admin("mcp-server", "test", "no-such-slug").status == 1
    assert admin("mcp-server", "test", slug, "--key-env", "NOT_SET_ANYWHERE").status == 2


def upstream(sandboxed: dict[str, Any]) -> str:
    """Return the address of the stand-in's managed server."""
    server = sandboxed["sandbox"]["mcp_server"]
    path = "/api/v2/databases/{database}/schemas/{schema}/mcp-servers/{name}".format(**server)
    return f"{sandboxed['sandbox']['account_url']}{path}"


def test_a_relay_is_registered_and_its_tools_are_decided_about(
    admin: Run, sandboxed: dict[str, Any], slug: str
) -> None:
    """By an address over a connection; its tools are listed with their hashes, and ruled by them."""
    made = admin(
        *("mcp-server", "add", slug, "--url", upstream(sandboxed), "--connection", "jit"),
        *("--agent", "reporting-agent", "--drift", "refused", "--format", "json"),
    )
    assert made.status == 0, made.err
    assert (made.json["upstream"], made.json["drift"]) == (upstream(sandboxed), "refused")
    tools = {one["name"]: one for one in admin("mcp-server", "tools", slug, "--look", "--format", "json").lines}
    assert tools["sql-exec-tool"]["state"] == "pinned"
    digest = tools["ticket-search"]["hash"]
    ruled = admin("mcp-server", "rule", slug, "ticket-search", "held", "--hash", digest, "--format", "json")
    assert ruled.json["rule"] == "held"
    assert admin("mcp-server", "rule", slug, "ticket-search", "held", "--hash", "other").status == 1
    assert admin("mcp-server", "pin", slug, "ticket-search", "--hash", digest, "--format", "json").status == 0
    assert admin("mcp-server", "tools", "jit").status == 1
    found = admin("mcp-server", "test", slug, "--format", "json")
    steps = {one["step"]: one["state"] for one in found.lines}
    assert (steps["let in"], steps["pins"], steps["mcp tools"]) == ("ok", "ok", "ok")


def test_a_relay_with_metadata_says_what_its_provider_must_know(
    admin: Run, sandboxed: dict[str, Any], slug: str, tmp_path: Path
) -> None:
    """Pasted metadata makes the connection; the redirect URI to register is said, the secret never."""
    url = sandboxed["sandbox"]["account_url"]
    metadata = {"issuer": url, "client_id": "pasted", "client_secret": "planted-secret", "redirect_uri": "https://x/y"}
    metadata |= {"authorization_endpoint": f"{url}/oauth/authorize", "token_endpoint": f"{url}/oauth/token-request"}
    file = tmp_path / "metadata.json"
    file.write_text(json.dumps(metadata))
    file.chmod(0o600)
    options = ("--url", upstream(sandboxed), "--oauth-metadata", file, "--account", "SKIPASS-SANDBOX")
    less = admin("mcp-server", "add", slug, *options)
    assert (less.status, less.err.startswith("missing_field: ")) == (1, True)
    file.write_text(json.dumps(metadata | {"scope": "session:role:AGENT_ROLE refresh_token"}))
    made = admin("mcp-server", "add", slug, *options, "--user", "sam")
    assert made.status == 0, made.err
    assert "Its client must know this redirect URI: " in made.err
    assert "planted-secret" not in made.out + made.err


def statements(script: str) -> list[str]:
    """Return the statements of a script, comments left out; a specification counts as one line of its statement."""
    lines = [line for line in script.splitlines() if line and not line.startswith("--")]
    return [one for one in "\n".join(lines).split(";\n") if one.strip()]


def test_the_script_runs_as_pasted_and_its_server_answers(admin: Run, run: Run) -> None:
    """Run in a Snowflake stand-in, twice, it makes a server whose tools the role lists; nothing is replaced."""
    script = run(
        *("mcp-server", "setup-sql", "ops_db.ops.team_mcp", "--role", "agent_role", "--warehouse", "agent_wh"),
        *("--owner", "ACCOUNTADMIN", "--search", "ops_db.ops.ticket_search", "--analyst", "OPS_DB.OPS.ORDERS_VIEW"),
        *("--host", "myorg-acct.privatelink.snowflakecomputing.com"),
    )
    assert script.status == 0, script.err
    assert "OR REPLACE" not in script.out
    url = (
        "https://myorg-acct.privatelink.snowflakecomputing.com/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/TEAM_MCP"
    )
    assert f"skipass mcp-server add SLUG --url {url} --connection NAME" in script.err
    with running_sandbox() as sandbox:
        client = Client.of(sandbox, "ADMIN")
        for _ in range(2):
            for statement in statements(script.out + "\n"):
                if not statement.startswith("USE ROLE"):
                    client.sql(statement.rstrip(";"))
        shown = client.sql("SHOW GRANTS ON MCP SERVER OPS_DB.OPS.TEAM_MCP").rows
        assert any("USAGE" in row and "AGENT_ROLE" in row for row in shown)
        described = client.sql("DESCRIBE MCP SERVER OPS_DB.OPS.TEAM_MCP").rows
        told = json.dumps(described)
        for name in ("sql-exec", "ticket-search", "orders-view"):
            assert name in told
        assert "read_only" in told


def test_the_script_takes_names_from_a_connection(admin: Run) -> None:
    """With a connection its role, warehouse and host fill the script in."""
    script = admin("mcp-server", "setup-sql", 'OPS_DB.OPS."team tools"', "--connection", "jit")
    assert script.status == 0, script.err
    assert 'GRANT USAGE ON MCP SERVER "OPS_DB"."OPS"."team tools" TO ROLE "AGENT_ROLE";' in script.out
    assert "read_only: true" in script.out
    assert "mcp-servers/%22team%20tools%22 --connection jit" in script.err
    assert "read_only: false" in admin("mcp-server", "setup-sql", "A.B.C", "--connection", "jit", "--write").out


@pytest.mark.parametrize(
    "arguments",
    [["OPS_DB.OPS", "--role", "r"], ["A.B.C"], ["A.B.C", "--role", "r", "--no-sql"], ["A.B;--.C", "--role", "r"]],
)
def test_the_script_says_what_it_needs(run: Run, arguments: list[str]) -> None:
    """A name that is not three parts, no role and no tool are refused, and no script is printed."""
    found = run("mcp-server", "setup-sql", *arguments)
    assert found.status in (1, 2)
    assert found.out == ""


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_no_name_leaves_its_place_in_the_script(name: str, tool: str) -> None:
    """Whatever a server or a tool is called: it stands quoted in one line, or there is no script."""
    server = ManagedServer("D", "S", name, "R", (ManagedTool(tool, SQL, tool, tool),))
    try:
        script = mcp_server_script(server)
    except SnowflakeConfigError:
        return
    plain = mcp_server_script(ManagedServer("D", "S", "N", "R", (ManagedTool("t", SQL, "t", "t"),)))
    assert len(script.splitlines()) == len(plain.splitlines())
    assert script.count("$$") - name.count("$$") * 2 == 2
    body = script[script.index("tools:") : script.index("\n$$;")]
    first = body.splitlines()[1].removeprefix("  - name: ")
    assert json.loads(first) == tool
