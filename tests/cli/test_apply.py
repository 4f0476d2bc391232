"""One file that declares a gateway: compared, shown, applied, and applied again to no effect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def admin(run: Run, sandboxed: dict[str, Any]) -> Run:
    """Run a command as the shared gateway's admin."""
    return partial(run, SKIPASS_URL=sandboxed["url"], SKIPASS_API_KEY=sandboxed["admin"]["api_key"])


@pytest.fixture
def declare(tmp_path: Path, sandboxed: dict[str, Any], request: pytest.FixtureRequest) -> Callable[..., Path]:
    """Write a declaration; NAME in it is a name of this test's own, and KEY the service user's key, kept safely."""
    account = sandboxed["sandbox"]
    service = account["users"][-1]
    key = tmp_path / "service.p8"
    key.write_bytes(Path(service["private_key_path"]).read_bytes())
    key.chmod(0o600)
    name = "d" + hashlib.sha256(request.node.name.encode()).hexdigest()[:10]

    def write(text: str) -> Path:
        file = tmp_path / "skipass.toml"
        for word, value in (("NAME", name), ("URL", account["account_url"]), ("LOGIN", service["login_name"])):
            text = text.replace(word, value)
        file.write_text(text)
        return file

    return write


CONNECTION = """
[[connection]]
name = "NAME"
account = "SKIPASS-SANDBOX"
host = "URL"
login = "LOGIN"
private_key_file = "service.p8"
role = "agent_role"
warehouse = "agent_wh"
schema = "ops_db.ops"
policy = { unattended_ttl_s = 600 }
"""
WHOLE = (
    CONNECTION
    + """
[[user]]
name = "NAMEuser"
roles = ["member"]

[[agent]]
name = "NAMEagent"
owner = "NAMEuser"
connections = ["NAME"]
key_file = "agent.key"

[[mcp_server]]
slug = "NAME"
connection = "NAME"

[[mcp_server]]
slug = "NAME-two"
connection = "NAME"
"""
)


def actions(found: Any) -> list[tuple[str, str]]:
    assert found.status == 0, found.err
    return [(one["kind"], one["action"]) for one in found.lines]


def test_a_declared_gateway_is_made_once(admin: Run, declare: Callable[..., Path], tmp_path: Path) -> None:
    """A dry run makes nothing, the first run all of it in order, the second nothing; the key is its file's alone."""
    file = declare(WHOLE)
    wanted = [("user", "create"), ("connection", "create"), ("agent", "create"), ("mcp_server", "same")]
    wanted += [("mcp_server", "create")]
    for dry in (True, False):
        told = admin("apply", "-f", file, "--format", "json", *(["--dry-run"] if dry else []))
        assert actions(told) == wanted
        assert (tmp_path / "agent.key").exists() is not dry
    assert {action for _, action in actions(admin("apply", "-f", file, "--format", "json"))} == {"same"}
    key = tmp_path / "agent.key"
    assert key.stat().st_mode & 0o077 == 0
    assert key.read_text().strip() not in told.out + told.err
    sessions = admin("session", "list", SKIPASS_API_KEY=key.read_text().strip())
    assert sessions.status == 0


def test_only_what_differs_changes(admin: Run, declare: Callable[..., Path]) -> None:
    """A change is shown with before and after, inner members by themselves, and what is left out is left alone."""
    assert admin("apply", "-f", declare(CONNECTION)).status == 0
    text = CONNECTION.replace("agent_wh", "compute_wh").replace("600", "300").replace('schema = "ops_db.ops"\n', "")
    shown = admin("apply", "-f", declare(text)).out
    assert "    warehouse: AGENT_WH → COMPUTE_WH\n" in shown
    assert "    policy.unattended_ttl_s: 600 → 300\n" in shown
    assert "schema" not in shown
    (step,) = admin("apply", "-f", declare(text), "--format", "json").lines
    assert (step["action"], step["changes"]) == ("same", [])


FAULTY = """
[[connection]]
name = "NAME"
account = "SKIPASS-SANDBOX"
login = "X"
private_key = "-----BEGIN PRIVATE KEY-----"
warehous = "AGENT_WH"

[[connection]]
name = "NAMEtwo"
auth = "snowflake_auth"
role = "R"
token_env = "NOT_SET_ANYWHERE"

[[agent]]
name = "NAMEagent"
connections = ["NAMEtwo", "NAMEtow"]

[[agents]]
name = "x"

[[user]]
name = "NAMEuser"
roles = ["boss"]
"""


