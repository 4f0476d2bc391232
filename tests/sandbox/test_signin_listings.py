"""What an administrator reads about signing in: parameters, network policies, and who holds what on what agents get."""

from __future__ import annotations

import pytest

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox


@pytest.fixture
def root(fresh: RunningSandbox) -> Client:
    client = Client.of(fresh, "ADMIN")
    for text in (
        "create network policy everywhere allowed_ip_list = ('127.0.0.1', '10.0.0.0/8') blocked_ip_list = ('10.1.1.1')",
        "alter account set network_policy = 'EVERYWHERE'",
        "alter schema ops_db.ops set oauth_authorization_server = sandbox_idp",
        "alter account set oauth_scopes_supported = 'session:role:AGENT_ROLE'",
    ):
        assert client.sql(text).status == 200
    return client


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("like 'network_policy' in account", [["NETWORK_POLICY", "EVERYWHERE", "ACCOUNT"]]),
        ("like 'network_policy' for user dana", [["NETWORK_POLICY", "EVERYWHERE", "ACCOUNT"]]),
        ("like 'oauth_authorization%' in schema ops_db.ops", [["OAUTH_AUTHORIZATION_SERVER", "SANDBOX_IDP", "SCHEMA"]]),
        ("like 'oauth_authorization%' in database ops_db", [["OAUTH_AUTHORIZATION_SERVER", "", ""]]),
        (
            "like 'oauth_scopes%' in schema ops_db.ops",
            [["OAUTH_SCOPES_SUPPORTED", "session:role:AGENT_ROLE", "ACCOUNT"]],
        ),
        ("like 'external_oauth%' in account", [["EXTERNAL_OAUTH_ADD_PRIVILEGED_ROLES_TO_BLOCKED_LIST", "true", ""]]),
    ],
)
def test_parameters_tell_value_and_level(root: Client, text: str, rows: list[list[str]]) -> None:
    """SHOW PARAMETERS tells what holds for an account, a user, a database or a schema, and where it was set."""
    reply = root.sql(f"show parameters {text}")
    assert reply.names == ["key", "value", "default", "level", "description", "type"]
    assert [[row[0], row[1], row[3]] for row in reply.rows] == rows


def test_users_own_policy_comes_first(root: Client) -> None:
    """A user's own network policy is shown at the user's level."""
    assert root.sql("alter user dana set network_policy = everywhere").status == 200
    (row,) = root.sql("show parameters like 'network_policy' in user dana").rows
    assert (row[1], row[3]) == ("EVERYWHERE", "USER")


def test_policy_is_described(root: Client) -> None:
    """DESCRIBE NETWORK POLICY has one row for each list."""
    assert root.sql("describe network policy everywhere").rows == [
        ["ALLOWED_IP_LIST", "127.0.0.1,10.0.0.0/8"],
        ["BLOCKED_IP_LIST", "10.1.1.1"],
    ]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("integration skipass_oauth", [["OWNERSHIP", "INTEGRATION", "ACCOUNTADMIN"]]),
        (
            "mcp server ops_db.ops.ops_mcp",
            [["OWNERSHIP", "MCP_SERVER", "SYSADMIN"], ["USAGE", "MCP_SERVER", "AGENT_ROLE"]],
        ),
        (
            "semantic view ops_db.ops.orders_view",
            [["OWNERSHIP", "SEMANTIC_VIEW", "SYSADMIN"], ["SELECT", "SEMANTIC_VIEW", "AGENT_ROLE"]],
        ),
    ],
)
def test_grants_on_what_agents_get(root: Client, text: str, held: list[list[str]]) -> None:
    """SHOW GRANTS ON an integration, a server or what its tools stand on lists its owner and its holders."""
    reply = root.sql(f"show grants on {text}")
    assert [[row[1], row[2], row[5]] for row in reply.rows] == held


@pytest.mark.parametrize(
    "text",
    ["show grants on integration skipass_oauth", "describe network policy everywhere",
     "show parameters in user dana", "show parameters in schema finance_db.nothing"],
)  # fmt: skip
def test_others_see_none_of_it(fresh: RunningSandbox, root: Client, text: str) -> None:
    """A role without rights learns of none of these, nor that they exist."""
    assert Client.of(fresh, "SKIPASS_SVC").sql(text).code == "002003"