def test_every_fault_is_told_at_once(admin: Run, declare: Callable[..., Path]) -> None:
    """Unknown, missing and misspelt members, open secrets and names that lead nowhere: all told, nothing made."""
    before = admin("connection", "list", "--format", "json").out
    found = admin("apply", "-f", declare(FAULTY))
    assert (found.status, found.out) == (1, "")
    for said in (
        "there is no field 'warehous'; did you mean 'warehouse'?",
        "role is missing",
        "private_key is a secret: say private_key_env",
        "did you mean 'snowflake_oauth'?",
        "the variable NOT_SET_ANYWHERE is not set",
        "did you mean 'agent'?",
        "roles must be one of admin, approver, auditor, member",
        "tow'; did you mean",
    ):
        assert said in found.err
    assert "BEGIN PRIVATE KEY" not in found.err
    assert admin("connection", "list", "--format", "json").out == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('host = "URL"', 'host = "https://elsewhere.snowflakecomputing.com"'), "it leads to SKIPASS-SANDBOX"),
        (('login = "LOGIN"', 'login = "SOMEBODY"'), "login is"),
        (('name = "NAME"', 'name = "NAME"\nper_user = true'), "per_user is False, not True"),
        (('role = "agent_role"', "role = 'agent_role'\nlogin_claim = 'email'"), "login_claim goes with"),
        (("unattended_ttl_s = 600", "unattended_ttl = 600"), "unknown member 'unattended_ttl'"),
    ],
)
def test_what_cannot_be_changed_is_a_fault(
    admin: Run, declare: Callable[..., Path], change: tuple[str, str], said: str
) -> None:
    """Where a connection leads, who it is and a setting of another method stay: the fault says so, nothing changes."""
    assert admin("apply", "-f", declare(CONNECTION)).status == 0
    extra = CONNECTION.replace("agent_wh", "compute_wh").replace(*change)
    found = admin("apply", "-f", declare(extra))
    assert (found.status, found.out) == (1, "")
    assert said in found.err
    assert {one for _, one in actions(admin("apply", "-f", declare(CONNECTION), "--format", "json"))} == {"same"}


def test_another_key_takes_the_place_of_the_one_before(
    admin: Run, declare: Callable[..., Path], tmp_path: Path
) -> None:
    """A key with another fingerprint is put in, once, and a file that others can read is refused."""
    assert admin("apply", "-f", declare(CONNECTION)).status == 0
    (tmp_path / "service.p8").unlink()
    made = admin("key", "new", "--login", "X", "--out", tmp_path / "service.p8", "--format", "json").json
    shown = admin("apply", "-f", declare(CONNECTION))
    assert f" → {made['fingerprint']}\n" in shown.out.partition("    private_key: ")[2]
    assert actions(admin("apply", "-f", declare(CONNECTION), "--format", "json")) == [("connection", "same")]
    (tmp_path / "service.p8").chmod(0o644)
    assert "others can read" in admin("apply", "-f", declare(CONNECTION)).err


def test_a_gateway_s_own_word_comes_before_anything_is_made(admin: Run, declare: Callable[..., Path]) -> None:
    """What only the gateway can see wrong with one connection keeps the other from being made."""
    wrong = CONNECTION.replace("NAME", "NAMEbad").replace("600", "-1")
    found = admin("apply", "-f", declare(CONNECTION + wrong))
    assert (found.status, "unattended_ttl_s must be a positive number" in found.err) == (1, True)
    assert actions(admin("apply", "-f", declare(CONNECTION), "--dry-run", "--format", "json")) == [
        ("connection", "create")
    ]


def test_a_disabled_connection_is_not_opened_by_a_file(admin: Run, declare: Callable[..., Path]) -> None:
    """What an admin closed stays closed until an admin opens it."""
    file = declare(CONNECTION)
    assert admin("apply", "-f", file).status == 0
    name = json.loads(admin("apply", "-f", file, "--format", "json").out)["name"]
    assert admin("connection", "disable", name).status == 0
    assert f"skipass connection enable {name}" in admin("apply", "-f", file).err
    assert admin("connection", "enable", name).status == 0
    assert admin("apply", "-f", file).status == 0


def test_the_policy_is_declared_by_its_file(admin: Run, declare: Callable[..., Path], tmp_path: Path) -> None:
    """A policy may name what the same file declares; a faulty one keeps everything from being made."""
    file = declare(CONNECTION + '[policy]\nfile = "policy.toml"\n')
    name = file.read_text().partition('name = "')[2].partition('"')[0]
    rule = '[[rule]]\nname = "no payroll"\noutcome = "deny"\nobjects = ["FINANCE_DB.HR"]\nconnections = ["{}"]\n'
    policy = tmp_path / "policy.toml"
    policy.write_text("version = 1\n" + rule.format("nowhere"))
    assert "policy: rule 'no payroll'" in admin("apply", "-f", file).err
    policy.write_text("version = 1\n" + rule.format(name))
    assert [kind for kind, _ in actions(admin("apply", "-f", file, "--format", "json"))] == ["connection", "policy"]
    assert {one for _, one in actions(admin("apply", "-f", file, "--format", "json"))} == {"same"}


def test_a_file_that_is_none_is_told(admin: Run, tmp_path: Path) -> None:
    """A file that is missing, or is not TOML, is said in a line."""
    assert "cannot be read" in admin("apply", "-f", tmp_path / "nowhere.toml").err
    (tmp_path / "x.toml").write_text("[[connection]\n")
    assert "is not TOML" in admin("apply", "-f", tmp_path / "x.toml").err


OTHERS = (
    CONNECTION
    + """
[[user]]
name = "NAMEuser"
roles = ["ROLES"]

[[agent]]
name = "NAMEagent"
owner = "OWNER"
connections = ["TARGET"]

[[mcp_server]]
slug = "NAME-two"
connection = "TARGET"
"""
)


def filled(text: str, roles: str, owner: str, target: str) -> str:
    return text.replace("ROLES", roles).replace("OWNER", owner).replace("TARGET", target)


def test_people_agents_and_slugs_stay_what_they_are(admin: Run, declare: Callable[..., Path]) -> None:
    """Other roles, another owner, other connections and another target are each a fault with what helps."""
    assert admin("apply", "-f", declare(filled(OTHERS, "member", "sam", "NAME"))).status == 0
    found = admin("apply", "-f", declare(filled(OTHERS, "auditor", "ada", "jit")))
    assert (found.status, found.out) == (1, "")
    assert "roles are member, and stay" in found.err
    assert "owner is 'sam', not 'ada'; agents are not changed: skipass agent disable" in found.err
    assert "connections is" in found.err
    assert "skipass agent give" in found.err
    assert "not 'jit'; a slug stays with what it is over" in found.err


def test_a_client_that_came_later_is_given_by_the_file(
    admin: Run, declare: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that waits for its client gets it, secret and all, from the same file once it stands there."""
    waiting = '[[connection]]\nname = "NAME"\nauth = "snowflake_oauth"\naccount = "A-B"\nhost = "URL"\nrole = "R"\n'
    assert admin("apply", "-f", declare(waiting)).status == 0
    monkeypatch.setenv("LATER_SECRET", "PLANTED")
    given = declare(waiting + 'client_id = "abc="\nclient_secret_env = "LATER_SECRET"\n')
    found = admin("apply", "-f", given)
    assert (found.status, "    client_id: none → abc=\n" in found.out) == (0, True), found.err
    assert "PLANTED" not in found.out + found.err
    assert actions(admin("apply", "-f", given, "--format", "json")) == [("connection", "same")]


def test_a_provider_s_object_is_given_by_the_file(
    admin: Run, declare: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object without its secret may stand in the file, later too; with the secret in it, it may not."""
    idp = "https://idp.example.com"
    waiting = '[[connection]]\nname = "NAME"\nauth = "external_oauth"\naccount = "A-B"\nhost = "URL"\nrole = "R"\n'
    assert admin("apply", "-f", declare(waiting)).status == 0
    monkeypatch.setenv("LATER_SECRET", "PLANTED")
    members = f'client_id = "c", scope = "session:role:R", issuer = "{idp}", token_endpoint = "{idp}/t"'
    pasted = f'oauth_metadata = {{ {members}, authorization_endpoint = "{idp}/a" }}\n'
    given = declare(waiting + pasted + 'client_secret_env = "LATER_SECRET"\n')
    assert actions(admin("apply", "-f", given, "--format", "json")) == [("connection", "change")]
    assert actions(admin("apply", "-f", given, "--format", "json")) == [("connection", "same")]
    other = declare(waiting + pasted.replace("session:role:R", "session:role:OTHER"))
    assert "oauth_metadata.scope is 'session:role:R'" in admin("apply", "-f", other).err
    told = declare(waiting + pasted.replace('"c",', '"c", client_secret = "PLANTED",'))
    refused = admin("apply", "-f", told).err
    assert ("client_secret is a secret" in refused, "PLANTED" in refused) == (True, False)


LET_IN = (
    CONNECTION
    + """
[[user]]
name = "NAMEuser"
roles = ["member"]

[[agent]]
name = "NAMEagent"
owner = "NAMEuser"
connections = ["NAME"]
key_file = "agent.key"

[[mcp_server]]
slug = "NAME"
connection = "NAME"
users = ["NAMEuser"]
agents_of_connection = false

[[mcp_server]]
slug = "NAME-two"
connection = "NAME"
groups = ["analysts", "pilots"]
agents = ["NAMEagent"]
tools = ["snowflake_execute_query"]
sessions = "explicit"
"""
)


def test_who_is_let_in_is_declared(admin: Run, declare: Callable[..., Path]) -> None:
    """Lists are made with their slug, also a connection's own; again they are the same, and a change shows both."""
    file = declare(LET_IN)
    told = [
        (one["kind"], one["name"][11:], one["action"]) for one in admin("apply", "-f", file, "--format", "json").lines
    ]
    assert told[-2:] == [("mcp_server", "", "change"), ("mcp_server", "-two", "create")]
    assert {action for _, action in actions(admin("apply", "-f", file, "--format", "json"))} == {"same"}
    again = declare(LET_IN.replace('["analysts", "pilots"]', '["pilots", "analysts"]'))
    assert {action for _, action in actions(admin("apply", "-f", again, "--format", "json"))} == {"same"}
    fewer = declare(LET_IN.replace('["analysts", "pilots"]', '["pilots"]').replace('"explicit"', '"automatic"'))
    dry = admin("apply", "-f", fewer, "--dry-run", "--format", "json").lines[-1]
    (step,) = [one for one in admin("apply", "-f", fewer, "--format", "json").lines if one["action"] == "change"]
    assert step == dry
    assert step["changes"] == [
        {"field": "groups", "before": ["analysts", "pilots"], "after": ["pilots"]},
        {"field": "sessions", "before": "explicit", "after": "automatic"},
    ]


def test_what_cannot_be_let_in_is_told_before_anything_is_done(admin: Run, declare: Callable[..., Path]) -> None:
    """Unknown people, agents and tools, and an agent without the connection, are faults; nothing is made."""
    text = LET_IN.replace('users = ["NAMEuser"]', 'users = ["NAMEusr"]')
    text = text.replace('agents = ["NAMEagent"]', 'agents = ["NAMEagent", "reporting-agent", "nobody"]')
    text = text.replace('["snowflake_execute_query"]', '["snowflake_execute_qery"]').replace('"explicit"', '"strict"')
    found = admin("apply", "-f", declare(text))
    assert found.status == 1
    for said in (
        "usr'; did you mean",
        "there is no agent 'nobody'",
        "the agent 'reporting-agent' may not use the connection",
        "there is no tool 'snowflake_execute_qery'; did you mean 'snowflake_execute_query'?",
        "sessions must be one of explicit, automatic",
    ):
        assert said in found.err
    assert admin("connection", "show", "d" + "0" * 10).status == 1


def test_a_relay_is_declared(admin: Run, declare: Callable[..., Path], sandboxed: dict[str, Any]) -> None:
    """A slug with an address is a relay; however the address is written, the second run changes nothing."""
    url = f"{sandboxed['sandbox']['account_url']}/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/OPS_MCP"
    text = f'[[mcp_server]]\nslug = "NAME"\nconnection = "jit"\nurl = "{url}"\nusers = ["sam"]\ndrift = "refused"\n'
    assert actions(admin("apply", "-f", declare(text), "--format", "json")) == [("mcp_server", "create")]
    for same in (text, text.replace("OPS_MCP", "ops_mcp")):
        assert actions(admin("apply", "-f", declare(same), "--format", "json")) == [("mcp_server", "same")]
    other = admin("apply", "-f", declare(text.replace("OPS_MCP", "ELSEWHERE")))
    assert (other.status, "a slug stays with what it is over" in other.err) == (1, True)
    built_in = admin("apply", "-f", declare(text.replace(f'url = "{url}"\n', "")))
    assert (built_in.status, "url is" in built_in.err) == (1, True)
